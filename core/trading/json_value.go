package trading

import (
	"fmt"
	"math/bits"

	"tradingengine/core"
)

func (r *reader) time(name string) core.Time {
	s := r.text(name)
	if r.fault != "" {
		return 0
	}
	if t, ok := parseTime(s); ok {
		return t
	}
	r.fail("a time")
	return 0
}

func (r *reader) symbol() core.SymbolID {
	s := r.text("symbol")
	if r.fault != "" {
		return 0
	}
	id, ok := r.symbols.Lookup(s)
	if !ok {
		r.fail("a symbol that there is, not " + string(s))
	}
	return id
}

func (r *reader) decimal(name string, digits int) int64 {
	if !r.need(name) {
		return 0
	}
	n, reject := core.ParsePrice(r.token(), digits)
	if reject != core.RejectNone {
		r.fail(fmt.Sprintf("a decimal of at most %d places", digits))
	}
	return int64(n)
}

func (r *reader) price(name string, id core.SymbolID) core.Price {
	return core.Price(r.decimal(name, r.symbols.Symbol(id).Digits))
}

func (r *reader) level(name string, id core.SymbolID) core.Price {
	if !r.peek(name) {
		return 0
	}
	return r.price(name, id)
}

// peek reports whether a key is the next.
func (r *reader) peek(name string) bool {
	i := r.i
	found := r.has(name)
	r.i = i
	return found
}

func (r *reader) volume(name string) Volume { return Volume(r.decimal(name, 6)) }

// money reads an amount. Valuations may be above what core.ParsePrice takes.
func (r *reader) money(name string, c Currency) Money {
	if !r.need(name) {
		return 0
	}
	w, ok := parseWide(r.token(), c.Digits())
	if !ok || w.Hi != int64(w.Lo)>>63 {
		r.fail("an amount of " + c.String())
	}
	return Money(w.Lo)
}

func (r *reader) currency() Currency {
	s := r.text("currency")
	if r.fault != "" {
		return 0
	}
	c, ok := ParseCurrency(string(s))
	if !ok {
		r.fail("a currency")
	}
	return c
}

func (r *reader) quote() (q Quote) {
	if !r.has("quote") {
		return q
	}
	r.expect('{')
	q.Symbol = r.symbol()
	q.Time = core.Time(r.int("time"))
	q.Bid = r.price("bid", q.Symbol)
	q.Ask = r.price("ask", q.Symbol)
	r.expect('}')
	if q.Time <= 0 || core.CheckPrices(q.Bid, q.Ask) != core.RejectNone {
		r.fail("a quote")
	}
	return q
}

// rate reads the exact fraction; the decimals before it are for people.
func (r *reader) rate() (rate Rate) {
	if !r.has("rate") {
		return rate
	}
	r.token()
	s := r.text("rateExact")
	var parts [2]uint64
	i := 0
	for _, c := range s {
		if c == '/' {
			i++
		}
		if i > 1 || c != '/' && c-'0' > 9 {
			r.fail("a fraction")
			return rate
		}
		if c != '/' {
			hi, lo := bits.Mul64(parts[i], 10)
			sum, carry := bits.Add64(lo, uint64(c-'0'), 0)
			if parts[i] = sum; hi|carry != 0 {
				r.fail("a fraction")
			}
		}
	}
	if parts[0] == 0 || parts[1] == 0 || gcd(parts[0], parts[1]) != 1 {
		r.fail("a fraction")
		return rate
	}
	return Rate{parts[0], parts[1]}
}

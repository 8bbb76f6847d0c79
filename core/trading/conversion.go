package trading

import (
	"math/bits"

	"tradingengine/core"
)

// leg is a symbol that converts one currency to another.
type leg struct {
	market  *market // Nil when there is none.
	inverse bool    // The symbol is quoted the other way round.
}

// conversion is the side at which an amount is converted. A gain is in the quote currency and must
// be sold; for a loss that currency must be bought; margin converts at mid.
type conversion uint8

const (
	gain conversion = iota
	loss
	mid
)

// factor returns the rate of a leg, not reduced.
func (l leg) factor(c conversion) (num, den uint64, ok bool) {
	if l.market == nil || !l.market.priced() {
		return 0, 0, false
	}
	q := &l.market.quote
	scale := uint64(core.Pow10(l.market.symbol.Digits))
	switch {
	case c == mid && l.inverse:
		return 2 * scale, uint64(q.Bid + q.Ask), true
	case c == mid:
		return uint64(q.Bid + q.Ask), 2 * scale, true
	case l.inverse == (c == gain): // Selling against an inverse pair buys it, at the ask.
		num = uint64(q.Ask)
	default:
		num = uint64(q.Bid)
	}
	if l.inverse {
		return scale, num, true
	}
	return num, scale, true
}

// route is how amounts of a symbol's quote currency become amounts of an account's currency: not
// at all, by a direct pair, or when that has no price by one bridge through USD.
type route struct {
	same   bool
	direct leg
	bridge [2]leg // Both or none.
}

// legs are the symbols of a route that there are.
func (r *route) legs() (legs []leg) {
	for _, l := range [...]leg{r.direct, r.bridge[0], r.bridge[1]} {
		if l.market != nil {
			legs = append(legs, l)
		}
	}
	return legs
}

// factor returns the rate of a route, not reduced; ok is false when a price is missing.
func (r *route) factor(c conversion) (num, den uint64, ok bool) {
	if r.same {
		return 1, 1, true
	}
	if num, den, ok = r.direct.factor(c); ok {
		return num, den, true
	}
	n1, d1, ok1 := r.bridge[0].factor(c)
	n2, d2, ok2 := r.bridge[1].factor(c)
	if !ok1 || !ok2 {
		return 0, 0, false
	}
	numHi, num := bits.Mul64(n1, n2)
	denHi, den := bits.Mul64(d1, d2)
	if numHi|denHi == 0 {
		return num, den, true
	}
	product, ok := rateOf(n1, d1).times(rateOf(n2, d2))
	return product.Num, product.Den, ok
}

// route finds the symbols that convert from one currency to another: the first by id that has
// both, whichever way round.
func (m *Machine) route(from string, to Currency) route {
	if from == to.String() {
		return route{same: true}
	}
	r := route{direct: m.pair(from, to.String())}
	first, second := m.pair(from, usd.String()), m.pair(usd.String(), to.String())
	if first.market != nil && second.market != nil {
		r.bridge = [2]leg{first, second}
	}
	return r
}

// pair finds the symbol between two currencies.
func (m *Machine) pair(from, to string) leg {
	for i := range m.markets {
		s := m.markets[i].symbol
		switch {
		case s.Base == from && s.Quote == to:
			return leg{market: &m.markets[i]}
		case s.Base == to && s.Quote == from:
			return leg{market: &m.markets[i], inverse: true}
		}
	}
	return leg{}
}

package trading

import (
	"fmt"
	"math/bits"

	"tradingengine/core"
)

// ParseData reads what AppendData printed into e.Data; e.Type must be set. It takes the fields of
// AppendData in their order and nothing else. The error wraps ErrJournal.
func ParseData(e *Event, symbols *core.Registry, data []byte) error {
	r := reader{s: data, symbols: symbols}
	r.expect('{')
	switch e.Type {
	case AccountOpened, AccountChanged:
		e.Data = r.accountData()
	case Transferred:
		e.Data = r.transferData()
	case OrderFilled:
		e.Data = r.fillData()
	case OrderPlaced, OrderTriggered, OrderAmended, OrderCanceled, OrderExpired, OrderRejected:
		e.Data = r.orderData()
	case PositionOpened, PositionChanged, PositionClosed:
		e.Data = r.positionData()
	case SwapPosted:
		e.Data = r.swapData()
	case CommissionPosted:
		e.Data = r.commissionData()
	case MarginCalled, MarginCallEnded, StopOut:
		e.Data = r.marginData()
	case BalanceAdjusted:
		e.Data = &AdjustmentData{Posting: r.posting()}
	case TradingStateChanged:
		e.Data = r.stateData()
	default:
		return fmt.Errorf("%w: event type %d", ErrJournal, e.Type)
	}
	r.expect('}')
	if r.i != len(r.s) {
		r.fail("its end")
	}
	if r.fault != "" {
		return fmt.Errorf("%w: %s: byte %d: expected %s", ErrJournal, e.Type, r.at, r.fault)
	}
	return nil
}

// reader reads the JSON of this package. After the first fault it reads nothing more.
type reader struct {
	s       []byte
	i       int
	symbols *core.Registry
	fault   string // What was expected.
	at      int
}

func (r *reader) fail(expected string) {
	if r.fault == "" {
		r.fault, r.at = expected, r.i
		r.i = len(r.s)
	}
}

func (r *reader) expect(c byte) {
	if r.i >= len(r.s) || r.s[r.i] != c {
		r.fail(string(c))
		return
	}
	r.i++
}

// has reads a key when it is the next.
func (r *reader) has(name string) bool {
	i := r.i
	if i > 0 && i < len(r.s) && r.s[i-1] != '{' {
		if r.s[i] != ',' {
			return false
		}
		i++
	}
	end := i + len(name) + 3
	if end > len(r.s) || r.s[i] != '"' || string(r.s[i+1:end-2]) != name ||
		r.s[end-2] != '"' || r.s[end-1] != ':' {
		return false
	}
	r.i = end
	return true
}

func (r *reader) need(name string) bool {
	if !r.has(name) {
		r.fail(name)
		return false
	}
	return true
}

// token reads a number as it stands.
func (r *reader) token() []byte {
	from := r.i
	for r.i < len(r.s) {
		if c := r.s[r.i]; c-'0' > 9 && c != '-' && c != '.' {
			break
		}
		r.i++
	}
	return r.s[from:r.i]
}

func (r *reader) int(name string) int64 {
	if !r.need(name) {
		return 0
	}
	s := r.token()
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	var n uint64
	for _, c := range s {
		if c-'0' > 9 || n > (1<<63)/10 {
			r.fail("a whole number")
			return 0
		}
		n = n*10 + uint64(c-'0')
	}
	if len(s) == 0 || n > 1<<63 || n == 1<<63 && !negative || len(s) > 1 && s[0] == '0' ||
		n == 0 && negative {
		r.fail("a whole number")
	}
	if negative {
		return -int64(n)
	}
	return int64(n)
}

func (r *reader) bool(name string) bool {
	if !r.need(name) {
		return false
	}
	for _, word := range [...]string{"true", "false"} {
		if end := r.i + len(word); end <= len(r.s) && string(r.s[r.i:end]) == word {
			r.i = end
			return word == "true"
		}
	}
	r.fail("true or false")
	return false
}

// text reads a string. The bytes are those of the input unless something was escaped.
func (r *reader) text(name string) []byte {
	if !r.need(name) {
		return nil
	}
	r.expect('"')
	from := r.i
	for r.i < len(r.s) && r.s[r.i] != '"' && r.s[r.i] != '\\' && r.s[r.i] >= ' ' {
		r.i++
	}
	text := r.s[from:r.i:r.i]
	for r.i < len(r.s) && r.s[r.i] == '\\' {
		text = r.escape(text)
		from = r.i
		for r.i < len(r.s) && r.s[r.i] != '"' && r.s[r.i] != '\\' && r.s[r.i] >= ' ' {
			r.i++
		}
		text = append(text, r.s[from:r.i]...)
	}
	r.expect('"')
	return text
}

// escape reads one of the escapes that writer.text prints.
func (r *reader) escape(text []byte) []byte {
	rest := r.s[r.i:]
	switch {
	case len(rest) >= 2 && (rest[1] == '"' || rest[1] == '\\'):
		r.i += 2
		return append(text, rest[1])
	case len(rest) >= 6 && string(rest[1:4]) == "u00" && rest[4] <= '1' && rest[4] >= '0':
		low := rest[5] - '0'
		if low > 9 {
			low = rest[5] - 'a' + 10
		}
		if low < 16 && (rest[5] <= '9' || rest[5] >= 'a') {
			r.i += 6
			return append(text, (rest[4]-'0')<<4|low)
		}
	}
	r.fail("an escape")
	return text
}

// word reads one of a set of names.
func (r *reader) word(name string, names []string) int {
	s := r.text(name)
	if r.fault != "" {
		return 0
	}
	for i := 1; i < len(names); i++ {
		if names[i] == string(s) {
			return i
		}
	}
	r.fail("a word of " + name)
	return 0
}

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

package trading

import (
	"fmt"

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
		e.Data = r.adjustmentData()
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

// hex reads a number of 64 bits.
func (r *reader) hex(name string) (n uint64) {
	s := r.text(name)
	for _, c := range s {
		digit := c - '0'
		if c >= 'a' && c <= 'f' {
			digit = c - 'a' + 10
		} else if digit > 9 {
			r.fail("a hexadecimal number")
		}
		n = n<<4 | uint64(digit)
	}
	if len(s) == 0 || len(s) > 16 || s[0] == '0' && len(s) > 1 {
		r.fail("a hexadecimal number")
	}
	return n
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

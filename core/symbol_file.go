package core

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// ErrSymbolFile is returned for a symbol file that cannot be used; the text names line and field.
var ErrSymbolFile = errors.New("symbol file")

// ReadSymbols applies a symbol file to base: a JSON array of objects, each naming a symbol and the
// fields to set. A known name overrides the fields given, a new one is added with the settings of
// NewSymbol. Unknown fields are refused, so that a typo does not go unnoticed.
func ReadSymbols(file []byte, base []Symbol) ([]Symbol, error) {
	r := symbolReader{file: file, decoder: json.NewDecoder(bytes.NewReader(file))}
	symbols := append([]Symbol(nil), base...)
	if err := r.delim('['); err != nil {
		return nil, err
	}
	for r.decoder.More() {
		s, err := r.symbol(symbols)
		if err != nil {
			return nil, err
		}
		i := 0
		for i < len(symbols) && symbols[i].Name != s.Name {
			i++
		}
		symbols = append(symbols[:i:i], append([]Symbol{s}, symbols[min(i+1, len(symbols)):]...)...)
	}
	if err := r.delim(']'); err != nil {
		return nil, err
	}
	if _, err := r.decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, r.errorf("text after the array")
	}
	return symbols, nil
}

type symbolReader struct {
	file    []byte
	decoder *json.Decoder
}

func (r *symbolReader) errorf(format string, args ...any) error {
	at := min(int(r.decoder.InputOffset()), len(r.file))
	line := 1 + bytes.Count(r.file[:at], []byte{'\n'})
	return fmt.Errorf("%w: line %d: %s", ErrSymbolFile, line, fmt.Sprintf(format, args...))
}

func (r *symbolReader) delim(want json.Delim) error {
	token, err := r.decoder.Token()
	if err != nil || token != want {
		return r.errorf("expected %q: a symbol file is a JSON array of objects", want.String())
	}
	return nil
}

// symbol reads one object. The name may stand anywhere in it, so the fields are kept until the end.
func (r *symbolReader) symbol(known []Symbol) (Symbol, error) {
	type given struct {
		field string
		value json.RawMessage
		at    error // Made where the field stands, for its line.
	}
	var fields []given
	if err := r.delim('{'); err != nil {
		return Symbol{}, err
	}
	name := ""
	for r.decoder.More() {
		token, err := r.decoder.Token()
		if err != nil {
			return Symbol{}, r.errorf("%v", err)
		}
		g := given{field: token.(string)}
		if err := r.decoder.Decode(&g.value); err != nil {
			return Symbol{}, r.errorf("field %s: %v", g.field, err)
		}
		g.at = r.errorf("field %s", g.field)
		if g.field == "symbol" {
			if json.Unmarshal(g.value, &name) != nil {
				return Symbol{}, fmt.Errorf("%w: must be a string", g.at)
			}
			name = strings.ToUpper(name)
			continue
		}
		fields = append(fields, g)
	}
	if err := r.delim('}'); err != nil {
		return Symbol{}, err
	}
	if !validSymbolName(name) {
		return Symbol{}, r.errorf("field symbol: %q is not [A-Z0-9._-]{1,32}", cut(name, 40))
	}
	s := NewSymbol(name)
	for i := range known {
		if known[i].Name == name {
			s = known[i]
		}
	}
	for _, g := range fields {
		if err := s.set(g.field, g.value); err != nil {
			return Symbol{}, fmt.Errorf("%w: %w", g.at, err)
		}
	}
	if err := s.check(); err != nil {
		return Symbol{}, r.errorf("%v", err)
	}
	return s, nil
}

var symbolFields = []string{
	"symbol", "digits", "base", "quote", "contractSize", "lotMin", "lotMax", "lotStep",
	"stopLevel", "marginRate", "swapLong", "swapShort", "tripleSwapDay", "commissionPerLot",
	"session", "throttle", "aliases",
}

// set changes one field from its JSON value.
func (s *Symbol) set(field string, value json.RawMessage) error {
	switch field {
	case "digits":
		return json.Unmarshal(value, &s.Digits)
	case "base":
		return json.Unmarshal(value, &s.Base)
	case "quote":
		return json.Unmarshal(value, &s.Quote)
	case "contractSize":
		return setMicro(&s.ContractSize, value)
	case "lotMin":
		return setMicro(&s.LotMin, value)
	case "lotMax":
		return setMicro(&s.LotMax, value)
	case "lotStep":
		return setMicro(&s.LotStep, value)
	case "stopLevel":
		return json.Unmarshal(value, &s.StopLevel)
	case "marginRate":
		return setMicro(&s.MarginRate, value)
	case "swapLong":
		return setMicro(&s.SwapLong, value)
	case "swapShort":
		return setMicro(&s.SwapShort, value)
	case "commissionPerLot":
		return setMicro(&s.Commission, value)
	case "tripleSwapDay":
		return s.setDay(value)
	case "session":
		return s.setSession(value)
	case "throttle":
		t, err := ParseThreshold(strings.Trim(string(value), `"`))
		s.Throttle, s.OwnThrottle = t, true
		return err
	case "aliases":
		return json.Unmarshal(value, &s.Aliases)
	}
	if near := NearestName(field, symbolFields); near != "" {
		return fmt.Errorf("no such field; did you mean %s?", near)
	}
	return fmt.Errorf("no such field; there are %s", strings.Join(symbolFields, " "))
}

func setMicro(m *Micro, value json.RawMessage) error {
	n, reject := ParsePrice(bytes.Trim(value, `"`), 6)
	if reject != RejectNone {
		return fmt.Errorf("%s is not a plain decimal of at most 6 places", cut(string(value), 40))
	}
	*m = Micro(n)
	return nil
}

func (s *Symbol) setDay(value json.RawMessage) error {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(strings.Trim(string(value), `"`), d.String()) {
			s.TripleSwapDay = d
			return nil
		}
	}
	return fmt.Errorf("%s is not a day of the week such as \"WEDNESDAY\"", cut(string(value), 40))
}

func (s *Symbol) setSession(value json.RawMessage) error {
	for i, name := range sessionNames {
		if strings.Trim(string(value), `"`) == name {
			s.Session = Session(i)
			return nil
		}
	}
	return fmt.Errorf("%s is not one of %s", cut(string(value), 40),
		strings.Join(sessionNames[:], ", "))
}

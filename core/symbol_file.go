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
	r := symbolReader{
		file: file, decoder: json.NewDecoder(bytes.NewReader(file)), named: map[string]bool{},
	}
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
	named   map[string]bool // Symbols of the file so far.
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

// givenField is a member of a symbol's object.
type givenField struct {
	name  string
	value json.RawMessage
	at    error // Made where the field stands, for its line.
}

// symbol reads one object. The name may stand anywhere in it, so the fields are kept until the end.
func (r *symbolReader) symbol(known []Symbol) (Symbol, error) {
	name, fields, err := r.object()
	if err != nil {
		return Symbol{}, err
	}
	s := NewSymbol(name)
	for i := range known {
		if known[i].Name == name {
			s = known[i]
		}
	}
	var blame error // The field after which the symbol made no sense any more.
	for _, g := range fields {
		if err := s.set(g.name, g.value); err != nil {
			return Symbol{}, fmt.Errorf("%w: %w", g.at, err)
		}
		switch wrong := s.check() != nil; {
		case !wrong:
			blame = nil
		case blame == nil:
			blame = g.at
		}
	}
	if err := s.check(); err != nil {
		return Symbol{}, fmt.Errorf("%w: %w", blame, err)
	}
	return s, nil
}

// object reads the fields of one object.
func (r *symbolReader) object() (name string, fields []givenField, err error) {
	if err := r.delim('{'); err != nil {
		return "", nil, err
	}
	seen := map[string]bool{}
	for r.decoder.More() {
		token, err := r.decoder.Token()
		if err != nil {
			return "", nil, r.errorf("%v", err)
		}
		g := givenField{name: token.(string)}
		if err := r.decoder.Decode(&g.value); err != nil {
			return "", nil, r.errorf("field %s: %v", g.name, err)
		}
		g.at = r.errorf("field %s", g.name)
		if seen[g.name] {
			return "", nil, fmt.Errorf("%w: is given twice", g.at)
		}
		seen[g.name] = true
		if g.name != "symbol" {
			fields = append(fields, g)
			continue
		}
		if err := setString(&name, g.value); err != nil {
			return "", nil, fmt.Errorf("%w: %w", g.at, err)
		}
		if name = strings.ToUpper(name); !validSymbolName(name) {
			return "", nil, fmt.Errorf("%w: %q is not [A-Z0-9._-]{1,32}", g.at, cut(name, 40))
		}
		if r.named[name] {
			return "", nil, fmt.Errorf("%w: %s is there twice", g.at, name)
		}
		r.named[name] = true
	}
	if err := r.delim('}'); err != nil {
		return "", nil, err
	}
	if name == "" {
		return "", nil, r.errorf("field symbol is missing")
	}
	return name, fields, nil
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
		var digits int64
		err := setWhole(&digits, value)
		s.Digits = int(digits)
		return err
	case "base":
		return setCurrency(&s.Base, value)
	case "quote":
		return setCurrency(&s.Quote, value)
	case "contractSize":
		return setMicro(&s.ContractSize, value)
	case "lotMin":
		return setMicro(&s.LotMin, value)
	case "lotMax":
		return setMicro(&s.LotMax, value)
	case "lotStep":
		return setMicro(&s.LotStep, value)
	case "stopLevel":
		return setWhole(&s.StopLevel, value)
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
		return s.setAliases(value)
	}
	if near := NearestName(field, symbolFields); near != "" {
		return fmt.Errorf("no such field; did you mean %s?", near)
	}
	return fmt.Errorf("no such field; there are %s", strings.Join(symbolFields, " "))
}

func setWhole(n *int64, value json.RawMessage) error {
	v, ok := parseDigits(value)
	if !ok {
		return fmt.Errorf("%s is not a whole number", cut(string(value), 40))
	}
	*n = v
	return nil
}

func setString(s *string, value json.RawMessage) error {
	if value[0] != '"' || json.Unmarshal(value, s) != nil {
		return fmt.Errorf("%s is not a string", cut(string(value), 40))
	}
	return nil
}

func setCurrency(s *string, value json.RawMessage) error {
	err := setString(s, value)
	*s = strings.ToUpper(*s)
	return err
}

func (s *Symbol) setAliases(value json.RawMessage) error {
	s.Aliases = nil // The array may be that of the symbol it was copied from.
	if value[0] != '[' || json.Unmarshal(value, &s.Aliases) != nil {
		return fmt.Errorf("%s is not an array of strings", cut(string(value), 40))
	}
	for _, name := range s.Aliases {
		if !validSymbolName(strings.ToUpper(name)) {
			return fmt.Errorf("%q is not [A-Z0-9._-]{1,32}", cut(name, 40))
		}
	}
	return nil
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
	// Nothing is posted at the weekend, so a triple day there would leave a week with 5 days of swap.
	for d := time.Monday; d <= time.Friday; d++ {
		if strings.EqualFold(strings.Trim(string(value), `"`), d.String()) {
			s.TripleSwapDay = d
			return nil
		}
	}
	return fmt.Errorf("%s is not a day from \"MONDAY\" to \"FRIDAY\"", cut(string(value), 40))
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

package core

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SymbolID is a symbol's dense index in its Registry. Everything behind the edge speaks of symbols
// by id; names are resolved once, where a quote or request enters.
type SymbolID uint16

// SymbolsMax is the largest number of symbols a Registry holds.
const SymbolsMax = 2048

// Micro is a decimal in millionths: lots, contract sizes, rates and commissions.
type Micro int64

// Symbol describes one instrument. It does not change after the Registry was made.
type Symbol struct {
	Name          string // Upper case, [A-Z0-9._-]{1,32}.
	Aliases       []string
	Digits        int    // Decimals of a price; a point is 10^-Digits.
	Base, Quote   string // Currencies.
	ContractSize  Micro  // Units of base currency in one lot.
	LotMin        Micro
	LotMax        Micro
	LotStep       Micro
	StopLevel     int64 // Points a stop must stay away from the price.
	MarginRate    Micro // 1 (1,000,000) means: leverage decides; anything else replaces it.
	SwapLong      Micro // Points a day.
	SwapShort     Micro
	TripleSwapDay time.Weekday
	Commission    Micro // Account currency per lot and side.
	Session       Session
	Throttle      Threshold // Used when OwnThrottle; otherwise the engine's default.
	OwnThrottle   bool
}

// Errors of the registry.
var (
	ErrUnknownSymbol  = errors.New("unknown symbol")
	ErrTooManySymbols = fmt.Errorf("more than %d symbols", SymbolsMax)
	ErrSymbol         = errors.New("bad symbol")
)

// Registry is the fixed list of symbols of one run. It is immutable and safe for any goroutine.
type Registry struct {
	symbols []Symbol
	ids     map[string]SymbolID // Names and aliases, upper case.
}

// NewRegistry checks the symbols and gives each its index as id.
func NewRegistry(symbols []Symbol) (*Registry, error) {
	if len(symbols) > SymbolsMax {
		return nil, ErrTooManySymbols
	}
	r := &Registry{symbols: slices.Clone(symbols), ids: make(map[string]SymbolID, len(symbols))}
	for i := range r.symbols {
		s := &r.symbols[i]
		if err := s.check(); err != nil {
			return nil, err
		}
		for _, name := range append([]string{s.Name}, s.Aliases...) {
			key := strings.ToUpper(name)
			if _, taken := r.ids[key]; taken {
				return nil, fmt.Errorf("%w: the name %s is used twice", ErrSymbol, key)
			}
			if !validSymbolName(key) {
				return nil, fmt.Errorf("%w: the name %q is not [A-Z0-9._-]{1,32}", ErrSymbol,
					cut(name, 40))
			}
			r.ids[key] = SymbolID(i)
		}
	}
	return r, nil
}

// Len returns the number of symbols; ids run from 0 to Len−1.
func (r *Registry) Len() int { return len(r.symbols) }

// Symbol returns the description of id, which must be below Len. Callers must not change it.
func (r *Registry) Symbol(id SymbolID) *Symbol { return &r.symbols[id] }

// Lookup finds a symbol by name or alias, in any case, without allocating.
func (r *Registry) Lookup(name []byte) (SymbolID, bool) {
	if id, ok := r.ids[string(name)]; ok {
		return id, true
	}
	var upper [32]byte
	if len(name) > len(upper) {
		return 0, false
	}
	for i, c := range name {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		upper[i] = c
	}
	id, ok := r.ids[string(upper[:len(name)])]
	return id, ok
}

// Find is Lookup with a plain sentence for an error: it wraps ErrUnknownSymbol and names the
// nearest symbol when one is near.
func (r *Registry) Find(name string) (SymbolID, error) {
	if id, ok := r.Lookup([]byte(name)); ok {
		return id, nil
	}
	if near := r.Nearest(name); near != "" {
		return 0, fmt.Errorf("%w: no symbol %q; did you mean %s?", ErrUnknownSymbol,
			cut(name, 40), near)
	}
	return 0, fmt.Errorf("%w: no symbol %q", ErrUnknownSymbol, cut(name, 40))
}

// Nearest returns the symbol name closest to name in edits, or "" when none is within 3.
func (r *Registry) Nearest(name string) string {
	names := make([]string, len(r.symbols))
	for i := range r.symbols {
		names[i] = r.symbols[i].Name
	}
	return NearestName(strings.ToUpper(name), names)
}

// check reports the first field that makes no sense.
func (s *Symbol) check() error {
	bad := func(field, why string) error {
		return fmt.Errorf("%w: %s: %s %s", ErrSymbol, s.Name, field, why)
	}
	switch {
	case !validSymbolName(s.Name):
		return fmt.Errorf("%w: the name %q is not [A-Z0-9._-]{1,32}", ErrSymbol, cut(s.Name, 40))
	case s.Digits < 0 || s.Digits > DigitsMax-1:
		return bad("digits", fmt.Sprintf("must be 0 to %d", DigitsMax-1))
	case !validSymbolName(s.Base) || !validSymbolName(s.Quote):
		return bad("base and quote", "must each name a currency such as EUR")
	case s.ContractSize <= 0:
		return bad("contractSize", "must be above 0")
	case s.LotMin <= 0 || s.LotStep <= 0 || s.LotMax < s.LotMin:
		return bad("lotMin, lotStep and lotMax",
			"must be above 0, the maximum not below the minimum")
	case s.StopLevel < 0:
		return bad("stopLevel", "must not be negative")
	case s.MarginRate <= 0 || s.MarginRate > 1_000_000:
		return bad("marginRate", "must be above 0 and at most 1")
	case s.Commission < 0:
		return bad("commissionPerLot", "must not be negative")
	}
	return nil
}

func validSymbolName(name string) bool {
	if name == "" || len(name) > 32 {
		return false
	}
	for i := range len(name) {
		c := name[i]
		letter := 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

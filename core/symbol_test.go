package core

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestDefaultSymbols(t *testing.T) {
	r, err := NewRegistry(DefaultSymbols())
	if err != nil {
		t.Fatal(err)
	}
	if r.Len() != 21 {
		t.Errorf("%d symbols; want 21", r.Len())
	}
	f := func(name string, digits int, contract, marginRate, long, short Micro, session Session) {
		t.Helper()
		id, err := r.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		s := r.Symbol(id)
		if s.Digits != digits || s.ContractSize != contract*one || s.MarginRate != marginRate ||
			s.SwapLong != long || s.SwapShort != short || s.Session != session ||
			s.Base != name[:3] || s.Quote != name[3:] || s.LotMin != 10_000 ||
			s.LotMax != 100*one || s.LotStep != 10_000 || s.StopLevel != 0 || s.Commission != 0 ||
			s.TripleSwapDay != time.Wednesday || s.OwnThrottle {
			t.Errorf("%+v", *s)
		}
	}
	f("EURUSD", 5, 100_000, one, -500_000, 200_000, Session24x5)
	f("GBPUSD", 5, 100_000, one, -800_000, 300_000, Session24x5)
	f("USDJPY", 3, 100_000, one, -300_000, 100_000, Session24x5)
	f("USDCHF", 5, 100_000, one, -400_000, 150_000, Session24x5)
	f("AUDUSD", 5, 100_000, one, -600_000, 250_000, Session24x5)
	f("GBPJPY", 3, 100_000, one, 0, 0, Session24x5)
	f("AUDHKD", 5, 100_000, one, 0, 0, Session24x5)
	f("BTCUSD", 2, 1, one/10, 0, 0, Session24x7)
	f("XRPUSD", 5, 1, one/10, 0, 0, Session24x7)
}

func TestNewSymbol(t *testing.T) {
	f := func(name, base, quote string, digits int, contract Micro) {
		t.Helper()
		s := NewSymbol(name)
		if s.Base != base || s.Quote != quote || s.Digits != digits ||
			s.ContractSize != contract*one {
			t.Errorf("%+v", s)
		}
		if err := s.check(); err != nil {
			t.Error(err)
		}
	}
	f("XAUUSD", "XAU", "USD", 3, 100)
	f("XAGUSD", "XAG", "USD", 3, 5_000)
	f("CHFJPY", "CHF", "JPY", 3, 100_000)
	f("EURCHF", "EUR", "CHF", 5, 100_000)
	f("EURUSD.R", "EUR", "USD", 5, 100_000)
	f("US30", "US30", "USD", 2, 1)
	f("GER40.X", "GER40.X", "USD", 2, 1)
}

func TestRegistryFinds(t *testing.T) {
	symbols := []Symbol{NewSymbol("EURUSD"), NewSymbol("GBPUSD"), NewSymbol("US30")}
	symbols[0].Aliases = []string{"EURUSD.r", "FIBER"}
	r, err := NewRegistry(symbols)
	if err != nil {
		t.Fatal(err)
	}
	symbols[0].Name = "CHANGED" // The registry has its own copy.
	f := func(name string, want SymbolID, ok bool) {
		t.Helper()
		got, found := r.Lookup([]byte(name))
		if got != want || found != ok {
			t.Errorf("%q: %d, %v; want %d, %v", name, got, found, want, ok)
		}
	}
	f("EURUSD", 0, true)
	f("eurusd", 0, true)
	f("EurUsd.R", 0, true)
	f("fiber", 0, true)
	f("us30", 2, true)
	f("", 0, false)
	f("EURUSD ", 0, false)
	f("CHANGED", 0, false)
	f(strings.Repeat("E", 33), 0, false)
	f(strings.Repeat("É", 16), 0, false)

	find := func(name, want string) {
		t.Helper()
		_, err := r.Find(name)
		if !errors.Is(err, ErrUnknownSymbol) || err.Error() != "unknown symbol: "+want {
			t.Errorf("%q: %v; want %s", name, err, want)
		}
	}
	find("EURUSX", `no symbol "EURUSX"; did you mean EURUSD?`)
	find("gpbusd", `no symbol "gpbusd"; did you mean GBPUSD?`)
	find("SUGAR11", `no symbol "SUGAR11"`)
	find("", `no symbol ""`)
}

func TestRegistryRefuses(t *testing.T) {
	f := func(name string, want error, text string, symbols ...Symbol) {
		t.Helper()
		_, err := NewRegistry(symbols)
		if !errors.Is(err, want) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v; want %v with %q", name, err, want, text)
		}
	}
	changed := func(change func(s *Symbol)) Symbol {
		s := NewSymbol("EURUSD")
		change(&s)
		return s
	}
	f("twice", ErrSymbol, "EURUSD is used twice", NewSymbol("EURUSD"), NewSymbol("EURUSD"))
	f("alias of another", ErrSymbol, "GBPUSD is used twice", NewSymbol("GBPUSD"),
		changed(func(s *Symbol) { s.Aliases = []string{"gbpusd"} }))
	f("bad alias", ErrSymbol, "EUR/USD",
		changed(func(s *Symbol) { s.Aliases = []string{"EUR/USD"} }))
	f("name", ErrSymbol, "eurusd", changed(func(s *Symbol) { s.Name = "eurusd" }))
	f("no name", ErrSymbol, `""`, changed(func(s *Symbol) { s.Name = "" }))
	f("digits", ErrSymbol, "digits", changed(func(s *Symbol) { s.Digits = 9 }))
	f("negative digits", ErrSymbol, "digits", changed(func(s *Symbol) { s.Digits = -1 }))
	f("base", ErrSymbol, "base", changed(func(s *Symbol) { s.Base = "" }))
	f("quote", ErrSymbol, "quote", changed(func(s *Symbol) { s.Quote = "U$D" }))
	f("contract", ErrSymbol, "contractSize", changed(func(s *Symbol) { s.ContractSize = 0 }))
	f("lot minimum", ErrSymbol, "lotMin", changed(func(s *Symbol) { s.LotMin = 0 }))
	f("lot maximum", ErrSymbol, "lotMax", changed(func(s *Symbol) { s.LotMax = s.LotMin - 1 }))
	f("stop level", ErrSymbol, "stopLevel", changed(func(s *Symbol) { s.StopLevel = -1 }))
	f("margin", ErrSymbol, "marginRate", changed(func(s *Symbol) { s.MarginRate = one + 1 }))
	f("commission", ErrSymbol, "commission", changed(func(s *Symbol) { s.Commission = -1 }))
	var many []Symbol
	for i := range SymbolsMax + 1 {
		many = append(many, NewSymbol(fmt.Sprint("S", i)))
	}
	f("too many", ErrTooManySymbols, "2048", many...)
	if r, err := NewRegistry(many[:SymbolsMax]); err != nil || r.Len() != SymbolsMax {
		t.Errorf("2,048 symbols: %v", err)
	}
}

func TestNearestName(t *testing.T) {
	names := []string{"EURUSD", "EURGBP", "GBPUSD", "US30", "-addr", "-clock"}
	f := func(name, want string) {
		t.Helper()
		if got := NearestName(name, names); got != want {
			t.Errorf("%q: %q; want %q", name, got, want)
		}
	}
	f("EURUSD", "EURUSD")
	f("EURUDS", "EURUSD") // Swapped neighbours are one edit.
	f("EURUS", "EURUSD")
	f("EURUSDX", "EURUSD")
	f("EURGPB", "EURGBP")
	f("US3", "US30")
	f("-adr", "-addr")
	f("-clokc", "-clock")
	f("EXXXSD", "EURUSD")
	f("EXXXXD", "")
	f("", "")
	f("U", "")
	f("XY", "")
	f(strings.Repeat("E", 100), "")
	f("SUGAR", "")
}

// TestEditsAgreeWithTwin compares with the definition, tried recursively.
func TestEditsAgreeWithTwin(t *testing.T) {
	words := []string{"", "a", "b", "ab", "ba", "abc", "acb", "bca", "abcd", "badc", "dcba", "aabb"}
	for _, a := range words {
		for _, b := range words {
			if got, want := edits(a, b), slowEdits(a, b); got != want {
				t.Errorf("%q to %q: %d edits; want %d", a, b, got, want)
			}
		}
	}
}

func slowEdits(a, b string) int {
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	best := 1 + min(slowEdits(a[1:], b), slowEdits(a, b[1:]), slowEdits(a[1:], b[1:]))
	if a[0] == b[0] {
		best = min(best, slowEdits(a[1:], b[1:]))
	}
	if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
		best = min(best, 1+slowEdits(a[2:], b[2:]))
	}
	return best
}

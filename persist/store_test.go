package persist

import (
	"errors"
	"testing"

	"tradingengine/core"
)

// testRegistry has a few symbols with different digits.
func testRegistry(t testing.TB, symbols ...core.Symbol) *core.Registry {
	t.Helper()
	if symbols == nil {
		for _, name := range []string{"EURUSD", "USDJPY", "BTCUSD", "XAUUSD"} {
			symbols = append(symbols, core.NewSymbol(name))
		}
		symbols[0].SwapLong, symbols[0].SwapShort = -500_000, 200_000
	}
	r, err := core.NewRegistry(symbols)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// openStore opens a store that the test's end closes.
func openStore(t testing.TB, opts Options) *Store {
	t.Helper()
	if opts.Symbols == nil && !opts.ReadOnly {
		opts.Symbols = testRegistry(t)
	}
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestKindIsRememberedAndOthersRefused(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, Options{Dir: dir})
	if kind, err := s.Kind(t.Context()); err != nil || kind != "" {
		t.Fatalf("kind of a new directory: got %q, %v, want none", kind, err)
	}
	if err := s.ClaimKind(KindSimulated); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, Options{Dir: dir})
	if err := s.ClaimKind(KindSimulated); err != nil {
		t.Errorf("the same kind again: %v", err)
	}
	if err := s.ClaimKind(KindReal); !errors.Is(err, ErrKind) {
		t.Errorf("another kind: got %v, want ErrKind", err)
	}
	if kind, err := s.Kind(t.Context()); err != nil || kind != KindSimulated {
		t.Errorf("kind: got %q, %v, want %q", kind, err, KindSimulated)
	}
}

func TestSecondInstanceIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, Options{Dir: dir})
	if _, err := Open(Options{Dir: dir, Symbols: testRegistry(t)}); !errors.Is(err, ErrInUse) {
		t.Errorf("second store: got %v, want ErrInUse", err)
	}
	if _, err := LockDir(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("lock beside a store: got %v, want ErrInUse", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := LockDir(dir)
	if err != nil {
		t.Fatalf("lock after close: %v", err)
	}
	if _, err := Open(Options{Dir: dir, Symbols: testRegistry(t)}); !errors.Is(err, ErrInUse) {
		t.Errorf("store beside a lock: got %v, want ErrInUse", err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
}

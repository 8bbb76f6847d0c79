package persist

import (
	"testing"

	"tradingengine/core"
)

// fillBars stores count closed minutes of a symbol.
func fillBars(t testing.TB, s *Store, id core.SymbolID, f core.Frame, count int) {
	t.Helper()
	err := s.transact(func(c *conn) error {
		w := newBarWriter(c)
		for i := range count {
			open := f.Open(testStart) + core.Time(i)*f.Span()
			b := core.Bar{
				Time: open, Volume: int64(1 + i%90), First: open + 1, Last: open + core.Minute - 1,
				Mid:       core.OHLC{Open: 216_471, High: 216_491, Low: 216_461, Close: 216_470},
				Bid:       core.OHLC{Open: 108_235, High: 108_245, Low: 108_230, Close: 108_234},
				Ask:       core.OHLC{Open: 108_236, High: 108_246, Low: 108_231, Close: 108_236},
				SpreadMin: 1, SpreadMax: 9, SpreadLast: 2,
			}
			if err := w.bar(s.ids[id], f, &b, true, false); err != nil {
				return err
			}
		}
		return w.flush()
	})
	if err != nil {
		t.Fatal(err)
	}
}

func defaultRegistry(t testing.TB) *core.Registry {
	return testRegistry(t, core.DefaultSymbols()...)
}

func newEngine(t testing.TB, s *Store) *core.Engine {
	t.Helper()
	e, err := core.New(core.Options{
		Symbols: s.opts.Symbols, Sources: s.Sources(), Throttle: core.DefaultThreshold,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestLoadCounts loads 3,199 bars of 21 symbols, which an operator reads in the log.
func TestLoadCounts(t *testing.T) {
	var reports []Progress
	s := openStore(t, Options{
		Dir: t.TempDir(), Symbols: defaultRegistry(t),
		Progress: func(p Progress) { reports = append(reports, p) },
	})
	for i := range 21 {
		minutes := 150
		if i == 20 {
			minutes = 199 - 5
		}
		fillBars(t, s, core.SymbolID(i), core.M1, minutes)
	}
	fillBars(t, s, 3, core.H1, 5)
	e := newEngine(t, s)
	loaded, err := s.Load(t.Context(), e, LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Bars != 3_199 || loaded.Symbols != 21 || loaded.Ticks != 0 || loaded.Took <= 0 {
		t.Errorf("got %+v, want 3199 bars of 21 symbols", loaded)
	}
	last := reports[len(reports)-1]
	if len(reports) != 21 || last.Done != 21 || last.Total != 21 {
		t.Errorf("%d reports, the last %+v; want one a symbol", len(reports), last)
	}
	if _, head := e.BarSpan(0, core.M1); head != 150 {
		t.Errorf("%d minutes in memory, want 150", head)
	}
	if _, err := s.Load(t.Context(), e, LoadOptions{}); err == nil {
		t.Error("loading twice went well")
	}
	other, err := core.New(core.Options{Symbols: testRegistry(t), Sources: s.Sources()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context(), other, LoadOptions{}); err == nil {
		t.Error("loading an engine of other symbols went well")
	}
}

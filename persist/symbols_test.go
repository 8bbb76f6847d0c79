package persist

import (
	"errors"
	"fmt"
	"testing"

	"tradingengine/core"
)

// withDigits is the symbol of a name with other digits.
func withDigits(name string, digits int) core.Symbol {
	s := core.NewSymbol(name)
	s.Digits = digits
	return s
}

// TestSymbolsKeepTheirIDs opens a directory with registries in which names move, come and go.
func TestSymbolsKeepTheirIDs(t *testing.T) {
	dir := t.TempDir()
	names := func(names ...string) *core.Registry {
		var symbols []core.Symbol
		for _, name := range names {
			symbols = append(symbols, core.NewSymbol(name))
		}
		return testRegistry(t, symbols...)
	}
	m := startMarket(t, marketOptions{Store: Options{Dir: dir, Symbols: names("EURUSD", "USDJPY")}})
	m.mustSend(newWalk(1, 0, m.source("LP"), testStart).next(500))
	m.mustSend(newWalk(2, 1, m.source("LP"), testStart).next(500))
	euro, yen := lines(engineTicks(m.engine, 0)), lines(engineTicks(m.engine, 1))
	m.stop()

	m = startMarket(t, marketOptions{
		Store: Options{Dir: dir, Symbols: names("XAUUSD", "USDJPY", "GBPUSD")},
	})
	diff(t, "USDJPY", lines(engineTicks(m.engine, 1)), yen)
	if n := len(engineTicks(m.engine, 0)) + len(engineTicks(m.engine, 2)); n > 0 {
		t.Errorf("new symbols have %d ticks", n)
	}
	m.mustSend(newWalk(3, 0, m.source("LP"), testStart).next(500))
	gold := lines(engineTicks(m.engine, 0))
	m.stop()

	m = startMarket(t, marketOptions{
		Store: Options{Dir: dir, Symbols: names("GBPUSD", "XAUUSD", "EURUSD", "USDJPY")},
	})
	diff(t, "EURUSD", lines(engineTicks(m.engine, 2)), euro)
	diff(t, "USDJPY", lines(engineTicks(m.engine, 3)), yen)
	diff(t, "XAUUSD", lines(engineTicks(m.engine, 1)), gold)
	for id, want := range []int64{4, 3, 1, 2} {
		if got := m.store.StoredID(core.SymbolID(id)); got != want {
			t.Errorf("symbol %d is stored as %d, want %d", id, got, want)
		}
	}
	m.stop()
}

// TestRaisedDigitsRescalePrices raises the digits of one symbol. The process is killed in the
// middle of it once, and the copy that the kill left must give the same when it is opened again.
func TestRaisedDigitsRescalePrices(t *testing.T) {
	dir := t.TempDir()
	m := startMarket(t, marketOptions{Store: Options{Dir: dir}})
	w := newWalk(1, 0, m.source("LP"), testStart)
	m.mustSend(newWalk(2, 1, m.source("LP"), testStart).next(900))
	for range 130 {
		m.mustSend(w.next(1000))
	}
	m.stop()
	const view = `SELECT symbol, bid, ask, spread, time FROM ticks
		WHERE time % 97 < 3 ORDER BY symbol, time`
	const bars = `SELECT symbol, frame, time, open, high, low, close, bid_open, bid_high, bid_low,
		bid_close, ask_open, ask_high, ask_low, ask_close, spread_min, spread_max, spread_last
		FROM bars ORDER BY symbol, frame, time`
	decimals := func(dir string) string {
		db := openSecond(t, dir)
		defer db.Close()
		return queryText(t, db, view) + queryText(t, db, bars)
	}
	before := decimals(dir)

	raised := testRegistry(t, withDigits("EURUSD", 7), withDigits("USDJPY", 3))
	killed := t.TempDir()
	var reports []Progress
	s := openStore(t, Options{Dir: dir, Symbols: raised, Progress: func(p Progress) {
		if reports = append(reports, p); len(reports) == 2 {
			copyFiles(t, dir, killed)
		}
	}})
	checkRaised(t, s)
	last := reports[len(reports)-1]
	if len(reports) < 4 || last.Done != last.Total || last.Done <= raiseRun {
		t.Errorf("%d reports, the last %+v; want at least 4 that end at their total", len(reports), last)
	}
	diff(t, "decimals", decimals(dir), before)

	old := openStore(t, Options{Dir: killed, ReadOnly: true, Symbols: testRegistry(t)})
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	diff(t, "decimals of the file that a kill left", decimals(killed), before)
	checkRaised(t, openStore(t, Options{Dir: killed, Symbols: raised}))
	diff(t, "decimals after the second try", decimals(killed), before)
}

func checkRaised(t *testing.T, s *Store) {
	t.Helper()
	symbols, err := s.StoredSymbols(t.Context())
	want := "[{1 EURUSD 7} {2 USDJPY 3} {3 BTCUSD 2} {4 XAUUSD 3}]"
	if err != nil || fmt.Sprint(symbols) != want {
		t.Errorf("symbols: got %v, %v; want %s", symbols, err, want)
	}
	db := openSecond(t, s.Dir())
	defer db.Close()
	for _, column := range append([]string{"bid", "ask"}, barPrices...) {
		table := "bar"
		if column == "bid" || column == "ask" {
			table = "tick"
		}
		query := fmt.Sprintf("SELECT count(*) FROM %s WHERE symbol_id = 1 AND %s %% 100 <> 0",
			table, column)
		if n := queryInt(t, db, query); n != 0 {
			t.Errorf("%d rows of %s.%s are not multiples of 100", n, table, column)
		}
	}
	for i := range s.opts.Symbols.Len() {
		_, err := s.Ticks(t.Context(), core.SymbolID(i), -1, 1<<62, 10, true, nil)
		if err != nil {
			t.Error(err)
		}
	}
}

func TestDigitsThatCannotChange(t *testing.T) {
	dir := t.TempDir()
	m := startMarket(t, marketOptions{
		Store: Options{Dir: dir, Symbols: testRegistry(t, withDigits("EURUSD", 5))},
	})
	const large = core.PriceMax / 100
	q := core.Quote{Symbol: 0, Source: m.source("LP"), Bid: large, Ask: large}
	m.mustSend([]core.Quote{q})
	m.stop()
	f := func(digits int, readOnly bool, want error) {
		t.Helper()
		s, err := Open(Options{
			Dir: dir, ReadOnly: readOnly, Symbols: testRegistry(t, withDigits("EURUSD", digits)),
		})
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, want) {
			t.Errorf("%d digits, read-only %v: got %v, want %v", digits, readOnly, err, want)
		}
	}
	f(4, false, ErrDigitsLowered)
	f(8, false, ErrPriceRange)
	f(7, true, ErrDigitsDiffer)
	f(5, false, nil)
	f(7, false, nil)
	f(5, false, ErrDigitsLowered)
	f(7, true, nil)
}

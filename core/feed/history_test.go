package feed

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tradingengine/core"
)

func TestHistoryFillsAnEmptyEngine(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		time.Sleep(35 * time.Hour)
		m := startMarket(t, core.Options{})
		symbols := m.engine.Symbols()
		var done, total, calls int
		opts := HistoryOptions{Engine: m.engine, Days: 1, Progress: func(d, of int) {
			if d < done {
				t.Errorf("progress went from %d back to %d", done, d)
			}
			done, total = d, of
			calls++
		}}
		now := core.Now()
		if err := History(context.Background(), opts); err != nil {
			t.Fatal(err)
		}
		if done != 1440 || total != 1440 || calls < 100 {
			t.Errorf("progress ended at %d of %d after %d calls, want 1440", done, total, calls)
		}
		stats := m.checkSums(t)
		if stats.RejectedTotal() != 0 || stats.Late != 0 || stats.Lost != 0 || stats.Pending != 0 ||
			stats.QueueFull != 0 {
			t.Errorf("got %+v, want all committed and nothing refused or lost", stats)
		}
		if share := float64(stats.Throttled) / float64(stats.Received); share < 0.42 || share > 0.58 {
			t.Errorf("%.3f throttled, want 0.42 to 0.58", share)
		}
		for id := range symbols.Len() {
			checkHistory(t, m.engine, core.SymbolID(id), now)
		}
		before := liveMids(m.engine)
		runSimulator(t, SimulatorOptions{Engine: m.engine}, 1500*time.Millisecond)
		synctest.Wait()
		for id, mid := range liveMids(m.engine) {
			if jumped(before[id], mid) {
				t.Errorf("%s: mid %d in history, %d live", symbols.Symbol(core.SymbolID(id)).Name, before[id],
					mid)
			}
		}
	})
}

// checkHistory looks at the bars and the live quote of one symbol after a day of history.
func checkHistory(t *testing.T, e *core.Engine, id core.SymbolID, now core.Time) {
	t.Helper()
	name := e.Symbols().Symbol(id).Name
	live, _ := e.Live(id)
	if live.Time >= core.Now() || live.Time < now-historySilence-core.Second {
		t.Errorf("%s: last quote at %s, now is %s", name, live.Time, now)
	}
	oldest, head := e.BarSpan(id, core.M1)
	bars := make([]core.Bar, head-oldest)
	if _, n := e.ReadBars(id, core.M1, oldest, bars); n < 1438 || n > 1441 {
		t.Fatalf("%s: %d minute bars, want 1440", name, n)
	}
	for i := range bars {
		if i > 0 && bars[i].Time != bars[i-1].Time+core.Minute {
			t.Fatalf("%s: no bar between %s and %s", name, bars[i-1].Time, bars[i].Time)
		}
		if i > 0 && bars[i].Volume < 4 || bars[i].Volume > 100 {
			t.Fatalf("%s: %d quotes in the minute of %s, want a handful", name, bars[i].Volume,
				bars[i].Time)
		}
	}
}

func TestHistoryLeavesPricesAlone(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		m := startMarket(t, core.Options{Symbols: defaultRegistry(t, "XAUUSD")})
		gold := idOf(t, m.engine.Symbols(), "XAUUSD")
		s := m.engine.Begin(core.Now())
		for id := range m.engine.Symbols().Len() {
			if core.SymbolID(id) != gold {
				s.Add(core.Quote{Symbol: core.SymbolID(id), Bid: 100_000, Ask: 100_010})
			}
		}
		if err := s.Send(context.Background(), true); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
		s.Release()
		if err := History(context.Background(), HistoryOptions{Engine: m.engine, Days: 1}); err != nil {
			t.Fatal(err)
		}
		for id := range m.engine.Symbols().Len() {
			n := m.engine.SymbolCounts(core.SymbolID(id)).Received
			if got, want := n > 1, core.SymbolID(id) == gold; got != want {
				t.Errorf("%s: %d quotes", m.engine.Symbols().Symbol(core.SymbolID(id)).Name, n)
			}
		}
		before := m.engine.Stats().Received
		if err := History(context.Background(), HistoryOptions{Engine: m.engine}); err != nil {
			t.Fatal(err)
		}
		if after := m.engine.Stats().Received; after != before {
			t.Errorf("%d more quotes although every symbol has a price", after-before)
		}
	})
}

func TestHistoryKeepsSessions(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		// The bubble begins with a Saturday: by its noon, half of the last day lay in the week.
		time.Sleep(12 * time.Hour)
		m := startMarket(t, core.Options{})
		opts := HistoryOptions{Engine: m.engine, Days: 1, CloseWeekends: true}
		if err := History(context.Background(), opts); err != nil {
			t.Fatal(err)
		}
		id := idOf(t, m.engine.Symbols(), "EURUSD")
		if n := len(m.store.stored(id)); n < 1000 {
			t.Errorf("EURUSD has %d ticks of Friday", n)
		}
		for _, tick := range m.store.stored(id) {
			if !core.Session24x5.Open(tick.Time) {
				t.Fatalf("EURUSD was quoted at %s", tick.Time)
			}
		}
		if coin := idOf(t, m.engine.Symbols(), "BTCUSD"); len(m.store.stored(coin)) < 2500 {
			t.Errorf("BTCUSD has %d ticks", len(m.store.stored(coin)))
		}
	})
}

func TestHistoryEnds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		m := startMarket(t, core.Options{})
		ctx, cancel := context.WithCancel(context.Background())
		opts := HistoryOptions{Engine: m.engine, Progress: func(int, int) { cancel() }}
		if err := History(ctx, opts); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		m.stop()
		m.checkSums(t)
		closed := startMarket(t, core.Options{})
		closed.stop()
		err := History(context.Background(), HistoryOptions{Engine: closed.engine})
		if !errors.Is(err, core.ErrClosed) {
			t.Errorf("got %v, want %v", err, core.ErrClosed)
		}
	})
	m := startMarket(t, core.Options{})
	f := func(opts HistoryOptions) {
		t.Helper()
		if err := History(context.Background(), opts); !errors.Is(err, ErrOptions) {
			t.Errorf("got %v, want %v", err, ErrOptions)
		}
	}
	f(HistoryOptions{})
	f(HistoryOptions{Engine: m.engine, Days: -1})
	f(HistoryOptions{Engine: m.engine, Days: 5000})
}

package persist

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tradingengine/core"
)

// TestRetention deletes while quotes of all symbols flow, and compares what stays, row by row, with
// what an engine holds that remembers everything. One symbol went silent long ago. It was seen to
// find bars of the newest week that were deleted, a silent symbol without its last tick, a round
// that stopped after its first step, and higher bars deleted before their minutes.
func TestRetention(t *testing.T) {
	const keepTicks, keepBars = 20 * time.Hour, 9 * 24 * time.Hour
	dir := t.TempDir()
	m := startMarket(t, marketOptions{
		Store:  Options{Dir: dir},
		Writer: WriterOptions{RetainTicks: keepTicks, RetainBars: keepBars},
		Engine: core.Options{Bars: 50_000},
		Before: func(w *Writer) {
			r := &w.retention
			r.rows, r.every, r.pause = 100, time.Millisecond, time.Millisecond
		},
	})
	walks := allWalks(m)
	silent := len(walks) - 1
	m.mustSend(walks[silent].next(300))
	rounds := 16
	if testing.Short() {
		rounds = 6
	}
	for range rounds {
		for _, w := range walks[:silent] {
			m.mustSend(w.next(1000))
			w.quote.Time += 2 * 24 * core.Hour
		}
	}
	var newest core.Time
	for i := range walks {
		live, _ := m.engine.Live(core.SymbolID(i))
		newest = max(newest, live.Time)
	}
	ticksFrom := newest - core.Time(keepTicks.Microseconds())
	barsFrom := newest - core.Time(keepBars.Microseconds())
	for i := range walks {
		id := core.SymbolID(i)
		all := engineTicks(m.engine, id)
		from := min(ticksFrom, all[len(all)-1].Time)
		ticks := after(all, from, func(t core.Tick) core.Time { return t.Time })
		if len(ticks) == len(all) {
			t.Fatalf("symbol %d: nothing is too old, so nothing is tested", id)
		}
		becomes(t, fmt.Sprintf("ticks of symbol %d", id), lines(ticks), func() string {
			got, err := m.store.Ticks(t.Context(), id, -1, 1<<62, 1<<20, false, nil)
			if err != nil {
				t.Fatal(err)
			}
			return lines(got)
		})
		below, err := m.store.Ticks(t.Context(), id, -1, from-1, 100, true, nil)
		if err != nil || len(below) > 0 {
			t.Errorf("below the horizon: got %d ticks, %v; want none", len(below), err)
		}
		minutes := engineBars(m.engine, id, core.M1)
		forming, _ := m.engine.Forming(id, core.M1)
		week := core.W1.Open(max(minutes[len(minutes)-1].Time, forming.Time))
		for f := range core.Frames {
			bars := after(engineBars(m.engine, id, core.Frame(f)), min(barsFrom, week),
				func(b core.Bar) core.Time { return b.Time })
			becomes(t, fmt.Sprintf("%s bars of symbol %d", core.Frame(f), id), lines(bars),
				func() string {
					got, err := m.store.Bars(t.Context(), id, core.Frame(f), -1, 1<<62, 1<<20, false, nil)
					if err != nil {
						t.Fatal(err)
					}
					return lines(got)
				})
		}
	}
	stats := m.writer.Stats()
	if stats.RetiredTicks == 0 || stats.RetiredBars == 0 || stats.Failures > 0 {
		t.Errorf("statistics say %+v", stats)
	}
	if s := m.engine.Stats(); s.Committed != s.Stored || s.Lost > 0 {
		t.Errorf("stored %d, committed %d, lost %d", s.Stored, s.Committed, s.Lost)
	}
	live, _ := m.engine.Live(core.SymbolID(silent))
	m.stop()
	mustVerify(t, dir)
	m = startMarket(t, marketOptions{Store: Options{Dir: dir}})
	if again, _ := m.engine.Live(core.SymbolID(silent)); again != live {
		t.Errorf("the silent symbol starts with %v, had %v", again, live)
	}
}

// after returns the items from a time on.
func after[T any](items []T, from core.Time, timeOf func(T) core.Time) []T {
	return slices.DeleteFunc(slices.Clone(items), func(v T) bool { return timeOf(v) < from })
}

// becomes waits until what is got is what is wanted.
func becomes(t *testing.T, what, want string, get func() string) {
	t.Helper()
	got := get()
	for end := time.Now().Add(20 * time.Second); got != want; got = get() {
		if time.Now().After(end) {
			diff(t, what, got, want)
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// aged makes a directory with quotes of four weeks of two symbols.
func aged(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	m := startMarket(t, marketOptions{Store: Options{Dir: dir}})
	for _, w := range allWalks(m)[:2] {
		for range 4 {
			m.mustSend(w.next(500))
			w.quote.Time += 6 * 24 * core.Hour
		}
		m.mustSend(w.next(10))
	}
	m.stop()
	return dir
}

// byHand opens a directory with a writer that does nothing by itself.
func byHand(t *testing.T, dir string, opts WriterOptions, rows int) *Writer {
	t.Helper()
	s := openStore(t, Options{Dir: dir})
	engine, err := core.New(core.Options{
		Symbols: s.opts.Symbols, Sources: s.Sources(), Throttle: core.DefaultThreshold,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context(), engine, LoadOptions{}); err != nil {
		t.Fatal(err)
	}
	w := s.NewWriter(opts)
	w.engine, w.retention.rows = engine, rows
	return w
}

// TestRetentionStep stops a round after each step: none deletes more than it may, and each leaves a
// file that holds together.
func TestRetentionStep(t *testing.T) {
	dir := aged(t)
	const rows = 200
	steps := 0
	for more := true; more; steps++ {
		opts := WriterOptions{RetainTicks: time.Hour, RetainBars: 24 * time.Hour}
		w := byHand(t, dir, opts, rows)
		if err := w.retireStep(); err != nil {
			t.Fatal(err)
		}
		stats := w.Stats()
		n := stats.RetiredTicks + stats.RetiredBars
		if n > rows {
			t.Errorf("step %d deleted %d rows", steps, n)
		}
		more = n > 0
		if err := w.store.Close(); err != nil {
			t.Fatal(err)
		}
		mustVerify(t, dir)
	}
	if steps < 10 {
		t.Errorf("only %d steps", steps)
	}
}

// TestRetentionRound goes on with a round until it says that it is done, and then nothing is left.
func TestRetentionRound(t *testing.T) {
	w := byHand(t, aged(t), WriterOptions{RetainBars: 24 * time.Hour}, 100)
	for more := true; more; more = len(w.retention.todo) > 0 {
		if err := w.retireStep(); err != nil {
			t.Fatal(err)
		}
	}
	done := w.Stats()
	if done.RetiredBars < 300 || done.RetiredTicks > 0 {
		t.Errorf("deleted %d bars and %d ticks", done.RetiredBars, done.RetiredTicks)
	}
	for range 10 {
		if err := w.retireStep(); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.Stats().RetiredBars - done.RetiredBars; n > 0 {
		t.Errorf("%d bars were left by the first round", n)
	}
}

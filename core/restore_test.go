package core

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// restored makes a new engine from what a recorder has committed and goes on recording behind it.
func restored(t testing.TB, old *recorder, opts Options) *tape {
	t.Helper()
	opts.Symbols, opts.Sources = old.engine.Symbols(), old.engine.Sources()
	p := newTape(t, opts)
	for id := range old.symbols {
		if err := p.e.Restore(SymbolID(id), old.state(SymbolID(id))); err != nil {
			t.Fatal(err)
		}
	}
	p.recorder = newRecorder(p.e)
	for id := range old.symbols {
		s := &p.symbols[id]
		s.cut = old.symbols[id].cut
		s.ticks = slices.Clone(old.symbols[id].ticks)
		for f := range s.bars {
			s.bars[f] = slices.Clone(old.symbols[id].bars[f])
		}
	}
	return p
}

// TestRestoreContinuesExactly stops a random day at random moments, starts a new engine from what
// was committed, and lets the same batches go on through both: the engine that was restarted, now
// and then again, must end with the ticks, bars and numbers of the one that ran through.
func TestRestoreContinuesExactly(t *testing.T) {
	runs, steps := 12, 4000
	if testing.Short() {
		runs, steps = 4, 1500
	}
	for run := range runs {
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		opts := Options{
			Throttle: DefaultThreshold, Shards: 1 + run%2, Ticks: 50 + run*400, Bars: 4000,
		}
		through, again := newTape(t, opts), newTape(t, opts)
		s := newScript(random, 3)
		s.steady = true // A run of absurd quotes is not part of the state.
		var seq uint64
		for range steps {
			arrival, history, clock, quotes := s.next()
			for i := range quotes {
				if random.IntN(3) == 0 {
					seq += uint64(random.IntN(2))
					quotes[i].Seq = max(1, seq)
				}
			}
			for _, p := range []*tape{through, again} {
				if clock {
					p.clock(arrival)
				} else {
					p.batch(arrival, history, quotes...)
				}
				p.commit()
			}
			if random.IntN(200) == 0 {
				again = restored(t, again.recorder, opts)
			}
		}
		for id := range SymbolID(3) {
			compareTapes(t, id, through, again)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func compareTapes(t *testing.T, id SymbolID, want, got *tape) {
	t.Helper()
	w, g := &want.symbols[id], &got.symbols[id]
	for i := range min(len(g.ticks), len(w.ticks)) {
		if g.ticks[i] != w.ticks[i] {
			t.Fatalf("symbol %d: tick %d is %+v; want %+v", id, i, g.ticks[i], w.ticks[i])
		}
	}
	if len(g.ticks) != len(w.ticks) {
		t.Errorf("symbol %d: %d ticks; want %d", id, len(g.ticks), len(w.ticks))
	}
	for f := range frameCount {
		if !slices.Equal(g.bars[f], w.bars[f]) {
			t.Errorf("symbol %d %v: %d closed bars differ from %d", id, f, len(g.bars[f]),
				len(w.bars[f]))
		}
		gotBar, _ := got.e.Forming(id, f)
		wantBar, _ := want.e.Forming(id, f)
		if gotBar.Volume != wantBar.Volume || wantBar.Volume > 0 && gotBar != wantBar {
			t.Errorf("symbol %d %v: forming\n%+v; want\n%+v", id, f, gotBar, wantBar)
		}
	}
	gotLive, _ := got.e.Live(id)
	wantLive, _ := want.e.Live(id)
	if gotLive != wantLive || g.cut.Clocked != w.cut.Clocked ||
		!reflect.DeepEqual(g.cut.Numbered, w.cut.Numbered) {
		t.Errorf("symbol %d: live %+v, numbers %v; want %+v, %v", id, gotLive, g.cut.Numbered,
			wantLive, w.cut.Numbered)
	}
}

// TestRestoreShowsWhatWasCommitted reads a restored engine before its first batch.
func TestRestoreShowsWhatWasCommitted(t *testing.T) {
	p := newTape(t, Options{Throttle: DefaultThreshold})
	for _, q := range benchQuotes(2, 3000) {
		now := monday + Time(p.e.SymbolCounts(0).Received)*17*Second
		p.batch(now, false, q)
	}
	p.commit()
	again := restored(t, p.recorder, Options{Throttle: DefaultThreshold, Ticks: 100, Bars: 20})
	compareTapes(t, 0, p, again)
	compareTapes(t, 1, p, again)

	committed := p.symbols[0].ticks
	oldest, head := again.e.TickSpan(0)
	ticks := make([]Tick, 200)
	first, n := again.e.ReadTicks(0, 0, ticks)
	if oldest != 0 || head != 100 || first != 0 || n != 100 ||
		!slices.Equal(ticks[:n], committed[len(committed)-100:]) {
		t.Errorf("ticks %d to %d, read %d from %d", oldest, head, n, first)
	}
	if start := again.e.TickStart(0); start != head {
		t.Errorf("ticks start at %d; want %d, because those below are in the file", start, head)
	}
	for f := range frameCount {
		closed := p.symbols[0].bars[f]
		keep := min(20, len(closed))
		bars := make([]Bar, 30)
		_, n := again.e.ReadBars(0, f, 0, bars)
		if n != keep || !slices.Equal(bars[:n], closed[len(closed)-keep:]) {
			t.Errorf("%v: %d bars; want the newest %d", f, n, keep)
		}
		if start := again.e.BarStart(0, f); start != uint64(keep) {
			t.Errorf("%v: bars start at %d; want %d", f, start, keep)
		}
	}
	if again.e.shards[0].isCrowded(again.e.markets[0]) {
		t.Error("storage is waited for, though it has all the bars there are")
	}
	if s := again.e.Stats(); s != (Stats{Exact: true}) {
		t.Errorf("the counters of a new start are %+v", s)
	}
	if dirty := again.e.TakeDirty(nil); len(dirty) != 0 {
		t.Errorf("nothing happened and %v is dirty", dirty)
	}
}

// TestClockGoesOnAfterRestore has the clock close a live minute, and after a restart the bars above
// it, though no quote came meanwhile. A file keeps no mark of a minute that does not form.
func TestClockGoesOnAfterRestore(t *testing.T) {
	p := newTape(t, Options{})
	p.one(monday, Quote{Bid: 100, Ask: 102, Source: 1})
	p.clock(monday + Minute + Second)
	p.commit()
	p.symbols[0].cut.Clocked = false
	again := restored(t, p.recorder, Options{})
	again.clock(monday + 24*Hour)
	for f := range W1 {
		if forming, closed := again.e.Forming(0, f); closed != 1 || forming.Volume != 0 {
			t.Errorf("%v: %d closed, forming %+v; want 1 and none", f, closed, forming)
		}
	}
}

// TestRestoreKeepsTheOrderOfTimes restores every part of a state alone: the next quote must be
// stamped after all of it.
func TestRestoreKeepsTheOrderOfTimes(t *testing.T) {
	p := newTape(t, Options{})
	for i := range Time(4) {
		p.one(monday+i*Minute, Quote{Bid: 100, Ask: 102, Source: 1})
	}
	p.commit()
	full := p.state(0)
	last := monday + 3*Minute
	f := func(name string, s *SymbolState, wantLive, wantStamp Time) {
		t.Helper()
		e := newEngine(t, Options{})
		if err := e.Restore(0, s); err != nil {
			t.Fatal(err)
		}
		if live, ok := e.Live(0); ok != (wantLive > 0) || live.Time != wantLive {
			t.Errorf("%s: live %v, %v; want %v", name, live.Time, ok, wantLive)
		}
		b := &Batch{Arrival: monday, Quotes: []Quote{{Bid: 100, Ask: 102}}, waited: true}
		e.shards[0].apply(b)
		if live, _ := e.Live(0); live.Time != wantStamp {
			t.Errorf("%s: the next quote is stamped %v; want %v", name, live.Time, wantStamp)
		}
	}
	f("nothing", &SymbolState{}, 0, monday)
	f("all", full, last, last+1)
	f("ticks alone", &SymbolState{Ticks: full.Ticks}, last, last+1)
	f("forming alone", &SymbolState{Forming: full.Forming}, last, last+1)
	closed := &SymbolState{}
	closed.Bars[M1] = full.Bars[M1]
	f("closed minutes alone", closed, last-Minute, last.Floor(Minute))
	f("numbers alone", &SymbolState{Numbered: []SourceSeq{{1, 7}}}, 0, monday)
}

func TestRestoreRefuses(t *testing.T) {
	e := newEngine(t, Options{})
	if err := e.Restore(0, &SymbolState{Numbered: make([]SourceSeq, 9)}); err == nil {
		t.Error("nine numbered sources were restored")
	}
	s := &SymbolState{Ticks: []Tick{{monday, 1, 2, 1}}}
	if err := e.Restore(0, s); err != nil {
		t.Fatal(err)
	}
	if err := e.Restore(0, s); err == nil {
		t.Error("a symbol was restored twice")
	}
}

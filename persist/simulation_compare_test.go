package persist

import (
	"maps"
	"testing/synctest"

	"tradingengine/core"
	"tradingengine/core/naive"
)

func simTick(t *core.Tick) naive.Quote {
	return naive.Quote{
		Time: int64(t.Time), Bid: int64(t.Bid), Ask: int64(t.Ask), Source: int(t.Source),
	}
}

func simBar(b *core.Bar) naive.Bar {
	side := func(o *core.OHLC) [4]int64 { return [4]int64{o.Open, o.High, o.Low, o.Close} }
	return naive.Bar{
		Open: int64(b.Time), First: int64(b.First), Last: int64(b.Last),
		Mid: side(&b.Mid), Bid: side(&b.Bid), Ask: side(&b.Ask), Volume: b.Volume,
		SpreadMin: b.SpreadMin, SpreadMax: b.SpreadMax, SpreadClose: b.SpreadLast,
	}
}

// tickAt is the naive tick that must lie at a place of the engine's ring.
func (l *simRun) tickAt(id core.SymbolID, at uint64) naive.Quote {
	begun := &l.sim.tape.begun[id]
	start := int(l.engine.TickStart(id))
	place := begun.ticks + int(at) - start
	if int(at) < start {
		place = begun.stored[len(begun.stored)-start+int(at)]
	}
	if m := l.sim.tape.markets[id]; place < len(m.Ticks) {
		return m.Ticks[place]
	}
	return naive.Quote{}
}

// look compares everything with the naive markets: the sums, what is in memory, and what is in the
// file, which may be behind but must have stopped at one quote.
func (l *simRun) look() {
	synctest.Wait()
	stats := l.engine.Stats()
	if q, k := stats.Remainders(); q != 0 || k != 0 || !stats.Exact {
		l.t.Errorf("remainders %d and %d of %+v, want none", q, k, stats)
	}
	tape := l.sim.tape
	tape.mu.Lock()
	defer tape.mu.Unlock()
	tape.lookLocked()
	missing := 0
	for i := range tape.markets {
		id := core.SymbolID(i)
		if stats.Queued == 0 {
			l.compareMemory(id)
		}
		market, places := l.compareFile(id)
		missing += len(market.Ticks) - len(places)
	}
	if missing != int(l.sim.lost+stats.Lost) {
		l.t.Errorf("%d ticks are not in the file, want those lost: %d, and %d in this life", missing,
			l.sim.lost, stats.Lost)
	}
}

// compareMemory compares what an engine shows of a symbol with the naive market.
func (l *simRun) compareMemory(id core.SymbolID) {
	for f := range core.Frames {
		l.compareBars(id, core.Frame(f))
	}
	m, e, name := l.sim.tape.markets[id], l.engine, simSymbolNames[id]
	var cut core.Cut
	e.Cut(id, &cut)
	numbers := make(map[int]uint64)
	for _, n := range cut.Numbered {
		numbers[int(n.Source)] = n.Seq
	}
	if !maps.Equal(numbers, m.Numbers()) || cut.Clocked != m.Clocked() {
		l.t.Errorf("%s: numbers %v, clocked %v; want %v, %v", name, numbers, cut.Clocked, m.Numbers(),
			m.Clocked())
	}
	if n := len(m.Accepted); n > 0 {
		live, _ := e.Live(id)
		got := core.Tick{Time: live.Time, Bid: live.Bid, Ask: live.Ask}
		want := m.Accepted[n-1]
		if want.Source = 0; simTick(&got) != want {
			l.t.Errorf("%s: the live quote is %v, want %v", name, live, want)
		}
	}
	rejected := 0
	for _, n := range m.Rejected {
		rejected += n
	}
	begun := &l.sim.tape.begun[id]
	taken, stored := len(m.Accepted)-begun.accepted, len(m.Ticks)-begun.ticks
	want := core.Counts{
		Received: int64(taken + rejected), Stored: int64(stored), Throttled: int64(taken - stored),
		Rejected: int64(rejected),
	}
	if got := e.SymbolCounts(id); got != want {
		l.t.Errorf("%s: counts %+v, want %+v", name, got, want)
	}
}

// compareBars compares the forming bar of a frame, and how many closed.
func (l *simRun) compareBars(id core.SymbolID, f core.Frame) {
	bars, closed := l.sim.tape.markets[id].Bars(int(f))
	var want naive.Bar
	if closed < len(bars) {
		want = bars[closed]
	}
	forming, head := l.engine.Forming(id, f)
	got := simBar(&forming)
	if forming.Volume == 0 {
		got = naive.Bar{}
	}
	if got != want {
		l.t.Errorf("%s %v forming\n got %+v\nwant %+v", simSymbolNames[id], f, got, want)
	}
	fresh, wantFresh := int(head)-int(l.engine.BarStart(id, f)), closed-l.sim.tape.begun[id].closed[f]
	if fresh != wantFresh {
		l.t.Errorf("%s %v: %d bars closed since the start, want %d", simSymbolNames[id], f, fresh,
			wantFresh)
	}
}

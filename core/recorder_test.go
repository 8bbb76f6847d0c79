package core

import (
	"context"
	"slices"
	"testing"

	"tradingengine/core/naive"
)

// recorder is a storage writer whose file is memory. Like the real one it reads cuts, and it keeps
// everything that was committed.
type recorder struct {
	engine  *Engine
	symbols []recordedSymbol
	lost    []LostTicks // By the newest commit.
	marks   []uint64
	dirty   []SymbolID
}

type recordedSymbol struct {
	ticks  []Tick
	tickAt uint64
	bars   [Frames][]Bar
	barAt  [Frames]uint64
	cut    Cut
}

func newRecorder(e *Engine) *recorder {
	r := &recorder{engine: e, symbols: make([]recordedSymbol, e.Symbols().Len())}
	for id := range r.symbols {
		s := &r.symbols[id]
		s.tickAt = e.TickStart(SymbolID(id))
		for f := range s.barAt {
			s.barAt[f] = e.BarStart(SymbolID(id), Frame(f))
		}
	}
	return r
}

// commit stores what was applied so far and lets go those who waited for it.
func (r *recorder) commit() {
	r.marks = r.engine.Applied(r.marks[:0])
	r.dirty = r.engine.TakeDirty(r.dirty[:0])
	r.lost = r.lost[:0]
	for _, id := range r.dirty {
		r.take(id)
	}
	r.engine.Committed(r.marks, r.lost)
}

func (r *recorder) take(id SymbolID) {
	s := &r.symbols[id]
	if !r.engine.Cut(id, &s.cut) {
		panic("a dirty symbol without a cut")
	}
	s.cut.Numbered = slices.Clone(s.cut.Numbered)
	ticks := make([]Tick, s.cut.Head-s.tickAt)
	first, n := r.engine.ReadTicks(id, s.tickAt, ticks)
	first = min(first, s.cut.Head)
	n = min(n, int(s.cut.Head-first))
	if first > s.tickAt {
		r.lost = append(r.lost, LostTicks{Symbol: id, From: s.tickAt, To: first})
	}
	s.ticks = append(s.ticks, ticks[:n]...)
	lost := first - s.tickAt
	s.tickAt = s.cut.Head
	for f := range s.bars {
		bars := make([]Bar, s.cut.Closed[f]-s.barAt[f])
		first, n := r.engine.ReadBars(id, Frame(f), s.barAt[f], bars)
		if first != s.barAt[f] || n < len(bars) {
			panic("closed bars were overwritten")
		}
		s.bars[f] = append(s.bars[f], bars...)
		s.barAt[f] = s.cut.Closed[f]
	}
	r.engine.Taken(id, &s.cut, int64(n), int64(lost)) // A shard may overwrite them now.
}

// run commits whenever it is woken, until ctx ends, and then once more.
func (r *recorder) run(ctx context.Context) {
	for {
		select {
		case <-r.engine.StorageSignal():
			r.commit()
		case <-ctx.Done():
			r.commit()
			return
		}
	}
}

// state is what a new engine would be started from.
func (r *recorder) state(id SymbolID) *SymbolState {
	s := &r.symbols[id]
	return &SymbolState{
		Ticks: slices.Clone(s.ticks), Bars: s.bars, Forming: s.cut.Forming,
		Clocked: s.cut.Clocked, Numbered: slices.Clone(s.cut.Numbered),
	}
}

// checkBars compares what was recorded of a symbol, and what is forming, with the naive market.
func (r *recorder) checkBars(t *testing.T, id SymbolID, want *naive.Market) {
	t.Helper()
	name := r.engine.Symbols().Symbol(id).Name
	for f := range frameCount {
		bars, closed := want.Bars(int(f))
		got := slices.Clone(r.symbols[id].bars[f])
		if len(got) != closed {
			t.Errorf("%s %v: %d closed bars; want %d", name, f, len(got), closed)
		}
		forming, _ := r.engine.Forming(id, f)
		if forming.Volume > 0 {
			got = append(got, forming)
		}
		if len(got) != len(bars) {
			t.Fatalf("%s %v: %d bars; want %d", name, f, len(got), len(bars))
		}
		for i := range got {
			if g := naiveOf(&got[i]); g != bars[i] {
				t.Fatalf("%s %v: bar %d of %d is\n%+v; want\n%+v", name, f, i, len(got), g, bars[i])
			}
		}
	}
}

func naiveOf(b *Bar) naive.Bar {
	side := func(o OHLC) [4]int64 { return [4]int64{o.Open, o.High, o.Low, o.Close} }
	return naive.Bar{
		Open: int64(b.Time), First: int64(b.First), Last: int64(b.Last),
		Mid: side(b.Mid), Bid: side(b.Bid), Ask: side(b.Ask), Volume: b.Volume,
		SpreadMin: b.SpreadMin, SpreadMax: b.SpreadMax, SpreadClose: b.SpreadLast,
	}
}

// offer is a quote as the naive market takes it.
func offer(q Quote) naive.Offer {
	return naive.Offer{
		Time: int64(q.Time), Bid: int64(q.Bid), Ask: int64(q.Ask), Source: int(q.Source), Seq: q.Seq,
	}
}

// checkTicks compares the ticks recorded of a symbol with the naive market.
func (r *recorder) checkTicks(t *testing.T, id SymbolID, want *naive.Market) {
	t.Helper()
	name, got := r.engine.Symbols().Symbol(id).Name, r.symbols[id].ticks
	if len(got) != len(want.Ticks) {
		t.Fatalf("%s: %d ticks; want %d", name, len(got), len(want.Ticks))
	}
	for i, tick := range got {
		w := want.Ticks[i]
		if (naive.Quote{
			Time: int64(tick.Time), Bid: int64(tick.Bid), Ask: int64(tick.Ask), Source: int(tick.Source),
		}) != w {
			t.Fatalf("%s: tick %d is %+v; want %+v", name, i, tick, w)
		}
	}
}

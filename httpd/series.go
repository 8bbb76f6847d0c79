package httpd

import (
	"context"
	"sync/atomic"
	"time"

	"tradingengine/core"
)

// How many elements of each series stay encoded.
const (
	ticksEncoded = 1024
	barsEncoded  = 512
)

// tickSeries is the stored ticks of one symbol.
type tickSeries struct {
	engine  *core.Engine
	history History
	sources *core.Sources
	symbol  *core.Symbol
	id      core.SymbolID
	floor   floor
	lines   lines[core.Tick]
}

func (s *tickSeries) read(from uint64, dst []core.Tick) (uint64, int) {
	return s.engine.ReadTicks(s.id, from, dst)
}

func (s *tickSeries) stored(ctx context.Context, w window) ([]core.Tick, error) {
	return s.history.Ticks(ctx, s.id, w.after, w.through, w.limit, !w.forward, nil)
}

func (s *tickSeries) timeOf(t *core.Tick) core.Time { return t.Time }

// timedHistory gives every read a deadline.
type timedHistory struct {
	history History
	wait    time.Duration
}

func (h timedHistory) Ticks(ctx context.Context, id core.SymbolID, from, to core.Time, limit int,
	newest bool, dst []core.Tick,
) ([]core.Tick, error) {
	ctx, cancel := context.WithTimeout(ctx, h.wait)
	defer cancel()
	return h.history.Ticks(ctx, id, from, to, limit, newest, dst)
}

func (h timedHistory) Bars(ctx context.Context, id core.SymbolID, f core.Frame, from, to core.Time,
	limit int, newest bool, dst []core.Bar,
) ([]core.Bar, error) {
	ctx, cancel := context.WithTimeout(ctx, h.wait)
	defer cancel()
	return h.history.Bars(ctx, id, f, from, to, limit, newest, dst)
}

// barSide is which prices a bar is shown in.
type barSide int

const (
	sideMid barSide = iota
	sideBid
	sideAsk
	sideCount
)

var sideNames = []string{"mid", "bid", "ask"}

// barSeries is the closed bars of one symbol, frame and side.
type barSeries struct {
	engine  *core.Engine
	history History
	id      core.SymbolID
	frame   core.Frame
	side    barSide
	digits  int
	floor   floor
	lines   lines[core.Bar]
}

func (s *barSeries) read(from uint64, dst []core.Bar) (uint64, int) {
	return s.engine.ReadBars(s.id, s.frame, from, dst)
}

func (s *barSeries) stored(ctx context.Context, w window) ([]core.Bar, error) {
	from := w.after
	if from != timeMin {
		from++ // Both ends of a range of bars belong to it.
	}
	return s.history.Bars(ctx, s.id, s.frame, from, w.through, w.limit, !w.forward, nil)
}

func (s *barSeries) timeOf(b *core.Bar) core.Time { return b.Time }

// barTable holds the series of bars that were asked for. There are too many to make them all.
type barTable []atomic.Pointer[barSeries]

// newSeries makes the series of ticks and the table of those of bars.
func (s *Server) newSeries() {
	n := s.symbols.Len()
	s.history = timedHistory{s.opts.History, s.opts.Limits.ReadHistory}
	s.ticks = make([]*tickSeries, n)
	for i := range s.ticks {
		id := core.SymbolID(i)
		s.ticks[i] = &tickSeries{
			engine: s.engine, history: s.history, sources: s.engine.Sources(),
			symbol: s.symbols.Symbol(id), id: id, lines: lines[core.Tick]{keep: ticksEncoded},
		}
	}
	s.bars = make(barTable, n*core.Frames*int(sideCount))
}

// barSeries returns the one series of bars there is of its kind.
func (s *Server) barSeries(id core.SymbolID, f core.Frame, side barSide) *barSeries {
	slot := &s.bars[(int(id)*core.Frames+int(f))*int(sideCount)+int(side)]
	if b := slot.Load(); b != nil {
		return b
	}
	slot.CompareAndSwap(nil, &barSeries{
		engine: s.engine, history: s.history, id: id, frame: f, side: side,
		digits: s.symbols.Symbol(id).Digits, lines: lines[core.Bar]{keep: barsEncoded},
	})
	return slot.Load()
}

package httpd

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tradingengine/core"
)

// standIn commits to slices what a storage writer would commit to a file, and is the naive History.
type standIn struct {
	engine  *core.Engine
	held    atomic.Bool // Commit nothing for now.
	loses   atomic.Bool // Say that ticks of the next commits were lost.
	forgets bool        // Keep nothing; set before the first quote.
	reads   atomic.Int64
	broken  atomic.Pointer[error] // What reads return.

	mu     sync.Mutex
	ticks  [][]core.Tick
	bars   [][core.Frames][]core.Bar
	taken  []uint64
	closed [][core.Frames]uint64
}

func newStandIn(e *core.Engine) *standIn {
	n := e.Symbols().Len()
	s := &standIn{
		engine: e, ticks: make([][]core.Tick, n), bars: make([][core.Frames][]core.Bar, n),
		taken: make([]uint64, n), closed: make([][core.Frames]uint64, n),
	}
	return s
}

// run commits whenever the engine signals, and now and then, until ctx ends.
func (s *standIn) run(ctx context.Context) {
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.engine.StorageSignal():
		case <-ticker.C:
		}
		if !s.held.Load() {
			s.commit()
		}
	}
}

func (s *standIn) commit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	marks := s.engine.Applied(nil)
	var lost []core.LostTicks
	var cut core.Cut
	for _, id := range s.engine.TakeDirty(nil) {
		s.engine.Cut(id, &cut)
		from := s.taken[id]
		if s.forgets {
			s.engine.Taken(id, &cut, int64(cut.Head-from), 0)
			s.taken[id] = cut.Head
			continue
		}
		ticks := make([]core.Tick, cut.Head-from)
		first, n := s.engine.ReadTicks(id, from, ticks)
		if first != from || uint64(n) != cut.Head-from {
			panic(fmt.Sprintf("stand-in was lapped: ticks from %d, want %d", first, from))
		}
		if s.loses.Load() && n > 0 {
			lost = append(lost, core.LostTicks{Symbol: id, From: from, To: cut.Head})
			s.engine.Taken(id, &cut, 0, int64(n))
		} else {
			s.ticks[id] = append(s.ticks[id], ticks...)
			s.engine.Taken(id, &cut, int64(n), 0)
		}
		s.taken[id] = cut.Head
		for f := range core.Frames {
			bars := make([]core.Bar, cut.Closed[f]-s.closed[id][f])
			first, n := s.engine.ReadBars(id, core.Frame(f), s.closed[id][f], bars)
			if n != len(bars) || first != s.closed[id][f] {
				panic(fmt.Sprintf("stand-in was lapped: bars from %d, want %d", first, s.closed[id][f]))
			}
			s.bars[id][f] = append(s.bars[id][f], bars...)
			s.closed[id][f] = cut.Closed[f]
		}
	}
	s.engine.Committed(marks, lost)
}

// naive takes the window out of a slice, with no cleverness.
func naive[T any](all []T, timeOf func(*T) core.Time, from, to core.Time, limit int,
	newest bool,
) []T {
	var in []T
	for i := range all {
		if t := timeOf(&all[i]); from <= t && t <= to {
			in = append(in, all[i])
		}
	}
	if len(in) > limit && newest {
		return in[len(in)-limit:]
	}
	return in[:min(len(in), limit)]
}

func tickTime(t *core.Tick) core.Time { return t.Time }
func barTime(b *core.Bar) core.Time   { return b.Time }

func (s *standIn) read() (func(), error) {
	s.reads.Add(1)
	if err := s.broken.Load(); err != nil {
		return nil, *err
	}
	s.mu.Lock()
	return s.mu.Unlock, nil
}

func (s *standIn) Ticks(_ context.Context, id core.SymbolID, from, to core.Time, limit int,
	newest bool, dst []core.Tick,
) ([]core.Tick, error) {
	unlock, err := s.read()
	if err != nil {
		return dst, err
	}
	defer unlock()
	if from != timeMin {
		from++
	}
	return append(dst, naive(s.ticks[id], tickTime, from, to, limit, newest)...), nil
}

func (s *standIn) Bars(_ context.Context, id core.SymbolID, f core.Frame, from, to core.Time,
	limit int, newest bool, dst []core.Bar,
) ([]core.Bar, error) {
	unlock, err := s.read()
	if err != nil {
		return dst, err
	}
	defer unlock()
	return append(dst, naive(s.bars[id][f], barTime, from, to, limit, newest)...), nil
}

// allTicks returns a copy of everything committed.
func (s *standIn) allTicks(id core.SymbolID) []core.Tick {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ticks[id])
}

package feed

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tradingengine/core"
)

// testMarket is an engine with a storage that commits in memory.
type testMarket struct {
	engine *core.Engine
	store  *memoryStore
	stop   func() // Closes the engine and waits for everything to end; may be called twice.
}

func startMarket(t *testing.T, opts core.Options) *testMarket {
	t.Helper()
	if opts.Symbols == nil {
		opts.Symbols = defaultRegistry(t)
	}
	opts.Sources, _ = core.NewSources(nil)
	opts.Throttle = core.DefaultThreshold
	e, err := core.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	m := &testMarket{engine: e, store: newMemoryStore(e)}
	ctx, cancel := context.WithCancel(context.Background())
	var shards, store sync.WaitGroup
	shards.Go(func() { e.Run(ctx) })
	store.Go(func() { m.store.run(ctx) })
	m.stop = sync.OnceFunc(func() {
		e.Close()
		shards.Wait()
		cancel()
		store.Wait()
		m.store.commit()
	})
	t.Cleanup(m.stop)
	return m
}

func defaultRegistry(t testing.TB, more ...string) *core.Registry {
	t.Helper()
	symbols := core.DefaultSymbols()
	for _, name := range more {
		symbols = append(symbols, core.NewSymbol(name))
	}
	r, err := core.NewRegistry(symbols)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func idOf(t *testing.T, r *core.Registry, name string) core.SymbolID {
	t.Helper()
	id, err := r.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// memoryStore takes commits as the storage writer does, and keeps the ticks.
type memoryStore struct {
	engine *core.Engine
	delay  time.Duration // Of each commit.
	mu     sync.Mutex
	heads  []uint64
	ticks  [][]core.Tick // By SymbolID.
}

func newMemoryStore(e *core.Engine) *memoryStore {
	n := e.Symbols().Len()
	return &memoryStore{engine: e, heads: make([]uint64, n), ticks: make([][]core.Tick, n)}
}

func (s *memoryStore) run(ctx context.Context) {
	interval := time.NewTicker(time.Second)
	defer interval.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.engine.StorageSignal():
		case <-interval.C:
		}
		time.Sleep(s.delay)
		s.commit()
	}
}

func (s *memoryStore) commit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	marks := s.engine.Applied(nil)
	var lost []core.LostTicks
	for _, id := range s.engine.TakeDirty(nil) {
		var cut core.Cut
		s.engine.Cut(id, &cut)
		from := s.heads[id]
		ticks := make([]core.Tick, cut.Head-from)
		first, n := s.engine.ReadTicks(id, from, ticks)
		n = min(n, int(cut.Head-first))
		if first > from {
			lost = append(lost, core.LostTicks{Symbol: id, From: from, To: first})
		}
		s.ticks[id] = append(s.ticks[id], ticks[:n]...)
		s.heads[id] = cut.Head
		s.engine.Taken(id, &cut, int64(n), int64(first-from))
	}
	s.engine.Committed(marks, lost)
}

// stored returns the committed ticks of a symbol.
func (s *memoryStore) stored(id core.SymbolID) []core.Tick {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]core.Tick(nil), s.ticks[id]...)
}

// checkSums fails when the engine's counters do not add up.
func (m *testMarket) checkSums(t *testing.T) core.Stats {
	t.Helper()
	s := m.engine.Stats()
	if quotes, ticks := s.Remainders(); !s.Exact || quotes != 0 || ticks != 0 {
		t.Errorf("sums: exact %v, remainders %d and %d, want true, 0 and 0", s.Exact, quotes, ticks)
	}
	return s
}

// inBubble runs f with a clock that moves only while everything sleeps. The engine's pools hold
// channels of the bubble afterwards, which nothing outside may use; two collections empty them.
func inBubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	runtime.GC()
	runtime.GC()
	synctest.Test(t, f)
	runtime.GC()
	runtime.GC()
}

package persist

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"tradingengine/core"
)

// LoadOptions say how much of the file an engine starts with. Zero values mean the default given.
//
// What is not in memory is read from the file when somebody asks for it, so less of it only makes
// the first questions slower, while more makes every start slower: 50,000 ticks of 21 symbols take
// a quarter of a second on two cores, 5,000 bars of all their frames almost one.
type LoadOptions struct {
	Ticks int // Newest ticks of each symbol; default 5,000.
	Bars  int // Newest closed bars of each symbol and frame; default 2,000.
}

// loadBarsMin is enough for the forming bars of every frame: a week has at most seven days, a day
// at most seven bars of four hours.
const loadBarsMin = 16

// Loaded is what an engine was started with.
type Loaded struct {
	Ticks   int
	Bars    int // Closed bars of all frames and forming minutes.
	Symbols int // Symbols with bars.
	Took    time.Duration
}

// Load gives each symbol of the engine the state that the last commit left: its newest ticks and
// bars, the forming minute, the senders' numbers. It comes before the engine's Run. Nothing is
// written before all of it could be read, so that a file that turns out to be damaged stays as it
// is.
func (s *Store) Load(ctx context.Context, e *core.Engine, opts LoadOptions) (Loaded, error) {
	if e.Symbols() != s.opts.Symbols || e.Sources() != s.sources {
		return Loaded{}, errEngine
	}
	if opts.Ticks == 0 {
		opts.Ticks = 5_000
	}
	if opts.Bars == 0 {
		opts.Bars = 2_000
	}
	opts.Bars = max(opts.Bars, loadBarsMin)
	start := time.Now()
	var loaded Loaded
	err := s.loadStates(ctx, opts, func(id core.SymbolID, state *core.SymbolState, done int) error {
		bars := 0
		if state.Forming.Volume > 0 {
			bars++
		}
		for f := range state.Bars {
			bars += len(state.Bars[f])
		}
		loaded.Ticks += len(state.Ticks)
		loaded.Bars += bars
		if bars > 0 {
			loaded.Symbols++
		}
		s.opts.Progress(Progress{"loading bars and ticks", int64(done), int64(len(s.ids))})
		return e.Restore(id, state)
	})
	if err == nil {
		err = s.settle()
	}
	if err != nil {
		return Loaded{}, fmt.Errorf("cannot load the market file: %w", s.Refuse(err))
	}
	loaded.Took = time.Since(start)
	return loaded, nil
}

// loadStates reads the symbols with as many connections as there are processors and gives the
// state of each to take, one at a time, with how many there were. The first error is returned: it
// stops the others.
func (s *Store) loadStates(
	ctx context.Context, opts LoadOptions,
	take func(id core.SymbolID, state *core.SymbolState, done int) error,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		mu    sync.Mutex // Guards next, done and first.
		next  int
		done  int
		first error
		group sync.WaitGroup
	)
	failed := func(err error) bool {
		if err != nil && first == nil {
			first = err
			cancel()
		}
		return err != nil
	}
	step := func(c *conn) bool {
		mu.Lock()
		id := core.SymbolID(next)
		next++
		mu.Unlock()
		if int(id) >= len(s.ids) {
			return false
		}
		state, err := s.loadSymbol(ctx, c, id, opts)
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			done++
			err = take(id, state, done)
		}
		return !failed(err)
	}
	for range min(runtime.GOMAXPROCS(0), s.opts.Readers) {
		group.Go(func() {
			err := s.readConn(ctx, func(c *conn) error {
				for step(c) {
				}
				return nil
			})
			mu.Lock()
			defer mu.Unlock()
			failed(err)
		})
	}
	group.Wait()
	return first
}

// loadSymbol reads the state of one symbol. Nobody writes meanwhile, so its queries see one cut.
func (s *Store) loadSymbol(
	ctx context.Context, c *conn, id core.SymbolID, opts LoadOptions,
) (*core.SymbolState, error) {
	state := &core.SymbolState{}
	key := s.ids[id]
	var err error
	state.Ticks, err = readTicks(ctx, c, key, math.MinInt64, math.MaxInt64, opts.Ticks, true, nil)
	if err != nil {
		return nil, err
	}
	// A kill leaves the forming minute in its own table, where it is newer than in the other.
	err = readBars(ctx, c, "SELECT "+barColumns+" FROM forming WHERE symbol_id = ?",
		func(b *storedBar) { state.Forming, state.Clocked = b.Bar, b.clocked }, key)
	if err != nil {
		return nil, err
	}
	for f := range core.Frames {
		if err := loadBars(ctx, c, key, core.Frame(f), opts.Bars, state); err != nil {
			return nil, err
		}
	}
	err = c.query(ctx, "SELECT source_id, last FROM seq WHERE symbol_id = ? ORDER BY source_id",
		func(row []driver.Value) error {
			var w [2]int64
			if err := wholes(row, w[:]); err != nil {
				return err
			}
			state.Numbered = append(state.Numbered,
				core.SourceSeq{Source: core.SourceID(w[0]), Seq: uint64(w[1])})
			return nil
		}, key)
	return state, err
}

// loadBars reads the newest bars of a frame. Only the newest minute may be one that forms.
func loadBars(
	ctx context.Context, c *conn, key int64, f core.Frame, limit int, state *core.SymbolState,
) error {
	bars := make([]core.Bar, 0, 64)
	err := readBars(ctx, c, barsNewest, func(b *storedBar) {
		switch forming := state.Forming.Volume > 0; {
		case f != core.M1:
		case forming && b.Time == state.Forming.Time:
			return
		case !forming && len(bars) == 0 && !b.complete:
			state.Forming, state.Clocked = b.Bar, b.clocked
			return
		}
		bars = append(bars, b.Bar)
	}, key, frameSeconds(f), int64(math.MinInt64), int64(math.MaxInt64), int64(0), int64(limit+1))
	slices.Reverse(bars)
	state.Bars[f] = bars[max(0, len(bars)-limit):]
	return err
}

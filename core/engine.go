package core

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Options configure an Engine. Zero values mean the default given.
type Options struct {
	Symbols  *Registry   // Required.
	Sources  *Sources    // Required.
	Throttle Threshold   // Of symbols without their own; 0 stores every quote.
	Shards   int         // Default 1: one core takes millions of quotes a second.
	Ticks    int         // Stored ticks in memory per symbol; default 50,000.
	Bars     int         // Closed bars in memory per symbol and frame; default 5,000.
	Inbox    int         // Quotes waiting per shard; default 262,144.
	Batch    int         // Uncommitted ticks that wake the storage writer; default 500.
	Queue    int         // Uncommitted ticks that count as a full queue; default 10,000.
	Watched  int         // Quotes waiting for the watcher; default 65,536.
	Messages int         // Messages waiting for the watcher; default 4,096.
	Now      func() Time // The clock that closes bars; default Now.

	InboxWait time.Duration // How long a sender waits for room; default 1 s.
}

// clockDelay is how long after its end a live bar stays open for quotes under way.
const clockDelay = 250 * Millisecond

// Engine is the market in memory: it spreads symbols over shards, takes submissions, and lets any
// goroutine read. Restore comes first, then Run, then Close.
type Engine struct {
	opts     Options
	shards   []*shard
	markets  []*market // By SymbolID; each belongs to its shard.
	dirty    dirtySet
	barrier  barrier
	watcher  Watcher
	edge     edgeCounts
	start    []uint64        // Ring heads when the engine started: ticks restored.
	taken    []atomic.Uint64 // Ring heads the storage writer has committed or counted as lost.
	barStart [][Frames]uint64
	behindAt uint64
	// Closed minutes the storage writer has committed, by symbol, and how many more than that
	// make a shard wait for it.
	takenMinutes []atomic.Uint64
	crowdedAt    uint64
	givenUp      atomic.Uint64 // What storage had done when waiting for it was no use.

	takes          atomic.Uint64 // Odd while the storage writer changes what follows.
	committedTicks atomic.Int64
	lostTicks      atomic.Int64

	closed      atomic.Bool
	behind      atomic.Bool  // Some symbol's uncommitted ticks fill half its ring.
	pending     atomic.Int64 // Ticks stored and not yet committed or lost; wakes and warns only.
	pendingPeak atomic.Int64
	queueFull   atomic.Int64 // Batches that ended with more than Queue pending.
	slowed      atomic.Int64 // Submissions that had to wait for room.
	refused     atomic.Int64 // Submissions refused for lack of room.
	held        atomic.Int64 // Batches held until storage had taken closed minutes.
	ahead       atomic.Int64 // Commits of storage that did not wait for the watcher.
	movesWanted atomic.Int32
	movesHeld   atomic.Bool // Some symbol's newest move waits for its reader to catch up.

	storage chan struct{} // Wakes the storage writer.
	stream  chan struct{} // Wakes the stream hub.
}

// New checks the options and makes an engine that knows no price yet.
func New(opts Options) (*Engine, error) {
	if opts.Symbols == nil || opts.Sources == nil {
		return nil, fmt.Errorf("core: Symbols and Sources are required")
	}
	defaultTo(&opts.Shards, 1)
	defaultTo(&opts.Ticks, 50_000)
	defaultTo(&opts.Bars, 5_000)
	defaultTo(&opts.Inbox, 262_144)
	defaultTo(&opts.Batch, 500)
	defaultTo(&opts.Queue, 10_000)
	defaultTo(&opts.Watched, 65_536)
	defaultTo(&opts.Messages, 4_096)
	if opts.Inbox < 4*BatchMax {
		return nil, fmt.Errorf("core: an inbox of %d quotes is below %d", opts.Inbox, 4*BatchMax)
	}
	if opts.Watched < BatchMax || opts.Messages < 1 {
		return nil, fmt.Errorf("core: %d quotes and %d messages for the watcher are too few; "+
			"at least %d and 1", opts.Watched, opts.Messages, BatchMax)
	}
	if least := min(opts.Shards, opts.Ticks, opts.Bars, opts.Batch, opts.Queue); least < 0 {
		return nil, fmt.Errorf("core: %d is no number of shards, ticks, bars or rows", least)
	}
	if opts.InboxWait == 0 {
		opts.InboxWait = time.Second
	}
	if opts.Now == nil {
		opts.Now = Now
	}
	n := opts.Symbols.Len()
	e := &Engine{
		opts: opts, dirty: newDirtySet(n), behindAt: uint64(opts.Ticks / 2),
		barrier: newBarrier(opts.Shards),
		markets: make([]*market, n), start: make([]uint64, n), taken: make([]atomic.Uint64, n),
		barStart: make([][Frames]uint64, n), takenMinutes: make([]atomic.Uint64, n),
		crowdedAt: uint64(max(opts.Bars-2*BatchMax, opts.Bars/2)),
		storage:   make(chan struct{}, 1), stream: make(chan struct{}, 1),
	}
	e.givenUp.Store(math.MaxUint64)
	e.watcher = newWatcher(e)
	for i := range opts.Shards {
		e.shards = append(e.shards, &shard{
			engine: e, index: i, inbox: newInbox[*Batch](int64(opts.Inbox), clockRoom),
			markets: make([]*market, n),
			block:   newRingWriter(shardCountWords, newestPromise, newestPromise+1),
		})
	}
	for i := range n {
		id := SymbolID(i)
		threshold := opts.Throttle
		if s := opts.Symbols.Symbol(id); s.OwnThrottle {
			threshold = s.Throttle
		}
		m := newMarket(id, threshold, opts.Ticks, opts.Bars)
		e.markets[id] = m
		e.shards[e.shardOf(id)].markets[id] = m
	}
	return e, nil
}

func defaultTo(v *int, value int) {
	if *v == 0 {
		*v = value
	}
}

func (e *Engine) shardOf(id SymbolID) int { return int(id) % len(e.shards) }

// Symbols returns the registry the engine was made with.
func (e *Engine) Symbols() *Registry { return e.opts.Symbols }

// Sources returns the table of source names.
func (e *Engine) Sources() *Sources { return e.opts.Sources }

// Run applies submissions until Close is called and everything sent before is applied. It blocks;
// ctx ends only the clock, not the shards, because what was taken must be applied.
func (e *Engine) Run(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	var shards, clock sync.WaitGroup
	clock.Go(func() { e.runClock(ctx) })
	for _, s := range e.shards {
		shards.Go(s.run)
	}
	shards.Wait()
	stop()
	clock.Wait()
}

// Close refuses further submissions and lets Run return when the inboxes are empty. It may be
// called more than once.
func (e *Engine) Close() {
	e.closed.Store(true)
	for _, s := range e.shards {
		s.inbox.close()
	}
}

// runClock sends a clock message to every shard when a minute has ended clockDelay ago, and while
// moves are held back. It looks at the clock rather than computing a sleep, so that a clock that
// jumps is noticed.
func (e *Engine) runClock(ctx context.Context) {
	const look = 50 * time.Millisecond
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	var told Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := e.opts.Now()
		minute := (now - clockDelay).Floor(Minute)
		if held := e.movesHeld.Swap(false); held || minute != told {
			told = minute
			e.CloseBars(now)
		}
	}
}

// CloseBars tells every shard what time it is, so that live bars that ended are closed. Run does
// this by the clock; a caller with a clock of its own may do it instead.
func (e *Engine) CloseBars(now Time) {
	for _, s := range e.shards {
		b := newBatch(s.index)
		b.clock, b.Arrival = true, now
		s.inbox.send(b)
	}
}

// afterBatch wakes those who work on what a batch did.
func (e *Engine) afterBatch(stored int64, waited bool) {
	pending := e.pending.Load()
	if stored > 0 {
		pending = e.pending.Add(stored)
		if pending > int64(e.opts.Queue) {
			e.queueFull.Add(1)
			if pending > e.pendingPeak.Load() {
				e.pendingPeak.Store(pending)
			}
		}
	}
	if waited || pending >= int64(e.opts.Batch) || e.behind.Load() {
		wake(e.storage)
	}
	wake(e.stream)
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

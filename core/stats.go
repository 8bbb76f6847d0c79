package core

import (
	"runtime"
	"sync"
)

// edgeCounts count the quotes that were refused before they reached a shard.
type edgeCounts struct {
	mu       sync.Mutex
	received int64
	rejected [RejectReasons]int64
}

func (c *edgeCounts) add(o *Outcome, rejected *[RejectReasons]int64) {
	if o.Received == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.received += o.Received
	for i, n := range rejected {
		c.rejected[i] += n
	}
}

// Stats are the counters since this start, all of one moment when Exact.
type Stats struct {
	Received, Stored, Throttled int64
	Rejected                    [RejectReasons]int64
	Late                        int64 // Accepted, though behind the symbol's last quote.
	Reanchored                  int64 // Absurd prices that proved to be the price.

	Handed int64 // Accepted quotes that the watcher got.

	Committed, Pending, Lost int64 // Of the stored ticks.

	Batches   int64
	Slowed    int64 // Submissions that had to wait for room.
	Refused   int64 // Submissions refused for lack of room.
	Held      int64 // Batches that waited until storage had taken closed minutes.
	Queued    int64 // Quotes in the inboxes now.
	HandWaits int64 // Batches that waited for room at the watcher.
	Ahead     int64 // Commits of storage that did not wait for what their quotes did.
	QueueFull int64 // Batches that ended with more ticks pending than the queue's capacity.

	// Exact is false when quotes came so fast that no moment could be caught; the counters are
	// right, each by itself, but their sums may be off by what was under way.
	Exact bool
}

// RejectedTotal is the sum over all reasons.
func (s *Stats) RejectedTotal() int64 {
	var n int64
	for _, r := range s.Rejected {
		n += r
	}
	return n
}

// Remainders return what is left of the two conservation sums, received − (stored + throttled +
// rejected) and stored − (committed + pending + lost). Anything but 0 in exact stats is a bug.
func (s *Stats) Remainders() (quotes, ticks int64) {
	return s.Received - s.Stored - s.Throttled - s.RejectedTotal(),
		s.Stored - s.Committed - s.Pending - s.Lost
}

// Stats reads all counters, again and again until nothing changed meanwhile, so that the sums add
// up while quotes flow. Any goroutine may call it.
func (e *Engine) Stats() Stats {
	const tries = 200
	var s Stats
	for range tries {
		before, quiet := e.statsVersion()
		s = e.collect()
		if after, _ := e.statsVersion(); quiet && after == before {
			s.Exact = true
			break
		}
		runtime.Gosched()
	}
	s.Slowed, s.Refused = e.slowed.Load(), e.refused.Load()
	s.Ahead = e.ahead.Load()
	s.QueueFull, s.Held, s.HandWaits = e.queueFull.Load(), e.held.Load(), e.watcher.waits.Load()
	for _, sh := range e.shards {
		s.Queued += sh.inbox.queued()
	}
	return s
}

// statsVersion changes whenever a shard or the storage writer changes a counter; quiet is false
// while one of them is at it.
func (e *Engine) statsVersion() (version uint64, quiet bool) {
	version = e.takes.Load()
	quiet = version%2 == 0
	for _, s := range e.shards {
		started, applied := s.started.Load(), s.applied.Load()
		version += started + applied
		quiet = quiet && started == applied
	}
	return version, quiet
}

func (e *Engine) collect() Stats {
	var s Stats
	var words [shardCountWords]int64
	for _, sh := range e.shards {
		if _, ok := sh.block.latest(words[:]); !ok {
			continue
		}
		var c shardCounts
		c.unpack(words[:])
		s.Batches += c.batches
		s.Received += c.received
		s.Stored += c.stored
		s.Throttled += c.throttled
		s.Late += c.late
		s.Reanchored += c.reanchored
		s.Handed += c.handed
		for i, n := range c.rejected {
			s.Rejected[i] += n
		}
	}
	e.edge.mu.Lock()
	s.Received += e.edge.received
	for i, n := range e.edge.rejected {
		s.Rejected[i] += n
	}
	e.edge.mu.Unlock()
	s.Committed, s.Lost = e.committedTicks.Load(), e.lostTicks.Load()
	for id := range e.markets {
		s.Pending += e.SymbolPending(SymbolID(id))
	}
	return s
}

// SymbolCounts returns the counters of one symbol since this start.
func (e *Engine) SymbolCounts(id SymbolID) Counts {
	var c Cut
	e.Cut(id, &c)
	return c.Counts
}

// SymbolPending returns how many stored ticks of a symbol are not committed.
func (e *Engine) SymbolPending(id SymbolID) int64 {
	taken := e.taken[id].Load() // First, so that it is not ahead.
	return int64(e.markets[id].ticks.head.Load() - taken)
}

// Pending returns how many stored ticks are not committed, at once and roughly.
func (e *Engine) Pending() int64 { return e.pending.Load() }

package app

import (
	"fmt"
	"sync"
	"time"

	"tradingengine/core"
)

// stuckAfter is how long a shard may have quotes and apply none.
const stuckAfter = 5 * time.Second

// conservation checks the sums that always hold. A remainder is a bug, and stays red.
type conservation struct {
	stats  func() core.Stats
	mu     sync.Mutex
	off    int64 // The largest remainder there was.
	broken string
}

func (c *conservation) check() (off int64, broken string) {
	s := c.stats()
	c.mu.Lock()
	defer c.mu.Unlock()
	if quotes, ticks := s.Remainders(); s.Exact && (quotes != 0 || ticks != 0) {
		c.off = max(c.off, quotes, -quotes, ticks, -ticks)
		c.broken = fmt.Sprintf("quotes off by %d, ticks off by %d", quotes, ticks)
	}
	return c.off, c.broken
}

// shardWatch notices a shard, or the desk, that has work and does none.
type shardWatch struct {
	progress func() []core.ShardProgress
	now      func() time.Time
	mu       sync.Mutex
	seen     []shardSeen
}

type shardSeen struct {
	applied uint64
	since   time.Time // When it was first seen like this with quotes waiting; zero when none wait.
}

// check returns how long the slowest shard has been standing still with quotes waiting. It has to
// be called now and then, which the operators' log does.
func (w *shardWatch) check() time.Duration {
	now := w.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	progress := w.progress()
	if w.seen == nil {
		w.seen = make([]shardSeen, len(progress))
	}
	var longest time.Duration
	for i, p := range progress {
		seen := &w.seen[i]
		switch {
		case p.Queued == 0:
			*seen = shardSeen{applied: p.Applied}
		case p.Applied != seen.applied || seen.since.IsZero():
			*seen = shardSeen{applied: p.Applied, since: now}
		default:
			longest = max(longest, now.Sub(seen.since))
		}
	}
	return longest
}

package webhook

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"tradingengine/persist"
)

// retryAfter is how long after each failed attempt the next one is made; after the last there is
// none.
var retryAfter = [...]time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour,
}

// retrySpread is by how much of itself a pause is shorter or longer at most, so that what failed
// together does not come back together.
const retrySpread = 0.2

type retries struct{ random *rand.Rand }

// after returns the pause after one more failure than there were before.
func (r *retries) after(failures int) (pause time.Duration, ok bool) {
	if failures >= len(retryAfter) {
		return 0, false
	}
	factor := 1 - retrySpread + 2*retrySpread*r.random.Float64()
	return time.Duration(float64(retryAfter[failures]) * factor), true
}

// Stats are counters since this start.
type Stats struct {
	Delivered int64 // Attempts that a receiver took,
	Failed    int64 // and those that it did not.
	GivenUp   int64 // Messages that will not be tried again by themselves.
	Storage   int64 // Reads and commits of the outbox that failed.
}

// counts are the counters. Run adds, anybody reads.
type counts struct{ delivered, failed, givenUp, storage atomic.Int64 }

func (c *counts) add(row *persist.AttemptResult) {
	switch {
	case row.Delivered:
		c.delivered.Add(1)
		return
	case row.Next == 0:
		c.givenUp.Add(1)
	}
	c.failed.Add(1)
}

// Stats returns the counters.
func (c *Courier) Stats() Stats {
	n := &c.counts
	return Stats{
		Delivered: n.delivered.Load(), Failed: n.failed.Load(), GivenUp: n.givenUp.Load(),
		Storage: n.storage.Load(),
	}
}

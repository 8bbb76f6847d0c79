package core

import (
	"slices"
	"time"
)

// commitBounds are the buckets of CommitTimes, in seconds.
var commitBounds = [...]float64{
	0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5,
}

// CommitTimes counts how long commits took, of ticks and bars or of the journal. It belongs to
// whoever commits; others get copies.
type CommitTimes struct {
	// Counts[i] are the commits of at most CommitBounds()[i] seconds and above the bound before; the
	// last are those above all bounds.
	Counts [len(commitBounds) + 1]uint64
	Sum    time.Duration
}

// CommitBounds are the upper bounds of the buckets, in seconds, ascending.
func CommitBounds() []float64 { return commitBounds[:] }

// Add counts a commit.
func (t *CommitTimes) Add(d time.Duration) {
	i, _ := slices.BinarySearch(commitBounds[:], d.Seconds())
	t.Counts[i]++
	t.Sum += d
}

package httpd

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// A histogram counts durations in microseconds: one bucket each below 16 µs, then eight for each
// doubling, so that a quantile is at most an eighth too high. The last bucket takes all above two
// minutes.
const (
	bucketsExact  = 16
	bucketsDouble = 8
	bucketsTop    = 27 // Durations of 2^27 µs and more share the last bucket.
	bucketCount   = bucketsExact + (bucketsTop-4)*bucketsDouble + 1
)

type histogram struct{ counts [bucketCount]atomic.Uint32 }

func bucketOf(d time.Duration) int {
	us := uint64(max(0, d.Microseconds()))
	if us < bucketsExact {
		return int(us)
	}
	top := bits.Len64(us) - 1
	if top >= bucketsTop {
		return bucketCount - 1
	}
	return bucketsExact + (top-4)*bucketsDouble + int(us>>(top-3))&(bucketsDouble-1)
}

// bucketEnd returns the longest duration a bucket counts, in microseconds.
func bucketEnd(i int) int64 {
	if i < bucketsExact {
		return int64(i)
	}
	i -= bucketsExact
	top := 4 + i/bucketsDouble
	return int64(bucketsDouble+i%bucketsDouble+1)<<(top-3) - 1
}

func (h *histogram) add(d time.Duration) { h.counts[bucketOf(d)].Add(1) }

// total is how many durations are counted.
func (h *histogram) total() (n int64) {
	for i := range h.counts {
		n += int64(h.counts[i].Load())
	}
	return n
}

func (h *histogram) clear() {
	for i := range h.counts {
		h.counts[i].Store(0)
	}
}

// quantiles returns, for each share in hundredths, the duration in microseconds that this share of
// what both histograms counted did not exceed; −1 when they counted nothing.
func quantiles(a, b *histogram, shares ...int64) []int64 {
	var counts [bucketCount]int64
	var total int64
	for i := range counts {
		counts[i] = int64(a.counts[i].Load()) + int64(b.counts[i].Load())
		total += counts[i]
	}
	values := make([]int64, len(shares))
	for k, share := range shares {
		values[k] = -1
		rank := (total*share + 99) / 100 // Of the wanted one, from 1.
		for i := 0; i < bucketCount && rank > 0; i++ {
			if rank -= counts[i]; rank <= 0 {
				values[k] = bucketEnd(i)
			}
		}
	}
	return values
}

// windowSeconds is how long one half of a histogram pair is filled. Quantiles are of both halves,
// so of the last one to two windows.
const windowSeconds = 30

// routeStats counts the requests of one route since the start, and how long the recent ones took
// from the request's arrival to the answer, without the time to send it.
type routeStats struct {
	requests atomic.Int64
	failures atomic.Int64 // Answers of 500 and above.
	windows  [2]histogram
	times    routeTimes // Since the start, by status.
}

// add counts a request, also into one of the two windows.
func (r *routeStats) add(window uint32, d time.Duration, status int) {
	r.requests.Add(1)
	if status >= 500 {
		r.failures.Add(1)
	}
	r.windows[window&1].add(d)
	r.times.add(d, status)
}

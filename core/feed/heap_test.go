package feed

import (
	"math/rand/v2"
	"slices"
	"testing"

	"tradingengine/core"
)

// TestTimeHeap does random operations on a heap and on a sorted slice.
func TestTimeHeap(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var heap timeHeap[int]
	var naive []timed[int]
	sort := func() {
		slices.SortFunc(naive, func(a, b timed[int]) int {
			if a.at != b.at {
				return int(a.at - b.at)
			}
			return a.order - b.order
		})
	}
	for i := range 5000 {
		at := core.Time(r.IntN(100))
		switch op := r.IntN(3); {
		case op == 0 || len(naive) == 0:
			heap.push(at, i, i)
			naive = append(naive, timed[int]{at, i, i})
		case op == 1:
			heap.later(at)
			naive[0].at = at
		default:
			heap.pop()
			naive = naive[1:]
		}
		sort()
		if len(heap) != len(naive) || len(heap) > 0 && heap[0] != naive[0] {
			t.Fatalf("step %d: %d items from %+v, want %d from %+v", i, len(heap), heap[0], len(naive),
				naive[0])
		}
	}
}

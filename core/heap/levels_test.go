package heap

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestLevels compares the heap with a plain list under random changes: which levels fire at every
// price, and that each owner knows where its level is.
func TestLevels(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	type owner struct {
		id  int64
		key int64
		at  int32
	}
	for range 200 {
		var h Levels
		var owners []*owner
		for step := range 300 {
			switch {
			case len(owners) == 0 || r.IntN(3) > 0 && step < 200:
				o := &owner{id: int64(step), key: r.Int64N(40), at: -1}
				owners = append(owners, o)
				h.Set(o.key, o.id, &o.at)
			case r.IntN(2) == 0:
				o := owners[r.IntN(len(owners))]
				o.key = r.Int64N(40)
				h.Set(o.key, o.id, &o.at)
			default:
				i := r.IntN(len(owners))
				h.Remove(&owners[i].at)
				if owners[i].at != -1 {
					t.Fatalf("a removed level says it is at %d", owners[i].at)
				}
				owners = slices.Delete(owners, i, i+1)
			}
			x := r.Int64N(42) - 1
			var want []int64
			for _, o := range owners {
				if o.key <= x {
					want = append(want, o.id)
				}
				if h[o.at].At != &o.at || h[o.at].Key != o.key {
					t.Fatalf("step %d: level %d is not where it says", step, o.id)
				}
			}
			got := h.AppendFired(nil, x)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) || h.Fires(x) != (len(want) > 0) {
				t.Fatalf("step %d: at %d fire %v; want %v", step, x, got, want)
			}
		}
	}
}

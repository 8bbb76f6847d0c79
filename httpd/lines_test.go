package httpd

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"tradingengine/core"
)

// numbers is a series whose element i is i at time 10·i, of which memory has the newest few.
type numbers struct {
	head, kept uint64
}

func (s *numbers) read(from uint64, dst []int) (uint64, int) {
	first := max(from, s.head-min(s.head, s.kept))
	n := 0
	for n < len(dst) && first+uint64(n) < s.head {
		dst[n] = int(first) + n
		n++
	}
	return first, n
}

func (s *numbers) stored(context.Context, window) ([]int, error) { return nil, nil }
func (s *numbers) timeOf(v *int) core.Time                       { return core.Time(*v * 10) }
func (s *numbers) encode(dst []byte, v *int) []byte              { return fmt.Appendf(dst, "%d,\n", *v) }

func numberLines(lo, hi uint64) string {
	var b strings.Builder
	for ; lo < hi; lo++ {
		fmt.Fprintf(&b, "%d,\n", lo)
	}
	return b.String()
}

// TestLines lets a series grow by random steps, sometimes beyond what memory has, and checks what
// the lines hold then, and what earlier readers still see.
func TestLines(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 5))
	s := &numbers{kept: 200}
	l := &lines[int]{keep: 50}
	budget := &lineBudget{limit: 1 << 30}
	type view struct {
		run  lineRun
		want string
	}
	var views []view
	for range 2000 {
		s.head += uint64(rnd.IntN(9))
		if rnd.IntN(50) == 0 {
			s.head += 300
		}
		run := l.refresh(s, s.head, budget, 0)
		if run.head() != s.head {
			t.Fatalf("seed %d: run ends at %d, want %d", seed, run.head(), s.head)
		}
		if n := len(run.times); uint64(n) < min(s.head, 50) || n > 75+32 {
			t.Fatalf("seed %d: %d lines kept of %d", seed, n, s.head)
		}
		want := numberLines(run.first, s.head)
		if got := string(run.slice(run.first, s.head)); got != want {
			t.Fatalf("seed %d: got %q, want %q", seed, got, want)
		}
		if after := run.after(core.Time(s.head)*10 - 25); s.head > run.first+3 && after != s.head-2 {
			t.Fatalf("seed %d: after %d of %d", seed, after, s.head)
		}
		views = append(views, view{run, want})
	}
	for _, v := range views {
		if got := string(v.run.slice(v.run.first, v.run.head())); got != v.want {
			t.Fatalf("seed %d: an earlier view changed: %q, want %q", seed, got, v.want)
		}
	}
	if got := l.size; budget.used.Load() != got || got != l.run.bytes() {
		t.Errorf("counted %d bytes, lines say %d, they have %d", budget.used.Load(), got, l.run.bytes())
	}
}

// TestLineBudget asks for more series than fit: the ones not used for longest go, and come back.
func TestLineBudget(t *testing.T) {
	s := &numbers{head: 1000, kept: 1000}
	one := &lines[int]{keep: 500}
	size := &lineBudget{limit: 1 << 30}
	one.refresh(s, s.head, size, 0)
	budget := &lineBudget{limit: 10 * size.used.Load()}
	all := make([]*lines[int], 20)
	for i := range all {
		all[i] = &lines[int]{keep: 500}
		all[i].refresh(s, s.head, budget, core.Time(i+1))
		if used := budget.used.Load(); used > budget.limit {
			t.Fatalf("%d bytes used after series %d, limit %d", used, i, budget.limit)
		}
	}
	held := 0
	for i, l := range all {
		if len(l.run.times) > 0 {
			held++
		} else if i > 15 {
			t.Errorf("series %d was dropped, though newer than others", i)
		}
	}
	if held < 5 || int64(20-held) != budget.dropped.Load() {
		t.Errorf("%d series held, %d dropped", held, budget.dropped.Load())
	}
	run := all[0].refresh(s, s.head, budget, 100)
	if got, want := string(run.slice(run.first, run.head())), numberLines(500, 1000); got != want {
		t.Errorf("after it was dropped: got %q, want %q", got, want)
	}
}

// TestLinesTogether lets many goroutines refresh and drop at once, for the race detector.
func TestLinesTogether(t *testing.T) {
	budget := &lineBudget{limit: 20_000}
	all := make([]lines[int], 4)
	for i := range all {
		all[i].keep = 100
	}
	var readers sync.WaitGroup
	for k := range 4 {
		readers.Go(func() {
			for i := range 500 {
				s := &numbers{head: uint64(10 * i), kept: 1 << 20}
				l := &all[(k+i)%len(all)]
				run := l.refresh(s, s.head, budget, core.Time(i))
				hi := min(run.head(), s.head)
				lo := min(run.first, hi)
				if got, want := string(run.slice(lo, hi)), numberLines(lo, hi); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
		})
	}
	readers.Wait()
}

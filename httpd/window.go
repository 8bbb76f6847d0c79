package httpd

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"

	"tradingengine/core"
)

// The ends of an open window.
const (
	timeMin core.Time = math.MinInt64
	timeMax core.Time = math.MaxInt64
)

// window is what a request wants of a series: elements with after < time ≤ through, at most limit
// of them. Forward takes the oldest of these, so that paging on skips nothing; otherwise they are
// the newest.
type window struct {
	after, through core.Time
	limit          int
	forward        bool
}

// series is the elements of one kind and symbol, oldest first: the newest in a ring of the engine,
// all that are committed in History.
type series[T any] interface {
	// read copies elements from ring index from on, like core.Engine.ReadTicks.
	read(from uint64, dst []T) (first uint64, n int)
	// stored reads the committed elements of a window, oldest first.
	stored(ctx context.Context, w window) ([]T, error)
	timeOf(v *T) core.Time
	encode(dst []byte, v *T) []byte
}

// memory is the part of a series in memory as one request sees it: ring indices [oldest, head), the
// newest of them encoded in run.
type memory struct {
	oldest, head uint64
	run          lineRun
	next         core.Time // Of the element that head will be; 0: not known.
	floor        *floor
}

// newMemory includes what the run still has although the ring has overwritten it.
func newMemory(oldest, head uint64, run lineRun, next core.Time, f *floor) *memory {
	if len(run.times) > 0 {
		oldest = min(oldest, run.first)
	}
	return &memory{oldest: min(oldest, head), head: head, run: run, next: next, floor: f}
}

// floor is a time before which a series has no elements, kept so that a window reaching back
// beyond its beginning need not ask History each time. While the server runs a series gets no
// earlier beginning: imports refuse to run beside it.
type floor struct{ micros atomic.Int64 } // 0: not known.

// picked are the elements of a window: first older, then ring, then the lines [lo, hi) of run.
type picked[T any] struct {
	older, ring []T
	run         lineRun
	lo, hi      uint64
}

func (p *picked[T]) count() int { return len(p.older) + len(p.ring) + int(p.hi-p.lo) }

// memoKey names the elements if all of them are encoded.
func (p *picked[T]) memoKey() (key memoKey, ok bool) {
	return memoKey{lo: p.lo, hi: p.hi}, len(p.older)+len(p.ring) == 0
}

// encoded returns the lines of the newest part.
func (p *picked[T]) encoded() []byte { return p.run.slice(p.lo, p.hi) }

// pick takes the elements of a window from memory, and from History what memory does not have. The
// ring may overwrite elements meanwhile; those are committed, so History has them: whatever came
// first out of memory, History is asked for all before it, and nothing is skipped or repeated.
func pick[T any](ctx context.Context, s series[T], m *memory, w window) (picked[T], error) {
	begin, end := m.oldest, m.head
	if w.after != timeMin {
		begin = search(s, m, w.after)
	}
	if w.through != timeMax {
		end = max(begin, search(s, m, w.through))
	}
	lo, hi := begin, end
	if n := uint64(w.limit); end-begin > n {
		if w.forward {
			hi = begin + n
		} else {
			lo = end - n
		}
	}
	p, whole := copyMemory(s, m, lo, hi)
	if whole && lo > m.oldest {
		return p, nil // What lies before lo is in memory, and not wanted.
	}
	before := w
	if !w.forward {
		before.limit -= p.count()
	}
	if first, ok := p.first(s); ok {
		before.through = first - 1
	} else if m.next != 0 {
		before.through = min(before.through, m.next-1) // History may be ahead of this view.
	}
	if before.limit == 0 || before.through <= before.after {
		return p, nil
	}
	if reaches, err := mayReach(ctx, s, m, before.through); err != nil || !reaches {
		return p, err
	}
	older, err := s.stored(ctx, before)
	if err != nil {
		return p, fmt.Errorf("%w: %w", errHistory, err)
	}
	p.older = older
	p.cut(w.limit)
	return p, nil
}

// copyMemory takes ring indices [lo, hi): encoded where they are, copied from the ring otherwise.
// It is not whole when the ring overwrote the oldest of them before they could be copied.
func copyMemory[T any](s series[T], m *memory, lo, hi uint64) (p picked[T], whole bool) {
	p = picked[T]{run: m.run, lo: hi, hi: hi}
	if len(m.run.times) > 0 && m.run.first < hi {
		p.lo = max(lo, m.run.first)
	}
	if lo >= p.lo {
		return p, true
	}
	buffer := make([]T, p.lo-lo)
	first, n := s.read(lo, buffer)
	if first < p.lo {
		p.ring = buffer[:min(uint64(n), p.lo-first)]
	}
	return p, first == lo
}

// first returns the time of the first element.
func (p *picked[T]) first(s series[T]) (t core.Time, ok bool) {
	switch {
	case len(p.ring) > 0:
		return s.timeOf(&p.ring[0]), true
	case p.lo < p.hi:
		return p.run.times[p.lo-p.run.first], true
	}
	return 0, false
}

// cut takes elements off the newer end until at most limit are left.
func (p *picked[T]) cut(limit int) {
	p.older = p.older[:min(len(p.older), limit)]
	limit -= len(p.older)
	p.ring = p.ring[:min(len(p.ring), limit)]
	limit -= len(p.ring)
	p.hi = min(p.hi, p.lo+uint64(limit))
}

// search returns the ring index of the first element in memory later than t. It raises m.oldest
// when it meets an element that the ring has overwritten meanwhile.
func search[T any](s series[T], m *memory, t core.Time) uint64 {
	lo, hi := m.oldest, m.head
	if n := len(m.run.times); n > 0 && m.run.first < hi {
		if m.run.times[0] <= t {
			return min(hi, m.run.after(t))
		}
		hi = m.run.first
	}
	one := make([]T, 1)
	for lo < hi {
		mid := lo + (hi-lo)/2
		first, n := s.read(mid, one)
		switch {
		case n == 0 || first > mid:
			m.oldest = min(hi, max(first, mid+1)) // Overwritten: only History can tell.
			lo = m.oldest
		case s.timeOf(&one[0]) > t:
			hi = mid
		default:
			lo = mid + 1
		}
	}
	return lo
}

// mayReach reports whether a series can have elements at or before through that are not in memory.
func mayReach[T any](ctx context.Context, s series[T], m *memory, through core.Time) (bool, error) {
	if t := m.floor.micros.Load(); t != 0 {
		return through >= core.Time(t), nil
	}
	first, err := s.stored(ctx, window{timeMin, timeMax, 1, true})
	if err != nil {
		return false, fmt.Errorf("%w: %w", errHistory, err)
	}
	if len(first) == 0 && m.oldest == 0 {
		// Nothing was committed yet, and memory has all since the beginning.
		one := make([]T, 1)
		switch at, n := s.read(0, one); {
		case n == 1 && at == 0:
			first = one
		case m.head == 0 && m.next != 0:
			m.floor.micros.Store(int64(m.next))
		}
	}
	if len(first) == 0 {
		return false, nil
	}
	t := s.timeOf(&first[0])
	m.floor.micros.Store(int64(t))
	return through >= t, nil
}

package httpd

import (
	"cmp"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"tradingengine/core"
)

// lines keep the newest elements of one series encoded, so that an answer copies bytes instead of
// printing numbers. They are brought up to date by whoever asks for the series.
//
// Publication: run is changed under mu, and only by appending to its slices or by starting new
// ones. What was once handed out is never written again, so readers copy from it without the lock.
type lines[T any] struct {
	keep int // Elements kept at least, once there are as many; at most half as many more.

	mu      sync.Mutex
	run     lineRun
	scratch []T
	size    int64 // Of run's slices, as counted by the budget.
	listed  bool

	memo memo
	used atomic.Int64 // When it was last asked for.
}

// lineRun is a run of encoded elements, oldest first. Each line ends in ",\n".
type lineRun struct {
	first uint64 // Ring index of the first element.
	times []core.Time
	ends  []uint32 // Where each line ends in text.
	text  []byte
}

// head returns the ring index after the last element.
func (r *lineRun) head() uint64 { return r.first + uint64(len(r.times)) }

// slice returns the lines of ring indices [lo, hi), which must lie in the run.
func (r *lineRun) slice(lo, hi uint64) []byte {
	if lo >= hi {
		return nil
	}
	return r.text[r.start(lo):r.ends[hi-1-r.first]]
}

func (r *lineRun) start(i uint64) uint32 {
	if i == r.first {
		return 0
	}
	return r.ends[i-1-r.first]
}

// after returns the ring index of the first element later than t.
func (r *lineRun) after(t core.Time) uint64 {
	return r.first + uint64(sort.Search(len(r.times), func(i int) bool { return r.times[i] > t }))
}

func (r *lineRun) bytes() int64 {
	return int64(cap(r.text)) + 4*int64(cap(r.ends)) + 8*int64(cap(r.times))
}

// newest returns a copy of the newest n elements with room to grow.
func (r *lineRun) newest(n int) lineRun {
	from := r.head() - uint64(n)
	start := r.start(from)
	room := n + n/2
	c := lineRun{
		first: from,
		times: append(make([]core.Time, 0, room), r.times[len(r.times)-n:]...),
		ends:  make([]uint32, 0, room),
		text:  append(make([]byte, 0, (len(r.text)-int(start))*3/2), r.text[start:]...),
	}
	for _, end := range r.ends[len(r.ends)-n:] {
		c.ends = append(c.ends, end-start)
	}
	return c
}

// refresh encodes what the series holds in memory before ring index head and the lines do not have
// yet, and returns the run, which may reach beyond head.
func (l *lines[T]) refresh(s series[T], head uint64, budget *lineBudget, now core.Time) lineRun {
	l.used.Store(int64(now))
	l.mu.Lock()
	if l.run.head() >= head {
		defer l.mu.Unlock()
		return l.run
	}
	if head-l.run.head() > uint64(l.keep) {
		l.run = lineRun{first: head - min(head, uint64(l.keep))}
	}
	l.extend(s, head)
	run, before := l.run, l.size
	l.size = run.bytes()
	list := !l.listed
	l.listed = true
	l.mu.Unlock()
	budget.add(l, list, run.bytes()-before)
	return run
}

// extend appends the elements up to head.
func (l *lines[T]) extend(s series[T], head uint64) {
	const most = 32
	if l.scratch == nil {
		l.scratch = make([]T, most)
	}
	for from := l.run.head(); from < head; {
		first, n := s.read(from, l.scratch[:min(most, head-from)])
		if first != from {
			l.run = lineRun{first: first} // The ring went over what is between.
		}
		if n == 0 {
			return
		}
		if len(l.run.times) >= l.keep+l.keep/2 {
			l.run = l.run.newest(l.keep)
		}
		for i := range n {
			l.run.text = s.encode(l.run.text, &l.scratch[i])
			l.run.ends = append(l.run.ends, uint32(len(l.run.text)))
			l.run.times = append(l.run.times, s.timeOf(&l.scratch[i]))
		}
		from = first + uint64(n)
	}
}

// drop forgets everything and returns how many bytes that were.
func (l *lines[T]) drop() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	size := l.size + l.memo.drop()
	l.run, l.size, l.scratch = lineRun{}, 0, nil
	return size
}

func (l *lines[T]) lastUsed() int64 { return l.used.Load() }

// droppable is a lines of any element.
type droppable interface {
	drop() int64
	lastUsed() int64
}

// lineBudget bounds the bytes of all lines together. Above the limit, the series that were not
// asked for the longest are forgotten until a quarter of it is free; they are encoded again when
// somebody asks.
type lineBudget struct {
	limit   int64
	used    atomic.Int64
	dropped atomic.Int64 // Series forgotten.

	mu   sync.Mutex
	list []droppable
}

// add counts delta bytes more of l, which is to be listed when it is new.
func (b *lineBudget) add(l droppable, list bool, delta int64) {
	used := b.used.Add(delta)
	if !list && used <= b.limit {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if list {
		b.list = append(b.list, l)
	}
	if b.used.Load() <= b.limit {
		return
	}
	order := make([]lastUse, len(b.list))
	for i, l := range b.list {
		order[i] = lastUse{l, l.lastUsed()}
	}
	slices.SortFunc(order, func(x, y lastUse) int { return cmp.Compare(x.at, y.at) })
	for _, o := range order {
		if b.used.Load() <= b.limit*3/4 {
			return
		}
		if freed := o.lines.drop(); freed > 0 {
			b.used.Add(-freed)
			b.dropped.Add(1)
		}
	}
}

type lastUse struct {
	lines droppable
	at    int64
}

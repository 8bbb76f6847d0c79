package feed

import "tradingengine/core"

// timeHeap keeps items by time, the earliest first; of equal times the one with the lower order.
// It belongs to one goroutine.
type timeHeap[T any] []timed[T]

type timed[T any] struct {
	at    core.Time
	order int
	item  T
}

func (h timeHeap[T]) less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].order < h[j].order
}

func (h *timeHeap[T]) push(at core.Time, order int, item T) {
	*h = append(*h, timed[T]{at, order, item})
	for i := len(*h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.less(i, parent) {
			return
		}
		(*h)[i], (*h)[parent] = (*h)[parent], (*h)[i]
		i = parent
	}
}

// later gives the earliest item another time.
func (h timeHeap[T]) later(at core.Time) {
	h[0].at = at
	h.sink()
}

// pop removes the earliest item.
func (h *timeHeap[T]) pop() {
	last := len(*h) - 1
	(*h)[0] = (*h)[last]
	(*h)[last] = timed[T]{}
	*h = (*h)[:last]
	h.sink()
}

func (h timeHeap[T]) sink() {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h.less(child+1, child) {
			child++
		}
		if !h.less(child, i) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

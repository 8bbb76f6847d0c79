package persist

// mergeHeap keeps several ordered streams by what they hold first. Its zero value, with before
// set, is empty.
type mergeHeap[T any] struct {
	before func(a, b T) bool
	items  []T
}

func (h *mergeHeap[T]) first() T { return h.items[0] }

func (h *mergeHeap[T]) push(item T) {
	h.items = append(h.items, item)
	for i := len(h.items) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.before(h.items[i], h.items[parent]) {
			return
		}
		h.items[i], h.items[parent] = h.items[parent], h.items[i]
		i = parent
	}
}

// drop takes the first item out.
func (h *mergeHeap[T]) drop() {
	last := len(h.items) - 1
	h.items[0] = h.items[last]
	h.items = h.items[:last]
	h.settle()
}

// settle restores the order after the first item moved on.
func (h *mergeHeap[T]) settle() {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h.items) {
			return
		}
		if child+1 < len(h.items) && h.before(h.items[child+1], h.items[child]) {
			child++
		}
		if !h.before(h.items[child], h.items[i]) {
			return
		}
		h.items[i], h.items[child] = h.items[child], h.items[i]
		i = child
	}
}

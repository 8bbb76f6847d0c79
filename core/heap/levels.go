package heap

// Levels is a heap of trigger levels with the lowest key first. A level fires when its key is not
// above what it is compared with; levels that fire from above keep negated keys. So whether any
// fires is one comparison, and finding the k levels that fire visits 2k+1. The zero value is empty.
type Levels []Level

// Level is one trigger. At points to where its owner keeps the index of it in the heap, −1 when it
// is in none.
type Level struct {
	Key int64
	ID  int64
	At  *int32
}

// Set adds the level of an owner or moves it to another key.
func (h *Levels) Set(key, id int64, at *int32) {
	if *at < 0 {
		*at = int32(len(*h))
		*h = append(*h, Level{key, id, at})
		h.rise(int(*at))
		return
	}
	i := int(*at)
	before := (*h)[i].Key
	(*h)[i].Key = key
	switch {
	case key < before:
		h.rise(i)
	case key > before:
		h.sink(i)
	}
}

// Remove takes the level of an owner out, if it is in.
func (h *Levels) Remove(at *int32) {
	i := int(*at)
	if i < 0 {
		return
	}
	*at = -1
	last := len(*h) - 1
	moved := (*h)[last]
	(*h)[last] = Level{}
	*h = (*h)[:last]
	if i == last {
		return
	}
	(*h)[i] = moved
	*moved.At = int32(i)
	h.rise(i)
	h.sink(int(*moved.At))
}

// Fires reports whether any level fires at x.
func (h Levels) Fires(x int64) bool { return len(h) > 0 && h[0].Key <= x }

// AppendFired appends the ids of the levels that fire at x, in no order.
func (h Levels) AppendFired(dst []int64, x int64) []int64 {
	if !h.Fires(x) {
		return dst
	}
	from := len(dst)
	// dst first holds the heap indexes to visit, each replaced by its id when it was visited.
	dst = append(dst, 0)
	for i := from; i < len(dst); i++ {
		at := int(dst[i])
		for child := 2*at + 1; child <= 2*at+2; child++ {
			if child < len(h) && h[child].Key <= x {
				dst = append(dst, int64(child))
			}
		}
		dst[i] = h[at].ID
	}
	return dst
}

func (h Levels) rise(i int) {
	moving := h[i]
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].Key <= moving.Key {
			break
		}
		h[i] = h[parent]
		*h[i].At = int32(i)
		i = parent
	}
	h[i] = moving
	*moving.At = int32(i)
}

func (h Levels) sink(i int) {
	moving := h[i]
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].Key < h[child].Key {
			child++
		}
		if h[child].Key >= moving.Key {
			break
		}
		h[i] = h[child]
		*h[i].At = int32(i)
		i = child
	}
	h[i] = moving
	*moving.At = int32(i)
}

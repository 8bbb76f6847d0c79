package trading

import "tradingengine/core"

// levels is a heap of trigger prices with the lowest key first. A level fires when its key is not
// above the price it is compared with; kinds that fire from above keep negated prices. So whether a
// quote fires anything at all is one comparison, and finding the k levels that fire visits 2k+1.
type levels []level

// level is one trigger. at points to where its owner keeps the index of it in the heap, −1 when it
// is in none.
type level struct {
	key int64
	id  int64
	at  *int32
}

// set adds the level of an owner or moves it to another key.
func (h *levels) set(key, id int64, at *int32) {
	if *at < 0 {
		*at = int32(len(*h))
		*h = append(*h, level{key, id, at})
		h.rise(int(*at))
		return
	}
	i := int(*at)
	before := (*h)[i].key
	(*h)[i].key = key
	switch {
	case key < before:
		h.rise(i)
	case key > before:
		h.sink(i)
	}
}

// remove takes the level of an owner out, if it is in.
func (h *levels) remove(at *int32) {
	i := int(*at)
	if i < 0 {
		return
	}
	*at = -1
	last := len(*h) - 1
	moved := (*h)[last]
	(*h)[last] = level{}
	*h = (*h)[:last]
	if i == last {
		return
	}
	(*h)[i] = moved
	*moved.at = int32(i)
	h.rise(i)
	h.sink(int(*moved.at))
}

// fires reports whether any level fires at x.
func (h levels) fires(x int64) bool { return len(h) > 0 && h[0].key <= x }

// appendFired appends the ids of the levels that fire at x, in no order.
func (h levels) appendFired(dst []int64, x int64) []int64 {
	if !h.fires(x) {
		return dst
	}
	from := len(dst)
	// dst first holds the heap indexes to visit, each replaced by its id when it was visited.
	dst = append(dst, 0)
	for i := from; i < len(dst); i++ {
		at := int(dst[i])
		for child := 2*at + 1; child <= 2*at+2; child++ {
			if child < len(h) && h[child].key <= x {
				dst = append(dst, int64(child))
			}
		}
		dst[i] = h[at].id
	}
	return dst
}

func (h levels) rise(i int) {
	moving := h[i]
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].key <= moving.key {
			break
		}
		h[i] = h[parent]
		*h[i].at = int32(i)
		i = parent
	}
	h[i] = moving
	*moving.at = int32(i)
}

func (h levels) sink(i int) {
	moving := h[i]
	for {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].key < h[child].key {
			child++
		}
		if h[child].key >= moving.key {
			break
		}
		h[i] = h[child]
		*h[i].at = int32(i)
		i = child
	}
	h[i] = moving
	*moving.at = int32(i)
}

// kind names the heaps of a symbol: six fire against the bid and six against the ask, of each some
// when the price has risen to them and some when it has fallen.
type kind uint8

const (
	takeProfitLong kind = iota // bid ≥ level
	sellLimit
	trailLong    // The bid at which the stop of a long position moves.
	trailSell    // The bid at which a sell trailing stop moves.
	stopLossLong // bid ≤ level
	sellStop
	stopLossShort // ask ≥ level
	buyStop
	takeProfitShort // ask ≤ level
	buyLimit
	trailShort
	trailBuy
	kindCount
)

// compare returns what the keys of a heap are compared with at a quote.
func (k kind) compare(q *Quote) int64 {
	switch {
	case k <= trailSell:
		return int64(q.Bid)
	case k <= sellStop:
		return -int64(q.Bid)
	case k <= buyStop:
		return int64(q.Ask)
	default:
		return -int64(q.Ask)
	}
}

// key returns the key of a level at a price.
func (k kind) key(p core.Price) int64 {
	if k == stopLossLong || k == sellStop || k >= takeProfitShort {
		return -int64(p)
	}
	return int64(p)
}

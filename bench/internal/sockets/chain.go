package sockets

import "slices"

// witnessTimesMax bounds what the witness remembers: 64 MB. What came later bears out nothing.
const witnessTimesMax = 8 << 20

// chain follows the ticks of one session from each to the next: prev must be the time of the tick
// before, or the end of the gap before. It belongs to the goroutine of its reader until that ends.
type chain struct {
	links map[string]*link
	// witness also keeps the times of all ticks. One session without gaps knows every tick there
	// was, and so how many a gap must stand for.
	witness bool
	kept    int
}

// link is where the chain of one symbol stands.
type link struct {
	first, last int64   // Times in microseconds.
	after       int64   // Ticks since first that came or were said to be skipped.
	times       []int64 // Of the witness, ascending.
}

// at returns the link of a symbol, and whether it has begun.
func (c *chain) at(symbol []byte) (*link, bool) {
	if l := c.links[string(symbol)]; l != nil {
		return l, true
	}
	if c.links == nil {
		c.links = make(map[string]*link)
	}
	l := &link{}
	c.links[string(symbol)] = l
	return l, false
}

// tick takes the next tick of a symbol and reports whether it follows on the one before.
func (c *chain) tick(symbol []byte, time, prev int64) bool {
	l, begun := c.at(symbol)
	whole := true
	if begun {
		whole = prev == l.last && time > prev
		l.after++
	} else {
		l.first = time
	}
	l.last = time
	if c.witness && c.kept < witnessTimesMax {
		l.times = append(l.times, time)
		c.kept++
	}
	return whole
}

// gap takes a notice, and reports whether it begins where the chain stood.
func (c *chain) gap(symbol []byte, from, to, skipped int64) bool {
	l, begun := c.at(symbol)
	whole := !begun || from == l.last && to >= from && skipped > 0
	if begun {
		l.after += skipped
	} else {
		l.first = to
	}
	l.last = to
	return whole
}

// off adds up by how many ticks this session's count differs from what the witness saw in the same
// stretch, symbol by symbol and without sign; compared is how many symbols could be.
func (c *chain) off(witness *chain) (ticks int64, compared int) {
	for symbol, l := range c.links {
		w := witness.links[symbol]
		if w == nil || len(w.times) == 0 || w.times[0] > l.first ||
			w.times[len(w.times)-1] < l.last {
			continue
		}
		begin, _ := slices.BinarySearch(w.times, l.first+1)
		end, _ := slices.BinarySearch(w.times, l.last+1)
		ticks += max(int64(end-begin)-l.after, l.after-int64(end-begin))
		compared++
	}
	return ticks, compared
}

package httpd

import (
	"encoding/binary"
	"math/bits"

	"tradingengine/core"
)

// streamSymbols is a set of symbols, one bit each. All sets of a hub have the same length. A set is
// not changed once it was handed on.
type streamSymbols []uint64

// newStreamSymbols returns an empty set for ids below n.
func newStreamSymbols(n int) streamSymbols { return make(streamSymbols, (n+63)/64) }

// allStreamSymbols returns the set of all ids below n.
func allStreamSymbols(n int) streamSymbols {
	s := newStreamSymbols(n)
	for id := range n {
		s.add(core.SymbolID(id))
	}
	return s
}

// add puts an id into a set that is still being made.
func (s streamSymbols) add(id core.SymbolID) { s[id/64] |= 1 << (id % 64) }

func (s streamSymbols) has(id core.SymbolID) bool { return s[id/64]&(1<<(id%64)) != 0 }

func (s streamSymbols) empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

// union returns the symbols of s and o.
func (s streamSymbols) union(o streamSymbols) streamSymbols {
	return s.combine(o, func(a, b uint64) uint64 { return a | b })
}

// minus returns the symbols of s that are not in o.
func (s streamSymbols) minus(o streamSymbols) streamSymbols {
	return s.combine(o, func(a, b uint64) uint64 { return a &^ b })
}

// both returns the symbols that are in s and in o.
func (s streamSymbols) both(o streamSymbols) streamSymbols {
	return s.combine(o, func(a, b uint64) uint64 { return a & b })
}

func (s streamSymbols) combine(o streamSymbols, f func(a, b uint64) uint64) streamSymbols {
	r := make(streamSymbols, len(s))
	for i := range s {
		r[i] = f(s[i], o[i])
	}
	return r
}

// ids returns the symbols in ascending order.
func (s streamSymbols) ids() []core.SymbolID {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	ids := make([]core.SymbolID, 0, n)
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			ids = append(ids, core.SymbolID(i*64+bits.TrailingZeros64(w)))
		}
	}
	return ids
}

// key returns a string that is equal for equal sets.
func (s streamSymbols) key() string {
	b := make([]byte, 0, 8*len(s))
	for _, w := range s {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return string(b)
}

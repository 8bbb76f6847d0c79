package core

import (
	"math/bits"
	"sync/atomic"
)

// dirtySet marks the symbols that changed since the storage writer looked. Shards mark, the writer
// takes; marking a symbol happens after its cut was published, so whoever takes the mark sees at
// least that cut.
type dirtySet struct{ words []atomic.Uint64 }

func newDirtySet(symbols int) dirtySet {
	return dirtySet{words: make([]atomic.Uint64, (symbols+63)/64)}
}

func (d dirtySet) mark(id SymbolID) { d.words[id/64].Or(1 << (id % 64)) }

// take appends the marked symbols to dst and clears their marks.
func (d dirtySet) take(dst []SymbolID) []SymbolID {
	for i := range d.words {
		if d.words[i].Load() == 0 {
			continue
		}
		for w := d.words[i].Swap(0); w != 0; w &= w - 1 {
			dst = append(dst, SymbolID(i*64+bits.TrailingZeros64(w)))
		}
	}
	return dst
}

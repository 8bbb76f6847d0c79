package core

import (
	"fmt"
	"sync/atomic"
)

// ring is the one protocol by which a shard shows its data to other goroutines: ticks, closed
// bars, the live quote, cuts and counters all are items of a ring. One writer overwrites, any
// number of readers copy, nobody waits.
//
// Publication: the writer stores the words of item n (0, 1, 2, …) into slot n mod slots and then
// stores head = n+1, which publishes them. A reader loads head, copies items below it, and loads
// head again. While head is h the writer may be storing item h, whose slot held item h − slots, so
// a copied item i is whole only if i > h − slots for the second load. That is why a ring promises
// at most slots − 1 items. Every word is atomic, because a reader may look at a slot while it is
// overwritten; it just never believes what it saw.
//
// Chunks are allocated as items come and never freed. A chunk is stored before the first head that
// covers it.
type ring struct {
	head    atomic.Uint64
	_       [cacheLine - 8]byte // The writer stores head; the rest is read only.
	width   uint64              // Words of an item.
	slots   uint64              // A power of two.
	promise uint64              // How many of the newest items readers may count on.
	shift   uint                // Items of a chunk, as a power of two.
	chunks  []atomic.Pointer[chunk]
}

type chunk struct{ words []atomic.Int64 }

// cacheLine is the distance that keeps two owners' words from sharing a cache line. 128 covers
// processors that fetch lines in pairs.
const cacheLine = 128

// newRing makes a ring that promises the newest promise items of width words, allocated in chunks
// of chunkItems (a power of two).
func newRing(width, promise, chunkItems int) *ring {
	slots := 2
	for slots <= promise {
		slots *= 2
	}
	chunkItems = min(chunkItems, slots)
	if width < 1 || promise < 1 || chunkItems&(chunkItems-1) != 0 {
		panic(fmt.Sprintf("core: ring of width %d, promise %d, chunk %d", width, promise,
			chunkItems))
	}
	r := &ring{width: uint64(width), slots: uint64(slots), promise: uint64(promise)}
	for 1<<r.shift < chunkItems {
		r.shift++
	}
	r.chunks = make([]atomic.Pointer[chunk], slots/chunkItems)
	return r
}

// slot returns the words of item i's slot, or nil when its chunk does not exist.
func (r *ring) slot(i uint64) []atomic.Int64 {
	i &= r.slots - 1
	c := r.chunks[i>>r.shift].Load()
	if c == nil {
		return nil
	}
	at := (i & (1<<r.shift - 1)) * r.width
	return c.words[at : at+r.width : at+r.width]
}

// span returns the range of items [oldest, head) that readers may ask for now.
func (r *ring) span() (oldest, head uint64) {
	head = r.head.Load()
	return head - min(head, r.promise), head
}

// read copies items from index from on into dst (a multiple of width words). It returns the index
// of the first item copied, which is above from when the reader was lapped, and their number. The
// items lie at the front of dst. Items that the writer reached while they were copied are dropped
// and the rest is kept, so that a reader at the edge of a busy ring gets on.
func (r *ring) read(from uint64, dst []int64) (first uint64, n int) {
	for {
		oldest, head := r.span()
		first = max(from, oldest)
		if first >= head {
			return first, 0
		}
		count := min(head-first, uint64(len(dst))/r.width)
		for k := range count {
			copyWords(dst[k*r.width:(k+1)*r.width], r.slot(first+k))
		}
		whole := r.firstWhole(first)
		if whole == first {
			return first, int(count)
		}
		if whole < first+count {
			count -= whole - first
			copy(dst, dst[(whole-first)*r.width:][:count*r.width])
			return whole, int(count)
		}
		// The writer overtook all that was copied: start again further on.
	}
}

// firstWhole returns the first item from index i on that a copy made before this call holds whole.
func (r *ring) firstWhole(i uint64) uint64 {
	if head := r.head.Load(); i+r.slots <= head {
		return head - r.slots + 1
	}
	return i
}

// latest copies the newest item into dst and returns its index; ok is false for an empty ring.
func (r *ring) latest(dst []int64) (index uint64, ok bool) {
	for {
		head := r.head.Load()
		if head == 0 {
			return 0, false
		}
		if r.readAt(head-1, dst) {
			return head - 1, true
		}
	}
}

// readAt copies exactly item i; it reports false when i is overwritten or not yet written.
func (r *ring) readAt(i uint64, dst []int64) bool {
	if i >= r.head.Load() || r.firstWhole(i) != i {
		return false
	}
	copyWords(dst[:r.width], r.slot(i))
	return r.firstWhole(i) == i
}

func copyWords(dst []int64, src []atomic.Int64) {
	for i := range dst {
		dst[i] = src[i].Load()
	}
}

// ringWriter is the writing half of a ring. It belongs to one goroutine.
type ringWriter struct {
	*ring
	next uint64 // Equals head; the writer need not load it.
}

func newRingWriter(width, promise, chunkItems int) ringWriter {
	return ringWriter{ring: newRing(width, promise, chunkItems)}
}

// reserve makes sure that the next n items find their chunks, so that put allocates nothing.
func (w *ringWriter) reserve(n uint64) {
	n = min(n, w.slots)
	for i := w.next; i < w.next+n; i += 1 << w.shift {
		w.chunkOf(i)
	}
	w.chunkOf(w.next + n - 1)
}

// chunkOf returns the chunk of item i, allocating it if it is new.
func (w *ringWriter) chunkOf(i uint64) *chunk {
	p := &w.chunks[i&(w.slots-1)>>w.shift]
	c := p.Load()
	if c == nil {
		c = &chunk{words: make([]atomic.Int64, w.width<<w.shift)}
		p.Store(c)
	}
	return c
}

// put writes one item and publishes it.
func (w *ringWriter) put(words []int64) {
	at := (w.next & (1<<w.shift - 1)) * w.width
	dst := w.chunkOf(w.next).words[at : at+w.width]
	for i := range words {
		dst[i].Store(words[i])
	}
	w.next++
	w.head.Store(w.next)
}

// put3 and put4 are put for the two items that are written for each quote: no slice is built.

func (w *ringWriter) put3(a, b, c int64) {
	at := (w.next & (1<<w.shift - 1)) * 3
	dst := w.chunkOf(w.next).words[at : at+3 : at+3]
	dst[0].Store(a)
	dst[1].Store(b)
	dst[2].Store(c)
	w.next++
	w.head.Store(w.next)
}

func (w *ringWriter) put4(a, b, c, d int64) {
	at := (w.next & (1<<w.shift - 1)) * 4
	dst := w.chunkOf(w.next).words[at : at+4 : at+4]
	dst[0].Store(a)
	dst[1].Store(b)
	dst[2].Store(c)
	dst[3].Store(d)
	w.next++
	w.head.Store(w.next)
}

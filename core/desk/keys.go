package desk

import "hash/maphash"

// keysKept is how many of the newest keys have their answers in memory.
const keysKept = 8192

// filterWords is the size of the filter, 8 MiB: with a million keys one new key in 80,000 is looked
// up in vain, with ten million one in 20.
const filterWords = 1 << 20

// keys remembers which keys were used. It belongs to the desk's goroutine. Each key has a place in
// the order of their use; those of places [first, first+len(newest)) have their answer here, older
// ones in the journal. A key is never dropped before its answer is committed.
type keys struct {
	newest []Key
	first  uint64
	kept   map[Key]*remembered
	filter []uint64
	seed   maphash.Seed
}

type remembered struct {
	hash   Hash
	answer Answer
}

func newKeys() keys {
	return keys{
		kept: make(map[Key]*remembered), filter: make([]uint64, filterWords), seed: maphash.MakeSeed(),
	}
}

// next is the place of the next key.
func (s *keys) next() uint64 { return s.first + uint64(len(s.newest)) }

// mark enters a key of the journal into the filter.
func (s *keys) mark(k Key) {
	for word, bit := range s.bits(k) {
		s.filter[word] |= bit
	}
}

// used reports whether a key may have been used: false is sure.
func (s *keys) used(k Key) bool {
	for word, bit := range s.bits(k) {
		if s.filter[word]&bit == 0 {
			return false
		}
	}
	return true
}

// bits are the four bits of a key, each 16 bits of one hash apart.
func (s *keys) bits(k Key) func(yield func(word, bit uint64) bool) {
	h := maphash.Comparable(s.seed, k)
	step := h>>32 | 1
	return func(yield func(word, bit uint64) bool) {
		for range 4 {
			at := h % (64 * filterWords)
			if !yield(at/64, 1<<(at%64)) {
				return
			}
			h += step
		}
	}
}

// add remembers the answer of a command under a key. It reports false for a key that the command
// names twice.
func (s *keys) add(k Key, hash Hash, a *Answer) bool {
	if s.kept[k] != nil {
		return false
	}
	s.mark(k)
	s.kept[k] = &remembered{hash, *a}
	s.newest = append(s.newest, k)
	return true
}

// drop forgets the oldest answers beyond keysKept, but none of the newest, uncommitted ones.
func (s *keys) drop(uncommitted int) {
	n := max(len(s.newest)-max(keysKept, uncommitted), 0)
	for _, key := range s.newest[:n] {
		delete(s.kept, key)
	}
	s.newest = s.newest[n:]
	s.first += uint64(n)
}

// find looks for the answer of an earlier command with one of the keys. A nil answer without an
// error means that the command is new.
func (s *keys) find(k *call) (*Answer, error) {
	c := k.command
	for _, key := range c.Keys {
		r := s.kept[key]
		switch {
		case r == nil && s.used(key) && !(k.looked && s.first <= k.known):
			k.known = s.next()
			return nil, errLookUp
		case r == nil:
		case r.hash != c.Hash:
			return nil, &ReusedError{key}
		default:
			return &r.answer, nil
		}
	}
	return nil, nil
}

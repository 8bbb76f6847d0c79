package core

import "sync"

// LostTicks are stored ticks of one symbol that the ring overwrote before they were committed.
type LostTicks struct {
	Symbol   SymbolID
	From, To uint64 // Ring indices [From, To).
}

// barrier keeps the senders that wait for their quotes to be committed. A sender enters before its
// batches are sent; the storage writer lets it go when every batch was applied and committed.
type barrier struct {
	mu      sync.Mutex
	waiting map[*Submission]struct{}
	failed  error // Storage gave up; nobody waits any more.
}

func (b *barrier) enter(s *Submission) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed != nil {
		return b.failed
	}
	b.waiting[s] = struct{}{}
	return nil
}

// leave takes s out; it reports false when s was let go already.
func (b *barrier) leave(s *Submission) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.waiting[s]
	delete(b.waiting, s)
	return ok
}

// committed lets go every sender whose batches all are applied and within marks, the highest
// committed batch number of each shard. lost are the ticks that this commit found overwritten.
func (b *barrier) committed(marks []uint64, lost []LostTicks) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.waiting {
		done := true
		for _, batch := range s.batches {
			n := batch.number.Load()
			if n == 0 {
				done = false
				continue
			}
			if len(lost) > 0 {
				s.lost += batch.overlap(lost)
			}
			done = done && n <= marks[batch.shard]
		}
		if done {
			delete(b.waiting, s)
			s.done <- nil
		}
	}
}

// fail lets every sender go with err, now and from now on.
func (b *barrier) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = err
	for s := range b.waiting {
		delete(b.waiting, s)
		s.done <- err
	}
}

// overlap counts the ticks of the batch among the lost ones.
func (b *Batch) overlap(lost []LostTicks) int64 {
	var n int64
	for _, r := range b.stores {
		for _, l := range lost {
			if l.Symbol == r.symbol && l.From < r.to && r.from < l.To {
				n += int64(min(r.to, l.To) - max(r.from, l.From))
			}
		}
	}
	return n
}

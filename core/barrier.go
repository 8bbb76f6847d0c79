package core

import (
	"slices"
	"sync"
	"time"
)

// LostTicks are stored ticks of one symbol that the ring overwrote before they were committed.
type LostTicks struct {
	Symbol   SymbolID
	From, To uint64 // Ring indices [From, To).
}

// barrier keeps the senders that wait for their quotes to be committed. A sender enters before its
// batches are sent; it is let go when every batch was applied and committed and, if the watcher got
// quotes of it, the watcher has committed what it made of them.
type barrier struct {
	mu        sync.Mutex
	waiting   map[*Submission]struct{}
	stored    []uint64 // The highest batch of each shard that storage committed,
	journaled []uint64 // and up to which all that was handed over has had its effect committed.
	failed    error    // Storage or the watcher gave up; nobody waits any more.

	journals uint64        // How often journaled was told,
	givenUp  uint64        // and how often when storage ceased to wait for it; 0: it waits.
	moved    chan struct{} // Of one: journals or failed changed.
}

func newBarrier(shards int) barrier {
	return barrier{
		waiting: make(map[*Submission]struct{}),
		stored:  make([]uint64, shards), journaled: make([]uint64, shards),
		moved: make(chan struct{}, 1),
	}
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

// commit takes marks, the highest batch of each shard that storage committed. lost are the ticks
// that this commit found overwritten.
func (b *barrier) commit(marks []uint64, lost []LostTicks) {
	b.mu.Lock()
	defer b.mu.Unlock()
	copy(b.stored, marks)
	if len(lost) > 0 {
		for s := range b.waiting {
			for _, batch := range s.batches {
				if batch.number.Load() != 0 {
					s.lost += batch.overlap(lost)
				}
			}
		}
	}
	b.letGoLocked()
}

// journal takes the same of what the watcher committed.
func (b *barrier) journal(marks []uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	copy(b.journaled, marks)
	b.journals++
	wake(b.moved)
	b.letGoLocked()
}

// await waits until everything within marks is journaled. It reports false when that took longer
// than patience, or did so last time and nothing was journaled since; the error says that it never
// will be.
func (b *barrier) await(marks []uint64, patience time.Duration) (bool, error) {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		b.mu.Lock()
		done := true
		for s := range marks {
			done = done && b.journaled[s] >= marks[s]
		}
		failed, hopeless := b.failed, b.givenUp == b.journals+1
		b.mu.Unlock()
		if done {
			return true, nil
		}
		if failed != nil || hopeless {
			return false, failed
		}
		select {
		case <-b.moved:
		case <-late.C:
			b.mu.Lock()
			b.givenUp = b.journals + 1
			b.mu.Unlock()
		}
	}
}

// letGoLocked lets go every sender whose batches all are done. A batch within the marks has its
// number stored, because the marks were loaded later; so its losses were counted above.
func (b *barrier) letGoLocked() {
	for s := range b.waiting {
		if !slices.ContainsFunc(s.batches, b.pendingLocked) {
			delete(b.waiting, s)
			s.done <- nil
		}
	}
}

func (b *barrier) pendingLocked(batch *Batch) bool {
	n := batch.number.Load()
	return n == 0 || n > b.stored[batch.shard] || batch.handed && n > b.journaled[batch.shard]
}

// fail lets every sender go with err, now and from now on.
func (b *barrier) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = err
	wake(b.moved)
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

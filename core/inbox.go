package core

import (
	"runtime"
	"sync/atomic"

	"github.com/puzpuzpuz/xsync/v3"
)

// inbox is the bounded way into one shard: any goroutine sends, the shard alone receives.
//
// Publication: the queue publishes a batch with all its fields. parked tells senders that the
// shard sleeps or is about to: the shard stores it and then looks into the queue once more; a
// sender enqueues and then swaps it. Whichever comes second sees the other, so no batch is left
// lying while the shard sleeps. Closing works the same way: a sender gives room back and then looks
// at closed; the shard looks at closed and then at the room.
type inbox struct {
	queue  *xsync.MPMCQueueOf[*Batch]
	budget atomic.Int64 // Quotes that may still be sent; below zero while a reservation fails.
	limit  int64
	parked atomic.Bool
	wake   chan struct{}
	closed atomic.Bool
}

// clockRoom is how many queue slots clock messages may take beside the budget.
const clockRoom = 64

func newInbox(limit int64) *inbox {
	in := &inbox{
		queue: xsync.NewMPMCQueueOf[*Batch](int(limit/batchCost) + clockRoom),
		limit: limit,
		wake:  make(chan struct{}, 1),
	}
	in.budget.Store(limit)
	return in
}

// reserve takes room for cost quotes, or none of it.
func (in *inbox) reserve(cost int64) bool {
	if in.budget.Add(-cost) >= 0 {
		return true
	}
	in.release(cost)
	return false
}

// release gives room back: the shard's after a batch, a sender's that was not used. A shard that
// is closing sleeps while room is reserved, so it is woken to look again.
func (in *inbox) release(cost int64) {
	in.budget.Add(cost)
	if in.closed.Load() {
		in.signal()
	}
}

// queued returns how many quotes are reserved or waiting.
func (in *inbox) queued() int64 { return in.limit - in.budget.Load() }

// send enqueues a batch whose room is reserved. A refusal of the queue can only mean contention,
// because the budget keeps it from filling, so the loop ends.
func (in *inbox) send(b *Batch) {
	for !in.queue.TryEnqueue(b) {
		runtime.Gosched()
	}
	if in.parked.Swap(false) {
		in.signal()
	}
}

func (in *inbox) signal() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// receive returns the next batch, sleeping until there is one; nil when the inbox is closed and
// empty. Only the shard calls it.
func (in *inbox) receive() *Batch {
	for {
		if b, ok := in.queue.TryDequeue(); ok {
			return b
		}
		in.parked.Store(true)
		if b, ok := in.queue.TryDequeue(); ok {
			in.parked.Store(false)
			return b
		}
		if in.closed.Load() && in.queued() == 0 {
			return nil
		}
		<-in.wake
		in.parked.Store(false)
	}
}

// close lets receive end once everything reserved was received and released.
func (in *inbox) close() {
	in.closed.Store(true)
	in.signal()
}

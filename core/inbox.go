package core

import (
	"runtime"
	"sync/atomic"

	"github.com/puzpuzpuz/xsync/v3"
)

// inbox is the bounded way to one receiver, a shard or the watcher: any goroutine sends, the
// receiver alone receives. What is sent is of type T, a batch or a hand-over.
//
// Publication: the queue publishes a T with all its fields. parked tells senders that the receiver
// sleeps or is about to: the receiver stores it and then looks into the queue once more; a sender
// enqueues and then swaps it. Whichever comes second sees the other, so nothing is left lying while
// the receiver sleeps. Closing works the same way: a sender gives room back and then looks at
// closed; the receiver looks at closed and then at the room.
type inbox[T any] struct {
	queue  *xsync.MPMCQueueOf[T]
	budget atomic.Int64 // Quotes that may still be sent; below zero while a reservation fails.
	limit  int64
	parked atomic.Bool
	wake   chan struct{}
	closed atomic.Bool
}

// clockRoom is how many queue slots clock messages may take beside the budget.
const clockRoom = 64

// newInbox makes an inbox for limit quotes, and room sends beside the budget.
func newInbox[T any](limit int64, room int) *inbox[T] {
	in := &inbox[T]{
		queue: xsync.NewMPMCQueueOf[T](int(limit/batchCost) + room),
		limit: limit,
		wake:  make(chan struct{}, 1),
	}
	in.budget.Store(limit)
	return in
}

// reserve takes room for cost quotes, or none of it.
func (in *inbox[T]) reserve(cost int64) bool {
	if in.budget.Add(-cost) >= 0 {
		return true
	}
	in.release(cost)
	return false
}

// release gives room back: the receiver's after its work, a sender's that was not used. A receiver
// that is closing sleeps while room is reserved, so it is woken to look again.
func (in *inbox[T]) release(cost int64) {
	in.budget.Add(cost)
	if in.closed.Load() {
		in.signal()
	}
}

// queued returns how many quotes are reserved or waiting.
func (in *inbox[T]) queued() int64 { return in.limit - in.budget.Load() }

// send enqueues what room is reserved for. A refusal of the queue can only mean contention, because
// the budget keeps it from filling, so the loop ends.
func (in *inbox[T]) send(v T) {
	for !in.queue.TryEnqueue(v) {
		runtime.Gosched()
	}
	if in.parked.Swap(false) {
		in.signal()
	}
}

func (in *inbox[T]) signal() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// receive returns what was sent next, sleeping until there is something; the zero T when the inbox
// is closed and empty. Only the receiver calls it.
func (in *inbox[T]) receive() (v T) {
	for {
		if v, ok := in.queue.TryDequeue(); ok {
			return v
		}
		in.parked.Store(true)
		if v, ok := in.queue.TryDequeue(); ok {
			in.parked.Store(false)
			return v
		}
		if in.closed.Load() && in.queued() == 0 {
			return v
		}
		<-in.wake
		in.parked.Store(false)
	}
}

// close lets receive end once everything reserved was received and released.
func (in *inbox[T]) close() {
	in.closed.Store(true)
	in.signal()
}

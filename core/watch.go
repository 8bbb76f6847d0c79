package core

import (
	"sync"
	"sync/atomic"
	"time"
)

// WatchedQuote is an accepted quote of a watched symbol, as its shard stamped it.
type WatchedQuote struct {
	Symbol   SymbolID
	Time     Time
	Bid, Ask Price
}

// Handover is what reaches the watcher: the accepted quotes of watched symbols of one batch, in
// the order they came, or a message. It belongs to the shard until it is received, then to the
// watcher until it is released.
type Handover struct {
	Shard   int
	Number  uint64 // The batch's place in its shard's order.
	Quotes  []WatchedQuote
	Message any // Set when it carries a message, and then nothing else is.
}

// Watcher is the one receiver, beside the rings, of what the shards accept: the desk, whose stops
// must see every quote. Quotes of watched symbols come to it in order, none left out and none
// merged; so do messages of others, all through one inbox, so that a message is received after
// every quote that was handed over before it was sent. A full inbox makes shards wait, and with
// them, in the end, senders. Watch, Receive and Release belong to one goroutine; the rest may be
// called from any.
//
// Publication: a shard publishes a symbol's live quote and then loads its flag; the watcher stores
// the flag and then reads the live quote. So no quote is newer than that live quote and not handed
// over; what is handed over and not newer the watcher drops, for stored times strictly increase.
type Watcher struct {
	engine   *Engine
	inbox    *inbox[*Handover]
	messages atomic.Int64 // Sent and not received.
	waits    atomic.Int64 // Batches that had to wait for room.
	failed   atomic.Bool  // Nobody receives any more.

	signal    Handover    // Empty; all signals are this one,
	signalled atomic.Bool // and it is in the inbox once at most.
}

// messageCost is what a message takes of the inbox's budget of quotes.
const messageCost = batchCost

func newWatcher(e *Engine) Watcher {
	limit := int64(e.opts.Watched) + messageCost*int64(e.opts.Messages)
	return Watcher{engine: e, inbox: newInbox[*Handover](limit, 1)}
}

// Watcher returns the engine's only watcher.
func (e *Engine) Watcher() *Watcher { return &e.watcher }

// Watch turns the handing over of a symbol's quotes on or off. Whoever turns it on reads Live
// afterwards and ignores what is handed over of that time or before; what was handed over already
// when it is turned off still comes.
func (w *Watcher) Watch(id SymbolID, on bool) { w.engine.markets[id].watched.Store(on) }

// Send enqueues a message. It never waits: false means that too many are waiting, or that the
// watcher ended.
func (w *Watcher) Send(message any) bool {
	if w.messages.Add(1) > int64(w.engine.opts.Messages) || !w.inbox.reserve(messageCost) {
		w.messages.Add(-1)
		return false
	}
	if w.inbox.closed.Load() {
		w.messages.Add(-1)
		w.inbox.release(messageCost)
		return false
	}
	w.inbox.send(&Handover{Message: message})
	return true
}

// Signal has Receive return something soon, an empty hand-over if nothing else. It never fails.
func (w *Watcher) Signal() {
	if !w.signalled.Swap(true) {
		w.inbox.send(&w.signal)
	}
}

// Receive returns what came next, sleeping until there is something; nil after Close, when
// everything was received.
func (w *Watcher) Receive() *Handover {
	h := w.inbox.receive()
	if h == &w.signal {
		w.signalled.Store(false)
	}
	return h
}

// Release gives a hand-over back.
func (w *Watcher) Release(h *Handover) {
	switch {
	case h == &w.signal:
	case h.Message != nil:
		w.messages.Add(-1)
		w.inbox.release(messageCost)
	default:
		w.inbox.release(h.cost())
		handoverPool.Put(h)
	}
}

// Queued returns how much of its limit the inbox has taken, in quotes and in messages.
func (w *Watcher) Queued() (quotes, messages int64) {
	messages = w.messages.Load()
	return w.inbox.queued() - messages*messageCost, messages
}

// Journaled lets go the senders whose quotes had all their effects committed, and storage, which
// keeps no quote before its effects: marks are, for each shard, the number of the last hand-over
// that has. They never fall.
func (w *Watcher) Journaled(marks []uint64) { w.engine.barrier.journal(marks) }

// Fail says that nobody will receive any more: waiting senders get err, now and from now on, and
// shards hand over nothing.
func (w *Watcher) Fail(err error) {
	w.failed.Store(true)
	w.engine.barrier.fail(err)
}

// Close refuses messages and lets Receive end. It comes after the engine's Run returned.
func (w *Watcher) Close() { w.inbox.close() }

func (h *Handover) cost() int64 { return int64(max(len(h.Quotes), batchCost)) }

var handoverPool = sync.Pool{New: func() any { return new(Handover) }}

// hand notes an accepted quote of a watched symbol.
func (s *shard) hand(m *market, t Time, q *Quote) {
	if s.handing == nil {
		h := handoverPool.Get().(*Handover)
		h.Quotes = h.Quotes[:0]
		s.handing = h
	}
	s.handing.Quotes = append(s.handing.Quotes, WatchedQuote{m.id, t, q.Bid, q.Ask})
}

// handOver gives the watcher what the batch in hand left for it. It waits for room.
func (s *shard) handOver(b *Batch) {
	h, w := s.handing, &s.engine.watcher
	s.handing = nil
	h.Shard, h.Number = s.index, s.number
	b.handed = true
	s.handed.Store(s.number)
	s.counts.handed += int64(len(h.Quotes))
	for waited := false; !w.failed.Load(); waited = true {
		if w.inbox.reserve(h.cost()) {
			w.inbox.send(h)
			return
		}
		if !waited {
			w.waits.Add(1)
		}
		time.Sleep(holdLook)
	}
}

package core

import "sync/atomic"

// shard is the only writer of its symbols. It takes batches from its inbox one by one; it reads no
// clock, takes no lock, logs nothing and allocates nothing for a quote.
type shard struct {
	engine  *Engine
	index   int
	inbox   *inbox[*Batch]
	markets []*market // By SymbolID; nil for symbols of other shards.
	touched []*market // Symbols of the batch in hand.
	number  uint64    // Batches so far.
	crowded *market   // It has many closed minutes that storage has not taken.
	gather  bool      // Somebody wants moves.
	handing *Handover // What the batch in hand leaves for the watcher; nil for nothing yet.
	counts  shardCounts
	block   ringWriter // counts, as of a batch

	_       [cacheLine]byte // Below: stored by the shard once a batch, loaded by others.
	started atomic.Uint64
	applied atomic.Uint64
	newest  atomic.Int64  // The latest stored time of any quote applied and handed over.
	handed  atomic.Uint64 // The last batch of which the watcher got, or should have got, quotes.
	_       [cacheLine - 32]byte
}

// run applies batches until the inbox is closed and drained.
func (s *shard) run() {
	for {
		b := s.inbox.receive()
		if b == nil {
			return
		}
		cost, clock := b.cost(), b.clock
		s.waitForStorage()
		s.apply(b)
		if !clock {
			s.inbox.release(cost)
		}
	}
}

// apply takes one batch through the data path and publishes what it did.
func (s *shard) apply(b *Batch) {
	s.number++
	s.started.Store(s.number)
	s.gather = s.engine.movesWanted.Load() > 0
	if b.clock {
		s.tick(b.Arrival)
	}
	for i := range b.Quotes {
		s.take(b, &b.Quotes[i])
	}
	if s.handing != nil {
		s.handOver(b)
	}
	s.publish(b)
}

// take is the path of one quote: validate, live quote, bars, throttle, ring.
func (s *shard) take(b *Batch, q *Quote) {
	m := s.markets[q.Symbol]
	s.counts.received++
	m.counts.Received++
	if m.number != s.number {
		s.touch(m, b)
	}
	t, late, reject := m.admit(q, b)
	if reject != RejectNone {
		s.refuse(m, b, q, reject)
		return
	}
	if late {
		s.counts.late++
	}
	if m.absurd.count >= reanchorAfter && m.far(MidOf(q.Bid, q.Ask)) {
		s.counts.reanchored++
	}
	m.event = max(m.event, q.Time)
	m.clocked = t >= b.Arrival-liveWithin && t <= b.Arrival+liveWithin
	m.takeQuote(t, q.Bid, q.Ask)
	if m.watched.Load() {
		s.hand(m, t, q)
	}
	if q.Seq != 0 {
		m.takeSeq(q)
	}
	if s.gather {
		m.moves.add(t, q.Bid, q.Ask)
	}
	if mid := m.mid; m.throttle.passes(mid) {
		m.throttle.stored(mid)
		m.ticks.put4(int64(t), int64(q.Bid), int64(q.Ask), int64(q.Source))
		m.counts.Stored++
		s.counts.stored++
		b.outcome.Stored++
	} else {
		m.counts.Throttled++
		s.counts.throttled++
		b.outcome.Throttled++
	}
}

// refuse counts a rejected quote and describes the first few to the sender.
func (s *shard) refuse(m *market, b *Batch, q *Quote, reason Reject) {
	m.counts.Rejected++
	s.counts.rejected[reason]++
	b.outcome.Rejected++
	if len(b.outcome.Rejections) < RejectionsKept {
		b.outcome.Rejections = append(b.outcome.Rejections, Rejection{
			Line: q.Line, Reason: reason, symbol: m.id, quote: *q, mid: m.mid, last: m.last,
			arrival: b.Arrival,
		})
	}
}

// touch notes that the batch in hand changes m, and makes room for the ticks it may store.
func (s *shard) touch(m *market, b *Batch) {
	m.number = s.number
	s.touched = append(s.touched, m)
	m.ticks.reserve(uint64(len(b.Quotes)))
	if m.ticks.next-s.engine.taken[m.id].Load() > s.engine.behindAt {
		s.engine.behind.Store(true)
	}
	if b.waited {
		b.stores = append(b.stores, tickRange{m.id, m.ticks.next, 0})
	}
}

// tick closes the live bars that ended at least clockDelay before now, and shows moves that were
// held back.
func (s *shard) tick(now Time) {
	for _, m := range s.markets {
		if m == nil {
			continue
		}
		s.showMoves(m)
		if !m.clocked {
			continue
		}
		before := m.floor
		m.closeBars(now - clockDelay)
		if m.floor != before && m.number != s.number {
			m.number = s.number
			s.touched = append(s.touched, m)
		}
	}
}

func (s *shard) showMoves(m *market) {
	if m.moves.publish(s.gather) {
		s.engine.movesHeld.Store(true)
	}
}

// publish shows the batch's effect. The order matters: the batch's outcome, the symbols' cuts,
// their dirty marks, the counters, and last applied, which promises all of them.
func (s *shard) publish(b *Batch) {
	for i := range b.stores {
		b.stores[i].to = s.markets[b.stores[i].symbol].ticks.next
	}
	stored := b.outcome.Stored
	waited := b.waited
	b.outcome.Received = int64(len(b.Quotes))
	b.number.Store(s.number) // From here on b is the sender's again, if it waits.
	if !waited {
		b.free()
	}
	newest := s.newest.Load()
	for _, m := range s.touched {
		newest = max(newest, int64(m.last))
		if s.isCrowded(m) {
			s.crowded = m
		}
		m.publish()
		s.showMoves(m)
		s.engine.dirty.mark(m.id)
	}
	s.touched = s.touched[:0]
	s.newest.Store(newest)
	s.counts.batches++
	s.counts.publish(&s.block)
	s.applied.Store(s.number)
	s.engine.afterBatch(stored, waited)
}

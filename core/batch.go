package core

import (
	"fmt"
	"sync"
	"sync/atomic"
)

const (
	// BatchMax is the largest number of quotes in one batch; longer requests take several.
	BatchMax = 1024
	// batchCost is what the smallest batch counts for in an inbox's budget of quotes, so that the
	// budget bounds the number of batches too.
	batchCost = 32
	// RejectionsKept is how many rejected quotes of a request are described.
	RejectionsKept = 10
)

// Batch is a run of quotes for one shard, or a clock message. It is built by a sender, then owned
// by the shard until it has stored number, then by the sender again if that one waits.
type Batch struct {
	Arrival Time
	History bool // Recorded quotes: no quote is too far ahead of our clock.
	Quotes  []Quote

	clock   bool // A clock message: close live bars that ended by Arrival.
	shard   int
	waited  bool          // A sender waits for it to be committed.
	handed  bool          // The watcher got quotes of it.
	number  atomic.Uint64 // Its place in the shard's order, from 1; publishes what follows.
	outcome Outcome
	stores  []tickRange // Ticks it stored, by symbol; kept only when waited.
}

type tickRange struct {
	symbol   SymbolID
	from, to uint64 // Ring indices [from, to).
}

// Outcome is what became of quotes: Received = Stored + Throttled + Rejected.
type Outcome struct {
	Received, Stored, Throttled, Rejected int64
	Rejections                            []Rejection // The first RejectionsKept, by line.
}

func (o *Outcome) reset() { *o = Outcome{Rejections: o.Rejections[:0]} }

func (o *Outcome) add(p *Outcome) {
	o.Received += p.Received
	o.Stored += p.Stored
	o.Throttled += p.Throttled
	o.Rejected += p.Rejected
	o.Rejections = append(o.Rejections, p.Rejections...)
}

// Rejection describes one refused quote for its sender.
type Rejection struct {
	Line   int32
	Reason Reject
	Detail string // Set at the edge; a shard leaves the facts below instead.

	symbol  SymbolID
	quote   Quote
	mid     Mid  // The live mid it was compared with.
	last    Time // The last stored time it was compared with.
	arrival Time
}

// Text returns a plain sentence about the rejection.
func (r *Rejection) Text(symbols *Registry) string {
	if r.Detail != "" {
		return r.Detail
	}
	digits := symbols.Symbol(r.symbol).Digits
	price := func(p Price) string { return string(AppendPrice(nil, p, digits)) }
	switch r.Reason {
	case RejectNotPositive:
		return fmt.Sprintf("bid %s and ask %s must both be above zero", price(r.quote.Bid),
			price(r.quote.Ask))
	case RejectCrossed:
		return fmt.Sprintf("ask %s below bid %s", price(r.quote.Ask), price(r.quote.Bid))
	case RejectDuplicate:
		return fmt.Sprintf("seq %d is not above the last one taken", r.quote.Seq)
	case RejectTooManySources:
		return fmt.Sprintf("%d sources number their quotes of this symbol already",
			NumberedSourcesMax)
	case RejectAbsurd:
		return fmt.Sprintf("mid %s is more than 50 %% from the live mid %s",
			AppendMid(nil, MidOf(r.quote.Bid, r.quote.Ask), digits), AppendMid(nil, r.mid, digits))
	case RejectFuture:
		ahead := r.quote.Time - r.arrival
		return fmt.Sprintf("time %s is %.1f hours (%d s) ahead of ours; send UTC", r.quote.Time,
			float64(ahead)/float64(Hour), ahead/Second)
	case RejectLate:
		return fmt.Sprintf("time %s is more than 1 s behind the last quote at %s", r.quote.Time,
			r.last)
	default:
		return r.Reason.String()
	}
}

var batchPool = sync.Pool{New: func() any {
	return &Batch{Quotes: make([]Quote, 0, 512)}
}}

func newBatch(shard int) *Batch {
	b := batchPool.Get().(*Batch)
	b.Quotes = b.Quotes[:0]
	b.stores = b.stores[:0]
	b.outcome.reset()
	b.number.Store(0)
	b.shard, b.clock, b.waited, b.handed, b.History = shard, false, false, false, false
	return b
}

func (b *Batch) free() { batchPool.Put(b) }

func (b *Batch) cost() int64 { return int64(max(len(b.Quotes), batchCost)) }

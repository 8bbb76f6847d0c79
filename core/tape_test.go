package core

import (
	"math/rand/v2"
	"testing"
)

// tape feeds an engine in the calling goroutine, batch by batch and without inboxes, so that what
// the shards do can be looked at between two batches.
type tape struct {
	*recorder
	e *Engine
}

func newTape(t testing.TB, opts Options) *tape {
	t.Helper()
	e := newEngine(t, opts)
	return &tape{newRecorder(e), e}
}

// newEngine makes an engine of the default symbols and two sources, unless opts say otherwise.
func newEngine(t testing.TB, opts Options) *Engine {
	t.Helper()
	var err error
	if opts.Symbols == nil {
		if opts.Symbols, err = NewRegistry(DefaultSymbols()); err != nil {
			t.Fatal(err)
		}
	}
	if opts.Sources == nil {
		if opts.Sources, err = NewSources([]string{"SIM", "API"}); err != nil {
			t.Fatal(err)
		}
	}
	e, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func symbolID(t testing.TB, e *Engine, name string) SymbolID {
	t.Helper()
	id, err := e.Symbols().Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// batch applies quotes that arrived together. It returns what became of those of each shard.
func (p *tape) batch(arrival Time, history bool, quotes ...Quote) []*Batch {
	byShard := make([]*Batch, len(p.e.shards))
	var batches []*Batch
	for _, q := range quotes {
		shard := p.e.shardOf(q.Symbol)
		if byShard[shard] == nil {
			byShard[shard] = &Batch{Arrival: arrival, History: history, shard: shard, waited: true}
			batches = append(batches, byShard[shard])
		}
		byShard[shard].Quotes = append(byShard[shard].Quotes, q)
	}
	for _, b := range batches {
		p.e.shards[b.shard].apply(b)
	}
	return batches
}

// one applies a batch of one quote and returns the reason of its rejection.
func (p *tape) one(arrival Time, q Quote) Reject {
	b := p.batch(arrival, false, q)[0]
	if len(b.outcome.Rejections) > 0 {
		return b.outcome.Rejections[0].Reason
	}
	return RejectNone
}

func (p *tape) clock(now Time) {
	for _, s := range p.e.shards {
		s.apply(&Batch{Arrival: now, clock: true})
	}
}

// script is a random day at the market: the batches and clock messages an engine may meet.
type script struct {
	random *rand.Rand
	now    Time
	mids   []Price
	told   Time
	quotes []Quote
	steady bool // No price ever jumps.
}

func newScript(random *rand.Rand, symbols int) *script {
	s := &script{random: random, now: 1_768_600_000_000_000} // A Friday evening in January 2026.
	for range symbols {
		s.mids = append(s.mids, Price(50_000+random.IntN(1_000_000)))
	}
	return s
}

// next moves the clock on and returns the next batch, or whether a clock message is due.
func (s *script) next() (arrival Time, history, clock bool, quotes []Quote) {
	r := s.random
	switch r.IntN(400) {
	case 0:
		s.now += Time(r.Int64N(int64(80 * Hour)))
	case 1, 2, 3:
		s.now += Time(r.Int64N(int64(5 * Hour)))
	default:
		s.now += Time(r.Int64N(int64(20*Second) >> r.IntN(16)))
	}
	if minute := (s.now - clockDelay).Floor(Minute); minute != s.told && r.IntN(4) > 0 {
		s.told = minute
		return s.now, false, true, nil
	}
	s.quotes = s.quotes[:0]
	for range 1 + r.IntN(12) {
		s.quotes = append(s.quotes, s.quote())
	}
	return s.now, r.IntN(50) == 0, false, s.quotes
}

func (s *script) quote() Quote {
	r := s.random
	id := r.IntN(len(s.mids))
	s.mids[id] = max(1000, s.mids[id]+Price(r.IntN(21))-10)
	spread := Price(r.IntN(30))
	q := Quote{Symbol: SymbolID(id), Source: SourceID(1 + r.IntN(2))}
	q.Bid, q.Ask = s.mids[id]-spread/2, s.mids[id]+spread-spread/2
	switch r.IntN(8) {
	case 0: // Without a time.
	case 1, 2:
		q.Time = s.now.Floor(Millisecond)
	case 3:
		q.Time = s.now + Time(r.Int64N(int64(7*Second)))
	default:
		q.Time = s.now - Time(r.Int64N(int64(1500*Millisecond)))
	}
	switch r.IntN(60) {
	case 0:
		q.Bid = 0
	case 1:
		q.Ask = q.Bid - 1
	case 2:
		if !s.steady {
			q.Bid, q.Ask = q.Bid*3, q.Ask*3
		}
	case 3: // Now and then the market really moves that far.
		if s.steady || r.IntN(40) > 0 {
			break
		}
		if s.mids[id] *= 2; s.mids[id] > 10_000_000 {
			s.mids[id] /= 20
		}
	case 4:
		q.Time = s.now - Time(r.Int64N(int64(10*Minute)))
	}
	return q
}

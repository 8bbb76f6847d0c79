package core

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// TestConservationUnderLoad has senders of both kinds, two shards, storage that is lapped now and
// then, and somebody who reads the counters all the time: the sum of the quotes adds up in every
// reading, that of the ticks in every exact one.
func TestConservationUnderLoad(t *testing.T) {
	rounds := 400
	if testing.Short() {
		rounds = 100
	}
	e := newEngine(t, Options{
		Shards: 2, Throttle: DefaultThreshold, Ticks: 3000, Inbox: 8 * BatchMax,
	})
	storage, endStorage := context.WithCancel(context.Background())
	var running, recording, senders sync.WaitGroup
	running.Go(func() { e.Run(context.Background()) })
	r := newRecorder(e)
	recording.Go(func() { r.run(storage) })
	watching := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() { watchStats(t, e, watching) })

	var total loadTotal
	for sender := range 4 {
		senders.Go(func() { sendLoad(t, e, sender, rounds, &total) })
	}
	senders.Wait()
	e.Close()
	running.Wait()
	endStorage()
	recording.Wait()
	close(watching)
	watcher.Wait()

	s := e.Stats()
	quotes, ticks := s.Remainders()
	if !s.Exact || quotes != 0 || ticks != 0 || s.Pending != 0 ||
		s.Received != total.offered.Load() ||
		total.lost.Load() > s.Lost || total.stored.Load()-total.lost.Load() > s.Committed {
		t.Errorf("%d offered, %d acknowledged, %d lost, stats %+v", total.offered.Load(),
			total.stored.Load(), total.lost.Load(), s)
	}
	var counts Counts
	var committed int64
	for id := range r.symbols {
		c := e.SymbolCounts(SymbolID(id))
		if c.Received != c.Stored+c.Throttled+c.Rejected {
			t.Errorf("symbol %d: %+v", id, c)
		}
		counts.Received += c.Received
		counts.Stored += c.Stored
		committed += int64(len(r.symbols[id].ticks))
	}
	edge := s.Rejected[RejectUnknownSymbol]
	if counts.Received+edge != s.Received || counts.Stored != s.Stored || committed != s.Committed {
		t.Errorf("the symbols add up to %+v and %d committed; want %+v", counts, committed, s)
	}
}

// loadTotal is what all senders together sent, and what they were told.
type loadTotal struct{ offered, stored, lost atomic.Int64 }

// sendLoad is one sender; every other of its submissions waits to be committed.
func sendLoad(t *testing.T, e *Engine, sender, rounds int, total *loadTotal) {
	random := rand.New(rand.NewPCG(uint64(sender), 2))
	for round := range rounds {
		s := e.Begin(Now())
		n := 1 + random.IntN(600)
		for line := range n {
			s.Add(loadQuote(random, line))
		}
		s.Reject(int32(n+1), RejectUnknownSymbol, "no such symbol")
		wait := (sender+round)%2 == 0
		if err := s.Send(context.Background(), wait); err != nil {
			t.Error(err)
			return
		}
		total.offered.Add(int64(n + 1))
		if wait {
			o, lost, _ := s.Wait(context.Background())
			if o.Received != o.Stored+o.Throttled+o.Rejected || o.Received != int64(n+1) {
				t.Errorf("the outcome of %d quotes is %+v", n+1, o)
			}
			total.stored.Add(o.Stored)
			total.lost.Add(lost)
		}
		s.Release()
	}
}

// loadQuote mixes quotes that are stored, throttled and refused.
func loadQuote(random *rand.Rand, line int) Quote {
	bid := Price(100_000 + random.IntN(4))
	q := Quote{
		Symbol: SymbolID(random.IntN(4)), Bid: bid, Ask: bid + 2, Source: 1, Line: int32(line + 1),
	}
	if random.IntN(20) == 0 {
		q.Ask = bid - 1
	}
	return q
}

// TestStatsWhileStorageCounts reads the counters while nothing but storage changes them.
func TestStatsWhileStorageCounts(t *testing.T) {
	const ticks = 40_000
	p := newTape(t, Options{})
	for range ticks / 1000 {
		p.batch(monday, false, steps(0, 1000)...)
	}
	done := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() { watchStats(t, p.e, done) })
	for head := uint64(1); head <= ticks; head++ {
		lost := int64(head % 2)
		p.e.Taken(0, &Cut{Head: head}, 1-lost, lost)
	}
	close(done)
	watcher.Wait()
	if s := p.e.Stats(); s.Committed != ticks/2 || s.Lost != ticks/2 || s.Pending != 0 {
		t.Errorf("stats %+v", s)
	}
}

func watchStats(t *testing.T, e *Engine, done chan struct{}) {
	exact := 0
	var before Stats
	for {
		s := e.Stats()
		quotes, ticks := s.Remainders()
		if quotes != 0 || s.Exact && ticks != 0 {
			t.Errorf("remainders %d and %d of %+v", quotes, ticks, s)
			return
		}
		if s.Received < before.Received || s.Stored < before.Stored || s.Batches < before.Batches ||
			s.Committed < before.Committed {
			t.Errorf("counters went back from %+v to %+v", before, s)
			return
		}
		before = s
		if s.Exact {
			exact++
		}
		select {
		case <-done:
			if exact == 0 {
				t.Error("no reading was exact, not even at the end")
			}
			return
		default:
		}
	}
}

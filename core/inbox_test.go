package core

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func quoteBatch(quotes int) *Batch { return &Batch{Quotes: make([]Quote, quotes)} }

// TestInboxAgreesWithTwin runs random sends and receives against a slice and a counter.
func TestInboxAgreesWithTwin(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	const limit = 4 * BatchMax
	in := newInbox[*Batch](limit, clockRoom)
	var twin []*Batch
	left := int64(limit)
	for range 50_000 {
		if random.IntN(2) == 0 {
			b := quoteBatch(random.IntN(BatchMax))
			got, want := in.reserve(b.cost()), left >= b.cost()
			if got != want {
				t.Fatalf("seed %d: reserve(%d) of %d left: %v; want %v", seed, b.cost(), left, got,
					want)
			}
			if got {
				left -= b.cost()
				in.send(b)
				twin = append(twin, b)
			}
		} else if len(twin) > 0 {
			b := in.receive()
			if b != twin[0] {
				t.Fatalf("seed %d: received another batch than the oldest of %d", seed, len(twin))
			}
			twin = twin[1:]
			left += b.cost()
			in.release(b.cost())
		}
		if in.queued() != limit-left {
			t.Fatalf("seed %d: %d queued; want %d", seed, in.queued(), limit-left)
		}
	}
}

// TestInboxLosesNoWakeUp has many senders and a receiver that sleeps often. In the bubble a batch
// left lying while the receiver sleeps is a deadlock, which fails the test at once.
func TestInboxLosesNoWakeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const senders, each = 8, 3000
		in := newInbox[*Batch](4*BatchMax, clockRoom)
		var sending sync.WaitGroup
		for sender := range senders {
			sending.Go(func() {
				for i := range each {
					b := quoteBatch(1)
					b.Quotes[0] = Quote{Symbol: SymbolID(sender), Seq: uint64(i)}
					for !in.reserve(b.cost()) {
						runtime.Gosched()
					}
					in.send(b)
					if i%7 == sender%7 {
						runtime.Gosched() // Lets the receiver drain the inbox and fall asleep.
					}
				}
			})
		}
		var next [senders]uint64
		for range senders * each {
			b := in.receive()
			q := &b.Quotes[0]
			if q.Seq != next[q.Symbol] {
				t.Fatalf("sender %d: batch %d came; want %d", q.Symbol, q.Seq, next[q.Symbol])
			}
			next[q.Symbol]++
			in.release(b.cost())
		}
		sending.Wait()
		if in.queued() != 0 {
			t.Errorf("%d quotes queued in an empty inbox", in.queued())
		}
	})
}

// TestInboxPingPong sends each batch soon after the one before was taken, at every moment of the
// receiver's falling asleep. There is no later batch to wake it if this one was not seen: that is a
// deadlock, which the bubble reports. (A receiver that does not look again after it parked fails
// this under -race, whose slower steps leave room for the sender between them.)
func TestInboxPingPong(t *testing.T) {
	rounds := 100_000
	if testing.Short() {
		rounds = 30_000
	}
	synctest.Test(t, func(*testing.T) {
		in := newInbox[*Batch](4*BatchMax, clockRoom)
		var taken atomic.Int64
		again := make(chan struct{}, 1)
		go func() {
			b := quoteBatch(1)
			for i := range int64(rounds) {
				for looks := 0; taken.Load() < i; looks++ {
					if looks > 1000 {
						<-again
					}
				}
				in.send(b)
			}
		}()
		for i := range rounds {
			in.receive()
			taken.Add(1)
			select {
			case again <- struct{}{}:
			default:
			}
			for range i % 512 {
				taken.Load() // Falls asleep a little later each round.
			}
		}
	})
}

// TestInboxBudgetHolds has senders of all sizes race for the room: what is taken at one time never
// passes the limit, and in the end all of it is given back.
func TestInboxBudgetHolds(t *testing.T) {
	const limit = 4 * BatchMax
	in := newInbox[*Batch](limit, clockRoom)
	var inUse, refused atomic.Int64
	var senders sync.WaitGroup
	for sender := range 6 {
		senders.Go(func() {
			random := rand.New(rand.NewPCG(uint64(sender), 1))
			for range 20_000 {
				cost := 1 + random.Int64N(limit+limit/8)
				if !in.reserve(cost) {
					refused.Add(1)
					continue
				}
				if now := inUse.Add(cost); now > limit {
					t.Errorf("%d of %d quotes are reserved", now, limit)
				}
				inUse.Add(-cost)
				in.release(cost)
			}
		})
	}
	senders.Wait()
	if in.queued() != 0 {
		t.Errorf("%d quotes stay reserved", in.queued())
	}
	if refused.Load() == 0 {
		t.Error("no reservation was refused, so the limit was not tried")
	}
}

// TestInboxCloseDrains closes an inbox with batches waiting and room reserved: the receiver gets
// all that comes and ends only when nothing more can come.
func TestInboxCloseDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox[*Batch](4*BatchMax, clockRoom)
		received := 0
		ended := false
		go func() {
			for b := in.receive(); b != nil; b = in.receive() {
				received++
				in.release(b.cost())
			}
			ended = true
		}()
		early, late, unused := quoteBatch(10), quoteBatch(20), quoteBatch(30)
		in.reserve(early.cost())
		in.send(early)
		in.reserve(late.cost())
		in.reserve(unused.cost())
		in.close()
		synctest.Wait()
		if received != 1 || ended {
			t.Fatalf("received %d, ended %v; want 1 and not ended while room is reserved", received,
				ended)
		}
		in.send(late)
		synctest.Wait()
		if received != 2 || ended {
			t.Fatalf("received %d, ended %v; want 2 and not ended", received, ended)
		}
		// A sender that finds the engine closed gives its room back, which is the last there was.
		in.release(unused.cost())
		synctest.Wait()
		if !ended {
			t.Fatal("the receiver sleeps on though nothing more can come")
		}
	})
}

// TestInboxCloseSeesARefusedReservation closes while a reservation that fails has taken room for a
// moment.
func TestInboxCloseSeesARefusedReservation(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(_ *testing.T) {
			in := newInbox[*Batch](4*BatchMax, clockRoom)
			go func() {
				if in.reserve(5 * BatchMax) {
					panic("more was reserved than there is")
				}
			}()
			go in.close()
			for in.receive() != nil {
				panic("a batch came from nowhere")
			}
		})
	}
}

// TestInboxTakesClockMessagesWhenFull has a full budget leave queue room for the clock.
func TestInboxTakesClockMessagesWhenFull(t *testing.T) {
	in := newInbox[*Batch](4*BatchMax, clockRoom)
	batches := 0
	for ; in.reserve(batchCost); batches++ {
		in.send(quoteBatch(1))
	}
	for range clockRoom {
		if !in.queue.TryEnqueue(&Batch{clock: true}) {
			t.Fatal("no room for a clock message")
		}
	}
	clocks := 0
	for range batches + clockRoom {
		if b := in.receive(); b.clock {
			clocks++
		} else {
			in.release(b.cost())
		}
	}
	in.close()
	if clocks != clockRoom || in.receive() != nil {
		t.Errorf("%d clock messages came; want %d and then the end", clocks, clockRoom)
	}
}

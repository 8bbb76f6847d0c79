package core

import (
	"context"
	"sync"
	"testing"
)

// TestFormingIsOneMoment reads the forming bars of all frames while quotes flow. A quote's price
// tells its number, so every bar can be checked against its own volume: prices rise by one a quote,
// hence a bar whose parts came from two moments shows.
func TestFormingIsOneMoment(t *testing.T) {
	e := newEngine(t, Options{})
	var running, readers sync.WaitGroup
	running.Go(func() { e.Run(context.Background()) })
	batches := 4000
	if testing.Short() {
		batches = 1000
	}
	done := make(chan struct{})
	for f := range frameCount {
		readers.Go(func() {
			var closedBefore uint64
			for {
				bar, closed := e.Forming(0, f)
				checkRisingBar(t, f, &bar)
				if closed < closedBefore {
					t.Errorf("%v: %d closed bars after %d", f, closed, closedBefore)
				}
				closedBefore = closed
				checkClosedBefore(t, e, f, closed, &bar)
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	number, r := Price(1_000_000), newRecorder(e)
	for batch := range batches {
		now := monday + Time(batch)*13*Second
		s := e.Begin(now)
		for range 5 {
			number++
			s.Add(Quote{Bid: number, Ask: number, Source: 1})
		}
		if err := s.Send(context.Background(), false); err != nil {
			t.Fatal(err)
		}
		s.Release()
		if batch%100 == 0 {
			e.CloseBars(now)
			r.commit() // So that senders do not wait for storage.
		}
	}
	e.Close()
	running.Wait()
	close(done)
	readers.Wait()
}

func checkRisingBar(t *testing.T, f Frame, b *Bar) {
	if b.Volume == 0 {
		return
	}
	if b.Bid.Close-b.Bid.Open != b.Volume-1 || b.Bid.High != b.Bid.Close ||
		b.Bid.Low != b.Bid.Open ||
		b.Mid.Close != 2*b.Bid.Close || b.Ask.Open != b.Bid.Open || b.Time != f.Open(b.First) ||
		b.Last >= f.End(b.Time) {
		t.Errorf("%v: forming bar %+v", f, *b)
	}
}

// checkClosedBefore reads the newest bar closed in the same cut: the forming one goes on from it.
func checkClosedBefore(t *testing.T, e *Engine, f Frame, closed uint64, forming *Bar) {
	var last [1]Bar
	if closed == 0 {
		return
	}
	first, n := e.ReadBars(0, f, closed-1, last[:])
	if first != closed-1 || n != 1 {
		t.Errorf("%v: bar %d of %d closed ones is not there", f, closed-1, closed)
		return
	}
	if forming.Volume == 0 {
		return
	}
	if forming.Bid.Open != last[0].Bid.Close+1 || forming.Time <= last[0].Time {
		t.Errorf("%v: forming from %d after a bar that closed at %d", f, forming.Bid.Open,
			last[0].Bid.Close)
	}
}

// TestReadTicksIsOneRun reads all of a small ring while a shard overwrites it: what is returned is
// one run without a hole, whatever was overtaken on the way.
func TestReadTicksIsOneRun(t *testing.T) {
	p := newTape(t, Options{Ticks: 255})
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			ticks := make([]Tick, 255)
			for {
				first, n := p.e.ReadTicks(0, 0, ticks)
				for i, tick := range ticks[:n] {
					if want := Price(first) + Price(i) + 1; tick.Bid != want {
						t.Errorf("tick %d of %d from %d is %d", i, n, first, tick.Bid)
						return
					}
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	batches := 6_000
	if testing.Short() {
		batches = 2_000
	}
	quotes := make([]Quote, 50)
	bid := Price(0)
	for range batches {
		for i := range quotes {
			bid++
			quotes[i] = Quote{Bid: bid, Ask: bid + 1<<40}
		}
		p.batch(monday, false, quotes...)
	}
	close(done)
	readers.Wait()
}

// TestLiveQuoteIsWhole reads the live quote while it changes: bid, ask and time belong together.
func TestLiveQuoteIsWhole(t *testing.T) {
	e := newEngine(t, Options{})
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				q, ok := e.Live(0)
				if ok && (q.Ask != q.Bid+7 || q.Time != monday+Time(q.Bid)) {
					t.Errorf("live quote %+v", q)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	p := &tape{newRecorder(e), e}
	for i := range Price(20_000) {
		bid := 10_000 + i
		p.one(monday+Time(bid), Quote{Bid: bid, Ask: bid + 7})
	}
	close(done)
	readers.Wait()
}

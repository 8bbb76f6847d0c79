package core

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestClockClosesLiveBars runs an engine by the bubble's clock, which starts at midnight.
func TestClockClosesLiveBars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := runEngine(t, Options{})
		defer stop()
		midnight := Now().Floor(Minute)
		until := func(tm Time) {
			time.Sleep(time.Until((midnight + tm).Std()))
			synctest.Wait()
		}
		send := func(history bool, q Quote) {
			t.Helper()
			s := e.Begin(Now())
			if history {
				s.History()
			}
			s.Add(q)
			if err := s.Send(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			s.Release()
			synctest.Wait()
		}
		want := func(id SymbolID, f Frame, closed uint64, volume int64) {
			t.Helper()
			bar, n := e.Forming(id, f)
			if n != closed || bar.Volume != volume {
				t.Errorf("at %v symbol %d %v: %d closed, forming of %d; want %d and %d", Now(), id,
					f, n, bar.Volume, closed, volume)
			}
		}
		until(30 * Second)
		send(false, Quote{Symbol: 0, Bid: 100, Ask: 102})
		send(true, Quote{Symbol: 1, Bid: 100, Ask: 102, Time: midnight - Hour})
		until(Minute + 240*Millisecond)
		want(0, M1, 0, 1)
		until(Minute + 310*Millisecond) // The clock is looked at each 50 ms.
		want(0, M1, 1, 0)
		want(0, M5, 0, 1)
		until(4*Minute + 59*Second)
		send(false, Quote{Symbol: 0, Bid: 100, Ask: 102})
		until(5*Minute + 240*Millisecond)
		want(0, M1, 1, 1)
		want(0, M5, 0, 2)
		until(5*Minute + 310*Millisecond)
		want(0, M1, 2, 0)
		want(0, M5, 1, 0)
		want(0, M15, 0, 2)
		until(Hour + 310*Millisecond)
		want(0, H1, 1, 0)
		want(0, H4, 0, 2)
		want(0, W1, 0, 2)
		// The bar of history waits for a quote of a later bar.
		want(1, M1, 0, 1)
		want(1, W1, 0, 1)
		send(false, Quote{Symbol: 1, Bid: 100, Ask: 102})
		want(1, M1, 1, 1)
	})
}

// TestClockOfTheCaller runs by another clock, which stands still until it is told to go on.
func TestClockOfTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now := monday
		e, stop := runEngine(t, Options{Now: func() Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		}})
		defer stop()
		s := e.Begin(monday)
		defer s.Release()
		s.Add(Quote{Bid: 100, Ask: 102})
		if err := s.Send(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if _, closed := e.Forming(0, M1); closed != 0 {
			t.Error("the bar was closed by the wrong clock")
		}
		mu.Lock()
		now += Minute
		mu.Unlock()
		time.Sleep(time.Second)
		synctest.Wait()
		if _, closed := e.Forming(0, M1); closed != 1 {
			t.Error("the bar was not closed")
		}
	})
}

// TestRunEndsClockAndShards leaves no goroutine: the bubble would report one that stays. The end of
// the context alone ends the clock and no shard.
func TestRunEndsClockAndShards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, Options{Shards: 3})
		ctx, cancel := context.WithCancel(context.Background())
		returned := false
		var running sync.WaitGroup
		running.Go(func() {
			e.Run(ctx)
			returned = true
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		if returned {
			t.Fatal("Run returned with its context")
		}
		s := begin(e, steps(0, 10)...)
		if err := s.Send(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		s.Release()
		synctest.Wait()
		if n := e.Stats().Received; n != 10 {
			t.Errorf("%d quotes received after the context ended; want 10", n)
		}
		e.Close()
		running.Wait()
	})
}

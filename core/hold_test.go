package core

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestHistoryNeverOutrunsBars sends far more minutes in one request than a ring of bars holds,
// while each commit takes its time. Without the hold this loses bars.
func TestHistoryNeverOutrunsBars(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const minutes = 40_000
		e := newEngine(t, Options{Bars: 3 * BatchMax})
		r := newRecorder(e)
		done := make(chan struct{})
		running, storage := make(chan struct{}), make(chan struct{})
		go func() { defer close(running); e.Run(context.Background()) }()
		go func() {
			defer close(storage)
			for {
				select {
				case <-done:
					return
				case <-e.StorageSignal():
					time.Sleep(20 * time.Millisecond)
					r.commit()
				}
			}
		}()
		s := e.Begin(monday)
		s.History()
		for i := range minutes {
			p := Price(108_000 + i%7)
			s.Add(Quote{Symbol: 0, Bid: p, Ask: p + 2, Time: monday + Time(i)*Minute})
		}
		if err := s.Send(context.Background(), true); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Wait(context.Background()); err != nil {
			t.Fatal(err)
		}
		s.Release()
		e.Close()
		<-running
		close(done)
		<-storage
		if got := len(r.symbols[0].bars[M1]); got != minutes-1 {
			t.Errorf("storage got %d closed minutes of %d", got, minutes-1)
		}
		if e.Stats().Held == 0 {
			t.Error("no batch was held: the test did not press")
		}
	})
}

// TestNoHoldForStorageThatDoesNothing lets quotes go on when nothing is ever committed.
func TestNoHoldForStorageThatDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, Options{Bars: 4})
		running := make(chan struct{})
		go func() { defer close(running); e.Run(context.Background()) }()
		start := time.Now()
		for i := range 50 {
			s := e.Begin(monday)
			s.History()
			s.Add(Quote{Bid: 108_000, Ask: 108_002, Time: monday + Time(i)*Minute})
			if err := s.Send(context.Background(), false); err != nil {
				t.Fatal(err)
			}
			s.Release()
			synctest.Wait()
		}
		e.Close()
		<-running
		if s := e.Stats(); s.Stored+s.Throttled != 50 {
			t.Errorf("stats %+v", s)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("50 quotes took %s", took)
		}
	})
}

// TestNoHoldForCommitsThatFail lets a sender go on as soon as a commit fails, and wait again when
// one succeeds.
//
// It was seen to fail on an engine that waits for storage that fails as for one that does nothing.
func TestNoHoldForCommitsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := runEngine(t, Options{Ticks: 100})
		defer stop()
		send := func(n int) time.Duration {
			start := time.Now()
			s := begin(e, steps(0, n)...)
			defer s.Release()
			if err := s.Send(t.Context(), false); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			return time.Since(start)
		}
		want := func(what string, got, least, most time.Duration) {
			t.Helper()
			if got < least || got > most {
				t.Errorf("%s a sender waited %s, want %s to %s", what, got, least, most)
			}
		}
		r := newRecorder(e)
		send(51) // More than half the ring, as the next batch sees.
		send(1)
		dirty := e.TakeDirty(nil)
		time.AfterFunc(3*time.Second, func() { e.MarkDirty(dirty) })
		want("beside a commit that fails", send(1), 3*time.Second, 3*time.Second+time.Second/2)
		want("after it failed", send(1), 0, 0)
		r.commit()
		send(51)
		send(1)
		time.AfterFunc(3*time.Second, r.commit)
		want("beside a long commit", send(1), 3*time.Second, 3*time.Second+time.Second/2)
	})
}

// TestHoldWaitsForStorageThatWorks has storage take long over other symbols: as long as it takes
// something, the shard waits for it.
func TestHoldWaitsForStorageThatWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := runEngine(t, Options{Bars: 40})
		send := func(minute Time) {
			s := e.Begin(monday)
			defer s.Release()
			s.History()
			s.Add(Quote{Bid: 108_000, Ask: 108_002, Time: monday + minute*Minute})
			if err := s.Send(context.Background(), false); err != nil {
				t.Error(err)
			}
		}
		for minute := range Time(22) {
			send(minute)
			synctest.Wait() // Each is a batch of its own.
		}
		go func() {
			for minute := Time(22); minute < 30; minute++ {
				send(minute)
			}
		}()
		defer stop()
		for range 30 {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if n := e.Stats().Received; n != 22 {
				t.Fatalf("%d quotes applied; want 22, which leave 21 minutes closed", n)
			}
			e.Taken(1, &Cut{}, 0, 0)
		}
		newRecorder(e).commit()
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if n := e.Stats().Received; n != 30 {
			t.Errorf("%d quotes applied after the commit; want all 30", n)
		}
	})
}

package core

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestInboxFullTakesNothing fills one of two inboxes while no shard runs. A submission over both
// is refused after the wait and has taken nothing of either.
func TestInboxFullTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, Options{Shards: 2, Inbox: 4 * BatchMax, Ticks: 20_000})
		full := begin(e, steps(1, 4*BatchMax)...)
		if err := full.Send(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		full.Release()
		s := begin(e, append(steps(0, 100), steps(1, 1)...)...)
		defer s.Release()
		started := time.Now()
		if err := s.Send(t.Context(), true); !errors.Is(err, ErrInboxFull) ||
			errors.Is(err, ErrTooManyQuotes) {
			t.Errorf("got %v; want ErrInboxFull", err)
		}
		if took := time.Since(started); took < time.Second || took > 1100*time.Millisecond {
			t.Errorf("refused after %v; want a second", took)
		}
		if n := e.shards[0].inbox.queued(); n != 0 {
			t.Errorf("%d quotes of the refused submission are reserved", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := s.Send(ctx, true); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v; want the end of the context", err)
		}
		stats := e.Stats()
		if stats.Slowed != 2 || stats.Refused != 1 || stats.Queued != 4*BatchMax {
			t.Errorf("slowed %d, refused %d, queued %d", stats.Slowed, stats.Refused, stats.Queued)
		}

		var running sync.WaitGroup
		running.Go(func() { e.Run(t.Context()) })
		if err := s.Send(t.Context(), false); err != nil { // Now there is room.
			t.Errorf("the third time: %v", err)
		}
		e.Close()
		running.Wait()
		if n := e.Stats().Received; n != 4*BatchMax+101 {
			t.Errorf("%d quotes received; want %d", n, 4*BatchMax+101)
		}
	})
}

// TestTooManyQuotesAreRefusedAtOnce has more quotes than an inbox ever holds.
func TestTooManyQuotesAreRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, Options{Shards: 2, Inbox: 4 * BatchMax})
		started := time.Now()
		s := begin(e, steps(0, 4*BatchMax+1)...)
		defer s.Release()
		if err := s.Send(t.Context(), true); !errors.Is(err, ErrTooManyQuotes) ||
			!errors.Is(err, ErrInboxFull) || time.Since(started) > 0 {
			t.Errorf("got %v after %v", err, time.Since(started))
		}
		// The same number over two shards fits.
		both := begin(e, append(steps(0, 4*BatchMax), steps(1, 4*BatchMax)...)...)
		defer both.Release()
		if err := both.Send(t.Context(), false); err != nil {
			t.Error(err)
		}
	})
}

// TestSendersWaitForStorage has uncommitted ticks fill half a ring: the next sender waits until
// they are committed, though it does not ask for an acknowledgement.
func TestSendersWaitForStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := runEngine(t, Options{Ticks: 100})
		defer stop()
		r := newRecorder(e)
		send := func(n int) error {
			s := begin(e, steps(0, n)...)
			defer s.Release()
			return s.Send(t.Context(), false)
		}
		if err := errors.Join(send(51), send(1)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		select {
		case <-e.StorageSignal():
		default:
			t.Error("storage was not woken")
		}
		var sent error
		over := false
		go func() {
			sent = send(1)
			over = true
		}()
		time.Sleep(time.Second / 2)
		synctest.Wait()
		if over {
			t.Error("a sender went on before the commit")
		}
		r.commit()
		time.Sleep(time.Second / 100)
		synctest.Wait()
		if !over || sent != nil {
			t.Errorf("over %v, %v after the commit", over, sent)
		}
		if lost := e.Stats().Lost; lost != 0 {
			t.Errorf("%d ticks lost", lost)
		}
	})
}

// TestSendersDoNotWaitForIdleStorage has nothing be committed at all, as when the disk hangs:
// after five seconds of no use nobody is slowed any more, until storage does something again.
func TestSendersDoNotWaitForIdleStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := runEngine(t, Options{Ticks: 100})
		defer stop()
		send := func(n int) time.Duration {
			started := time.Now()
			s := begin(e, steps(0, n)...)
			defer s.Release()
			if err := s.Send(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return time.Since(started)
		}
		send(51)
		send(1)
		if took := send(1); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("the first sender was slowed by %v; want five seconds", took)
		}
		for range 200 {
			if took := send(1); took != 0 {
				t.Fatalf("slowed by %v though storage does nothing", took)
			}
		}
		newRecorder(e).commit()
		send(51)
		send(1)
		if took := send(1); took < 5*time.Second {
			t.Errorf("slowed by %v though storage had worked again", took)
		}
		if s := e.Stats(); s.Lost == 0 || !s.Exact {
			t.Errorf("stats %+v; want ticks lost", s)
		} else if quotes, ticks := s.Remainders(); quotes != 0 || ticks != 0 {
			t.Errorf("remainders %d and %d", quotes, ticks)
		}
	})
}

// TestLostTicksAreCountedToTheirSender overwrites ticks before they are committed. Each sender
// learns how many of its own were lost, and the sums add up.
func TestLostTicksAreCountedToTheirSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := runEngine(t, Options{Ticks: 100})
		defer stop()
		r := newRecorder(e)
		other := sendAndWait(t, t.Context(), e, steps(1, 7)...)
		first := sendAndWait(t, t.Context(), e, steps(0, 30)...)
		synctest.Wait() // So that the first is applied before the second.
		second := sendAndWait(t, t.Context(), e, append(steps(1, 3), steps(0, 200)...)...)
		synctest.Wait()
		r.commit()
		synctest.Wait()
		f := func(w *waiting, wantLost, wantStored int64) {
			t.Helper()
			if !w.over || w.lost != wantLost || w.outcome.Stored != wantStored ||
				errors.Is(w.err, ErrStorageLost) != (wantLost > 0) {
				t.Errorf("over %v, lost %d, stored %d, %v; want %d of %d lost", w.over, w.lost,
					w.outcome.Stored, w.err, wantLost, wantStored)
			}
			w.Release()
		}
		f(other, 0, 7)
		f(first, 30, 30)
		f(second, 100, 203)
		s := e.Stats()
		if quotes, ticks := s.Remainders(); s.Lost != 130 || s.Committed != 110 || s.Pending != 0 ||
			quotes != 0 || ticks != 0 {
			t.Errorf("stats %+v", s)
		}
		next := sendAndWait(t, t.Context(), e, steps(0, 1)...)
		synctest.Wait()
		r.commit()
		synctest.Wait()
		f(next, 0, 1)
	})
}

// TestCloseDrainsWhatWasTaken closes an engine under load: every submission was either taken whole,
// and then applied and acknowledged, or refused with ErrClosed.
func TestCloseDrainsWhatWasTaken(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			e := newEngine(t, Options{Shards: 2, Inbox: 4 * BatchMax})
			storage, endStorage := context.WithCancel(context.Background())
			var running, recording, senders sync.WaitGroup
			running.Go(func() { e.Run(t.Context()) })
			r := newRecorder(e)
			recording.Go(func() { r.run(storage) })
			var taken, acknowledged atomic.Int64
			for sender := range 4 {
				senders.Go(func() {
					for {
						s := begin(e, append(steps(0, 100), steps(1, 50)...)...)
						wait := sender%2 == 0
						if err := s.Send(t.Context(), wait); err != nil {
							if !errors.Is(err, ErrClosed) {
								t.Error(err)
							}
							s.Release()
							return
						}
						taken.Add(150)
						if wait {
							o, _, err := s.Wait(t.Context())
							if err != nil || o.Stored != 150 {
								t.Errorf("%+v, %v", o, err)
							}
							acknowledged.Add(o.Stored)
						}
						s.Release()
					}
				})
			}
			for e.Stats().Received < 5_000 {
				runtime.Gosched() // No sleep: the senders never all block, so time stands still.
			}
			e.Close()
			e.Close()
			running.Wait()
			senders.Wait()
			endStorage()
			recording.Wait()
			s := e.Stats()
			if s.Received != taken.Load() || s.Queued != 0 || !s.Exact ||
				s.Committed != s.Stored || acknowledged.Load() > s.Committed {
				t.Errorf("%d taken, stats %+v", taken.Load(), s)
			}
		})
	}
}

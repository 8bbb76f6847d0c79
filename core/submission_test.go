package core

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// runEngine runs an engine in the background. Stop closes it and waits until Run returned.
func runEngine(t testing.TB, opts Options) (e *Engine, stop func()) {
	t.Helper()
	e = newEngine(t, opts)
	var running sync.WaitGroup
	running.Go(func() { e.Run(context.Background()) })
	return e, func() {
		e.Close()
		running.Wait()
	}
}

// steps are n quotes of a symbol that all pass the throttle, with lines from 1.
func steps(id SymbolID, n int) []Quote {
	quotes := make([]Quote, n)
	for i := range quotes {
		bid := Price(100_000 + 100*(i%2))
		quotes[i] = Quote{Symbol: id, Bid: bid, Ask: bid + 10, Source: 1, Line: int32(i + 1)}
	}
	return quotes
}

func begin(e *Engine, quotes ...Quote) *Submission {
	s := e.Begin(TimeOf(time.Now()))
	for _, q := range quotes {
		s.Add(q)
	}
	return s
}

// waiting sends a submission and waits for it in the background.
type waiting struct {
	*Submission
	over    bool
	outcome Outcome
	lost    int64
	err     error
}

func sendAndWait(t testing.TB, ctx context.Context, e *Engine, quotes ...Quote) *waiting {
	t.Helper()
	w := &waiting{Submission: begin(e, quotes...)}
	if err := w.Send(ctx, true); err != nil {
		t.Fatal(err)
	}
	go func() {
		o, lost, err := w.Wait(ctx)
		w.outcome, w.lost, w.err, w.over = *o, lost, err, true
	}()
	return w
}

func TestSubmissionWaitsForEveryShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := runEngine(t, Options{Shards: 3})
		defer stop()
		quotes := append(append(steps(0, 2), steps(1, 3)...), steps(2, 5)...)
		w := sendAndWait(t, t.Context(), e, quotes...)
		defer w.Release()
		for _, marks := range [][]uint64{{0, 0, 0}, {1, 1, 0}, {0, 1, 1}, {1, 0, 9}} {
			synctest.Wait()
			e.Committed(marks, nil)
			synctest.Wait()
			if w.over {
				t.Fatalf("let go when only %v was committed", marks)
			}
		}
		e.Committed([]uint64{1, 1, 1}, nil)
		synctest.Wait()
		if !w.over || w.err != nil || w.outcome.Received != 10 || w.outcome.Stored != 10 {
			t.Errorf("over %v, %v, %+v", w.over, w.err, w.outcome)
		}
	})
}

// TestQuotesThatStoreNothingWaitToo has batches of throttled and of refused quotes only: what they
// did to bars and counters must be committed before they are acknowledged.
func TestQuotesThatStoreNothingWaitToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := runEngine(t, Options{Throttle: DefaultThreshold})
		defer stop()
		r := newRecorder(e)
		q := Quote{Bid: 100_000, Ask: 100_002, Source: 1, Seq: 9}
		first := sendAndWait(t, t.Context(), e, q)
		synctest.Wait()
		r.commit()
		synctest.Wait()
		if !first.over || first.err != nil || first.outcome.Stored != 1 {
			t.Fatalf("first: %v, %v, %+v", first.over, first.err, first.outcome)
		}
		f := func(q Quote, want Outcome) {
			t.Helper()
			w := sendAndWait(t, t.Context(), e, q)
			defer w.Release()
			synctest.Wait()
			if w.over {
				t.Errorf("%+v was let go before it was committed", q)
			}
			r.commit()
			synctest.Wait()
			w.outcome.Rejections = nil
			got := w.outcome
			if !w.over || w.err != nil || got.Received != want.Received ||
				got.Throttled != want.Throttled || got.Rejected != want.Rejected {
				t.Errorf("%+v: %v, %v, %+v", q, w.over, w.err, got)
			}
		}
		f(Quote{Bid: 100_000, Ask: 100_002, Source: 1, Seq: 10}, Outcome{Received: 1, Throttled: 1})
		f(Quote{Bid: 100_000, Ask: 100_002, Source: 1, Seq: 10}, Outcome{Received: 1, Rejected: 1})
		f(Quote{Bid: 100_000, Ask: 99_999, Source: 1}, Outcome{Received: 1, Rejected: 1})
		if n := r.symbols[0].cut.Counts.Received; n != 4 {
			t.Errorf("%d quotes committed; want 4", n)
		}
	})
}

// TestCommitOfNothingLetsGo has the commit that took a symbol's marks load Applied too early: the
// next one finds nothing dirty and must let the sender go all the same.
func TestCommitOfNothingLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := runEngine(t, Options{})
		defer stop()
		early := e.Applied(nil)
		w := sendAndWait(t, t.Context(), e, steps(0, 1)...)
		defer w.Release()
		synctest.Wait()
		dirty := e.TakeDirty(nil)
		e.Committed(early, nil)
		synctest.Wait()
		if len(dirty) != 1 || w.over {
			t.Fatalf("dirty %v, over %v", dirty, w.over)
		}
		newRecorder(e).commit()
		synctest.Wait()
		if !w.over || w.err != nil {
			t.Errorf("over %v, %v", w.over, w.err)
		}
	})
}

func TestSubmissionOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := runEngine(t, Options{Shards: 2, Throttle: DefaultThreshold})
		defer stop()
		go newRecorder(e).run(t.Context())
		s := e.Begin(TimeOf(time.Now()))
		defer s.Release()
		for line := int32(1); line <= 40; line++ {
			q := Quote{Symbol: SymbolID(line % 2), Bid: 100_000, Ask: 100_002, Line: line}
			switch {
			case line%4 == 0:
				if !s.KeepsDetail() && line <= 40 {
					t.Errorf("line %d is not described", line)
				}
				s.Reject(line, RejectBadNumber, "bid is odd")
			case line%4 == 1:
				q.Ask = 1
				s.Add(q)
			default:
				s.Add(q)
			}
		}
		if s.Added() != 30 || s.Outcome().Received != 10 || s.KeepsDetail() {
			t.Errorf("%d added, %+v before sending", s.Added(), s.Outcome())
		}
		if err := s.Send(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		o, lost, err := s.Wait(t.Context())
		if err != nil || lost != 0 {
			t.Fatal(lost, err)
		}
		if o.Received != 40 || o.Stored != 2 || o.Throttled != 18 || o.Rejected != 20 {
			t.Errorf("outcome %+v", o)
		}
		if len(o.Rejections) != RejectionsKept {
			t.Fatalf("%d rejections are described; want %d", len(o.Rejections), RejectionsKept)
		}
		for i, r := range o.Rejections {
			want := []int32{1, 4, 5, 8, 9, 12, 13, 16, 17, 20}[i]
			if r.Line != want || (r.Reason == RejectCrossed) != (r.Line%4 == 1) {
				t.Errorf("rejection %d is %v of line %d; want line %d", i, r.Reason, r.Line, want)
			}
		}
		if text := o.Rejections[0].Text(e.Symbols()); text != "ask 0.00001 below bid 1.00000" {
			t.Errorf("line 1: %s", text)
		}
		if text := o.Rejections[1].Text(e.Symbols()); text != "bid is odd" {
			t.Errorf("line 4: %s", text)
		}
		stats := e.Stats()
		if quotes, ticks := stats.Remainders(); quotes != 0 || ticks != 0 || !stats.Exact ||
			stats.Received != 40 || stats.Rejected[RejectBadNumber] != 10 {
			t.Errorf("stats %+v, remainders %d and %d", stats, quotes, ticks)
		}
	})
}

// TestLongSubmission needs several batches of one shard.
func TestLongSubmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := runEngine(t, Options{Ticks: 10_000})
		defer stop()
		r := newRecorder(e)
		go r.run(t.Context())
		w := sendAndWait(t, t.Context(), e, steps(4, 3*BatchMax+7)...)
		defer w.Release()
		synctest.Wait()
		if !w.over || w.err != nil || w.outcome.Stored != 3*BatchMax+7 {
			t.Fatalf("%v, %v, %+v", w.over, w.err, w.outcome)
		}
		if n := len(r.symbols[4].ticks); n != 3*BatchMax+7 {
			t.Errorf("%d ticks committed", n)
		}
		if n := e.Stats().Batches; n != 4 {
			t.Errorf("%d batches; want 4", n)
		}
	})
}

func TestSubmissionOfRejectsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := runEngine(t, Options{})
		defer stop()
		s := e.Begin(monday)
		defer s.Release()
		s.Reject(1, RejectBadLine, "not a quote")
		if err := s.Send(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		o, _, err := s.Wait(t.Context())
		if err != nil || o.Received != 1 || o.Rejected != 1 {
			t.Errorf("%v, %+v", err, o)
		}
		if n := e.Stats().Rejected[RejectBadLine]; n != 1 {
			t.Errorf("%d counted; want 1", n)
		}
		if n := len(e.barrier.waiting); n != 0 {
			t.Errorf("%d senders wait", n)
		}
	})
}

// TestWaitEndsWithItsContext leaves the quotes to their fate: they are applied and counted, and
// the engine goes on.
func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := runEngine(t, Options{})
		defer stop()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w := sendAndWait(t, ctx, e, steps(0, 5)...)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !w.over || !errors.Is(w.err, context.DeadlineExceeded) {
			t.Fatalf("over %v, %v", w.over, w.err)
		}
		w.Release()
		if n := len(e.barrier.waiting); n != 0 {
			t.Errorf("%d senders wait", n)
		}
		r := newRecorder(e)
		r.commit()
		if n := len(r.symbols[0].ticks); n != 5 {
			t.Errorf("%d ticks; want 5", n)
		}
		next := sendAndWait(t, t.Context(), e, steps(0, 2)...)
		synctest.Wait()
		r.commit()
		synctest.Wait()
		if !next.over || next.err != nil || next.outcome.Received != 2 {
			t.Errorf("the next sender: %v, %v, %+v", next.over, next.err, next.outcome)
		}
	})
}

func TestStorageFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := runEngine(t, Options{})
		defer stop()
		broken := errors.New("fsync: input/output error")
		w := sendAndWait(t, t.Context(), e, steps(0, 5)...)
		synctest.Wait()
		e.StorageFailed(broken)
		synctest.Wait()
		if !w.over || !errors.Is(w.err, broken) {
			t.Errorf("over %v, %v", w.over, w.err)
		}
		w.Release()
		s := begin(e, steps(0, 5)...)
		defer s.Release()
		if err := s.Send(t.Context(), true); !errors.Is(err, broken) {
			t.Errorf("the next sender: %v", err)
		}
		if n := e.Stats(); n.Received != 5 || n.Queued != 0 {
			t.Errorf("%d received, %d queued; want 5 and all room given back", n.Received, n.Queued)
		}
	})
}

// TestSubmissionThatDoesNotWait knows how many quotes it sent and what was refused at the edge.
func TestSubmissionThatDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, stop := runEngine(t, Options{})
		defer stop()
		s := begin(e, steps(0, 7)...)
		defer s.Release()
		s.Reject(8, RejectBadLine, "not a quote")
		if err := s.Send(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		if o := s.Outcome(); o.Received != 8 || o.Rejected != 1 || o.Stored != 0 {
			t.Errorf("outcome %+v", o)
		}
		synctest.Wait()
		if n := e.Pending(); n != 7 {
			t.Errorf("%d ticks pending; want 7", n)
		}
		one := begin(e, steps(0, 1)...)
		defer one.Release()
		if err := one.Send(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := e.Pending(); n != 8 {
			t.Errorf("%d ticks pending; want 8", n)
		}
		newRecorder(e).commit()
		if n := e.Pending(); n != 0 {
			t.Errorf("%d ticks pending; want none", n)
		}
	})
}

// TestBatchesOfAFailedWaitAreNotReused has storage fail while a shard still holds the batch of a
// sender: nobody else may be given it.
func TestBatchesOfAFailedWaitAreNotReused(t *testing.T) {
	e := newEngine(t, Options{})
	s := begin(e, steps(0, 5)...)
	if err := s.Send(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	held := s.batches[0]
	e.StorageFailed(errors.New("disk full"))
	if _, _, err := s.Wait(t.Context()); err == nil {
		t.Fatal("the wait did not fail")
	}
	s.Release()
	for range 20 {
		if newBatch(0) == held {
			t.Fatal("the batch in the inbox was given to another sender")
		}
	}
}

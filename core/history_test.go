package core

import (
	"math/rand/v2"
	"testing"
)

// TestHistoryAgreesWithShard takes the same recorded quotes through a History and through a shard:
// rejections, stamps, ticks and minute bars must be the same.
func TestHistoryAgreesWithShard(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	p := newTape(t, Options{Throttle: DefaultThreshold})
	h := NewHistory(DefaultThreshold)
	s := newScript(random, 1)
	var ticks []Tick
	var bars []Bar
	for range 10_000 {
		_, _, clock, quotes := s.next()
		if clock {
			continue
		}
		for _, q := range quotes {
			if q.Time == 0 {
				q.Time = s.now
			}
			b := p.batch(s.now, true, q)[0]
			stamp, stored, closed, reject := h.Take(&q)
			want := RejectNone
			if len(b.outcome.Rejections) > 0 {
				want = b.outcome.Rejections[0].Reason
			}
			if reject != want {
				t.Fatalf("seed %d: %+v: %v; want %v", seed, q, reject, want)
			}
			if closed.Volume > 0 {
				bars = append(bars, closed)
			}
			if stored {
				ticks = append(ticks, Tick{stamp, q.Bid, q.Ask, q.Source})
			}
		}
		p.commit()
	}
	if want := p.symbols[0].ticks; len(ticks) == 0 || len(ticks) != len(want) {
		t.Fatalf("seed %d: %d ticks; want %d", seed, len(ticks), len(want))
	}
	for i, want := range p.symbols[0].ticks {
		if ticks[i] != want {
			t.Fatalf("seed %d: tick %d is %+v; want %+v", seed, i, ticks[i], want)
		}
	}
	want := p.symbols[0].bars[M1]
	if len(bars) == 0 || len(bars) != len(want) {
		t.Fatalf("seed %d: %d bars; want %d", seed, len(bars), len(want))
	}
	for i := range want {
		if bars[i] != want[i] {
			t.Fatalf("seed %d: bar %d is %+v; want %+v", seed, i, bars[i], want[i])
		}
	}
	if forming, _ := p.e.Forming(0, M1); h.Forming() != forming {
		t.Errorf("seed %d: forming %+v; want %+v", seed, h.Forming(), forming)
	}
}

// TestHistoryClosesAtTheBoundary has quotes at the first and the last microsecond of minutes.
func TestHistoryClosesAtTheBoundary(t *testing.T) {
	h := NewHistory(DefaultThreshold)
	minute := monday.Floor(Minute)
	f := func(at Time, wantClosed Time) {
		t.Helper()
		q := Quote{Time: at, Bid: 100, Ask: 102}
		stamp, _, closed, reject := h.Take(&q)
		if reject != RejectNone || stamp != at {
			t.Fatalf("%v: stamped %v, %v", at, stamp, reject)
		}
		if closed.Volume == 0 {
			closed.Time = 0
		}
		if closed.Time != wantClosed {
			t.Errorf("%v closed %+v; want the minute %v", at, closed, wantClosed)
		}
	}
	f(minute, 0)
	f(minute+Minute-1, 0)
	f(minute+Minute, minute)
	f(minute+Minute+1, 0)
	f(minute+Hour, minute+Minute)
	if forming := h.Forming(); forming.Time != minute+Hour || forming.Volume != 1 {
		t.Errorf("forming %+v", forming)
	}
}

func TestHistoryAnchorAndFreshThrottle(t *testing.T) {
	h := NewHistory(DefaultThreshold)
	take := func(at Time, price Price, wantStored bool, want Reject) {
		t.Helper()
		q := Quote{Time: monday + at, Bid: price, Ask: price}
		_, stored, _, reject := h.Take(&q)
		if stored != wantStored || reject != want {
			t.Errorf("%d at %d: stored %v, %v; want %v, %v", price, at, stored, reject, wantStored,
				want)
		}
	}
	take(0, 100_000, true, RejectNone)
	take(1, 100_000, false, RejectNone)
	h.FreshThrottle()
	take(2, 100_000, true, RejectNone)
	take(3, 100_000, false, RejectNone)
	take(4, 300_000, false, RejectAbsurd)
	h.Anchor(MidOf(290_000, 290_000))
	take(5, 300_000, true, RejectNone)
	take(6, 290_000, true, RejectNone)
	take(7, 100_000, false, RejectAbsurd)
}

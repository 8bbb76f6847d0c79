package core

import (
	"math/rand/v2"
	"testing"
)

// TestMarketAgreesWithNaive runs random days through shards and through the naive market and
// compares every rejection, tick, closed and forming bar of every frame and side.
func TestMarketAgreesWithNaive(t *testing.T) {
	runs, steps := 12, 8000
	if testing.Short() {
		runs, steps = 3, 3000
	}
	seen := map[string]int{}
	for run := range runs {
		seed := rand.Uint64()
		t.Logf("run %d: seed %d", run, seed)
		random := rand.New(rand.NewPCG(seed, 0))
		symbols := 1 + random.IntN(4)
		p := newTape(t, Options{Throttle: DefaultThreshold, Shards: 1 + run%3})
		naive := make([]naiveMarket, symbols)
		s := newScript(random, symbols)
		for step := range steps {
			arrival, history, clock, quotes := s.next()
			if clock {
				p.clock(arrival)
				for i := range naive {
					naive[i].clock(int64(arrival))
				}
			} else {
				batches := p.batch(arrival, history, quotes...)
				compareRejections(t, seed, batches, naive, quotes, arrival, history)
			}
			if step%50 == 0 {
				p.commit()
			}
		}
		p.commit()
		for id := range naive {
			p.checkTicks(t, SymbolID(id), &naive[id])
			p.checkBars(t, SymbolID(id), &naive[id])
			compareCounts(t, p.e.SymbolCounts(SymbolID(id)), &naive[id])
			for code, n := range naive[id].rejected {
				seen[code] += n
			}
			seen["closed by the clock"] += len(naive[id].closings)
		}
		stats := p.e.Stats()
		seen["late"] += int(stats.Late)
		seen["re-anchored"] += int(stats.Reanchored)
		if t.Failed() {
			return
		}
	}
	t.Log(seen)
	for _, event := range []string{
		"NOT_POSITIVE", "CROSSED", "ABSURD", "FUTURE", "LATE", "closed by the clock", "late",
		"re-anchored",
	} {
		if seen[event] == 0 {
			t.Errorf("no %s happened, so it was not tested", event)
		}
	}
}

// compareRejections offers the quotes to the naive market and compares the codes.
func compareRejections(t *testing.T, seed uint64, batches []*Batch, naive []naiveMarket,
	quotes []Quote, arrival Time, history bool,
) {
	t.Helper()
	want := map[string]int{}
	for _, q := range quotes {
		code := naive[q.Symbol].quote(int64(arrival), history, int64(q.Time), int64(q.Bid),
			int64(q.Ask))
		if code != "" {
			want[code]++
		}
	}
	for _, b := range batches {
		if len(b.outcome.Rejections) == RejectionsKept {
			return // More than are described.
		}
		for _, r := range b.outcome.Rejections {
			want[r.Reason.String()]--
		}
	}
	for code, n := range want {
		if n != 0 {
			t.Fatalf("seed %d: %d more %s than the engine says at %v: %+v", seed, n, code, arrival,
				quotes)
		}
	}
}

func compareCounts(t *testing.T, got Counts, want *naiveMarket) {
	t.Helper()
	rejected := 0
	for _, n := range want.rejected {
		rejected += n
	}
	stored, accepted := int64(len(want.ticks)), int64(len(want.accepted))
	w := Counts{
		Received: accepted + int64(rejected), Stored: stored, Throttled: accepted - stored,
		Rejected: int64(rejected),
	}
	if got != w {
		t.Errorf("counts %+v; want %+v", got, w)
	}
}

package core

import (
	"math/rand/v2"
	"testing"

	"tradingengine/core/naive"
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
		markets := make([]naive.Market, symbols)
		s := newScript(random, symbols)
		var seq uint64
		for step := range steps {
			arrival, history, clock, quotes := s.next()
			if clock {
				p.clock(arrival)
				for i := range markets {
					markets[i].Clock(int64(arrival))
				}
			} else {
				number(random, quotes, &seq)
				batches := p.batch(arrival, history, quotes...)
				compareRejections(t, seed, batches, markets, quotes, arrival, history)
			}
			if step%50 == 0 {
				p.commit()
			}
		}
		p.commit()
		compareMarkets(t, p, markets, seen)
		if t.Failed() {
			return
		}
	}
	t.Log(seen)
	for _, event := range []string{
		"NOT_POSITIVE", "CROSSED", "ABSURD", "FUTURE", "LATE", "closed by the clock", "late",
		"re-anchored", "DUPLICATE", "TOO_MANY_SOURCES",
	} {
		if seen[event] == 0 {
			t.Errorf("no %s happened, so it was not tested", event)
		}
	}
}

// compareMarkets compares all that was recorded with the naive markets, and notes what happened.
func compareMarkets(t *testing.T, p *tape, markets []naive.Market, seen map[string]int) {
	t.Helper()
	late, reanchored := 0, 0
	for id := range markets {
		m := &markets[id]
		p.checkTicks(t, SymbolID(id), m)
		p.checkBars(t, SymbolID(id), m)
		compareCounts(t, p.e.SymbolCounts(SymbolID(id)), m)
		for code, n := range m.Rejected {
			seen[code] += n
		}
		seen["closed by the clock"] += len(m.Closings)
		late += m.Late
		reanchored += m.Reanchored
	}
	stats := p.e.Stats()
	if int(stats.Late) != late || int(stats.Reanchored) != reanchored {
		t.Errorf("%d late and %d re-anchored; want %d and %d", stats.Late, stats.Reanchored, late,
			reanchored)
	}
	seen["late"] += late
	seen["re-anchored"] += reanchored
}

// number gives some quotes numbers that rise or stay, and now and then another source.
func number(random *rand.Rand, quotes []Quote, seq *uint64) {
	for i := range quotes {
		if random.IntN(100) == 0 {
			quotes[i].Source = SourceID(1 + random.IntN(12))
		}
		if random.IntN(3) == 0 {
			*seq += uint64(random.IntN(2))
			quotes[i].Seq = max(1, *seq)
		}
	}
}

// compareRejections offers the quotes to the naive market and compares the codes.
func compareRejections(t *testing.T, seed uint64, batches []*Batch, markets []naive.Market,
	quotes []Quote, arrival Time, history bool,
) {
	t.Helper()
	want := map[string]int{}
	for _, q := range quotes {
		code := markets[q.Symbol].Quote(int64(arrival), history, offer(q))
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

func compareCounts(t *testing.T, got Counts, want *naive.Market) {
	t.Helper()
	rejected := 0
	for _, n := range want.Rejected {
		rejected += n
	}
	stored, accepted := int64(len(want.Ticks)), int64(len(want.Accepted))
	w := Counts{
		Received: accepted + int64(rejected), Stored: stored, Throttled: accepted - stored,
		Rejected: int64(rejected),
	}
	if got != w {
		t.Errorf("counts %+v; want %+v", got, w)
	}
}

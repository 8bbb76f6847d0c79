package torture

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
)

// market5 is a market of five digits with the given numbers as its chances.
func market5(seed uint64) *market {
	return newMarket("EURUSD", "T0", 5, rand.New(rand.NewPCG(seed, 0)))
}

func TestAppendDecimal(t *testing.T) {
	f := func(points int64, digits int, want string) {
		t.Helper()
		if got := string(appendDecimal(nil, points, digits)); got != want {
			t.Errorf("%d with %d digits: got %s, want %s", points, digits, got, want)
		}
	}
	f(108_234, 5, "1.08234")
	f(100_000, 5, "1.00000")
	f(7, 3, "0.007")
	f(150, 0, "150")
}

// Times must strictly increase and quotes must be whole, or the server would rightly change or
// refuse them. Seen to fail on times that may repeat, and on an ask below the bid.
func TestQuotesAreGood(t *testing.T) {
	m := market5(1)
	last := begin
	for n := range 10_000 {
		q := m.next()
		if q.time <= last || q.ask < q.bid || q.bid <= 0 || q.number != uint64(n+1) {
			t.Fatalf("quote %d after %d is %+v", n, last, q)
		}
		last = q.time
		var line struct {
			Symbol, LP string
			Bid, Ask   json.Number
			Time       int64
			Seq        uint64
		}
		if err := json.Unmarshal(m.append(nil, &q), &line); err != nil {
			t.Fatal(err)
		}
		if line.Symbol != "EURUSD" || line.LP != "T0" || line.Time != q.time || line.Seq != q.number ||
			string(line.Bid) != string(appendDecimal(nil, q.bid, 5)) {
			t.Fatalf("%+v is written as %+v", q, line)
		}
	}
}

// A handful of quotes by hand: what is stored, and the bars of all frames. Seen to fail on a
// throttle that compares with the last quote and not the last tick, on one that lets exactly
// 0.001 % be dropped, and on bars that a throttled quote does not change.
func TestTake(t *testing.T) {
	m := market5(1)
	f := func(at, bid, ask int64, want bool) {
		t.Helper()
		if got := m.take(&quote{time: at, bid: bid, ask: ask}); got != want {
			t.Errorf("%d/%d: stored %v, want %v", bid, ask, got, want)
		}
	}
	minute := int64(60e6)
	f(begin+1, 100_000, 100_000, true)
	f(begin+2, 100_000, 100_001, false)      // Half a point of mid.
	f(begin+3, 100_000, 100_002, true)       // One point, exactly 0.001 %.
	f(begin+4, 100_001, 100_002, false)      // Of the last tick less than that.
	f(begin+minute, 100_002, 100_002, false) // Of the last tick a point, which is less than 0.001 %.
	f(begin+minute+1, 100_003, 100_004, true)
	if m.accepted != 6 || len(m.fresh) != 3 || m.newest != (tick{begin + minute + 1, 100_003, 100_004}) {
		t.Errorf("got %d quotes, ticks %v", m.accepted, m.fresh)
	}
	for i, want := range []bar{
		{begin / 1e6, [3]prices{
			{200_000, 200_003, 200_000, 200_003},
			{100_000, 100_001, 100_000, 100_001},
			{100_000, 100_002, 100_000, 100_002},
		}, 4},
		{begin/1e6 + 60, [3]prices{
			{200_004, 200_007, 200_004, 200_007},
			{100_002, 100_003, 100_002, 100_003},
			{100_002, 100_004, 100_002, 100_004},
		}, 2},
	} {
		if got := m.bars[0][i]; got != want {
			t.Errorf("minute %d: got %+v, want %+v", i, got, want)
		}
	}
	if hour := m.bars[4]; len(hour) != 1 || hour[0].volume != 6 || hour[0].sides[0].high != 200_007 {
		t.Errorf("got hours %+v", hour)
	}
}

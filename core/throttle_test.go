package core

import (
	"errors"
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestParseThreshold(t *testing.T) {
	f := func(text string, want Threshold, printed, fraction string) {
		t.Helper()
		got, err := ParseThreshold(text)
		if err != nil || got != want {
			t.Errorf("ParseThreshold(%q) = %d, %v; want %d", text, got, err, want)
		}
		if got.String() != printed || string(got.AppendFraction(nil)) != fraction {
			t.Errorf("%q prints %s and %s; want %s and %s", text, got, got.AppendFraction(nil),
				printed, fraction)
		}
		if back, err := ParseThreshold(printed); err != nil || back != want {
			t.Errorf("%s reads back as %d, %v; want %d", printed, back, err, want)
		}
		if back, err := ParseThreshold(fraction); err != nil || back != want {
			t.Errorf("%s reads back as %d, %v; want %d", fraction, back, err, want)
		}
	}
	f("0.001%", DefaultThreshold, "0.001%", "0.00001")
	f("0.00001", DefaultThreshold, "0.001%", "0.00001")
	f(" 0.001 % ", DefaultThreshold, "0.001%", "0.00001")
	f("0", 0, "0%", "0")
	f("0%", 0, "0%", "0")
	f("1%", 10_000_000, "1%", "0.01")
	f("10%", 100_000_000, "10%", "0.1")
	f("100%", 1_000_000_000, "100%", "1")
	f("1", 1_000_000_000, "100%", "1")
	f("0.0000001%", 1, "0.0000001%", "0.000000001")

	for _, text := range []string{
		"", "%", "0.001%%", "-0.001%", "101%", "1.1", "1e-5", "NaN", "0.00000001%", "0.001 percent",
		".1%", "1000000000000000000000%",
	} {
		if got, err := ParseThreshold(text); !errors.Is(err, ErrThreshold) {
			t.Errorf("ParseThreshold(%q) = %d, %v; want ErrThreshold", text, got, err)
		}
	}
}

// bigThrottle is the rule as it is written down: drop when |Δ|·10^9 < threshold·last.
type bigThrottle struct {
	threshold *big.Int
	last      *big.Int // Nil before the first stored mid.
}

func (b *bigThrottle) stores(mid int64) bool {
	m := big.NewInt(mid)
	if b.last != nil {
		delta := new(big.Int).Sub(m, b.last)
		delta.Abs(delta).Mul(delta, big.NewInt(1_000_000_000))
		if delta.Cmp(new(big.Int).Mul(b.threshold, b.last)) < 0 {
			return false
		}
	}
	b.last = m
	return true
}

func TestThrottleIsTheRuleInBigIntegers(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		threshold := Threshold(random.Uint64N(thresholdOne+1) >> random.IntN(31))
		fast := throttle{threshold: threshold}
		slow := bigThrottle{threshold: new(big.Int).SetUint64(uint64(threshold))}
		mid := 1 + random.Int64N(2*int64(PriceMax)>>random.IntN(51))
		for range 200 {
			// Steps around the smallest that passes find an error of one point.
			step := int64(fast.move) + random.Int64N(3) - 1
			if random.IntN(4) == 0 {
				step = random.Int64N(1 + mid/8)
			}
			if random.IntN(2) == 0 {
				step = -step
			}
			mid = min(max(1, mid+step), 2*int64(PriceMax))
			got, want := fast.passes(Mid(mid)), slow.stores(mid)
			if got != want {
				t.Fatalf("seed %d: threshold %v, last %d, mid %d: stored %v; want %v", seed,
					threshold, fast.last, mid, got, want)
			}
			if got {
				fast.stored(Mid(mid))
			}
		}
	}
}

// TestThrottleAtTheEdge has the default rule on a round price: 0.001 % of 1.00000 (200,000 half
// points) is 2 half points, and a move of exactly that much is stored.
func TestThrottleAtTheEdge(t *testing.T) {
	f := func(last, mid Mid, want bool) {
		t.Helper()
		th := throttle{threshold: DefaultThreshold}
		th.stored(last)
		if got := th.passes(mid); got != want {
			t.Errorf("from %d to %d: stored %v; want %v", last, mid, got, want)
		}
	}
	f(200_000, 200_000, false)
	f(200_000, 200_001, false)
	f(200_000, 200_002, true)
	f(200_000, 199_999, false)
	f(200_000, 199_998, true)
	f(200_001, 200_003, false) // 0.001 % of 1.000005 is a little more than 2 half points.
	f(200_001, 200_004, true)
	f(1, 1, false)
	f(1, 2, true)
	first := throttle{threshold: DefaultThreshold}
	if !first.passes(1) {
		t.Error("the first quote is not stored")
	}
	all := throttle{}
	all.stored(5)
	if !all.passes(5) {
		t.Error("a threshold of 0 does not store every quote")
	}
}

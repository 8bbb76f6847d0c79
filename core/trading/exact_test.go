package trading

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"tradingengine/core"
)

// whole is a Wide as a big number.
func whole(w Wide) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(w.Hi), 64)
	return n.Add(n, new(big.Int).SetUint64(w.Lo))
}

// interesting makes numbers of all sizes, and those at the edges.
func interesting(r *rand.Rand) uint64 {
	n := r.Uint64() >> r.IntN(64)
	if r.IntN(8) == 0 {
		n = 1<<r.IntN(64) - uint64(r.IntN(3)) + 1
	}
	return max(n, 1)
}

// runs is a count, or a tenth of it in a short test.
func runs(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// TestWide compares 128-bit arithmetic with big numbers.
func TestWide(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	signed := func() int64 {
		n := int64(interesting(r) >> 1)
		if r.IntN(2) == 0 {
			return -n
		}
		return n
	}
	for range runs(50_000) {
		a, b, c := signed(), signed(), signed()
		w := mulWide(a, b)
		product := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		if whole(w).Cmp(product) != 0 {
			t.Fatalf("%d * %d is %v", a, b, whole(w))
		}
		v := mulWide(c, 1_000)
		if got := whole(w.sub(v)); got.Cmp(new(big.Int).Sub(product, whole(v))) != 0 && product.BitLen() < 126 {
			t.Fatalf("%v - %v is %v", product, whole(v), got)
		}
		part, all := Volume(interesting(r)>>2), Volume(interesting(r)>>2)
		part, all = min(part, all), max(part, all, 1)
		share := halves(new(big.Rat).SetFrac(new(big.Int).Mul(product, big.NewInt(int64(part))),
			big.NewInt(int64(all))))
		if got := whole(w.share(part, all)); got.Cmp(share) != 0 {
			t.Fatalf("%v * %d/%d is %v; want %v", product, part, all, got, share)
		}
		text := w.appendDecimal(nil, 8)
		if again, ok := parseWide(text, 8); !ok || again != w {
			t.Fatalf("%v was printed as %s and read as %v", product, text, whole(again))
		}
	}
}

// TestScale compares the one rounding with fractions of any size.
func TestScale(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	counted, halfway := 0, 0
	for range runs(100_000) {
		w := mulWide(int64(interesting(r)>>1), int64(interesting(r)>>1))
		if r.IntN(2) == 0 {
			w = w.neg()
		}
		n1, n2, d1, d2 := interesting(r), interesting(r), interesting(r), interesting(r)
		if r.IntN(4) == 0 { // Exact halves.
			n1, n2, d1, d2 = 1, 1, 2, 1
			w = mulWide(2*r.Int64N(1000)+1, 1-2*r.Int64N(2))
			halfway++
		}
		exact := new(big.Rat).SetInt(whole(w))
		for _, n := range []uint64{n1, n2} {
			exact.Mul(exact, new(big.Rat).SetInt(new(big.Int).SetUint64(n)))
		}
		for _, d := range []uint64{d1, d2} {
			exact.Quo(exact, new(big.Rat).SetInt(new(big.Int).SetUint64(d)))
		}
		want := halves(exact)
		got, ok := scale(w, n1, n2, d1, d2, halfEven)
		if fits := want.IsInt64() && magnitude(want.Int64()) <= uint64(moneyLimit); ok && !fits ||
			ok && want.Int64() != got {
			t.Fatalf("%v is rounded to %d, %v; want %v", exact, got, ok, want)
		}
		if !ok {
			continue
		}
		counted++
		up, _ := scale(w, n1, n2, d1, d2, up)
		if away := upwards(new(big.Rat).Abs(exact)); magnitude(up) != uint64(away) {
			t.Fatalf("%v is rounded up to %d; want %d", exact, up, away)
		}
	}
	if counted < runs(20_000) || halfway < runs(20_000) {
		t.Errorf("only %d fitted, %d were halves", counted, halfway)
	}
}

// TestRates: factors are exact, in lowest terms, and printed with ten decimals.
func TestRates(t *testing.T) {
	f := func(num, den uint64, want string) {
		t.Helper()
		if got := string(rateOf(num, den).Append(nil)); got != want {
			t.Errorf("%d/%d is printed as %s; want %s", num, den, got, want)
		}
	}
	f(1, 1, "1.0000000000")
	f(1000, 150010, "0.0066662223")
	f(1, 3, "0.3333333333")
	f(2, 3, "0.6666666667")
	f(1, 20_000_000_000, "0.0000000000") // Half to even.
	f(3, 20_000_000_000, "0.0000000002")
	f(199_999_999_999, 100_000_000_000, "2.0000000000")
	f(15001, 100, "150.0100000000")
	if r, ok := (Rate{1 << 40, 3}).times(Rate{1 << 40, 5}); ok {
		t.Errorf("a product beyond 64 bits is %v", r)
	}
	if r, ok := (Rate{1 << 40, 3}).times(Rate{3, 1 << 40}); !ok || r != (Rate{1, 1}) {
		t.Errorf("inverse rates make %v, %v", r, ok)
	}
}

// TestVolumeText: lots are printed with two decimals or as many as they need.
func TestVolumeText(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		v, reject := ParseVolume([]byte(text))
		if reject != core.RejectNone || string(AppendVolume(nil, v)) != want {
			t.Errorf("%s: %s, %v; want %s", text, AppendVolume(nil, v), reject, want)
		}
	}
	f("0.1", "0.10")
	f("1", "1.00")
	f("0.001", "0.001")
	f("0.000001", "0.000001")
	f("-0.5", "-0.50")
	f("100.25", "100.25")
	if _, reject := ParseVolume([]byte("0.0000001")); reject != core.RejectPriceDigits {
		t.Errorf("seven decimals: %v", reject)
	}
}

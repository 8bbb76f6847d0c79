package core

import (
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestParsePrice(t *testing.T) {
	f := func(text string, digits int, want Price, wantReject Reject) {
		t.Helper()
		got, reject := ParsePrice([]byte(text), digits)
		if reject != wantReject || got != want {
			t.Errorf("ParsePrice(%q, %d) = %d, %v; want %d, %v", text, digits, got, reject, want,
				wantReject)
		}
	}
	f("1.08234", 5, 108_234, RejectNone)
	f("1.1", 5, 110_000, RejectNone)
	f("1", 5, 100_000, RejectNone)
	f("0.00001", 5, 1, RejectNone)
	f("0", 5, 0, RejectNone)
	f("0.0", 5, 0, RejectNone)
	f("-0", 5, 0, RejectNone)
	f("-1.5", 1, -15, RejectNone)
	f("157.123", 3, 157_123, RejectNone)
	f("42", 0, 42, RejectNone)
	f("42.000", 0, 42, RejectNone)
	f("1.0823400", 5, 108_234, RejectNone)
	f("1."+strings.Repeat("0", 60), 5, 100_000, RejectNone)
	f("999999.999999999", 9, 999_999_999_999_999, RejectNone)
	f("1000000000000000", 0, PriceMax, RejectNone)
	f("10000000000", 5, PriceMax, RejectNone)

	f("1.082345", 5, 0, RejectPriceDigits)
	f("1.0823400001", 5, 0, RejectPriceDigits)
	f("0.5", 0, 0, RejectPriceDigits)
	f("-1.25", 1, 0, RejectPriceDigits)

	for _, text := range strings.Fields(`NaN nan Inf inf -Inf +Inf Infinity 1e5 1E5 1e-5 1e999 0x10
		0x1p-2 0b1 0o7 1_000 1_0 - -- + +1 1. .5 -.5 . 01 00 00.5 -01 1.2.3 1,5 1.5f 5" " ١ ½
		1.5e 1.x x null true 10000000000.00001 10000000001 99999999999999999999
		18446744073709551617 -18446744073709551617 340282366920938463463374607431768211457`) {
		f(text, 5, 0, RejectBadNumber)
	}
	f("", 5, 0, RejectBadNumber)
	f(" 1", 5, 0, RejectBadNumber)
	f("1 ", 5, 0, RejectBadNumber)
	f("1\x00", 5, 0, RejectBadNumber)
	f("1000000000000001", 0, 0, RejectBadNumber)
	// A price with both faults has the earlier one.
	f("1.0823456e5", 5, 0, RejectBadNumber)
}

func TestAppendPrice(t *testing.T) {
	f := func(p Price, digits int, want string) {
		t.Helper()
		if got := string(AppendPrice(nil, p, digits)); got != want {
			t.Errorf("AppendPrice(%d, %d) = %q; want %q", p, digits, got, want)
		}
	}
	f(108_234, 5, "1.08234")
	f(110_000, 5, "1.10000")
	f(1, 5, "0.00001")
	f(0, 5, "0.00000")
	f(-1, 5, "-0.00001")
	f(42, 0, "42")
	f(-42, 0, "-42")
	f(PriceMax, 9, "1000000.000000000")
	if got := string(AppendPrice([]byte("bid "), 15, 1)); got != "bid 1.5" {
		t.Errorf("appended to a prefix: %q", got)
	}
}

func TestAppendMid(t *testing.T) {
	f := func(bid, ask Price, digits int, want string) {
		t.Helper()
		if got := string(AppendMid(nil, MidOf(bid, ask), digits)); got != want {
			t.Errorf("mid of %d and %d = %q; want %q", bid, ask, got, want)
		}
	}
	f(108_234, 108_236, 5, "1.08235")
	f(108_234, 108_237, 5, "1.082355")
	f(3, 4, 0, "3.5")
	f(4, 4, 0, "4")
	f(0, 1, 5, "0.000005")
	f(-1, 0, 5, "-0.000005")
	f(-3, -4, 0, "-3.5")
	f(-2, -2, 1, "-0.2")
}

// TestMidIsExact reads printed mids back as fractions.
func TestMidIsExact(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for range 20_000 {
		digits := random.IntN(DigitsMax)
		bid := Price(random.Int64N(int64(PriceMax) >> random.IntN(50)))
		ask := bid + Price(random.Int64N(1000))
		text := string(AppendMid(nil, MidOf(bid, ask), digits))
		got, ok := new(big.Rat).SetString(text)
		want := big.NewRat(int64(bid)+int64(ask), 2*Pow10(digits))
		if !ok || got.Cmp(want) != 0 {
			t.Fatalf("seed %d: mid of %d and %d with %d digits is %s; want %s", seed, bid, ask,
				digits, text, want.FloatString(digits+1))
		}
	}
}

package core

import (
	"math/big"
	"regexp"
	"testing"
)

var plainDecimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// FuzzParsePrice compares with fractions of math/big: what is taken is exact and prints to text of
// the same value; what is not a plain decimal is never taken.
func FuzzParsePrice(f *testing.F) {
	for _, text := range []string{
		"1.08234", "-0.5", "1e5", "0x1p-2", "1_000", "", "-", "1.", ".5", "01", "NaN",
		"99999999999999999999", "1000000000000000", "1.0000000000000000000001",
	} {
		f.Add(text, uint8(5))
	}
	f.Fuzz(func(t *testing.T, text string, d uint8) {
		digits := int(d % (DigitsMax + 1))
		got, reject := ParsePrice([]byte(text), digits)
		if !plainDecimal.MatchString(text) {
			if reject != RejectBadNumber {
				t.Fatalf("%q is no plain decimal, got %d, %q", text, got, reject)
			}
			return
		}
		exact, _ := new(big.Rat).SetString(text)
		points := new(big.Rat).Mul(exact, new(big.Rat).SetInt64(Pow10(digits)))
		tooBig := new(big.Rat).Abs(points).Cmp(new(big.Rat).SetInt64(int64(PriceMax))) > 0
		switch {
		case !points.IsInt() && tooBig:
			if reject == RejectNone {
				t.Fatalf("%q at %d digits was taken as %d", text, digits, got)
			}
		case !points.IsInt():
			if reject != RejectPriceDigits {
				t.Fatalf("%q at %d digits: %q; want PRICE_DIGITS", text, digits, reject)
			}
		case tooBig:
			if reject != RejectBadNumber {
				t.Fatalf("%q at %d digits: %q; want BAD_NUMBER", text, digits, reject)
			}
		default:
			checkPrice(t, text, digits, got, reject, points)
		}
	})
}

func checkPrice(t *testing.T, text string, digits int, got Price, reject Reject, points *big.Rat) {
	t.Helper()
	if reject != RejectNone || points.Num().Int64() != int64(got) {
		t.Fatalf("%q at %d digits = %d, %q; want %s", text, digits, got, reject, points)
	}
	printed := AppendPrice(nil, got, digits)
	if again, reject := ParsePrice(printed, digits); reject != RejectNone || again != got {
		t.Fatalf("%q prints as %q, which reads as %d, %q", text, printed, again, reject)
	}
	if value, _ := new(big.Rat).SetString(string(printed)); value.Mul(value,
		new(big.Rat).SetInt64(Pow10(digits))).Cmp(points) != 0 {
		t.Fatalf("%q prints as %q", text, printed)
	}
}

package core

import "strconv"

// Price is a price in points: units of 10^-digits of its symbol. It is parsed and printed exactly
// and never passes through floating point.
type Price int64

const (
	// DigitsMax is the largest number of decimals a symbol may have.
	DigitsMax = 9
	// PriceMax bounds a price in points, so that bid+ask, a spread and a percentage of a price
	// all stay far inside 64 bits.
	PriceMax Price = 1_000_000_000_000_000
)

var pow10 = [...]int64{
	1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000,
}

// Pow10 returns 10^n for 0 ≤ n ≤ DigitsMax.
func Pow10(n int) int64 { return pow10[n] }

// ParsePrice reads a plain decimal exactly: an optional minus, digits, optionally a point and more
// digits. Exponents, hex, separators, NaN and Inf are BadNumber; more significant decimals than
// digits are PriceDigits; trailing zeros may go beyond digits. The sign is kept: whether a price
// is positive is a later question.
func ParsePrice(s []byte, digits int) (Price, Reject) {
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	var n int64
	i := 0
	for ; i < len(s) && s[i]-'0' <= 9; i++ {
		if n = n*10 + int64(s[i]-'0'); n > int64(PriceMax) {
			return 0, RejectBadNumber
		}
	}
	if i == 0 || (i > 1 && s[0] == '0') {
		return 0, RejectBadNumber
	}
	decimals, excess := 0, false
	if i < len(s) {
		if s[i] != '.' || i+1 == len(s) {
			return 0, RejectBadNumber
		}
		for i++; i < len(s) && s[i]-'0' <= 9; i++ {
			if decimals == digits {
				excess = excess || s[i] != '0'
				continue
			}
			decimals++
			n = n*10 + int64(s[i]-'0')
			if n > int64(PriceMax) {
				return 0, RejectBadNumber
			}
		}
		if i < len(s) {
			return 0, RejectBadNumber
		}
	}
	if excess {
		return 0, RejectPriceDigits
	}
	if n > int64(PriceMax)/pow10[digits-decimals] {
		return 0, RejectBadNumber
	}
	n *= pow10[digits-decimals]
	if negative {
		n = -n
	}
	return Price(n), RejectNone
}

// AppendPrice prints p with exactly digits decimals.
func AppendPrice(dst []byte, p Price, digits int) []byte {
	n := int64(p)
	if n < 0 {
		dst = append(dst, '-')
		n = -n
	}
	if digits == 0 {
		return strconv.AppendInt(dst, n, 10)
	}
	scale := pow10[digits]
	dst = strconv.AppendInt(dst, n/scale, 10)
	return appendDecimals(append(dst, '.'), n%scale, digits)
}

// Mid is a mid price in half points (bid + ask), so that it is exact.
type Mid int64

// MidOf returns the mid of a quote, exactly.
func MidOf(bid, ask Price) Mid { return Mid(bid + ask) }

// AppendMid prints m with digits decimals, and one more (a 5) where the value falls between two
// points.
func AppendMid(dst []byte, m Mid, digits int) []byte {
	if m&1 == 0 {
		return AppendPrice(dst, Price(m/2), digits)
	}
	if m < 0 {
		dst = append(dst, '-')
		m = -m
	}
	dst = AppendPrice(dst, Price(m/2), digits)
	if digits == 0 {
		dst = append(dst, '.')
	}
	return append(dst, '5')
}

func appendDecimals(dst []byte, n int64, digits int) []byte {
	for d := digits - 1; d >= 0; d-- {
		dst = append(dst, byte('0'+n/pow10[d]%10))
	}
	return dst
}

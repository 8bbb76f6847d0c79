package trading

import (
	"math/bits"
	"time"

	"tradingengine/core"
)

// ten19 is the largest power of ten in 64 bits.
const ten19 = 10_000_000_000_000_000_000

// appendDecimal prints w/10^digits exactly.
func (w Wide) appendDecimal(dst []byte, digits int) []byte {
	hi, lo := w.abs()
	if w.Hi < 0 {
		dst = append(dst, '-')
	}
	// Three groups of 19 digits hold 128 bits.
	x := [4]uint64{lo, hi}
	var text [57]byte
	for at := len(text); at > 0; at -= 19 {
		group := divWords(&x, ten19)
		for i := at - 1; i >= at-19; i-- {
			text[i] = byte('0' + group%10)
			group /= 10
		}
	}
	point := len(text) - digits
	from := 0
	for from < point-1 && text[from] == '0' {
		from++
	}
	dst = append(dst, text[from:point]...)
	if digits == 0 {
		return dst
	}
	return append(append(dst, '.'), text[point:]...)
}

// parseWide reads a decimal of at most digits places as a number of 10^-digits.
func parseWide(s []byte, digits int) (Wide, bool) {
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	var hi, lo uint64
	places, seen := -1, 0
	push := func(c uint64) bool {
		h1, l := bits.Mul64(lo, 10)
		h2, h := bits.Mul64(hi, 10)
		var carry uint64
		lo, carry = bits.Add64(l, c, 0)
		hi, carry = bits.Add64(h, h1, carry)
		return h2|carry == 0 && hi>>63 == 0
	}
	for _, c := range s {
		switch {
		case c == '.' && places < 0 && seen > 0:
			places = 0
			continue
		case c-'0' > 9 || places == digits || !push(uint64(c-'0')):
			return Wide{}, false
		}
		seen++
		if places >= 0 {
			places++
		}
	}
	if seen == 0 || places == 0 {
		return Wide{}, false
	}
	for n := max(places, 0); n < digits; n++ {
		if !push(0) {
			return Wide{}, false
		}
	}
	w := Wide{int64(hi), lo}
	if negative {
		w = w.neg()
	}
	return w, true
}

// parseTime reads the form that core.Time prints, 2026-01-19T13:49:24.100000Z.
func parseTime(s []byte) (core.Time, bool) {
	const form = "0000-00-00T00:00:00.000000Z"
	if len(s) != len(form) {
		return 0, false
	}
	var n [7]int
	field := 0
	for i := range len(form) {
		switch c := s[i]; {
		case form[i] != '0':
			if c != form[i] {
				return 0, false
			}
			field++
		case c-'0' > 9:
			return 0, false
		default:
			n[field] = n[field]*10 + int(c-'0')
		}
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], n[6]*1000, time.UTC)
	read := core.TimeOf(t)
	// A day or hour that does not exist would come back as another one.
	var again [len(form)]byte
	return read, string(read.Append(again[:0])) == string(s)
}

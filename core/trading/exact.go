package trading

import (
	"math/bits"
	"strconv"
)

// Wide is a signed integer of 128 bits in two's complement: Hi·2^64 + Lo.
type Wide struct {
	Hi int64
	Lo uint64
}

// mulWide returns a·b exactly.
func mulWide(a, b int64) Wide {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	w := Wide{int64(hi), lo}
	if (a < 0) != (b < 0) {
		return w.neg()
	}
	return w
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func (w Wide) add(v Wide) Wide {
	lo, carry := bits.Add64(w.Lo, v.Lo, 0)
	return Wide{w.Hi + v.Hi + int64(carry), lo}
}

func (w Wide) sub(v Wide) Wide { return w.add(v.neg()) }

func (w Wide) neg() Wide {
	lo, borrow := bits.Sub64(0, w.Lo, 0)
	return Wide{-w.Hi - int64(borrow), lo}
}

func (w Wide) sign() int {
	switch {
	case w.Hi < 0:
		return -1
	case w.Hi|int64(w.Lo>>1)|int64(w.Lo&1) == 0:
		return 0
	default:
		return 1
	}
}

// abs returns the two words of |w|.
func (w Wide) abs() (hi, lo uint64) {
	if w.Hi < 0 {
		w = w.neg()
	}
	return uint64(w.Hi), w.Lo
}

// divHalfEven returns w/d rounded half-even. The quotient must fit in 64 bits.
func (w Wide) divHalfEven(d uint64) int64 {
	n, ok := scale(w, 1, 1, d, 1, halfEven)
	if !ok {
		panic("trading: a price does not fit in 64 bits")
	}
	return n
}

// share returns w·part/whole rounded half-even, for 0 ≤ part ≤ whole.
func (w Wide) share(part, whole Volume) Wide {
	if part == whole {
		return w
	}
	hi, lo := w.abs()
	// |w|·part in three words, divided by whole. The quotient is not above |w|, so top < whole.
	h1, l1 := bits.Mul64(lo, uint64(part))
	h2, l2 := bits.Mul64(hi, uint64(part))
	mid, carry := bits.Add64(h1, l2, 0)
	top := h2 + carry
	d := uint64(whole)
	q1, r := bits.Div64(top, mid, d)
	q0, r := bits.Div64(r, l1, d)
	if r > d-r || r == d-r && q0&1 == 1 {
		q0++
		if q0 == 0 {
			q1++
		}
	}
	q := Wide{int64(q1), q0}
	if w.Hi < 0 {
		return q.neg()
	}
	return q
}

// rounding says which way scale rounds.
type rounding uint8

const (
	halfEven rounding = iota
	up                // Away from zero.
)

// scale returns w·n1·n2/(d1·d2), computed exactly in 256 bits and rounded once. It reports false
// when the result is beyond ±moneyLimit, or w·n1·n2 beyond 256 bits.
func scale(w Wide, n1, n2, d1, d2 uint64, mode rounding) (int64, bool) {
	negative := w.Hi < 0
	var x [4]uint64
	x[1], x[0] = w.abs()
	if q, ok := scaleWord(&x, n1, n2, d1, d2, mode); ok {
		if negative {
			q = -q
		}
		return q, true
	}
	if !mulWords(&x, n1) || !mulWords(&x, n2) {
		return 0, false
	}
	r1 := divWords(&x, d1)
	r2 := divWords(&x, d2)
	if x[1]|x[2]|x[3] != 0 || x[0] > uint64(moneyLimit) {
		return 0, false
	}
	// The remainder over d1·d2 is r2·d1 + r1, which is below d1·d2 and so fits in 128 bits.
	hi, lo := bits.Mul64(r2, d1)
	lo, carry := bits.Add64(lo, r1, 0)
	hi += carry
	q := x[0]
	if mode == up && hi|lo != 0 || mode == halfEven && roundsUp(hi, lo, d1, d2, q) {
		q++
	}
	if negative {
		return -int64(q), true
	}
	return int64(q), true
}

// scaleWord is scale of a magnitude where one division of 128 bits does it, which is nearly always:
// every position is valued by it at each quote. ok is false where it is not enough.
func scaleWord(x *[4]uint64, n1, n2, d1, d2 uint64, mode rounding) (n int64, ok bool) {
	nHi, factor := bits.Mul64(n1, n2)
	dHi, d := bits.Mul64(d1, d2)
	hi, lo := bits.Mul64(x[0], factor)
	if x[1]|nHi|dHi != 0 || hi >= d {
		return 0, false
	}
	q, r := bits.Div64(hi, lo, d)
	if mode == up && r != 0 || mode == halfEven && (r > d-r || r == d-r && q&1 == 1) {
		q++
	}
	return int64(q), q <= uint64(moneyLimit)
}

// roundsUp reports whether a remainder of d1·d2 is above half, or half with an odd quotient.
func roundsUp(hi, lo, d1, d2, q uint64) bool {
	if hi|lo == 0 {
		return false
	}
	dHi, dLo := bits.Mul64(d1, d2)
	restLo, borrow := bits.Sub64(dLo, lo, 0)
	restHi, _ := bits.Sub64(dHi, hi, borrow)
	if hi == restHi && lo == restLo {
		return q&1 == 1
	}
	return hi > restHi || hi == restHi && lo > restLo
}

// mulWords multiplies x, least word first, by n and reports whether it still fits.
func mulWords(x *[4]uint64, n uint64) bool {
	if n == 1 {
		return true
	}
	var carry uint64
	for i := range x {
		if x[i]|carry == 0 {
			continue
		}
		hi, lo := bits.Mul64(x[i], n)
		var c uint64
		x[i], c = bits.Add64(lo, carry, 0)
		carry = hi + c
	}
	return carry == 0
}

// divWords divides x by d and returns the remainder.
func divWords(x *[4]uint64, d uint64) (r uint64) {
	if d == 1 {
		return 0
	}
	for i := 3; i >= 0; i-- {
		if x[i]|r == 0 {
			continue
		}
		x[i], r = bits.Div64(r, x[i], d)
	}
	return r
}

// mulDiv returns a·b/d for values whose quotient fits in 63 bits, rounded down or up.
func mulDiv(a, b, d uint64, roundUp bool) uint64 {
	hi, lo := bits.Mul64(a, b)
	q, r := bits.Div64(hi, lo, d)
	if roundUp && r > 0 {
		q++
	}
	return q
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Rate is a positive factor between two currencies, exactly Num/Den in lowest terms. A zero Den
// means none.
type Rate struct{ Num, Den uint64 }

// rateOf reduces num/den.
func rateOf(num, den uint64) Rate {
	g := gcd(num, den)
	return Rate{num / g, den / g}
}

// times multiplies two rates; ok is false when the product does not fit.
func (r Rate) times(s Rate) (product Rate, ok bool) {
	g, h := gcd(r.Num, s.Den), gcd(s.Num, r.Den)
	numHi, num := bits.Mul64(r.Num/g, s.Num/h)
	denHi, den := bits.Mul64(r.Den/h, s.Den/g)
	return Rate{num, den}, numHi|denHi == 0
}

// Append prints the rate with ten decimals, rounded half-even.
func (r Rate) Append(dst []byte) []byte {
	whole := r.Num / r.Den
	hi, lo := bits.Mul64(r.Num%r.Den, 10_000_000_000)
	q, rest := bits.Div64(hi, lo, r.Den)
	if roundsUp(0, rest, r.Den, 1, q) {
		q++
	}
	if q == 10_000_000_000 {
		whole, q = whole+1, 0
	}
	dst = strconv.AppendUint(dst, whole, 10)
	dst = append(dst, '.')
	for d := uint64(1_000_000_000); d > 0; d /= 10 {
		dst = append(dst, byte('0'+q/d%10))
	}
	return dst
}

package core

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"
)

// Threshold is how far a mid must move to be stored as a tick, in billionths of the last stored
// mid. The default 10,000 is 0.001 %. Zero stores every quote.
type Threshold uint64

// DefaultThreshold is 0.001 %.
const DefaultThreshold Threshold = 10_000

const thresholdOne = 1_000_000_000

// ErrThreshold is returned for text that is not a share between 0 and 100 %.
var ErrThreshold = errors.New("a throttle is a share such as 0.001% or 0.00001")

// ParseThreshold reads "0.001%" or the same as a fraction, "0.00001".
func ParseThreshold(s string) (Threshold, error) {
	digits := 9
	text, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	if percent {
		digits = 7
	}
	n, reject := ParsePrice([]byte(strings.TrimSpace(text)), digits)
	if reject != RejectNone || n < 0 || n > thresholdOne {
		return 0, fmt.Errorf("%w: %q", ErrThreshold, cut(s, 40))
	}
	return Threshold(n), nil
}

// String prints the threshold as a percentage without trailing zeros.
func (t Threshold) String() string {
	return trimZeros(string(AppendPrice(nil, Price(t), 7))) + "%"
}

// AppendFraction prints the threshold as a JSON number, e.g. 0.00001.
func (t Threshold) AppendFraction(dst []byte) []byte {
	return append(dst, trimZeros(string(AppendPrice(nil, Price(t), 9)))...)
}

func trimZeros(s string) string {
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// throttle decides which accepted quotes become ticks. It belongs to the shard of its symbol.
//
// The rule |Δ|·10^9 < threshold·last is kept as the smallest move that passes,
// ceil(threshold·last / 10^9), computed in 128 bits when a tick is stored; the test of a quote is
// then one subtraction and one comparison, and still exact.
type throttle struct {
	threshold Threshold
	last      Mid // The last stored mid; 0 before the first.
	move      Mid // The smallest |mid − last| that is stored.
}

// passes reports whether a quote with this mid is to be stored.
func (t *throttle) passes(mid Mid) bool {
	delta := mid - t.last
	if delta < 0 {
		delta = -delta
	}
	return delta >= t.move
}

// stored remembers the mid of a stored tick.
func (t *throttle) stored(mid Mid) {
	t.last = mid
	hi, lo := bits.Mul64(uint64(t.threshold), uint64(mid))
	lo, carry := bits.Add64(lo, thresholdOne-1, 0)
	move, _ := bits.Div64(hi+carry, lo, thresholdOne)
	t.move = Mid(move)
}

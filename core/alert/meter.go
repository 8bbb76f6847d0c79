package alert

import (
	"math"
	"math/bits"

	"tradingengine/core"
	"tradingengine/core/heap"
)

// meter is one value that rules wait for: a price, a spread, a movement, or a value of an account.
// Each rule that waits stands in one of its heaps.
type meter struct {
	up, down heap.Levels // Fire when the value has risen, or fallen, to a level.
	value    int64
	known    bool
}

// take sets the value and appends the ids of the rules that reached their level.
func (m *meter) take(v int64, reached []int64) []int64 {
	m.value, m.known = v, true
	if m.up.Fires(v) || m.down.Fires(-v) {
		reached = m.down.AppendFired(m.up.AppendFired(reached, v), -v)
	}
	return reached
}

// wait has a rule reached when the value has risen, or fallen, to a level.
func (r *rule) wait(rising bool, level int64) {
	r.rest()
	r.rising = rising
	if rising {
		r.meter.up.Set(level, int64(r.ID), &r.at)
	} else {
		r.meter.down.Set(-level, int64(r.ID), &r.at)
	}
}

// rest has a rule wait for nothing.
func (r *rule) rest() {
	switch {
	case r.at < 0:
	case r.rising:
		r.meter.up.Remove(&r.at)
	default:
		r.meter.down.Remove(&r.at)
	}
}

// scale is what a threshold is multiplied with to be compared with the rule's meter: mids are kept
// in half points.
func (r *rule) scale() int64 {
	if r.Price == Mid && r.Kind != PriceMove {
		return 2
	}
	return 1
}

// above reports whether a rule fires when its value is at or above the threshold.
func (v Kind) above() bool {
	return v == PriceAbove || v == PriceMove || v == SpreadAbove || v == DrawdownAbove || v == PnLAbove
}

// waitToFire has a rule reached at its threshold.
func (r *rule) waitToFire() { r.wait(r.Kind.above(), r.Threshold*r.scale()) }

// waitToReturn has a rule reached where it may be armed again.
func (r *rule) waitToReturn() {
	back := max(r.Hysteresis*r.scale(), 1)
	if r.Kind.above() {
		r.wait(false, r.Threshold*r.scale()-back)
	} else {
		r.wait(true, r.Threshold*r.scale()+back)
	}
}

// waitToCross has a PRICE_CROSS rule reached on the other side; any value will do while the side is
// not known.
func (r *rule) waitToCross() {
	level, beyond := r.Threshold*r.scale(), r.Hysteresis*r.scale()+1
	switch r.State.Side {
	case 0:
		r.wait(true, math.MinInt64)
	case -1:
		r.wait(true, level+beyond)
	default:
		r.wait(false, level-beyond)
	}
}

// windowSteps is how many steps a window of PRICE_MOVE has: a quote leaves it with its step.
const windowSteps = 1000

// window is the movement of one price of a symbol within some seconds, in millionths: the larger of
// how far it is above the lowest and below the highest price since. It is shared by all rules of
// that price and time.
type window struct {
	meter
	price   Side
	seconds int64
	rules   int
	step    int64     // The step of the newest price,
	ends    core.Time // and when it ends.
	lows    extremes  // Rising prices: the first is the lowest.
	highs   extremes  // Falling ones.
	last    int64

	// Between lower and upper no price moved by key, while these are the extremes.
	low, high, key int64
	lower, upper   int64
}

// take takes the next price and appends the ids of the rules that reached their level. What the
// movement is exactly is worked out only when some rule may be reached by it.
func (w *window) take(t core.Time, price int64, reached []int64) []int64 {
	if t >= w.ends {
		span := core.Time(w.seconds) * core.Second / windowSteps
		w.step = int64(t / span)
		w.ends = core.Time(w.step+1) * span
	}
	w.last = price
	w.lows.add(w.step, price, -1)
	w.highs.add(w.step, price, 1)
	if w.known && w.quiet() {
		return reached
	}
	return w.meter.take(w.movement(), reached)
}

// movement is how far the newest price is from the others of the window.
func (w *window) movement() int64 {
	low, high := w.lows.first(), w.highs.first()
	return max(millionths(w.last-low, low), millionths(high-w.last, high))
}

// quiet reports whether no rule is reached by the newest price.
func (w *window) quiet() bool {
	if len(w.down) > 0 {
		return false
	}
	if len(w.up) == 0 {
		return true
	}
	low, high, key := w.lows.first(), w.highs.first(), w.up[0].Key
	if low != w.low || high != w.high || key != w.key {
		w.low, w.high, w.key = low, high, key
		// Rounded so that what lies between has not moved by key.
		w.upper = low + ratio(low, key, 1_000_000)
		w.lower = high - ratio(high, key, 1_000_000)
	}
	return w.last > w.lower && w.last < w.upper
}

// millionths returns n/of in millionths, rounded down, for n ≥ 0 and of > 0.
func millionths(n, of int64) int64 { return ratio(n, 1_000_000, of) }

// ratio returns n·scale/of, rounded down, for n ≥ 0 and of > 0.
func ratio(n, scale, of int64) int64 {
	hi, lo := bits.Mul64(uint64(n), uint64(scale))
	if hi >= uint64(of) {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(of))
	return int64(min(q, math.MaxInt64))
}

// extremes is a queue of prices by step, each beaten by none that came later. Two of one step leave
// together, so it holds at most windowSteps.
type extremes struct {
	ring  []extreme // A power of two of slots.
	start int
	count int
}

type extreme struct{ step, price int64 }

func (e *extremes) at(i int) *extreme { return &e.ring[(e.start+i)&(len(e.ring)-1)] }

func (e *extremes) first() int64 { return e.at(0).price }

// add drops what left the window and what the price beats: higher prices for sign −1, lower for 1.
func (e *extremes) add(step, price, sign int64) {
	for e.count > 0 && e.at(0).step <= step-windowSteps {
		e.start++
		e.count--
	}
	for e.count > 0 && (price-e.at(e.count-1).price)*sign >= 0 {
		e.count--
	}
	if e.count > 0 && e.at(e.count-1).step == step {
		return // What stands there leaves when this would, and beats it.
	}
	if e.count == len(e.ring) {
		e.grow()
	}
	*e.at(e.count) = extreme{step, price}
	e.count++
}

func (e *extremes) grow() {
	ring := make([]extreme, max(16, 2*len(e.ring)))
	for i := range e.count {
		ring[i] = *e.at(i)
	}
	e.ring, e.start = ring, 0
}

package trading

import "tradingengine/core"

// A trailing stop protects volume of one side: that of a position, or the opposite of the side of a
// trailing stop order. For a long it lies below the bid and only rises, for a short above the ask
// and only falls. Each waits in a heap for the price at which it moves next, so a quote that moves
// none costs one comparison. All that is journaled is the level itself and whether the activation
// price was reached, so a stop goes on where it was after a restart.

// bps is 100 % in basis points.
const bps = 10_000

// trailKind chooses the heap of a trailing stop by the side it protects.
func trailKind(protects Side, long, short kind) kind {
	if protects == Buy {
		return long
	}
	return short
}

// trailLevel is the stop level at a price, 0 when that is not above 0. A distance in basis points
// is rounded up to points, away from the market, so a stop is never nearer than was asked.
func trailLevel(t *Trailing, protects Side, price core.Price) core.Price {
	distance := t.Distance
	if t.Unit == BasisPoints {
		distance = int64(mulDiv(uint64(price), uint64(t.Distance), bps, true))
	}
	if protects == Sell {
		return min(price+core.Price(distance), core.PriceMax)
	}
	return max(price-core.Price(distance), 0)
}

// trailNext is the price at which a trailing stop moves next: the nearest whose level is better
// than the present one, or the activation price.
func trailNext(t *Trailing, protects Side, level core.Price) core.Price {
	switch {
	case !t.Active && t.Activation != 0:
		return t.Activation
	case protects == Buy:
		return trailNextLong(t, level)
	case level == 0:
		return core.PriceMax
	default:
		return trailNextShort(t, level)
	}
}

// trailNextLong is the lowest bid whose level is above the present one.
func trailNextLong(t *Trailing, level core.Price) core.Price {
	want := level + 1
	if t.Unit == BasisPoints {
		// Rounded down, bid·(bps−d)/bps is the level; so this is exact.
		return core.Price(mulDiv(uint64(want), bps, uint64(bps-t.Distance), true))
	}
	return want + core.Price(t.Distance)
}

// trailNextShort is the highest ask whose level is below the present one, at least 0: no ask.
func trailNextShort(t *Trailing, level core.Price) core.Price {
	want := level - 1
	if t.Unit == BasisPoints {
		return max(core.Price(mulDiv(uint64(want), bps, uint64(bps+t.Distance), false)), noAsk)
	}
	return max(want-core.Price(t.Distance), noAsk)
}

// noAsk is a price below every ask. It is not 0, which would mean that there is no level.
const noAsk core.Price = -1

// follow returns the trailing stop and its level after a quote, and whether either changed.
func follow(t Trailing, protects Side, level core.Price, q *Quote) (Trailing, core.Price, bool) {
	price := q.price(protects.Opposite())
	changed := false
	if !t.Active {
		reached := protects == Buy && price >= t.Activation ||
			protects == Sell && price <= t.Activation
		if t.Activation != 0 && !reached {
			return t, level, false
		}
		t.Active, changed = true, true
	}
	next := trailLevel(&t, protects, price)
	better := protects == Buy && next > level || protects == Sell && next < level
	if next > 0 && (better || level == 0) {
		return t, next, true
	}
	return t, level, changed
}

// sound reports whether a trailing stop can be followed.
func (t *Trailing) sound() bool { return checkTrailing(*t, false, &core.Symbol{}) == nil }

// trail moves the trailing stops that a quote moves: of positions, then of orders.
func (m *Machine) trail(k *market) {
	m.fired = k.appendFired(m.fired[:0], trailLong, trailShort)
	for _, id := range m.fired {
		m.movePosition(m.positions[PositionID(id)], &k.quote)
	}
	m.fired = k.appendFired(m.fired[:0], trailSell, trailBuy)
	for _, id := range m.fired {
		m.moveOrder(m.orders[OrderID(id)], &k.quote)
	}
}

// movePosition moves the stop loss of a position. When its last move was not taken yet and nothing
// else happened to the account since, that event now says this; moves of different stops commute.
func (m *Machine) movePosition(p *position, q *Quote) {
	t, level, changed := follow(p.Trailing, p.Side, p.StopLoss, q)
	if !changed {
		return
	}
	a := p.exposure.account
	if p.moved >= m.base && p.moved > a.lastOther {
		d := m.events[p.moved-m.base].Data.(*PositionData)
		d.Position.Trailing, d.Position.StopLoss, d.Quote = t, level, *q
		m.replacePosition(p, d.Position)
		return
	}
	d := &PositionData{Position: p.Position, Cause: ByTrailing, Quote: *q}
	d.Position.Trailing, d.Position.StopLoss = t, level
	m.emit(a.ID, PositionChanged, d)
	p.moved = m.seq
}

// moveOrder moves the price of a trailing stop order, as movePosition does.
func (m *Machine) moveOrder(o *order, q *Quote) {
	t, level, changed := follow(o.Trailing, o.Side.Opposite(), o.Price, q)
	if !changed {
		return
	}
	a := o.exposure.account
	if o.moved >= m.base && o.moved > a.lastOther {
		d := m.events[o.moved-m.base].Data.(*OrderData)
		d.Order.Trailing, d.Order.Price, d.Quote = t, level, *q
		m.unindex(o)
		o.Order = d.Order
		m.index(o)
		return
	}
	d := &OrderData{Order: o.Order, Cause: ByTrailing, Quote: *q}
	d.Order.Trailing, d.Order.Price = t, level
	m.emit(a.ID, OrderAmended, d)
	o.moved = m.seq
}

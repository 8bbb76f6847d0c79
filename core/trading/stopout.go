package trading

import "math/bits"

// The margin levels, in percent.
const (
	marginCallLevel    = 100 // A margin call at or below it.
	marginCallEndLevel = 105 // It ends at or above this.
	stopOutLevel       = 50  // A stop-out below it.
)

// compareLevel compares equity/margin with a level in percent: −1, 0 or 1.
func compareLevel(equity, margin Money, percent uint64) int {
	if equity < 0 {
		return -1
	}
	hi1, lo1 := bits.Mul64(uint64(equity), 100)
	hi2, lo2 := bits.Mul64(uint64(margin), percent)
	switch {
	case hi1 == hi2 && lo1 == lo2:
		return 0
	case hi1 < hi2 || hi1 == hi2 && lo1 < lo2:
		return -1
	default:
		return 1
	}
}

// alarmed reports whether the margin level needs an event. While something of the account has no
// price, nothing is known.
func (a *account) alarmed() bool {
	switch {
	case a.unpriced > 0:
		return false
	case a.used == 0:
		return a.MarginCall
	case a.MarginCall:
		return compareLevel(a.equity(), a.used, marginCallEndLevel) >= 0 || a.stopsOut()
	default:
		return compareLevel(a.equity(), a.used, marginCallLevel) <= 0
	}
}

func (a *account) stopsOut() bool {
	return a.used > 0 && compareLevel(a.equity(), a.used, stopOutLevel) < 0
}

// supervise makes margin calls and stop-outs, and lifts a balance that is negative after the last
// close. Credit is lost first: equity changes only by what it does not cover.
func (m *Machine) supervise(a *account, q Quote) {
	if a.unpriced == 0 {
		called := a.used > 0 && compareLevel(a.equity(), a.used, marginCallLevel) <= 0
		if called && !a.MarginCall {
			m.emitMargin(a, MarginCalled, q)
		}
		if a.stopsOut() {
			m.stopOut(a, q)
		}
	}
	if a.Balance < 0 && len(a.positions) == 0 && !a.KeepNegative {
		m.emit(a.ID, BalanceAdjusted, &AdjustmentData{
			Posting: a.posting(PostAdjustment, -a.Balance), CreditUsed: min(a.Credit, -a.Balance),
		})
	}
	if a.unpriced == 0 && a.MarginCall &&
		(a.used == 0 || compareLevel(a.equity(), a.used, marginCallEndLevel) >= 0) {
		m.emitMargin(a, MarginCallEnded, q)
	}
}

func (m *Machine) emitMargin(a *account, t EventType, q Quote) {
	m.emit(a.ID, t, &MarginData{
		Currency: a.Currency, Equity: a.equity(), Margin: a.used, Policy: a.StopOutPolicy, Quote: q,
	})
}

// stopOut cancels the pending orders that would open something, then closes positions by the
// account's policy until the level is enough. A symbol that does not trade now is left alone, and
// when nothing at all can be done, nothing is said.
func (m *Machine) stopOut(a *account, q Quote) {
	opening := a.openingOrder()
	if opening == nil && m.worst(a) == nil {
		return
	}
	m.emitMargin(a, StopOut, q)
	for ; opening != nil; opening = a.openingOrder() {
		m.endOrder(opening, OrderCanceled, Canceled, ending{
			cause: ByStopOut, code: CodeStopOut, quote: q,
		})
	}
	all := a.StopOutPolicy == CloseAll
	for all || a.stopsOut() {
		p, v := m.worst(a), Volume(0)
		if a.StopOutPolicy == SmartPartial {
			p, v = m.smartPart(a, p)
		}
		if p == nil {
			return
		}
		if v == 0 {
			v = p.Volume
		}
		m.closeAt(p, v, ByStopOut, RuleStopOut, p.exposure.market.quote)
	}
}

// openingOrder is the first pending order that may open something.
func (a *account) openingOrder() *order {
	for _, o := range a.orders {
		if !o.ReduceOnly {
			return o
		}
	}
	return nil
}

// worst is the position with the largest loss, or smallest gain, of those that can be closed.
func (m *Machine) worst(a *account) (worst *position) {
	for _, p := range a.positions {
		if m.open(p.exposure.market) && (worst == nil || p.pnl < worst.pnl) {
			worst = p
		}
	}
	return worst
}

// smartPart is the position whose close would free most margin and the least volume of it that
// lifts the level enough; 0 for all of it. When no close frees any, it is the worst.
func (m *Machine) smartPart(a *account, worst *position) (*position, Volume) {
	var best *position
	freed := Money(0)
	for _, p := range a.positions {
		if f := p.exposure.used - p.marginWithout(p.Volume); f > freed && m.open(p.exposure.market) {
			best, freed = p, f
		}
	}
	if best == nil {
		return worst, 0
	}
	s := best.exposure.market.symbol
	step, least := Volume(s.LotStep), Volume(s.LotMin)
	low, high := max((least+step-1)/step, 1), (best.Volume-1)/step
	if low > high || !best.enough(high*step) {
		return best, 0
	}
	for low < high { // Enough at high; the least that is enough is in [low, high].
		if middle := (low + high) / 2; best.enough(middle * step) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return best, low * step
}

// marginWithout is what the exposure of a position would use after a close of v of it.
func (p *position) marginWithout(v Volume) Money {
	x := p.exposure
	long, short := x.long, x.short
	if p.Side == Buy {
		long -= v
	} else {
		short -= v
	}
	n, ok := x.marginOf(long, short)
	if !ok {
		return x.used
	}
	return n
}

// enough reports whether a close of v would lift the account's margin level to where no stop-out
// is due.
func (p *position) enough(v Volume) bool {
	x := p.exposure
	a := x.account
	q := &x.market.quote
	price := q.price(p.Side.Opposite())
	cost := p.Cost.share(v, p.Volume)
	closed, _, ok1 := x.gains(gross(p.Side, v, cost, price))
	rest, _, ok2 := x.gains(gross(p.Side, p.Volume-v, p.Cost.sub(cost), price))
	if !ok1 || !ok2 {
		return false
	}
	commission := commissionOf(a.Currency, x.market.symbol.Commission, v)
	equity := a.equity() - p.pnl + closed + rest - commission
	used := a.used - x.used + p.marginWithout(v)
	return used == 0 || compareLevel(equity, used, stopOutLevel) >= 0
}

package trading

import "slices"

// fire does what a quote causes besides margin calls and stop-outs: all stop losses by position
// id, then all take profits, then the moves of trailing stops, then pending orders by id.
func (m *Machine) fire(k *market) {
	m.fireStops(k, stopLossLong, stopLossShort, ByStopLoss, RuleStopLoss)
	m.fireStops(k, takeProfitLong, takeProfitShort, ByTakeProfit, RuleTakeProfit)
	m.trail(k)
	m.fired = k.levels[buyLimit].AppendFired(m.fired[:0], buyLimit.compare(&k.quote))
	m.fired = k.levels[sellLimit].AppendFired(m.fired, sellLimit.compare(&k.quote))
	m.fired = k.levels[buyStop].AppendFired(m.fired, buyStop.compare(&k.quote))
	m.fired = k.levels[sellStop].AppendFired(m.fired, sellStop.compare(&k.quote))
	sortIDs(m.fired)
	for _, id := range m.fired {
		if o := m.orders[OrderID(id)]; o != nil { // Not ended as the other of a pair.
			m.fireOrder(o)
		}
	}
}

func sortIDs(ids []int64) { slices.Sort(ids) }

// fireStops closes the positions whose level a quote reached. After a restart a position may have
// no rate to its account's currency for a while; its stop then waits for the next quote.
func (m *Machine) fireStops(k *market, long, short kind, cause Cause, rule Rule) {
	m.fired = k.appendFired(m.fired[:0], long, short)
	for _, id := range m.fired {
		if p := m.positions[PositionID(id)]; p.exposure.convertible() {
			m.closeAt(p, p.Volume, cause, rule, k.quote)
		}
	}
}

// fireOrder fills a pending order that a quote reached, or ends it.
func (m *Machine) fireOrder(o *order) {
	q := o.exposure.market.quote
	rule := [...]Rule{
		Limit: RuleLimit, Stop: RuleStop, StopLimit: RuleStopLimit, TrailingStop: RuleTrailingStop,
	}[o.Type]
	if o.Type == StopLimit && o.Status == Pending {
		d := &OrderData{Order: o.Order, Cause: ByClient, Quote: q}
		d.Order.Status = Triggered
		m.emit(o.Account, OrderTriggered, d)
		if !reached(o.Side, o.LimitPrice, &q) {
			return
		}
	}
	price, bound := q.price(o.Side), o.PriceBound
	if bound != 0 && (o.Side == Buy && price > bound || o.Side == Sell && price < bound) {
		m.endOrder(o, OrderCanceled, Canceled, ending{
			cause: ByClient, code: CodeBoundsViolation, detail: "the price is beyond priceBound",
			quote: q,
		})
		return
	}
	refusal := m.checkFired(o, &q)
	switch {
	case refusal == nil:
		m.fill(o, rule, q)
	case refusal.Code == CodeNothingToReduce:
		m.endOrder(o, OrderCanceled, Canceled, ending{
			cause: ByClient, code: refusal.Code, detail: refusal.Detail, quote: q,
		})
	default:
		m.endOrder(o, OrderRejected, Rejected, ending{cause: ByClient, refusal: refusal, quote: q})
	}
	m.touch(o.exposure.account)
}

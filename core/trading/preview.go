package trading

import "tradingengine/core"

// Preview says what an order would do if it were placed now, and a pending order if it were filled
// at its price. Nothing is written. The error is ErrUnknownAccount.
func (m *Machine) Preview(now core.Time, r OrderRequest) (Preview, error) {
	a := m.account(r.Account)
	if a == nil {
		return Preview{}, ErrUnknownAccount
	}
	m.settle()
	before, day := m.now, m.weekday
	if now > m.now { // Only for the checks: nothing that is due happens by looking.
		m.now, m.weekday = now, core.Session24x5.Open(now)
	}
	defer func() { m.now, m.weekday = before, day }()
	normalize(&r)
	x := m.exposure(a, r.Symbol)
	t := &m.trial
	t.start(a)
	p := Preview{
		Refusal: m.check(t, &r), Quote: x.market.quote, MarginBefore: a.used, MarginAfter: a.used,
		Available: a.free(), Currency: a.Currency,
	}
	if !x.market.priced() {
		return p, nil
	}
	t.start(a)
	p.Price = r.fillPrice(&p.Quote)
	d := t.volumes(x)
	if refusal := m.checkFill(t, d, &r, &p.Quote); refusal != nil && p.Refusal == nil {
		p.Refusal = refusal
	}
	p.MarginAfter, p.Required = t.after, t.required
	p.Commission, p.SpreadCost = t.commission, t.spread
	p.AtStopLoss, p.HasStopLossPnL = x.previewPnL(&r, p.Price, r.StopLoss)
	p.AtTakeProfit, p.HasTakeProfitPnL = x.previewPnL(&r, p.Price, r.TakeProfit)
	e := effectOf(a.MarginMode, r.ReduceOnly, r.Side, r.Volume, &delta{x, x.long, x.short})
	p.StopOutPrice = x.stopOutPrice(&e, t.commission+t.spread)
	return p, nil
}

// fillPrice is what an order would fill at: the market, or the price it waits for.
func (r *OrderRequest) fillPrice(q *Quote) core.Price {
	switch {
	case r.Type == StopLimit:
		return r.LimitPrice
	case r.Price != 0 && !(r.Type == Limit && reached(r.Side, r.Price, q)):
		return r.Price
	default:
		return q.price(r.Side)
	}
}

// previewPnL is what an order's volume gains from its fill to a level, at the live rates.
func (x *exposure) previewPnL(r *OrderRequest, open, level core.Price) (Money, bool) {
	if level == 0 {
		return 0, false
	}
	cost := mulWide(int64(open), int64(r.Volume))
	pnl, _, ok := x.gains(gross(r.Side, r.Volume, cost, level))
	return pnl, ok
}

// stopOutPrice is the first price at which the account would be stopped out with the volumes e,
// after paying costs, if only this symbol moved and its spread stayed: the highest such bid when
// the symbol is net long, the lowest such ask when it is net short. 0 when there is none.
func (x *exposure) stopOutPrice(e *effect, costs Money) core.Price {
	net := e.long - e.short
	if net == 0 || x.account.unpriced > 0 {
		return 0
	}
	q := x.market.quote
	defer func() { x.market.quote = q }()
	spread := q.Ask - q.Bid
	stopped := func(bid core.Price) bool {
		x.market.quote.Bid, x.market.quote.Ask = bid, bid+spread
		// The account's equity now, and what the volumes would gain or lose from here.
		moved := mulWide(int64(bid-q.Bid), int64(net))
		pnl, _, ok := x.gains(moved)
		used, ok2 := x.marginOf(e.long, e.short)
		used += x.account.used - x.used
		equity := x.account.equity() - costs + pnl
		return ok && ok2 && used > 0 && compareLevel(equity, used, stopOutLevel) < 0
	}
	if net > 0 {
		low, high := core.Price(1), q.Bid // Stopped at low, perhaps; not above high.
		if !stopped(low) {
			return 0
		}
		for low < high {
			if middle := low + (high-low+1)/2; stopped(middle) {
				low = middle
			} else {
				high = middle - 1
			}
		}
		return low
	}
	low, high := q.Bid, min(q.Bid*1000, core.PriceMax-spread)
	if !stopped(high) {
		return 0
	}
	for low < high {
		if middle := low + (high-low)/2; stopped(middle) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return high + spread
}

package trading

import "tradingengine/core"

// Cancel cancels an open order, and with it the other one of an OCO pair. It is never refused.
func (m *Machine) Cancel(now core.Time, id OrderID) (Result, error) {
	m.begin(now)
	o := m.orders[id]
	if o == nil { // It may have expired just now.
		m.end(Quote{})
		return Result{}, ErrUnknownOrder
	}
	m.endOrder(o, OrderCanceled, Canceled, ending{cause: ByClient, code: CodeClientRequest})
	result := m.result(o)
	m.finish(o.exposure.account, &result)
	return result, nil
}

// Amend changes an open order. The error is ErrUnknownOrder or a *Refusal, and the order is then
// as it was. A limit that the market has reached with its new price fills at once.
func (m *Machine) Amend(now core.Time, id OrderID, a Amendment) (Result, error) {
	m.begin(now)
	o := m.orders[id]
	if o == nil {
		m.end(Quote{})
		return Result{}, ErrUnknownOrder
	}
	result, err := m.amend(o, &a)
	m.finish(o.exposure.account, &result)
	return result, err
}

func (m *Machine) amend(o *order, a *Amendment) (Result, error) {
	next, refusal := m.amended(o, a)
	if refusal != nil {
		refusal.Currency = o.exposure.account.Currency
		return Result{}, refusal
	}
	k := o.exposure.market
	m.emit(o.Account, OrderAmended, &OrderData{Order: next, Cause: ByClient, Quote: k.quote})
	_, limit := o.trigger()
	waits := o.Type == Limit || o.Status == Triggered
	if waits && reached(o.Side, limit, &k.quote) && m.checkMarket(k) == nil {
		m.fireOrder(o)
	}
	return m.result(o), nil
}

// amended is an order after an amendment, checked as if it were placed now. Session and age of the
// price do not matter: nothing is traded by it.
func (m *Machine) amended(o *order, a *Amendment) (Order, *Refusal) {
	next, k := o.Order, o.exposure.market
	if max(o.exposure.account.TradingState, m.state) == Halted {
		return next, halted(Halted)
	}
	if !k.priced() {
		return next, &Refusal{Code: CodeNoPrice, Detail: k.symbol.Name + " has no price yet"}
	}
	if a.Price.Given && next.Status == Triggered {
		return next, &Refusal{Code: CodePriceNotAllowed, Detail: "the stop was reached already"}
	}
	set(&next.Price, a.Price)
	set(&next.LimitPrice, a.LimitPrice)
	set(&next.StopLoss, a.StopLoss)
	set(&next.TakeProfit, a.TakeProfit)
	if a.Trailing.Given {
		next.Trailing = a.Trailing.To
	}
	if a.ExpireAt.Given {
		next.ExpireAt, next.TimeInForce = a.ExpireAt.To, GTD
		if next.ExpireAt == 0 {
			next.TimeInForce = GTC
		}
	}
	normalizeKeeping(&next, o)
	if refusal := checkForm(&next.OrderRequest, k.symbol); refusal != nil {
		return next, refusal
	}
	if next.TimeInForce == GTD && next.ExpireAt <= m.now {
		return next, &Refusal{Code: CodeExpired, Detail: "expireAt is not ahead"}
	}
	if refusal := m.checkAmended(&next, a, k); refusal != nil {
		return next, refusal
	}
	if next.Type == TrailingStop {
		next.Trailing, next.Price, _ = follow(next.Trailing, next.Side.Opposite(), next.Price, &k.quote)
	}
	return next, nil
}

// normalizeKeeping fills in what a changed trailing distance left open. One that was following
// goes on; a new activation price starts anew.
func normalizeKeeping(next *Order, o *order) {
	active := o.Trailing.Active && next.Trailing.Activation == o.Trailing.Activation
	normalize(&next.OrderRequest)
	next.Trailing.Active = active && next.Trailing.Distance > 0
}

// checkAmended checks the prices of an amended order. A price that was not changed may have been
// passed by its own trailing stop or stop level meanwhile, so only changed ones are checked.
func (m *Machine) checkAmended(next *Order, a *Amendment, k *market) *Refusal {
	r := next.OrderRequest
	if next.Status == Triggered { // It is a limit order now.
		r.Type, r.Price, r.LimitPrice = Limit, r.LimitPrice, 0
	}
	prices := a.Price.Given || a.LimitPrice.Given
	if !prices && !a.StopLoss.Given && !a.TakeProfit.Given {
		return nil
	}
	if !prices && r.Price != 0 {
		bid, ask := r.Price, r.Price
		if r.Type == StopLimit {
			bid, ask = r.LimitPrice, r.LimitPrice
		}
		return checkStops(r.Side, r.StopLoss, r.TakeProfit, bid, ask, k.symbol)
	}
	r.PriceBound = 0
	return m.checkPrices(&r, k)
}

func set(p *core.Price, c Change[core.Price]) {
	if c.Given {
		*p = c.To
	}
}

// ModifyPosition changes the levels of a position. The error is ErrUnknownPosition or a *Refusal.
func (m *Machine) ModifyPosition(now core.Time, id PositionID, patch PositionPatch,
) (PositionView, error) {
	p := m.positions[id]
	if p == nil {
		return PositionView{}, ErrUnknownPosition
	}
	m.begin(now)
	next, refusal := m.modified(p, &patch)
	if refusal == nil && next != p.Position {
		m.emit(p.Account, PositionChanged, &PositionData{
			Position: next, Cause: ByClient, Quote: p.exposure.market.quote,
		})
	}
	m.touch(p.exposure.account)
	m.end(Quote{})
	if refusal != nil {
		refusal.Currency = p.Currency
		return PositionView{}, refusal
	}
	return p.view(), nil
}

// modified is a position after a patch. Only levels that are given are checked against the price.
func (m *Machine) modified(p *position, patch *PositionPatch) (Position, *Refusal) {
	next, k := p.Position, p.exposure.market
	q := &k.quote
	if max(p.exposure.account.TradingState, m.state) == Halted {
		return next, halted(Halted)
	}
	if !k.priced() {
		return next, &Refusal{Code: CodeNoPrice, Detail: k.symbol.Name + " has no price yet"}
	}
	var sl, tp core.Price
	if patch.StopLoss.Given {
		sl = patch.StopLoss.To
		next.StopLoss = sl
	}
	if patch.TakeProfit.Given {
		tp = patch.TakeProfit.To
		next.TakeProfit = tp
	}
	if sl < 0 || tp < 0 {
		return next, &Refusal{Code: CodeWrongSide, Detail: "a price is not above 0"}
	}
	if refusal := checkStops(p.Side, sl, tp, q.Bid, q.Ask, k.symbol); refusal != nil {
		return next, refusal
	}
	if !patch.Trailing.Given {
		return next, nil
	}
	t := patch.Trailing.To
	t.normalize()
	if refusal := checkTrailing(t, false, k.symbol); refusal != nil {
		return next, refusal
	}
	next.Trailing = t
	if t.Distance > 0 {
		next.Trailing, next.StopLoss, _ = follow(t, p.Side, next.StopLoss, q)
	}
	return next, nil
}

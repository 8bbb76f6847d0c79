package trading

import "tradingengine/core"

// The commands of naive that are no orders. Each returns the code of a refusal, or "".

func (n *naive) openAccount(s Settings, deposit int64) {
	a := &naiveAccount{
		id: int64(len(n.accounts) + 1), Settings: s, named: map[string]OrderRequest{},
	}
	n.accounts = append(n.accounts, a)
	n.post(a, Funding, deposit)
}

func (n *naive) cancel(now core.Time, id int64) string {
	n.time(now)
	o := n.order(id)
	code := "unknown"
	if o != nil {
		n.touched[o.account] = true
		n.finish(o, "CLIENT_REQUEST")
		code = "CLIENT_REQUEST"
	}
	n.clean()
	n.end()
	return code
}

// closePosition closes volume of a position, all of it when volume is 0.
func (n *naive) closePosition(now core.Time, id, volume int64) string {
	if n.position(id) == nil {
		return "unknown"
	}
	n.time(now)
	defer n.end()
	return n.closeNow(n.position(id), volume)
}

func (n *naive) closeNow(p *naivePosition, volume int64) string {
	n.lastOrder++
	n.touched[p.account] = true
	if volume == 0 {
		volume = p.volume
	}
	s := n.symbols.Symbol(p.symbol)
	switch {
	case volume > p.volume:
		return "VOLUME_MAX"
	case volume != p.volume && volume < int64(s.LotMin):
		return "VOLUME_MIN"
	}
	if code := n.closeable(p); code != "" {
		return code
	}
	n.closeVolume(p, volume, n.closePrice(p))
	n.clean()
	return "FILLED"
}

func (n *naive) closeable(p *naivePosition) string {
	switch {
	case max(p.account.TradingState, n.state) == Halted:
		return "TRADING_HALTED"
	case !n.open(p.symbol):
		return "MARKET_CLOSED"
	case n.now-n.quotes[p.symbol].Time > 30*core.Second:
		return "PRICE_STALE"
	}
	return ""
}

func (n *naive) closeBy(now core.Time, id, with int64) string {
	if n.position(id) == nil || n.position(with) == nil {
		return "unknown"
	}
	n.time(now)
	defer n.end()
	p, other := n.position(id), n.position(with)
	n.lastOrder++
	n.touched[p.account] = true
	if p.account != other.account || p.symbol != other.symbol || p.side == other.side {
		return "CLOSE_BY"
	}
	if code := n.closeable(p); code != "" {
		return code
	}
	// One buys what the other sells, at the price the other was opened for.
	v := min(p.volume, other.volume)
	q, s := n.quotes[p.symbol], n.symbols.Symbol(p.symbol)
	defer func(c core.Micro) { n.quotes[p.symbol], s.Commission = q, c }(s.Commission)
	s.Commission = 0
	price := core.Price(halves(ratio(other.cost, other.volume)).Int64())
	n.closeVolume(p, v, price)
	n.closeVolume(other, v, price)
	n.clean()
	return "FILLED"
}

func (n *naive) closeAll(now core.Time, account int64, filter CloseFilter) (codes []string) {
	n.time(now)
	a := n.accounts[account-1]
	var chosen []*naivePosition
	for _, p := range n.positions {
		f := n.floating(p)
		if p.account == a && (filter == FilterAll || filter == FilterWinners && f > 0 ||
			filter == FilterLosers && f < 0) {
			chosen = append(chosen, p)
		}
	}
	for _, p := range chosen {
		codes = append(codes, n.closeNow(p, 0))
	}
	n.touched[a] = true
	n.end()
	return codes
}

func (n *naive) transfer(now core.Time, account int64, t TransferType, amount int64) string {
	n.time(now)
	defer n.end()
	a := n.accounts[account-1]
	n.touched[a] = true
	switch {
	case t == Deposit:
		n.post(a, Funding, amount)
	case t == Credit:
		a.credit += amount
	case amount > min(a.balance, n.equity(a)-n.used(a)):
		return "INSUFFICIENT_FUNDS"
	default:
		n.post(a, Funding, -amount)
	}
	return ""
}

// modify changes the levels of a position; a given zero removes one.
func (n *naive) modify(now core.Time, id int64, patch PositionPatch) string {
	if n.position(id) == nil {
		return "unknown"
	}
	n.time(now)
	defer n.end()
	p := n.position(id)
	n.touched[p.account] = true
	up := map[Side]core.Price{Buy: 1, Sell: -1}[p.side]
	price, sl, tp := n.closePrice(p), patch.StopLoss, patch.TakeProfit
	switch {
	case max(p.account.TradingState, n.state) == Halted:
		return "TRADING_HALTED"
	case sl.To != 0 && up*(price-sl.To) <= 0 || tp.To != 0 && up*(tp.To-price) <= 0:
		return "WRONG_SIDE"
	}
	if sl.Given {
		p.sl = sl.To
	}
	if tp.Given {
		p.tp = tp.To
	}
	if patch.Trailing.Given {
		p.trail = patch.Trailing.To
		n.followPosition(p)
	}
	return ""
}

// amend changes an open order as if it were placed anew, but for what was not changed.
func (n *naive) amend(now core.Time, id int64, a Amendment) string {
	n.time(now)
	defer n.end()
	o := n.order(id)
	if o == nil {
		return "unknown"
	}
	n.touched[o.account] = true
	r, q := n.amended(o, a), n.quotes[o.Symbol]
	if code := n.checkAmended(o, r, a); code != "" {
		return code
	}
	o.OrderRequest = r
	if o.Type == TrailingStop {
		n.followOrder(o)
	}
	fresh := n.open(o.Symbol) && n.now-q.Time <= 30*core.Second
	if (o.Type == Limit || o.triggered) && fresh {
		n.fireOrder(o, q)
	}
	n.clean()
	return o.result
}

func (n *naive) amended(o *naiveOrder, a Amendment) OrderRequest {
	r := o.OrderRequest
	for _, c := range []struct {
		to   *core.Price
		from Change[core.Price]
	}{
		{&r.Price, a.Price},
		{&r.LimitPrice, a.LimitPrice},
		{&r.StopLoss, a.StopLoss},
		{&r.TakeProfit, a.TakeProfit},
	} {
		if c.from.Given {
			*c.to = c.from.To
		}
	}
	if a.Trailing.Given {
		active := r.Trailing.Active && r.Trailing.Activation == a.Trailing.To.Activation
		r.Trailing = a.Trailing.To
		r.Trailing.Active = active && r.Trailing.Distance > 0
	}
	if a.ExpireAt.Given {
		r.TimeInForce, r.ExpireAt = GTD, a.ExpireAt.To
		if r.ExpireAt == 0 {
			r.TimeInForce = GTC
		}
	}
	return r
}

func (n *naive) checkAmended(o *naiveOrder, r OrderRequest, a Amendment) string {
	switch {
	case max(o.account.TradingState, n.state) == Halted:
		return "TRADING_HALTED"
	case o.triggered && a.Price.Given, r.Type != StopLimit && r.LimitPrice != 0:
		return "PRICE_NOT_ALLOWED"
	case r.Type == TrailingStop && r.Trailing.Distance == 0:
		return "TRAILING"
	case r.TimeInForce == GTD && r.ExpireAt <= n.now:
		return "EXPIRED"
	}
	if o.triggered {
		r.Type, r.Price = Limit, r.LimitPrice
	}
	up := map[Side]core.Price{Buy: 1, Sell: -1}[r.Side]
	if !a.Price.Given && !a.LimitPrice.Given && r.Price != 0 {
		// Only the levels can be wrong, against where the order opens.
		at := r.Price
		if r.Type == StopLimit {
			at = r.LimitPrice
		}
		given := a.StopLoss.Given || a.TakeProfit.Given
		if given && (r.StopLoss != 0 && up*(at-r.StopLoss) <= 0 ||
			r.TakeProfit != 0 && up*(r.TakeProfit-at) <= 0) {
			return "WRONG_SIDE"
		}
		return ""
	}
	if !a.Price.Given && !a.LimitPrice.Given && !a.StopLoss.Given && !a.TakeProfit.Given {
		return ""
	}
	r.PriceBound = 0
	return n.checkPrices(&r, n.quotes[o.Symbol])
}

func (n *naive) setState(now core.Time, account int64, s TradingState) {
	n.time(now)
	if account == 0 {
		n.state = s
	} else {
		n.accounts[account-1].TradingState = s
		n.touched[n.accounts[account-1]] = true
	}
	n.end()
}

// patch changes settings but for the trading state.
func (n *naive) patch(now core.Time, account int64, p AccountPatch) {
	n.time(now)
	a := n.accounts[account-1]
	if p.Leverage.Given {
		a.Leverage = p.Leverage.To
	}
	if p.HedgedMargin.Given {
		a.HedgedMargin = p.HedgedMargin.To
	}
	if p.StopOutPolicy.Given {
		a.StopOutPolicy = p.StopOutPolicy.To
	}
	if p.KeepNegative.Given {
		a.KeepNegative = p.KeepNegative.To
	}
	n.touched[a] = true
	n.end()
}

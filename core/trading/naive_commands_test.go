package trading

import "tradingengine/core"

// The commands of naive that are no orders. Each returns the code of a refusal, or "".

func (n *naive) openAccount(s Settings, deposit int64) {
	a := &naiveAccount{id: int64(len(n.accounts) + 1), Settings: s}
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

// modify changes the levels of a position; zero leaves one as it is.
func (n *naive) modify(now core.Time, id int64, sl, tp core.Price, t Trailing) string {
	if n.position(id) == nil {
		return "unknown"
	}
	n.time(now)
	defer n.end()
	p := n.position(id)
	n.touched[p.account] = true
	up := map[Side]core.Price{Buy: 1, Sell: -1}[p.side]
	price := n.closePrice(p)
	switch {
	case max(p.account.TradingState, n.state) == Halted:
		return "TRADING_HALTED"
	case sl != 0 && up*(price-sl) <= 0 || tp != 0 && up*(tp-price) <= 0:
		return "WRONG_SIDE"
	}
	if sl != 0 {
		p.sl = sl
	}
	if tp != 0 {
		p.tp = tp
	}
	if t.Distance != 0 {
		p.trail = t
		n.followPosition(p)
	}
	return ""
}

// amend changes the price of a limit order.
func (n *naive) amend(now core.Time, id int64, price core.Price) string {
	n.time(now)
	defer n.end()
	o := n.order(id)
	if o == nil {
		return "unknown"
	}
	n.touched[o.account] = true
	if max(o.account.TradingState, n.state) == Halted {
		return "TRADING_HALTED"
	}
	if o.triggered {
		return "PRICE_NOT_ALLOWED"
	}
	r, q := o.OrderRequest, n.quotes[o.Symbol]
	r.Price, r.PriceBound = price, 0
	if code := n.checkPrices(&r, q); code != "" {
		return code
	}
	o.Price = price
	if o.Type == TrailingStop {
		n.followOrder(o)
	}
	fresh := n.open(o.Symbol) && n.now-q.Time <= 30*core.Second
	if o.Type == Limit && fresh {
		n.fireOrder(o, q)
	}
	n.clean()
	return o.result
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

func (n *naive) setLeverage(now core.Time, account, leverage int64) {
	n.time(now)
	n.accounts[account-1].Leverage = leverage
	n.touched[n.accounts[account-1]] = true
	n.end()
}

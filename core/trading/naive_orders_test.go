package trading

import (
	"math/big"

	"tradingengine/core"
)

// plan is what the orders of a list checked so far will have done.
type plan struct {
	volumes map[core.SymbolID][2]int64
	costs   int64
}

func (n *naive) plan(a *naiveAccount) *plan { return &plan{volumes: n.volumes(a)} }

// place returns the code of a refusal, or what became of the order.
func (n *naive) place(now core.Time, r OrderRequest) string {
	n.time(now)
	a := n.accounts[r.Account-1]
	r = n.completed(r)
	if n.repeats(a, r) {
		n.touched[a] = true
		n.end()
		return ""
	}
	n.lastOrder++
	id := n.lastOrder
	code := "DUPLICATE_CLIENT_ORDER_ID"
	if n.name(a, r) {
		code = n.check(a, n.plan(a), &r)
	}
	if code == "" {
		o := n.add(a, r, id, 0)
		n.start(o)
		code = o.result
		n.clean()
	}
	n.touched[a] = true
	n.end()
	return code
}

// repeats reports whether the account has placed this order before.
func (n *naive) repeats(a *naiveAccount, r OrderRequest) bool {
	first, used := a.named[r.ClientID]
	return used && first == r
}

// name remembers the ClientID of an order, whatever becomes of it; false means that another had it.
func (n *naive) name(a *naiveAccount, r OrderRequest) bool {
	if _, used := a.named[r.ClientID]; used {
		return false
	}
	if r.ClientID != "" {
		a.named[r.ClientID] = r
	}
	return true
}

// placeList places a pair or a batch and returns the code of each.
func (n *naive) placeList(now core.Time, list []OrderRequest, pair bool) (codes []string) {
	n.time(now)
	a := n.accounts[list[0].Account-1]
	p := n.plan(a)
	repeated := true
	for i := range list {
		list[i] = n.completed(list[i])
		repeated = repeated && n.repeats(a, list[i])
	}
	if repeated {
		n.touched[a] = true
		n.end()
		return make([]string, len(list))
	}
	fault, at := "", 0
	for i := range list {
		fresh := n.name(a, list[i])
		if fault != "" {
			continue
		}
		if pair { // One of them fills at most.
			p = n.plan(a)
		}
		switch fault, at = n.check(a, p, &list[i]), i; {
		case pair && list[i].Type == Market:
			fault = "OCO"
		case !fresh:
			fault = "DUPLICATE_CLIENT_ORDER_ID"
		}
	}
	first := n.lastOrder + 1
	n.lastOrder += int64(len(list))
	if fault != "" {
		for i := range list {
			codes = append(codes, "LIST_REFUSED")
			if i == at {
				codes[i] = fault
			}
		}
		n.touched[a] = true
		n.end()
		return codes
	}
	var orders []*naiveOrder
	for i, r := range list {
		linked := int64(0)
		if pair {
			linked = first + 1 - int64(i)
		}
		orders = append(orders, n.add(a, r, first+int64(i), linked))
	}
	for _, o := range orders {
		if !o.gone {
			n.start(o)
		}
	}
	for _, o := range orders {
		codes = append(codes, o.result)
	}
	n.clean()
	n.touched[a] = true
	n.end()
	return codes
}

func (n *naive) completed(r OrderRequest) OrderRequest {
	if r.TimeInForce == 0 && r.Type == Market {
		r.TimeInForce = FOK
	}
	if r.TimeInForce == 0 && r.ExpireAt != 0 {
		r.TimeInForce = GTD
	}
	if r.TimeInForce == 0 {
		r.TimeInForce = GTC
	}
	if r.Trailing.Distance > 0 && r.Trailing.Unit == 0 {
		r.Trailing.Unit = Points
	}
	return r
}

func (n *naive) add(a *naiveAccount, r OrderRequest, id, linked int64) *naiveOrder {
	o := &naiveOrder{id: id, OrderRequest: r, account: a, linked: linked}
	if o.TimeInForce == DAY {
		o.ExpireAt = core.D1.End(core.D1.Open(n.now))
	}
	if o.Type == TrailingStop {
		n.followOrder(o)
	}
	n.orders = append(n.orders, o)
	return o
}

// start fills what can be filled at once and cancels what had to be.
func (n *naive) start(o *naiveOrder) {
	q := n.quotes[o.Symbol]
	limit := o.Type == Limit && (o.Side == Buy && q.Ask <= o.Price ||
		o.Side == Sell && q.Bid >= o.Price)
	if o.Type == Market || limit {
		n.fill(o)
		n.finish(o, "FILLED")
	} else if o.TimeInForce == IOC || o.TimeInForce == FOK {
		n.finish(o, "NOT_FILLED")
	}
}

// check covers what the random orders can do wrong.
func (n *naive) check(a *naiveAccount, p *plan, r *OrderRequest) string {
	s := n.symbols.Symbol(r.Symbol)
	q := n.quotes[r.Symbol]
	if r.Volume < Volume(s.LotMin) {
		return "VOLUME_MIN"
	}
	held := p.volumes[r.Symbol][r.Side.Opposite()-Buy]
	reduces := r.ReduceOnly || a.MarginMode == Netting && int64(r.Volume) <= held
	state := max(a.TradingState, n.state)
	if state == Halted || state == Reducing && !reduces {
		return "TRADING_HALTED"
	}
	if !n.open(r.Symbol) {
		return "MARKET_CLOSED"
	}
	if n.now-q.Time > 30*core.Second {
		return "PRICE_STALE"
	}
	if code := n.checkPrices(r, q); code != "" {
		return code
	}
	if r.TimeInForce == GTD && r.ExpireAt <= n.now {
		return "EXPIRED"
	}
	if r.Type == Market ||
		r.Type == Limit && (r.Side == Buy && q.Ask <= r.Price || r.Side == Sell && q.Bid >= r.Price) {
		return n.checkMargin(a, p, r)
	}
	return ""
}

func (n *naive) checkPrices(r *OrderRequest, q Quote) string {
	market := map[Side]core.Price{Buy: q.Ask, Sell: q.Bid}[r.Side]
	up := map[Side]core.Price{Buy: 1, Sell: -1}[r.Side] // In favour of a position of the side.
	now := r.Type == Market || r.Type == Limit && up*(market-r.Price) <= 0
	if now && r.PriceBound != 0 && up*(market-r.PriceBound) > 0 {
		return "BOUNDS_VIOLATION"
	}
	if !now && r.Type != Limit && r.Price != 0 && up*(r.Price-market) <= 0 {
		return "WRONG_SIDE"
	}
	at := map[Side]core.Price{Buy: q.Bid, Sell: q.Ask}[r.Side]
	switch {
	case r.Type == StopLimit:
		at = r.LimitPrice
	case !now && r.Price != 0:
		at = r.Price
	}
	if r.StopLoss != 0 && up*(at-r.StopLoss) <= 0 || r.TakeProfit != 0 && up*(r.TakeProfit-at) <= 0 {
		return "WRONG_SIDE"
	}
	return ""
}

// after is what volumes become by a fill, how much of it trades, and how much opens.
func after(a *naiveAccount, r *OrderRequest, v [2]int64) (next [2]int64, traded, opened int64) {
	side, other := r.Side-Buy, r.Side.Opposite()-Buy
	volume := int64(r.Volume)
	if r.ReduceOnly || a.MarginMode == Netting {
		cut := min(volume, v[other])
		v[other] -= cut
		traded, volume = cut, volume-cut
	}
	if !r.ReduceOnly {
		v[side] += volume
		traded, opened = traded+volume, volume
	}
	return v, traded, opened
}

func (n *naive) checkMargin(a *naiveAccount, p *plan, r *OrderRequest) string {
	before := p.volumes[r.Symbol]
	next, traded, opened := after(a, r, before)
	if traded == 0 {
		return "NOTHING_TO_REDUCE"
	}
	s, q := n.symbols.Symbol(r.Symbol), n.quotes[r.Symbol]
	if n.rate(s.Quote, a.Currency, 0) == nil {
		return "CONVERSION_RATE_UNAVAILABLE"
	}
	more := n.margin(a, r.Symbol, next) - n.margin(a, r.Symbol, before)
	lost := times(integer(int64(q.Ask-q.Bid)), integer(opened), n.unit(r.Symbol, a.Currency),
		n.rate(s.Quote, a.Currency, -1))
	costs := halves(lost).Int64() + n.commission(a, r.Symbol, traded)
	if more > 0 {
		used := int64(0)
		for id, v := range p.volumes {
			used += n.margin(a, id, v)
		}
		if more+costs > n.equity(a)-p.costs-used {
			return "INSUFFICIENT_MARGIN"
		}
	}
	p.volumes[r.Symbol] = next
	p.costs += costs
	return ""
}

// fill trades an order at the market.
func (n *naive) fill(o *naiveOrder) {
	q := n.quotes[o.Symbol]
	price := map[Side]core.Price{Buy: q.Ask, Sell: q.Bid}[o.Side]
	left := int64(o.Volume)
	var same *naivePosition
	closed := false
	for _, p := range n.positions {
		if p.account != o.account || p.symbol != o.Symbol || p.gone || left == 0 {
			continue
		}
		if p.side == o.Side {
			same = p
		} else if o.ReduceOnly || o.account.MarginMode == Netting {
			cut := min(left, p.volume)
			n.closeVolume(p, cut, price)
			left -= cut
			closed = true
		}
	}
	if left == 0 || o.ReduceOnly {
		return
	}
	cost := new(big.Int).Mul(big.NewInt(int64(price)), big.NewInt(left))
	if o.account.MarginMode == Netting && same != nil && !closed {
		same.cost.Add(same.cost, cost)
		same.volume += left
		if o.StopLoss != 0 {
			same.sl = o.StopLoss
		}
		if o.TakeProfit != 0 {
			same.tp = o.TakeProfit
		}
		n.trailFrom(same, o)
	} else {
		n.lastPosition++
		p := &naivePosition{
			id: n.lastPosition, account: o.account, symbol: o.Symbol, side: o.Side, volume: left,
			cost: cost, sl: o.StopLoss, tp: o.TakeProfit, opened: n.now,
		}
		n.trailFrom(p, o)
		n.positions = append(n.positions, p)
	}
	n.post(o.account, Fees, -n.commission(o.account, o.Symbol, left))
}

func (n *naive) trailFrom(p *naivePosition, o *naiveOrder) {
	if o.Type != TrailingStop && o.Trailing.Distance > 0 {
		p.trail = o.Trailing
		n.followPosition(p)
	}
}

// closeVolume closes part of a position at a price.
func (n *naive) closeVolume(p *naivePosition, volume int64, price core.Price) {
	share := halves(times(new(big.Rat).SetInt(p.cost), big.NewRat(volume, p.volume)))
	n.post(p.account, House, n.gain(p, volume, share, price))
	n.post(p.account, Fees, -n.commission(p.account, p.symbol, volume))
	p.volume -= volume
	p.cost = new(big.Int).Sub(p.cost, share)
	p.gone = p.volume == 0
}

package trading

import (
	"math/big"

	"tradingengine/core"
)

// quote does what a quote causes, in the order of the rules.
func (n *naive) quote(now core.Time, q Quote) {
	n.time(now)
	n.quotes[q.Symbol] = q
	if n.open(q.Symbol) {
		n.fireStops(q, true)
		n.fireStops(q, false)
		for _, p := range n.positions {
			if p.symbol == q.Symbol {
				n.followPosition(p)
			}
		}
		for _, o := range n.orders {
			if o.Symbol == q.Symbol && o.Type == TrailingStop {
				n.followOrder(o)
			}
		}
		for _, o := range append([]*naiveOrder(nil), n.orders...) {
			if o.Symbol == q.Symbol && !o.gone {
				n.fireOrder(o, q)
			}
		}
		n.clean()
	}
	for _, p := range n.positions {
		if p.symbol == q.Symbol || n.converts(q.Symbol, p) {
			n.touched[p.account] = true
		}
	}
	n.end()
}

// converts reports whether a symbol lies between two of a position's quote currency, its account's
// currency and USD.
func (n *naive) converts(id core.SymbolID, p *naivePosition) bool {
	s, from, to := n.symbols.Symbol(id), n.symbols.Symbol(p.symbol).Quote, p.account.Currency.String()
	in := func(c string) bool { return c == from || c == to || c == "USD" }
	return from != to && in(s.Base) && in(s.Quote)
}

// end looks at the accounts that an input touched, by id.
func (n *naive) end() {
	for _, a := range n.accounts {
		if n.touched[a] {
			n.supervise(a)
		}
	}
	clear(n.touched)
}

func (n *naive) fireStops(q Quote, losses bool) {
	for _, p := range n.positions {
		price := n.closePrice(p)
		level, below := p.tp, p.side == Sell
		if losses {
			level, below = p.sl, p.side == Buy
		}
		if p.symbol != q.Symbol || level == 0 || below && price > level || !below && price < level {
			continue
		}
		n.lastOrder++
		n.closeVolume(p, p.volume, price)
		n.touched[p.account] = true
	}
	n.clean()
}

func (n *naive) fireOrder(o *naiveOrder, q Quote) {
	defer n.clean()
	price := map[Side]core.Price{Buy: q.Ask, Sell: q.Bid}[o.Side]
	up := map[Side]core.Price{Buy: 1, Sell: -1}[o.Side]
	stop, limit := o.Type != Limit && !o.triggered, o.Price
	if stop {
		if o.Price == 0 || up*(price-o.Price) < 0 {
			return
		}
		o.triggered = o.Type == StopLimit
	}
	if o.triggered {
		limit = o.LimitPrice
	}
	if (o.Type == Limit || o.triggered) && up*(price-limit) > 0 {
		return
	}
	n.touched[o.account] = true
	if o.PriceBound != 0 && up*(price-o.PriceBound) > 0 {
		n.finish(o, "BOUNDS_VIOLATION")
		return
	}
	a := o.account
	held := n.volumes(a)[o.Symbol][o.Side.Opposite()-Buy]
	state := max(a.TradingState, n.state)
	reduces := o.ReduceOnly || a.MarginMode == Netting && int64(o.Volume) <= held
	if state == Halted || state == Reducing && !reduces {
		n.finish(o, "TRADING_HALTED")
		return
	}
	if code := n.checkMargin(a, n.plan(a), &o.OrderRequest); code != "" {
		n.finish(o, code)
		return
	}
	n.fill(o)
	n.finish(o, "FILLED")
}

// stopAt is where a trailing stop that protects a side stands at a price.
func stopAt(t *Trailing, protects Side, price core.Price) core.Price {
	distance := t.Distance
	if t.Unit == BasisPoints {
		distance = upwards(big.NewRat(int64(price)*t.Distance, 10_000))
	}
	if protects == Sell {
		return price + core.Price(distance)
	}
	return price - core.Price(distance)
}

func followNaive(t *Trailing, protects Side, level *core.Price, price core.Price) {
	up := map[Side]core.Price{Buy: 1, Sell: -1}[protects]
	t.Active = t.Active || t.Activation == 0 || up*(price-t.Activation) >= 0
	next := stopAt(t, protects, price)
	if t.Active && next > 0 && (*level == 0 || up*(next-*level) > 0) {
		*level = next
	}
}

func (n *naive) followPosition(p *naivePosition) {
	if p.trail.Distance > 0 {
		followNaive(&p.trail, p.side, &p.sl, n.closePrice(p))
	}
}

func (n *naive) followOrder(o *naiveOrder) {
	q := n.quotes[o.Symbol]
	price := map[Side]core.Price{Buy: q.Ask, Sell: q.Bid}[o.Side]
	followNaive(&o.Trailing, o.Side.Opposite(), &o.Price, price)
}

// below compares equity/margin with a level in percent.
func (n *naive) below(a *naiveAccount, percent int64, orAt bool) bool {
	used := n.used(a)
	if used == 0 {
		return false
	}
	sign := big.NewRat(n.equity(a), used).Cmp(big.NewRat(percent, 100))
	return sign < 0 || orAt && sign == 0
}

func (n *naive) supervise(a *naiveAccount) {
	a.call = a.call || n.below(a, 100, true)
	if n.below(a, 50, false) {
		n.stopOut(a)
	}
	held := false
	for _, p := range n.positions {
		held = held || p.account == a
	}
	if a.balance < 0 && !held && !a.KeepNegative {
		a.credit -= min(a.credit, -a.balance)
		n.post(a, House, -a.balance)
	}
	a.call = a.call && n.below(a, 105, false)
}

func (n *naive) stopOut(a *naiveAccount) {
	for _, o := range n.orders {
		if o.account == a && !o.ReduceOnly && !o.gone {
			n.finish(o, "STOP_OUT")
		}
	}
	n.clean()
	for a.StopOutPolicy == CloseAll || n.below(a, 50, false) {
		var worst *naivePosition
		for _, p := range n.positions {
			if p.account == a && n.open(p.symbol) &&
				(worst == nil || n.floating(p) < n.floating(worst)) {
				worst = p
			}
		}
		if worst == nil {
			return
		}
		p, volume := worst, worst.volume
		if a.StopOutPolicy == SmartPartial {
			p, volume = n.smart(a, worst)
		}
		n.lastOrder++
		n.closeVolume(p, volume, n.closePrice(p))
		n.clean()
	}
}

// smart tries volumes one step after the other.
func (n *naive) smart(a *naiveAccount, worst *naivePosition) (*naivePosition, int64) {
	var best *naivePosition
	most := int64(0)
	used := n.used(a)
	for _, p := range n.positions {
		if p.account != a || !n.open(p.symbol) {
			continue
		}
		whole := p.volume
		p.volume = 0
		freed := used - n.used(a)
		p.volume = whole
		if freed > most {
			best, most = p, freed
		}
	}
	if best == nil {
		return worst, worst.volume
	}
	s := n.symbols.Symbol(best.symbol)
	for v := int64(s.LotMin); v < best.volume; v += int64(s.LotStep) {
		kept, cost, balance := best.volume, best.cost, a.balance
		lines := a.lines
		houses := [2]int64{n.houses[House][a.Currency], n.houses[Fees][a.Currency]}
		n.closeVolume(best, v, n.closePrice(best))
		enough := !n.below(a, 50, false)
		best.volume, best.cost, a.balance, a.lines = kept, cost, balance, lines
		n.houses[House][a.Currency], n.houses[Fees][a.Currency] = houses[0], houses[1]
		if enough {
			return best, v
		}
	}
	return best, best.volume
}

package trading

import "tradingengine/core"

// part is one trade of a fill: against a position, or opening a new one.
type part struct {
	position *position // Nil to open.
	volume   Volume
}

// fill fills an order at a quote: a buy at the ask, a sell at the bid. It must have been checked.
func (m *Machine) fill(o *order, rule Rule, q Quote) {
	m.parts = m.appendParts(m.parts[:0], o)
	m.trade(o, rule, q, m.parts)
	m.endLinked(o)
}

// appendParts says which positions an order of a client closes, oldest first, and what it opens.
func (m *Machine) appendParts(parts []part, o *order) []part {
	x := o.exposure
	left := o.Volume
	if o.ReduceOnly || x.account.MarginMode == Netting {
		for _, p := range x.positions {
			if p.Side != o.Side && left > 0 {
				cut := min(left, p.Volume)
				parts = append(parts, part{p, cut})
				left -= cut
			}
		}
	}
	if left == 0 || o.ReduceOnly {
		return parts
	}
	if x.account.MarginMode == Netting && len(parts) == 0 && len(x.positions) > 0 {
		return append(parts, part{x.positions[0], left})
	}
	return append(parts, part{nil, left})
}

// trade makes the trades of an order at the side of a quote.
func (m *Machine) trade(o *order, rule Rule, q Quote, parts []part) {
	price := q.price(o.Side)
	for i, p := range parts {
		done := i == len(parts)-1
		switch {
		case p.position == nil:
			m.openPosition(o, rule, q, price, p.volume, done)
		case p.position.Side == o.Side:
			m.increase(o, rule, q, price, p, done)
		default:
			m.closePart(o, rule, q, price, p, done)
		}
	}
	m.touch(o.exposure.account)
}

// tradeData is what all trades of an order have in common.
func (o *order) tradeData(e Entry, rule Rule, q Quote, price core.Price, v Volume) *FillData {
	a := o.exposure.account
	d := &FillData{
		Order: o.ID, ClientID: o.ClientID, Symbol: o.Symbol, Side: o.Side, Type: o.Type,
		Cause: o.Cause, Entry: e, Rule: rule, Volume: v, Price: price, Quote: q,
		Currency: a.Currency,
	}
	if o.Cause != ByCloseBy {
		d.Commission = -commissionOf(a.Currency, o.exposure.market.symbol.Commission, v)
	}
	return d
}

// openPosition opens a position with the levels of the order.
func (m *Machine) openPosition(o *order, rule Rule, q Quote, price core.Price, v Volume,
	done bool,
) {
	d := o.tradeData(In, rule, q, price, v)
	d.Position, d.Done = m.lastPosition+1, done
	p := Position{
		ID: d.Position, Account: o.Account, Symbol: o.Symbol, Side: o.Side, Currency: d.Currency,
		Volume: v, Cost: mulWide(int64(price), int64(v)), StopLoss: o.StopLoss,
		TakeProfit: o.TakeProfit, Order: o.ID, OpenTime: m.now, Commission: d.Commission,
	}
	p.setTrailing(o, &q)
	m.emit(o.Account, OrderFilled, d)
	m.postCommission(o, d)
	m.emit(o.Account, PositionOpened, &PositionData{
		Position: p, Cause: o.Cause, Order: o.ID, Price: price, Quote: q,
	})
}

// setTrailing gives a position the trailing stop of an order, which follows from this quote on.
func (p *Position) setTrailing(o *order, q *Quote) {
	if o.Trailing.Distance > 0 && o.Type != TrailingStop {
		p.Trailing, p.StopLoss, _ = follow(o.Trailing, p.Side, p.StopLoss, q)
	}
}

// increase adds volume to a netting position. Levels of the order replace those of the position.
func (m *Machine) increase(o *order, rule Rule, q Quote, price core.Price, t part, done bool) {
	d := o.tradeData(In, rule, q, price, t.volume)
	d.Position, d.Done = t.position.ID, done
	m.emit(o.Account, OrderFilled, d)
	m.postCommission(o, d)
	p := t.position.Position
	p.Volume += t.volume
	p.Cost = p.Cost.add(mulWide(int64(price), int64(t.volume)))
	p.Commission += d.Commission
	if o.StopLoss != 0 {
		p.StopLoss = o.StopLoss
	}
	if o.TakeProfit != 0 {
		p.TakeProfit = o.TakeProfit
	}
	p.setTrailing(o, &q)
	m.emit(o.Account, PositionChanged, &PositionData{
		Position: p, Cause: o.Cause, Order: o.ID, Price: price, Quote: q,
	})
}

// closePart closes volume of a position and posts what was gained. There must be a rate.
func (m *Machine) closePart(o *order, rule Rule, q Quote, price core.Price, t part, done bool) {
	x := o.exposure
	p := t.position.Position
	cost := p.Cost.share(t.volume, p.Volume)
	pnl, rate, ok := x.gains(gross(p.Side, t.volume, cost, price))
	if !ok {
		panic("trading: a close was not checked for its rate")
	}
	d := o.tradeData(Out, rule, q, price, t.volume)
	d.Position, d.Side, d.Done, d.Rate, d.PnL = p.ID, p.Side.Opposite(), done, rate, pnl
	d.Posting = x.account.posting(PostPnL, pnl)
	m.emit(o.Account, OrderFilled, d)
	m.postCommission(o, d)
	p.Realized += pnl
	p.Commission += d.Commission
	data := &PositionData{Cause: o.Cause, Order: o.ID, Price: price, Quote: q}
	if t.volume == p.Volume {
		data.Position = p
		m.emit(o.Account, PositionClosed, data)
		return
	}
	p.Volume -= t.volume
	p.Cost = p.Cost.sub(cost)
	data.Position = p
	m.emit(o.Account, PositionChanged, data)
}

// postCommission posts the commission of a trade, if it has one.
func (m *Machine) postCommission(o *order, d *FillData) {
	if d.Commission == 0 {
		return
	}
	x := o.exposure
	m.emit(o.Account, CommissionPosted, &CommissionData{
		Order: o.ID, Position: d.Position, Symbol: o.Symbol, Volume: d.Volume,
		PerLot:  x.market.symbol.Commission,
		Posting: x.account.posting(PostCommission, d.Commission),
	})
}

package trading

import "tradingengine/core"

// ClosePosition closes volume of a position at the market; 0 means all of it.
func (m *Machine) ClosePosition(now core.Time, id PositionID, v Volume) (Result, error) {
	p := m.positions[id]
	if p == nil {
		return Result{}, ErrUnknownPosition
	}
	m.begin(now) // May post swaps and expire orders, but closes nothing.
	result := m.closeByClient(p, v)
	m.finish(p.exposure.account, &result)
	return result, nil
}

// closeByClient closes a position, or records why not.
func (m *Machine) closeByClient(p *position, v Volume) Result {
	if v == 0 {
		v = p.Volume
	}
	x := p.exposure
	if refusal := m.checkClose(p, v); refusal != nil {
		o := closingOrder(p, v, ByClose)
		return m.refuse(x.account, &o, refusal)
	}
	return m.result(m.closeAt(p, v, ByClose, RuleClose, x.market.quote))
}

// checkClose returns why a client cannot close volume of a position now.
func (m *Machine) checkClose(p *position, v Volume) *Refusal {
	x := p.exposure
	if v > p.Volume {
		return &Refusal{
			Code: CodeVolumeMax, Detail: "the position has " + text(p.Volume) + " lots",
		}
	}
	if v != p.Volume {
		if refusal := checkVolume(v, x.market.symbol); refusal != nil {
			return refusal
		}
	}
	if max(x.account.TradingState, m.state) == Halted {
		return halted(Halted)
	}
	if refusal := m.checkMarket(x.market); refusal != nil {
		return refusal
	}
	if !x.convertible() {
		return noRate(x)
	}
	return nil
}

// convertible reports whether a close could be posted, gain or loss.
func (x *exposure) convertible() bool {
	_, _, ok := x.route.factor(gain)
	return ok && x.market.priced()
}

// closingOrder is the order that closes volume of a position.
func closingOrder(p *position, v Volume, cause Cause) Order {
	return Order{
		OrderRequest: OrderRequest{
			Account: p.Account, Symbol: p.Symbol, Side: p.Side.Opposite(), Type: Market,
			TimeInForce: FOK, ReduceOnly: true, Volume: v,
		},
		Status: Pending, Cause: cause, Position: p.ID,
	}
}

// closeAt closes volume of a position at a quote, by an order of its own. There must be a rate.
func (m *Machine) closeAt(p *position, v Volume, cause Cause, rule Rule, q Quote) *order {
	o := m.acceptClose(p, v, cause, q)
	m.parts = append(m.parts[:0], part{p, v})
	m.trade(o, rule, q, m.parts)
	return o
}

func (m *Machine) acceptClose(p *position, v Volume, cause Cause, q Quote) *order {
	d := &OrderData{Order: closingOrder(p, v, cause), Cause: cause, Quote: q}
	d.Order.ID, d.Order.PlacedAt = m.lastOrder+1, m.now
	m.emit(p.Account, OrderPlaced, d)
	return m.orders[d.Order.ID]
}

// CloseBy closes a position against an opposite one of its symbol and account, without spread: the
// first closes at the open price of the second, and the second at its own. There is no commission,
// because nothing was bought or sold.
func (m *Machine) CloseBy(now core.Time, id, with PositionID) (Result, error) {
	p, other := m.positions[id], m.positions[with]
	if p == nil || other == nil {
		return Result{}, ErrUnknownPosition
	}
	m.begin(now)
	x := p.exposure
	v := min(p.Volume, other.Volume)
	var refusal *Refusal
	if other.exposure != x || p.Side == other.Side {
		refusal = &Refusal{
			Code: CodeCloseBy, Detail: "the positions are not opposite ones of one symbol and account",
		}
	} else {
		refusal = m.checkClose(p, p.Volume)
	}
	if refusal != nil {
		o := closingOrder(p, v, ByCloseBy)
		result := m.refuse(x.account, &o, refusal)
		m.finish(x.account, &result)
		return result, nil
	}
	o := m.acceptClose(p, v, ByCloseBy, x.market.quote)
	q, price := x.market.quote, other.OpenPrice() // Exact: hedging positions have one price.
	m.closePart(o, RuleCloseBy, q, price, part{p, v}, false)
	m.closePart(o, RuleCloseBy, q, price, part{other, v}, true)
	result := m.result(o)
	m.finish(x.account, &result)
	return result, nil
}

// ClosePositions closes the positions that b selects, oldest first, each by an order of its own.
func (m *Machine) ClosePositions(now core.Time, b BulkClose) ([]Result, error) {
	a := m.account(b.Account)
	if a == nil {
		return nil, ErrUnknownAccount
	}
	m.begin(now)
	var chosen []*position
	for _, p := range a.positions {
		if b.HasSymbol && p.Symbol != b.Symbol ||
			b.Filter == FilterWinners && p.pnl <= 0 || b.Filter == FilterLosers && p.pnl >= 0 {
			continue
		}
		chosen = append(chosen, p)
	}
	results := make([]Result, len(chosen))
	for i, p := range chosen {
		results[i] = m.closeByClient(p, 0)
	}
	m.finishList(a, results)
	return results, nil
}

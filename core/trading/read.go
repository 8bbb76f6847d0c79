package trading

import "slices"

// Accounts is the number of accounts; their ids run from 1 to it.
func (m *Machine) Accounts() int { return len(m.accounts) }

// OpenOrders is the number of orders that wait, of all accounts.
func (m *Machine) OpenOrders() int { return len(m.orders) }

// OpenPositions is the number of positions of all accounts.
func (m *Machine) OpenPositions() int { return len(m.positions) }

// TradingState returns the state of the whole server.
func (m *Machine) TradingState() TradingState { return m.state }

// Houses returns the house's accounts, one element a currency, in the order they were first used.
func (m *Machine) Houses() []HouseBalance { return slices.Clone(m.houses) }

// Observe turns on or off that TakeMoved tells of an account.
func (m *Machine) Observe(id AccountID, on bool) {
	if a := m.account(id); a != nil {
		a.observed = on
	}
}

// move notes that a price valued an account anew.
func (m *Machine) move(a *account) {
	if a.observed && !a.moved {
		a.moved = true
		m.moved = append(m.moved, a)
	}
}

// TakeMoved appends the observed accounts that prices valued anew since the last call. What events
// change is for whoever reads them to see.
func (m *Machine) TakeMoved(dst []AccountID) []AccountID {
	for _, a := range m.moved {
		a.moved = false
		dst = append(dst, a.ID)
	}
	m.moved = m.moved[:0]
	return dst
}

// Since returns the events with a seq above since that were not taken. Nobody may keep them.
func (m *Machine) Since(since uint64) []Event {
	return m.events[min(max(since+1, m.base)-m.base, uint64(len(m.events))):]
}

// Summary returns an account at the live prices. The error is ErrUnknownAccount.
func (m *Machine) Summary(id AccountID) (Summary, error) {
	m.settle()
	a := m.account(id)
	if a == nil {
		return Summary{}, ErrUnknownAccount
	}
	s := Summary{
		Account: a.Account, Equity: a.equity(), Margin: a.used, FreeMargin: a.free(), PnL: a.pnl,
		Positions: len(a.positions), Orders: len(a.orders), Unpriced: a.unpriced,
	}
	if s.Margin > 0 {
		s.MarginLevel, s.HasLevel = levelOf(s.Equity, s.Margin), true
	}
	return s, nil
}

// levelOf is equity/margin in hundredths of a percent, rounded down.
func levelOf(equity, margin Money) int64 {
	w := mulWide(int64(equity), 10_000)
	hi, lo := w.abs()
	x := [4]uint64{lo, hi}
	r := divWords(&x, uint64(margin))
	level := int64(x[0])
	if x[1] != 0 || level < 0 {
		level = int64(moneyLimit)
	}
	switch {
	case w.Hi >= 0:
		return level
	case r > 0:
		return -level - 1
	default:
		return -level
	}
}

// AppendOrders appends the open orders of an account by id, of all accounts when it is 0.
func (m *Machine) AppendOrders(dst []Order, id AccountID) []Order {
	from := len(dst)
	for _, a := range m.accounts {
		if id != 0 && a.ID != id {
			continue
		}
		for _, o := range a.orders {
			dst = append(dst, o.Order)
		}
	}
	slices.SortFunc(dst[from:], func(a, b Order) int { return int(a.ID - b.ID) })
	return dst
}

// AppendPositions appends the positions of an account by id, of all accounts when it is 0.
func (m *Machine) AppendPositions(dst []PositionView, id AccountID) []PositionView {
	m.settle()
	from := len(dst)
	for _, a := range m.accounts {
		if id != 0 && a.ID != id {
			continue
		}
		for _, p := range a.positions {
			dst = append(dst, p.view())
		}
	}
	slices.SortFunc(dst[from:], func(a, b PositionView) int { return int(a.ID - b.ID) })
	return dst
}

// Order finds an open order.
func (m *Machine) Order(id OrderID) (Order, bool) {
	if o := m.orders[id]; o != nil {
		return o.Order, true
	}
	return Order{}, false
}

// OrderByClientID finds the id of an order by its ClientID: of any that is open, and of the newest
// closed ones.
func (m *Machine) OrderByClientID(account AccountID, clientID string) (OrderID, bool) {
	a := m.account(account)
	if a == nil || clientID == "" {
		return 0, false
	}
	c, ok := a.clients[clientID]
	return c.order, ok
}

// Position finds a position.
func (m *Machine) Position(id PositionID) (PositionView, bool) {
	m.settle()
	if p := m.positions[id]; p != nil {
		return p.view(), true
	}
	return PositionView{}, false
}

// view is a position at the live prices.
func (p *position) view() PositionView {
	x := p.exposure
	v := PositionView{Position: p.Position, Priced: x.priced}
	if v.Priced {
		v.CurrentPrice = x.market.quote.price(p.Side.Opposite())
		v.PnL = p.pnl
		v.Margin = x.marginAlone(p.Volume)
	}
	return v
}

// marginAlone is what a volume would use if there were nothing else.
func (x *exposure) marginAlone(v Volume) Money {
	n, ok := x.marginOf(v, 0)
	if !ok {
		return moneyLimit
	}
	return n
}

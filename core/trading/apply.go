package trading

import (
	"fmt"
	"slices"

	"tradingengine/core"
)

// Replay folds the next event of a journal. The error wraps ErrJournal when seq or prev do not
// follow, or the event makes no sense in this state. The machine must not have had other inputs.
func (m *Machine) Replay(e Event) error {
	if e.Seq != m.seq+1 {
		return fmt.Errorf("%w: event %d follows event %d", ErrJournal, e.Seq, m.seq)
	}
	if prev := *m.lastSeq(e.Account); e.Prev != prev {
		return fmt.Errorf("%w: event %d of account %d names %d as the one before, not %d", ErrJournal,
			e.Seq, e.Account, e.Prev, prev)
	}
	m.folding = true
	if err := m.apply(&e); err != nil {
		return fmt.Errorf("%w: event %d: %s: %w", ErrJournal, e.Seq, e.Type, err)
	}
	m.base = m.seq + 1
	if e.Time > m.now {
		m.now = e.Time
	}
	if q := e.Data.quote(); q != nil && q.Time > m.markets[q.Symbol].quote.Time {
		m.markets[q.Symbol].quote = *q
	}
	return nil
}

// apply is the fold: it alone changes what is journaled.
func (m *Machine) apply(e *Event) (err error) {
	a := m.account(e.Account)
	if a == nil && e.Type != AccountOpened && e.Type != TradingStateChanged {
		return ErrUnknownAccount
	}
	switch d := e.Data.(type) {
	case *AccountData:
		a, err = m.applyAccount(e, d)
	case *TransferData:
		a.Credit = d.CreditAfter
		err = m.post(a, d.Posting)
	case *OrderData:
		err = m.applyOrder(a, e.Type, d)
	case *FillData:
		err = m.applyFill(a, d)
	case *PositionData:
		err = m.applyPosition(a, e.Type, d)
	case *SwapData:
		err = m.applySwap(a, d)
	case *CommissionData:
		err = m.post(a, d.Posting)
	case *MarginData:
		a.MarginCall = e.Type == MarginCalled || e.Type == StopOut && a.MarginCall
	case *AdjustmentData:
		err = m.applyAdjustment(a, d)
	case *StateData:
		if a != nil {
			a.TradingState = d.State
		} else {
			m.state = d.State
		}
	}
	if err != nil {
		return err
	}
	m.seq = e.Seq
	*m.lastSeq(e.Account) = e.Seq
	if a != nil && !isMove(e) {
		a.lastOther = e.Seq
	}
	return nil
}

// isMove reports whether the event is the move of a trailing stop.
func isMove(e *Event) bool {
	switch d := e.Data.(type) {
	case *PositionData:
		return e.Type == PositionChanged && d.Cause == ByTrailing
	case *OrderData:
		return e.Type == OrderAmended && d.Cause == ByTrailing
	default:
		return false
	}
}

// post makes a posting: what the client gets, the house gives.
func (m *Machine) post(a *account, p Posting) error {
	if p.Type == 0 {
		return nil
	}
	if p.Currency != a.Currency || p.Balance != a.Balance+p.Amount {
		return fmt.Errorf("a posting of %d to a balance of %d leaves %d", p.Amount, a.Balance,
			p.Balance)
	}
	h := m.house(a.Currency)
	h.Clients += p.Balance - a.Balance
	*h.counter(counterOf[p.Type]) -= p.Amount
	a.lines += p.Amount
	a.Balance = p.Balance
	return nil
}

// applyAccount opens an account or changes its settings.
func (m *Machine) applyAccount(e *Event, d *AccountData) (*account, error) {
	if e.Type == AccountOpened {
		if e.Account != AccountID(len(m.accounts)+1) {
			return nil, fmt.Errorf("account %d opens after %d", e.Account, len(m.accounts))
		}
		a := &account{clients: map[string]clientOrder{}}
		a.ID, a.Settings = e.Account, d.Settings
		m.accounts = append(m.accounts, a)
		m.house(a.Currency)
		return a, nil
	}
	a := m.accounts[e.Account-1]
	a.Settings = d.Settings
	for _, x := range a.exposures {
		x.setLeverage()
		x.leave()
		x.enter()
	}
	return a, nil
}

// applyOrder makes an order what the event says it is.
func (m *Machine) applyOrder(a *account, t EventType, d *OrderData) error {
	o := m.orders[d.Order.ID]
	if t != OrderRejected && !d.Order.Trailing.sound() {
		return fmt.Errorf("order %d cannot trail by %d", d.Order.ID, d.Order.Trailing.Distance)
	}
	if o == nil && (t == OrderPlaced || t == OrderRejected) {
		if d.Order.ID != m.lastOrder+1 {
			return fmt.Errorf("order %d follows order %d", d.Order.ID, m.lastOrder)
		}
		m.lastOrder++
		a.remember(&d.Order)
		if t == OrderRejected {
			m.retire(a, &d.Order)
			return nil
		}
		o = &order{Order: d.Order, at: -1, trailAt: -1, expiryAt: -1}
		o.exposure = m.exposure(a, o.Symbol)
		m.orders[o.ID] = o
		a.orders = append(a.orders, o)
		if o.Type != Market {
			m.countOrders(o.exposure, 1)
		}
		m.index(o)
		return nil
	}
	if o == nil {
		return fmt.Errorf("order %d is not open", d.Order.ID)
	}
	m.unindex(o)
	o.Order = d.Order
	if o.Status.Open() {
		m.index(o)
		return nil
	}
	m.dropOrder(a, o)
	return nil
}

// dropOrder takes an order that ended out of the open ones.
func (m *Machine) dropOrder(a *account, o *order) {
	delete(m.orders, o.ID)
	m.retire(a, &o.Order)
	if i, found := slices.BinarySearchFunc(a.orders, o.ID, compareOrder); found {
		a.orders = slices.Delete(a.orders, i, i+1)
	}
	if o.Type != Market {
		m.countOrders(o.exposure, -1)
	}
}

// applyFill makes one trade of an order. What it did to a position is the next event.
func (m *Machine) applyFill(a *account, d *FillData) error {
	o := m.orders[d.Order]
	if o == nil {
		return fmt.Errorf("order %d is not open", d.Order)
	}
	if d.Done {
		m.unindex(o) // While the status still says in which heap it is.
	}
	o.trade(d)
	if d.Done {
		m.dropOrder(a, o)
	}
	return m.post(a, d.Posting)
}

// applySwap posts the swap of a position.
func (m *Machine) applySwap(a *account, d *SwapData) error {
	p := m.positions[d.Position]
	if p == nil {
		return fmt.Errorf("position %d is not open", d.Position)
	}
	p.Swap += d.Amount
	p.SwapTime = d.Rollover
	return m.post(a, d.Posting)
}

// applyAdjustment lifts a balance and takes the credit that the loss used up.
func (m *Machine) applyAdjustment(a *account, d *AdjustmentData) error {
	if d.CreditUsed < 0 || d.CreditUsed > min(a.Credit, d.Posting.Amount) {
		return fmt.Errorf("%d of a credit of %d cannot cover %d", d.CreditUsed, a.Credit,
			d.Posting.Amount)
	}
	a.Credit -= d.CreditUsed
	return m.post(a, d.Posting)
}

// applyPosition makes a position what the event says it is.
func (m *Machine) applyPosition(a *account, t EventType, d *PositionData) error {
	p := m.positions[d.Position.ID]
	if !d.Position.Trailing.sound() {
		return fmt.Errorf("position %d cannot trail by %d", d.Position.ID,
			d.Position.Trailing.Distance)
	}
	if t == PositionOpened {
		if d.Position.ID != m.lastPosition+1 || p != nil {
			return fmt.Errorf("position %d follows position %d", d.Position.ID, m.lastPosition)
		}
		m.lastPosition++
		p = &position{Position: d.Position, at: [3]int32{-1, -1, -1}}
		p.exposure = m.exposure(a, p.Symbol)
		m.positions[p.ID] = p
		a.positions = append(a.positions, p)
		m.addPosition(p)
		return nil
	}
	if p == nil {
		return fmt.Errorf("position %d is not open", d.Position.ID)
	}
	if t == PositionClosed {
		delete(m.positions, p.ID)
		if i, found := slices.BinarySearchFunc(a.positions, p.ID, comparePosition); found {
			a.positions = slices.Delete(a.positions, i, i+1)
		}
		m.removePosition(p)
		return nil
	}
	m.replacePosition(p, d.Position)
	return nil
}

// orderExpiry is when an open order expires; 0 means never.
func orderExpiry(o *order) core.Time {
	if o.TimeInForce == GTD || o.TimeInForce == DAY {
		return o.ExpireAt
	}
	return 0
}

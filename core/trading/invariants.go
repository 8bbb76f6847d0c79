package trading

import "fmt"

// verify checks after every input, in production too, what a fault in the account's sums would
// break first, and one order, position and exposure of the account in turn. Its cost does not grow
// with the account. A machine that miscounts money must stop before its events are stored, so it
// panics.
func (m *Machine) verify(a *account) {
	h := m.house(a.Currency)
	switch {
	case a.Balance != a.lines:
		panic(fmt.Sprintf("trading: account %d has %d, its ledger lines add up to %d", a.ID,
			a.Balance, a.lines))
	case h.sum() != 0:
		panic(fmt.Sprintf("trading: all accounts in %v add up to %d", a.Currency, h.sum()))
	case len(a.positions) == 0 && (a.pnl != 0 || a.used != 0 || a.unpriced != 0):
		panic(fmt.Sprintf("trading: account %d has no position, P/L %d and margin %d", a.ID, a.pnl,
			a.used))
	}
	m.audits++
	if n := len(a.orders); n > 0 {
		o := a.orders[m.audits%n]
		if err := m.checkOrder(a, o); err != nil {
			panic(fmt.Sprintf("trading: order %d %v", o.ID, err))
		}
	}
	if n := len(a.positions); n > 0 {
		p := a.positions[m.audits%n]
		if err := p.check(); err != nil {
			panic(fmt.Sprintf("trading: position %d %v", p.ID, err))
		}
	}
}

// check checks a position's place in the heaps, and what its exposure uses.
func (p *position) check() error {
	x := p.exposure
	for i, at := range p.at {
		h := x.market.levels[positionKinds[p.Side][i]]
		if at >= 0 && (h[at].ID != int64(p.ID) || h[at].At != &p.at[i]) {
			return fmt.Errorf("is not where it says")
		}
	}
	if (p.StopLoss != 0) != (p.at[0] >= 0) || (p.TakeProfit != 0) != (p.at[1] >= 0) {
		return fmt.Errorf("has levels %d and %d that wait at %d", p.StopLoss, p.TakeProfit, p.at)
	}
	if x.priced {
		if used, ok := x.marginOf(x.long, x.short); ok && used != x.used {
			return fmt.Errorf("uses a margin of %d, kept was %d", used, x.used)
		}
	}
	return nil
}

// CheckInvariants recomputes everything that is kept up to date step by step and returns what does
// not agree. It costs as much as the state is large.
func (m *Machine) CheckInvariants() error {
	m.settle()
	orders, positions := 0, 0
	clients := map[Currency]Money{}
	for _, a := range m.accounts {
		orders += len(a.orders)
		positions += len(a.positions)
		clients[a.Currency] += a.Balance
		if a.Balance != a.lines {
			return fmt.Errorf("account %d has %d, its lines add up to %d", a.ID, a.Balance, a.lines)
		}
		if err := m.checkSums(a); err != nil {
			return err
		}
		for _, o := range a.orders {
			if err := m.checkOrder(a, o); err != nil {
				return fmt.Errorf("order %d: %w", o.ID, err)
			}
		}
	}
	if orders != len(m.orders) || positions != len(m.positions) {
		return fmt.Errorf("accounts have %d orders and %d positions, the machine %d and %d", orders,
			positions, len(m.orders), len(m.positions))
	}
	for _, h := range m.houses {
		if h.sum() != 0 || h.Clients != clients[h.Currency] {
			return fmt.Errorf("%v adds up to %d, clients have %d and not %d", h.Currency, h.sum(),
				h.Clients, clients[h.Currency])
		}
	}
	return m.checkMarkets()
}

// checkSums values an account's positions again.
func (m *Machine) checkSums(a *account) error {
	var pnl, used Money
	unpriced, count := 0, 0
	for _, x := range a.exposures {
		var long, short Volume
		var sum Money
		var rates [2]Rate
		priced := x.rates(&rates)
		for _, p := range x.positions {
			count++
			if p.Side == Buy {
				long += p.Volume
			} else {
				short += p.Volume
			}
			held := p.pnl
			if priced {
				x.valuePosition(p, &rates)
				sum += p.pnl
			}
			if priced && p.pnl != held {
				return fmt.Errorf("position %d is worth %d, not %d", p.ID, p.pnl, held)
			}
		}
		if long != x.long || short != x.short || x.account != a {
			return fmt.Errorf("account %d has %d and %d of %s, not %d and %d", a.ID, long, short,
				x.market.symbol.Name, x.long, x.short)
		}
		if len(x.positions) == 0 {
			continue
		}
		if !priced {
			unpriced++
			continue
		}
		pnl += sum
		n, _ := x.marginOf(long, short)
		used += n
	}
	if pnl != a.pnl || used != a.used || unpriced != a.unpriced || count != len(a.positions) {
		return fmt.Errorf("account %d: P/L %d, margin %d, %d unpriced; kept were %d, %d, %d", a.ID,
			pnl, used, unpriced, a.pnl, a.used, a.unpriced)
	}
	return nil
}

// checkOrder checks the links of an open order and its place in the heaps.
func (m *Machine) checkOrder(a *account, o *order) error {
	if !o.Status.Open() || o.Account != a.ID || m.orders[o.ID] != o {
		return fmt.Errorf("is %v of account %d", o.Status, o.Account)
	}
	if o.Linked != 0 {
		if other := m.orders[o.Linked]; other == nil || other.Linked != o.ID {
			return fmt.Errorf("is linked to %d, which is not open or not linked to it", o.Linked)
		}
	}
	kind, price := o.trigger()
	if (price != 0) != (o.at >= 0) {
		return fmt.Errorf("waits for %d at %d", price, o.at)
	}
	if o.at >= 0 && o.exposure.market.levels[kind][o.at].ID != int64(o.ID) {
		return fmt.Errorf("is not where it says")
	}
	return nil
}

// checkMarkets counts who needs each price, and what waits in the heaps.
func (m *Machine) checkMarkets() error {
	uses := make([]int, len(m.markets))
	waiting := make([]int, len(m.markets))
	for _, a := range m.accounts {
		for _, x := range a.exposures {
			if !x.inUse() {
				continue
			}
			uses[x.market.id]++
			for _, l := range x.route.legs() {
				uses[l.market.id]++
			}
		}
		for _, p := range a.positions {
			if err := p.check(); err != nil {
				return fmt.Errorf("position %d %w", p.ID, err)
			}
			for _, at := range p.at {
				waiting[p.Symbol] += int(bit(at >= 0))
			}
		}
		for _, o := range a.orders {
			waiting[o.Symbol] += int(bit(o.at >= 0) + bit(o.trailAt >= 0))
		}
	}
	for i := range m.markets {
		k, levels := &m.markets[i], 0
		for _, h := range k.levels {
			levels += len(h)
			for j := 1; j < len(h); j++ {
				if h[j].Key < h[(j-1)/2].Key {
					return fmt.Errorf("a heap of %s is out of order", k.symbol.Name)
				}
			}
		}
		if uses[i] != k.uses || levels != waiting[i] {
			return fmt.Errorf("%s has %d uses and %d levels; counted were %d and %d", k.symbol.Name,
				k.uses, levels, uses[i], waiting[i])
		}
	}
	return nil
}

package desk

import (
	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/trading"
)

// use says what the quotes of a symbol are handed over for, one bit each.
type use uint8

const (
	forTrading use = 1 << iota
	forAlerts
)

// market keeps the prices of machine and book: it has the shards hand over the quotes of symbols
// that are active in one of them and lends prices of others for one command. It belongs to the
// desk's goroutine.
type market struct {
	engine  *core.Engine
	machine *trading.Machine
	book    *alert.Book
	uses    []use // By SymbolID.
	lent    []core.SymbolID
	changed []core.SymbolID
}

func newMarket(e *core.Engine, m *trading.Machine, b *alert.Book) market {
	return market{engine: e, machine: m, book: b, uses: make([]use, e.Symbols().Len())}
}

// follow watches what is active at the start. The price of a symbol is then the newer of the
// market's and the journal's.
func (m *market) follow(now core.Time) {
	m.settle(now)
	for i := range m.uses {
		if id := core.SymbolID(i); m.machine.Active(id) {
			m.watch(now, id, forTrading)
		}
	}
}

// watch turns a use of a symbol on, first the flag and then the live quote: every later quote is
// handed over, and machine and book ignore those that are not later.
func (m *market) watch(now core.Time, id core.SymbolID, u use) {
	if m.uses[id]&u != 0 {
		return
	}
	if m.uses[id] == 0 {
		m.engine.Watcher().Watch(id, true)
	}
	m.uses[id] |= u
	q, ok := m.engine.Live(id)
	switch {
	case !ok:
	case u == forTrading:
		m.machine.SetQuote(trading.Quote{Symbol: id, Time: q.Time, Bid: q.Bid, Ask: q.Ask})
	default:
		m.book.Quote(now, alert.Quote{Symbol: id, Time: q.Time, Bid: q.Bid, Ask: q.Ask})
	}
}

// leave turns a use of a symbol off.
func (m *market) leave(id core.SymbolID, u use) {
	if m.uses[id]&u == 0 {
		return
	}
	if m.uses[id] &^= u; m.uses[id] == 0 {
		m.engine.Watcher().Watch(id, false)
	}
}

// prepare has prices for what a command or read of the account is about.
func (m *market) prepare(
	now core.Time, account trading.AccountID, symbols []core.SymbolID,
) {
	for _, id := range symbols {
		from := len(m.lent)
		m.lent = m.machine.AppendNeeds(m.lent, account, id)
		for _, needed := range m.lent[from:] {
			m.watch(now, needed, forTrading)
		}
	}
}

// settle watches exactly the active symbols, after each input.
func (m *market) settle(now core.Time) {
	m.changed = append(m.machine.TakeActivity(m.changed[:0]), m.lent...)
	m.lent = m.lent[:0]
	for _, id := range m.changed {
		if m.machine.Active(id) {
			m.watch(now, id, forTrading)
		} else {
			m.leave(id, forTrading)
		}
	}
	// The live quote of a symbol may fire the rule that wanted it, which then wants it no more.
	for m.changed = m.book.TakeActivity(m.changed[:0]); len(m.changed) > 0; {
		for _, id := range m.changed {
			if m.book.Active(id) {
				m.watch(now, id, forAlerts)
			} else {
				m.leave(id, forAlerts)
			}
		}
		m.changed = m.book.TakeActivity(m.changed[:0])
	}
}

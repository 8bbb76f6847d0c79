package desk

import (
	"tradingengine/core"
	"tradingengine/core/trading"
)

// market keeps the machine's prices: it has the shards hand over the quotes of active symbols and
// lends prices of others for one command. It belongs to the desk's goroutine.
type market struct {
	engine  *core.Engine
	machine *trading.Machine
	watched []bool // By SymbolID.
	lent    []core.SymbolID
	changed []core.SymbolID
}

func newMarket(e *core.Engine, m *trading.Machine) market {
	return market{engine: e, machine: m, watched: make([]bool, e.Symbols().Len())}
}

// follow watches what is active at the start. The price of a symbol is then the newer of the
// market's and the journal's.
func (m *market) follow() {
	m.settle()
	for i := range m.watched {
		if id := core.SymbolID(i); m.machine.Active(id) {
			m.watch(id)
		}
	}
}

// watch turns a symbol on, first the flag and then the live quote: every later quote is handed
// over, and the machine ignores those that are not later.
func (m *market) watch(id core.SymbolID) {
	if m.watched[id] {
		return
	}
	m.watched[id] = true
	m.engine.Watcher().Watch(id, true)
	if q, ok := m.engine.Live(id); ok {
		m.machine.SetQuote(trading.Quote{Symbol: id, Time: q.Time, Bid: q.Bid, Ask: q.Ask})
	}
}

// prepare has prices for what a command or read of the account is about.
func (m *market) prepare(account trading.AccountID, symbols []core.SymbolID) {
	for _, id := range symbols {
		from := len(m.lent)
		m.lent = m.machine.AppendNeeds(m.lent, account, id)
		for _, needed := range m.lent[from:] {
			m.watch(needed)
		}
	}
}

// settle watches exactly the active symbols, after each input.
func (m *market) settle() {
	m.changed = append(m.machine.TakeActivity(m.changed[:0]), m.lent...)
	m.lent = m.lent[:0]
	for _, id := range m.changed {
		if m.machine.Active(id) {
			m.watch(id)
		} else if m.watched[id] {
			m.watched[id] = false
			m.engine.Watcher().Watch(id, false)
		}
	}
}

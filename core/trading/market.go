package trading

import (
	"slices"

	"tradingengine/core"
	"tradingengine/core/heap"
)

// market is a symbol's side of the state: its live quote, its trigger prices, and who is touched
// when the price moves. Nothing in it is journaled; all of it follows from orders and positions.
type market struct {
	id     core.SymbolID
	symbol *core.Symbol
	quote  Quote // Time is 0 before the first.
	levels [kindCount]heap.Levels
	// held are the exposures with positions in this symbol, converted those with positions in
	// another symbol that this one converts or bridges; both by account and symbol.
	held, converted []*exposure
	// uses counts exposures with positions or pending orders that need this price.
	uses     int
	reported bool // What TakeActivity said last.
	flipped  bool // It stands in Machine.flips.
}

func (k *market) priced() bool { return k.quote.Time != 0 }

func (k *market) set(kind kind, p core.Price, id int64, at *int32) {
	k.levels[kind].Set(kind.key(p), id, at)
}

// fires reports whether a quote fires or moves anything at all.
func (k *market) fires() bool {
	bid, ask := int64(k.quote.Bid), int64(k.quote.Ask)
	for i := takeProfitLong; i <= trailSell; i++ {
		if k.levels[i].Fires(bid) {
			return true
		}
	}
	for i := takeProfitShort; i < kindCount; i++ {
		if k.levels[i].Fires(-ask) {
			return true
		}
	}
	return k.levels[stopLossLong].Fires(-bid) || k.levels[sellStop].Fires(-bid) ||
		k.levels[stopLossShort].Fires(ask) || k.levels[buyStop].Fires(ask)
}

// appendFired appends the ids that two kinds fire, lowest first.
func (k *market) appendFired(dst []int64, a, b kind) []int64 {
	dst = k.levels[a].AppendFired(dst, a.compare(&k.quote))
	dst = k.levels[b].AppendFired(dst, b.compare(&k.quote))
	slices.Sort(dst)
	return dst
}

// use counts an exposure that starts or ends to need a price.
func (m *Machine) use(k *market, n int) {
	k.uses += n
	if (k.uses > 0) != k.reported && !k.flipped {
		k.flipped = true
		m.flips = append(m.flips, k.id)
	}
}

// Active reports whether every quote of the symbol must reach the machine: there are positions or
// pending orders in it, or it converts or bridges a symbol that has some.
func (m *Machine) Active(id core.SymbolID) bool { return m.markets[id].uses > 0 }

// TakeActivity appends the symbols whose Active has changed since the last call.
func (m *Machine) TakeActivity(dst []core.SymbolID) []core.SymbolID {
	for _, id := range m.flips {
		k := &m.markets[id]
		k.flipped = false
		if active := k.uses > 0; active != k.reported {
			k.reported = active
			dst = append(dst, id)
		}
	}
	m.flips = m.flips[:0]
	return dst
}

// AppendNeeds appends the symbols whose price a command of the account for the symbol may need:
// itself and those that convert or bridge it. Those not active should get a SetQuote before.
func (m *Machine) AppendNeeds(dst []core.SymbolID, account AccountID, id core.SymbolID,
) []core.SymbolID {
	dst = append(dst, id)
	a := m.account(account)
	if a == nil {
		return dst
	}
	r := m.route(m.symbol(id).Quote, a.Currency)
	for _, l := range r.legs() {
		if !slices.Contains(dst, l.market.id) {
			dst = append(dst, l.market.id)
		}
	}
	return dst
}

// LastQuote returns the live quote of a symbol; its Time is 0 when there was none.
func (m *Machine) LastQuote(id core.SymbolID) Quote { return m.markets[id].quote }

func (m *Machine) symbol(id core.SymbolID) *core.Symbol { return m.options.Symbols.Symbol(id) }

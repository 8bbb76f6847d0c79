package feed

import (
	"math"

	"tradingengine/core"
)

const (
	plainPrice = 100 // Of a symbol nothing is known of.
	// A price has at least this many points, so that there is one to quote, and at most so many that
	// it stays far inside a core.Price.
	pointsMin = 100
	pointsMax = float64(core.PriceMax) / 100
)

// instrumentsOf makes the instruments of a registry and the assets they need. Where mids give a
// price, the instrument starts from it and its legs are set so that they agree with it.
func instrumentsOf(symbols *core.Registry, mids []core.Mid) ([]asset, []instrument) {
	table := newAssetTable()
	instruments := make([]instrument, symbols.Len())
	for i := range instruments {
		instruments[i] = newInstrument(core.SymbolID(i), symbols.Symbol(core.SymbolID(i)), table)
	}
	for i := range mids[:min(len(mids), len(instruments))] {
		instruments[i].mid = mids[i]
	}
	fitAssets(table.used, instruments)
	for i := range instruments {
		s := &instruments[i]
		legs := table.used[s.base].value - table.used[s.quote].value + s.shift
		if s.mid > 0 {
			s.residual = math.Log(float64(s.mid)/s.scale) - legs
			continue
		}
		s.mid = core.Mid(math.Round(s.scale * math.Exp(legs)))
	}
	return table.used, instruments
}

func newInstrument(id core.SymbolID, symbol *core.Symbol, table *assetTable) instrument {
	quote := table.find(symbol.Quote)
	if quote < 0 {
		quote = table.invent(symbol.Quote, 1)
	}
	base := table.find(symbol.Base)
	if base < 0 {
		base = table.invent(symbol.Base, plainPrice*table.used[quote].usd)
	}
	b, q := &table.used[base], &table.used[quote]
	s := instrument{
		id: id, session: symbol.Session, base: base, quote: quote,
		scale: 2 * float64(core.Pow10(symbol.Digits)), relative: b.spread + q.spread,
		weight: b.weight * q.weight, cross: b.name != "USD" && q.name != "USD", spreadFactor: 1,
		busy: 1,
	}
	if s.cross {
		s.weight *= 0.6
	}
	points := b.usd / q.usd * s.scale / 2
	s.shift = math.Log(min(max(points, pointsMin), pointsMax) / points)
	return s
}

// fitAssets gives the assets the values that the mids of the instruments imply: first those quoted
// in dollars, then, from these, the others.
func fitAssets(assets []asset, instruments []instrument) {
	known := make([]bool, len(assets))
	known[0] = true // The dollar.
	for more := true; more; {
		more = false
		before := append([]bool(nil), known...)
		for i := range instruments {
			s := &instruments[i]
			if s.mid <= 0 || before[s.base] == before[s.quote] {
				continue
			}
			price := math.Log(float64(s.mid)/s.scale) - s.shift
			leg, value := s.base, assets[s.quote].value+price
			if before[s.base] {
				leg, value = s.quote, assets[s.base].value-price
			}
			if !known[leg] {
				assets[leg].value, known[leg], more = value, true, true
			}
		}
	}
}

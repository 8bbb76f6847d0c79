package trading

import "tradingengine/core"

// kind names the heaps of a symbol: six fire against the bid and six against the ask, of each some
// when the price has risen to them and some when it has fallen.
type kind uint8

const (
	takeProfitLong kind = iota // bid ≥ level
	sellLimit
	trailLong    // The bid at which the stop of a long position moves.
	trailSell    // The bid at which a sell trailing stop moves.
	stopLossLong // bid ≤ level
	sellStop
	stopLossShort // ask ≥ level
	buyStop
	takeProfitShort // ask ≤ level
	buyLimit
	trailShort
	trailBuy
	kindCount
)

// compare returns what the keys of a heap are compared with at a quote.
func (k kind) compare(q *Quote) int64 {
	switch {
	case k <= trailSell:
		return int64(q.Bid)
	case k <= sellStop:
		return -int64(q.Bid)
	case k <= buyStop:
		return int64(q.Ask)
	default:
		return -int64(q.Ask)
	}
}

// key returns the key of a level at a price.
func (k kind) key(p core.Price) int64 {
	if k == stopLossLong || k == sellStop || k >= takeProfitShort {
		return -int64(p)
	}
	return int64(p)
}

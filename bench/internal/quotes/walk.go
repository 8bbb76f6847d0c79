package quotes

import (
	"math/rand/v2"
	"strings"

	"tradingengine/bench/internal/server"
)

const (
	// throttleScale is one over the throttle of 0.001 %: a move is dropped when
	// |move| * throttleScale < last stored mid.
	throttleScale = 100_000
	// A walk turns back when it is further than 1/homeShare of its home away.
	homeShare = 50
	// The widest spread is 1/spreadShare of the price.
	spreadShare = 10_000
)

// walk is the price of one symbol: a random walk in which every other move, by chance, is too
// small to pass the throttle. A plain walk would pass a share that depends on how many points a
// symbol's price has, from almost none to all.
//
// All values are in half points, so that a mid is exact: mid = bid + ask.
type walk struct {
	home   int64
	stored int64 // The mid that the throttle compares with; 0 before the first quote.
}

func newWalk(i server.Instrument) walk {
	if i.Bid > 0 && i.Ask > 0 {
		return walk{home: i.Bid + i.Ask}
	}
	return walk{home: 2 * startPoints(i.Symbol, i.Digits)}
}

// next returns the next quote in points. It is never crossed: ask > bid > 0.
func (w *walk) next(rng *rand.Rand) (bid, ask int64) {
	mid := w.nextMid(rng)
	// Bid and ask are whole points only if the spread is odd where the mid is.
	spread := 2*rng.Int64N(mid/(4*spreadShare)+1) + mid&1
	if spread == 0 {
		spread = 2
	}
	return (mid - spread) / 2, (mid + spread) / 2
}

func (w *walk) nextMid(rng *rand.Rand) int64 {
	if w.stored == 0 {
		w.stored = w.home
		return w.stored
	}
	// passing is the smallest move that is stored.
	passing := (w.stored + throttleScale - 1) / throttleScale
	bits := rng.Uint64()
	up := bits&2 != 0
	if bits&1 == 0 {
		return w.stored + signed(rng.Int64N(passing), up)
	}
	switch away := w.stored - w.home; {
	case away > w.home/homeShare:
		up = false
	case away < -w.home/homeShare:
		up = true
	}
	w.stored += signed(passing+rng.Int64N(2*passing+1), up)
	return w.stored
}

func signed(n int64, positive bool) int64 {
	if positive {
		return n
	}
	return -n
}

// startPoints returns a sensible first price for a symbol that has none yet.
func startPoints(symbol string, digits int) int64 {
	price, known := startMilli[symbol]
	switch {
	case known:
	case strings.HasSuffix(symbol, "JPY"):
		price = 150_000
	case digits >= 4:
		price = 1_000
	default:
		price = 100_000
	}
	for range digits {
		price *= 10
	}
	// A price of a few points could not carry a spread.
	return max(price/1_000, 100)
}

// startMilli are prices in thousandths.
var startMilli = map[string]int64{
	"EURUSD": 1_082, "GBPUSD": 1_267, "USDJPY": 149_800, "AUDUSD": 658, "USDCAD": 1_352,
	"USDCHF": 881, "NZDUSD": 612, "EURGBP": 854, "EURJPY": 162_100, "GBPJPY": 189_800,
	"AUDJPY": 98_600, "AUDCAD": 890, "AUDCHF": 580, "AUDNZD": 1_075, "AUDSGD": 884,
	"AUDHKD": 5_147, "CHFJPY": 170_000, "EURCHF": 953,
	"XAUUSD": 2_035_000, "XAGUSD": 23_100,
	"BTCUSD": 61_250_000, "ETHUSD": 3_310_000, "BNBUSD": 402_000, "SOLUSD": 118_000, "XRPUSD": 585,
}

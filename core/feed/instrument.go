package feed

import (
	"math"
	"math/rand/v2"

	"tradingengine/core"
)

// instrument is how one symbol is quoted. The market knows a fair price of it at any moment; what
// is quoted is that price as a market maker shows it: in whole points, moved only when there is a
// reason, and with a spread around it.
type instrument struct {
	id           core.SymbolID
	session      core.Session
	base, quote  int     // Its legs in the model's assets.
	scale        float64 // Half points in one unit of price.
	shift        float64 // Log; brings a price that its digits cannot show to where they can.
	residual     float64 // Log; how far the first price was from its legs. It fades.
	noise        float64 // Log; what a cross has of its own.
	cross        bool
	relative     float64 // Its usual spread as a share of the price.
	wide         float64 // Log; how wide its spread is just now.
	weight       float64 // Its part of all quotes.
	mid          core.Mid
	spreadFactor float64 // Of the minute.
	busy         float64 // Of the minute.
}

const (
	// stillShare of the quotes do not move the mid: they repeat it, change the spread, or move one
	// side by a point. Every market has them; here they also keep the share of quotes that the
	// throttle drops where it is on recorded feeds, whatever the rate.
	stillShare = 0.5
	// jumpMax bounds one move of a mid. A price that ran away from its quote is caught up with in
	// several quotes.
	jumpMax = 6 * basis
	// coarse is when half a point is too much of the price for a quote to move without a cause.
	coarse = 1 * basis
)

// smallestMove is the least move of a mid, in half points, that counts as 0.001 % of it.
func smallestMove(mid core.Mid) core.Mid { return (mid + 99_999) / 100_000 }

// next makes the next quote of the instrument. fair is its fair mid in half points.
func (s *instrument) next(r *rand.Rand, fair, burst float64) (bid, ask core.Price) {
	heat := math.Log(s.busy * (1 + burst))
	still := stillShare + min(max(-0.05*heat, -0.06), 0.07)
	mid := s.mid
	if r.Float64() < still {
		if r.Float64() < 0.3 && smallestMove(mid) > 1 {
			mid += core.Mid(2*r.IntN(2) - 1)
		}
	} else {
		mid = s.move(r, fair)
		s.mid = mid
	}
	return s.around(r, mid, burst)
}

// move returns the mid of a quote that moves. It goes to the fair price when that is far enough;
// otherwise it steps to either side of it, more often towards it, as quotes bounce.
func (s *instrument) move(r *rand.Rand, fair float64) core.Mid {
	least := smallestMove(s.mid)
	away := fair - float64(s.mid)
	unit := float64(least)
	if 1 > coarse*float64(s.mid) {
		return s.mid + s.bounded(away)
	}
	if math.Abs(away) < unit {
		side := 1.0
		if r.Float64() > 0.5+0.5*away/unit {
			side = -1
		}
		away = side * (unit + math.Floor(0.3*unit*r.ExpFloat64()))
	} else {
		beyond := away + 0.2*unit*r.NormFloat64()
		if math.Abs(beyond) >= unit {
			away = beyond
		}
	}
	return s.mid + s.bounded(away)
}

// bounded rounds a move to half points and bounds it.
func (s *instrument) bounded(away float64) core.Mid {
	most := max(jumpMax*float64(s.mid), 1)
	return core.Mid(math.Round(min(max(away, -most), most)))
}

// around puts a spread around a mid.
func (s *instrument) around(r *rand.Rand, mid core.Mid, burst float64) (bid, ask core.Price) {
	if r.Float64() < 0.6 {
		s.wide = 0.95*s.wide + 0.06*r.NormFloat64()
	}
	usual := s.relative * float64(mid) / 2
	points := usual * s.spreadFactor * (1 + 0.2*burst) * math.Exp(s.wide)
	// Bid and ask add up to the mid in half points, so spread and mid are even or odd together.
	spread := core.Mid(max(math.Round(points), 1))
	if (mid+spread)%2 != 0 {
		spread++
		if float64(spread) > points+0.5 && spread > 2 {
			spread -= 2
		}
	}
	bid = core.Price((mid - spread) / 2)
	return bid, bid + core.Price(spread)
}

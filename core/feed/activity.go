package feed

import (
	"math"
	"time"

	"tradingengine/core"
)

// activity says how busy the market is in one minute of the week, by the clocks of the cities that
// trade. 1 is the average of a working day.
type activity struct {
	fiat, asia, coin float64
	// spread widens the spreads of everything but coins: thin hours, and far more around 17:00 New
	// York, when the trading day ends and banks roll their positions over.
	spread  float64
	weekend bool // From Friday to Sunday 17:00 New York.
}

// cities are the clocks that the activity follows. Daylight saving is theirs.
type cities struct{ tokyo, london, newYork *time.Location }

func loadCities() (c cities, err error) {
	for name, into := range map[string]**time.Location{
		"Asia/Tokyo": &c.tokyo, "Europe/London": &c.london, "America/New_York": &c.newYork,
	} {
		if *into, err = time.LoadLocation(name); err != nil {
			return c, err
		}
	}
	return c, nil
}

const (
	weekendFiat = 0.6 // An open weekend is quieter, but not so quiet that nothing is to be seen.
	weekendCoin = 0.8

	rolloverHour = 17 // New York.
	rolloverWide = 5  // Spreads are wider by this many times at its peak.
)

// at returns the activity of the minute that holds t.
func (c *cities) at(t core.Time) activity {
	now := t.Floor(core.Minute).Std()
	tokyo := daytime(clockHours(now.In(c.tokyo)), 8.5, 16)
	london := daytime(clockHours(now.In(c.london)), 7.5, 16.5)
	local := clockHours(now.In(c.newYork))
	newYork := daytime(local, 8, 16.5)

	a := activity{
		fiat: 0.28 + 0.22*tokyo + 0.85*london + 0.85*newYork,
		asia: 0.28 + 0.40*tokyo + 0.80*london + 0.78*newYork,
		coin: 0.70 + 0.05*tokyo + 0.30*london + 0.40*newYork,
	}
	a.spread = math.Pow(a.fiat, -0.3)
	if a.weekend = !core.Session24x5.Open(t); a.weekend {
		a.fiat *= weekendFiat
		a.asia *= weekendFiat
		a.coin *= weekendCoin
		a.spread *= 1.4
	}
	a.spread *= 1 + rolloverWide*rollover((local-rolloverHour)*60)
	return a
}

func clockHours(t time.Time) float64 { return float64(t.Hour()) + float64(t.Minute())/60 }

// daytime is near 1 between two hours of the day and near 0 outside, with soft edges.
func daytime(hour, from, to float64) float64 {
	const edge = 0.3
	return 1 / (1 + math.Exp((from-hour)/edge)) / (1 + math.Exp((hour-to)/edge))
}

// rollover is how much of the rollover's widening holds so many minutes after 17:00: it comes in
// ten minutes, stays five and fades within the hour.
func rollover(minutes float64) float64 {
	switch {
	case minutes < -10 || minutes > 60:
		return 0
	case minutes < 0:
		return 0.7 * (minutes + 10) / 10
	case minutes < 5:
		return 1
	default:
		return math.Exp((5 - minutes) / 15)
	}
}

// of returns how busy the trade between two assets is.
func (a *activity) of(base, quote *asset) float64 {
	switch {
	case base.class == classCoin || quote.class == classCoin:
		return a.coin
	case base.asia || quote.asia:
		return a.asia
	default:
		return a.fiat
	}
}

// ofAsset is the same for the moves of one asset.
func (a *activity) ofAsset(s *asset) float64 { return a.of(s, s) }

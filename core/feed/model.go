package feed

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"tradingengine/core"
)

// RateMax is the highest rate a Model takes, in quotes a second over all symbols.
const RateMax = 1_000_000

// ErrOptions is returned for options that make no sense.
var ErrOptions = errors.New("feed options")

// ModelOptions configure a Model. Zero values mean the default given.
type ModelOptions struct {
	Symbols *core.Registry // Required, with at least one symbol.
	Source  core.SourceID  // Who the quotes are from.
	Rate    float64        // Quotes a second over all symbols, on average of a day; default 200.
	Seed    uint64         // Default 1.
	Start   core.Time      // Required: quotes come after it.
	// Mids are the prices to go on from, by SymbolID; 0 or a shorter slice means a usual price.
	Mids []core.Mid
	// CloseWeekends keeps the sessions of the symbols; otherwise all are quoted at all times.
	CloseWeekends bool
	// Silence is the longest time a symbol is not quoted; default 9.7 s.
	Silence core.Time
}

// Model is a market as a stream of quotes in order of their times. It has no clock: the quotes up
// to a moment are the same however often it was asked in between, and the same for equal options.
// It is for one goroutine.
//
// Currencies, metals and coins move against the dollar; common moves of the dollar, of the mood for
// risk and of coins correlate them. A symbol's fair price follows from its two legs, so EURGBP goes
// where EURUSD and GBPUSD go. The legs move on a grid of time; each symbol is quoted at times of
// its own.
type Model struct {
	opts        ModelOptions
	rand        *rand.Rand
	cities      cities
	assets      []asset
	instruments []instrument
	due         timeHeap[int] // The next quote of each instrument.
	perWeight   float64       // Quotes a second of an instrument with weight 1.

	clock    core.Time // The legs are those of this moment.
	grid     core.Time
	minute   core.Time // The minute that activity and the instruments' factors belong to.
	activity activity
	mood     float64 // Log of how much more prices move than usual; comes and goes in clusters.
}

const (
	day = 24 * core.Hour

	gridMin  = 20 * core.Millisecond
	gridPart = 10 // The grid is at most this part of the longest silence.

	// Prices are pulled back to their anchors in about this time, so that a market that runs for
	// months stays near where it started. Within a day nobody sees it.
	pullTime = 7 * day

	moodTime = 40 * core.Minute
	moodSize = 0.3

	burstEvery  = 20 * core.Second // On average, in a market of average activity.
	burstTime   = 4 * core.Second
	burstMax    = 6
	burstDollar = 5    // News of the dollar comes more often than its weight says.
	burstShare  = 0.12 // Of the quotes come because of bursts, and are no part of the rate.

	noiseTime    = 20 * core.Second
	noiseSize    = 0.05 * basis
	residualTime = 30 * core.Minute
)

// NewModel checks the options and makes a model that starts at Start.
func NewModel(opts ModelOptions) (*Model, error) {
	if opts.Rate == 0 {
		opts.Rate = 200
	}
	if opts.Seed == 0 {
		opts.Seed = 1
	}
	if opts.Silence == 0 {
		opts.Silence = 9_700 * core.Millisecond
	}
	switch {
	case opts.Symbols == nil || opts.Symbols.Len() == 0:
		return nil, fmt.Errorf("%w: a market needs symbols", ErrOptions)
	case opts.Start <= 0:
		return nil, fmt.Errorf("%w: a market needs a time to start from", ErrOptions)
	case !(opts.Rate > 0) || opts.Rate > RateMax:
		return nil, fmt.Errorf("%w: a rate of %g quotes/s is not above 0 and at most %d", ErrOptions,
			opts.Rate, RateMax)
	case opts.Silence < core.Second:
		return nil, fmt.Errorf("%w: a silence of %d µs is below 1 s", ErrOptions, opts.Silence)
	}
	places, err := loadCities()
	if err != nil {
		return nil, err
	}
	m := &Model{
		opts: opts, cities: places, clock: opts.Start,
		rand: rand.New(rand.NewPCG(opts.Seed, uint64(opts.Start))),
	}
	m.assets, m.instruments = instrumentsOf(opts.Symbols, opts.Mids)
	m.mood = moodSize * m.rand.NormFloat64()
	n := core.Time(len(m.instruments))
	m.grid = min(max(core.Time(float64(n*core.Second)/opts.Rate), gridMin), opts.Silence/gridPart)
	var weights float64
	for i := range m.instruments {
		weights += m.instruments[i].weight
	}
	m.perWeight = opts.Rate * (1 - burstShare) / weights
	m.enterMinute(m.clock)
	for i := range m.instruments {
		s := &m.instruments[i]
		m.due.push(m.open(s, opts.Start+m.upTo(core.Second)), i, i)
	}
	return m, nil
}

// Step appends the quotes after the last one up to now, in order of time.
func (m *Model) Step(now core.Time, dst []core.Quote) []core.Quote {
	for m.due[0].at <= now {
		at := m.due[0].at
		s := &m.instruments[m.due[0].item]
		m.advance(at)
		burst := m.burst(s)
		bid, ask := s.next(m.rand, m.fair(s), burst)
		dst = append(dst, core.Quote{
			Symbol: s.id, Bid: bid, Ask: ask, Time: at, Source: m.opts.Source,
		})
		m.due.later(m.open(s, at+m.pause(s, burst)))
	}
	m.advance(now)
	return dst
}

// Next returns when the next quote comes.
func (m *Model) Next() core.Time { return m.due[0].at }

// Time returns how far the model has come.
func (m *Model) Time() core.Time { return m.clock }

// Skip moves the model to now, forward or back, without quotes for the time between: after the
// machine slept, its clock was set, or the engine took no quotes for a while.
func (m *Model) Skip(now core.Time) {
	m.clock = now
	m.enterMinute(now)
	m.due = m.due[:0]
	for i := range m.instruments {
		s := &m.instruments[i]
		m.due.push(m.open(s, now+m.upTo(core.Second)), i, i)
	}
}

// upTo returns a random time above 0 and up to span.
func (m *Model) upTo(span core.Time) core.Time { return 1 + core.Time(m.rand.Int64N(int64(span))) }

// pause is the time from one quote of an instrument to its next. Short and long ones mix, more
// than chance would have it, as in every market.
func (m *Model) pause(s *instrument, burst float64) core.Time {
	usual := float64(core.Second) / (m.perWeight * s.weight * s.busy * (1 + burst))
	factor := 2.2
	if m.rand.Float64() < 0.6 {
		factor = 0.2
	}
	pause := factor * usual * m.rand.ExpFloat64()
	longest := m.opts.Silence - m.upTo(m.opts.Silence/8)
	if pause >= float64(longest) {
		return longest
	}
	return max(core.Time(pause), 1)
}

// open returns at, or a moment after the session opens next when it is closed then.
func (m *Model) open(s *instrument, at core.Time) core.Time {
	if !m.opts.CloseWeekends || s.session.Open(at) {
		return at
	}
	for at = at.Floor(core.Hour) + core.Hour; !s.session.Open(at); at += core.Hour {
	}
	return at + m.upTo(core.Second)
}

// burst is how much busier than usual an instrument is, because one of its legs is.
func (m *Model) burst(s *instrument) float64 {
	return min(m.assets[s.base].burst+m.assets[s.quote].burst, burstMax)
}

// fair is the fair mid of an instrument in half points.
func (m *Model) fair(s *instrument) float64 {
	return s.scale * math.Exp(m.assets[s.base].value-m.assets[s.quote].value+s.shift+s.residual+
		s.noise)
}

// advance moves the legs along the grid as far as at.
func (m *Model) advance(at core.Time) {
	for m.clock+m.grid <= at {
		m.clock += m.grid
		if m.clock.Floor(core.Minute) != m.minute {
			m.enterMinute(m.clock)
		}
		m.advanceAssets()
		m.advanceInstruments()
	}
}

// enterMinute takes over what holds for a minute.
func (m *Model) enterMinute(t core.Time) {
	m.minute = t.Floor(core.Minute)
	m.activity = m.cities.at(m.minute)
	for i := range m.instruments {
		s := &m.instruments[i]
		base, quote := &m.assets[s.base], &m.assets[s.quote]
		s.busy, s.spreadFactor = m.activity.of(base, quote), m.activity.spread
		if base.class == classCoin || quote.class == classCoin {
			s.spreadFactor = 1
		}
	}
}

// advanceAssets moves every asset by one step of the grid.
func (m *Model) advanceAssets() {
	r, grid := m.rand, float64(m.grid)
	m.mood += -m.mood*grid/float64(moodTime) +
		moodSize*math.Sqrt(2*grid/float64(moodTime))*r.NormFloat64()
	days := math.Sqrt(grid/float64(day)) * math.Exp(m.mood-moodSize*moodSize)
	fade := math.Exp(-grid / float64(burstTime))
	dollar, risk, coins := r.NormFloat64(), r.NormFloat64(), r.NormFloat64()
	for i := range m.assets {
		a := &m.assets[i]
		a.burst *= fade
		if a.daily == 0 {
			continue
		}
		own := math.Sqrt(1 - a.dollar*a.dollar - a.risk*a.risk - a.coin*a.coin)
		move := a.dollar*dollar + a.risk*risk + a.coin*coins + own*r.NormFloat64()
		busy := m.activity.ofAsset(a)
		if m.opts.CloseWeekends && m.activity.weekend && a.class != classCoin {
			busy = 0
		}
		// The pull grows no further beyond three days' moves, lest it show as a trend.
		away := min(max(a.value-a.anchor, -3*a.daily), 3*a.daily)
		a.value += a.daily*days*math.Sqrt(busy*(1+a.burst))*move - away*grid/float64(pullTime)
	}
	if r.Float64()*float64(burstEvery) < grid*m.activity.fiat {
		m.startBurst()
	}
}

// startBurst makes one asset busy for a few seconds: news, or a large order.
func (m *Model) startBurst() {
	share := func(i int) float64 {
		if i == 0 {
			return burstDollar * m.assets[0].weight
		}
		return m.assets[i].weight
	}
	var sum float64
	for i := range m.assets {
		sum += share(i)
	}
	at := m.rand.Float64() * sum
	for i := range m.assets {
		a := &m.assets[i]
		if at -= share(i); at < 0 {
			a.burst = min(a.burst+1+3*m.rand.Float64(), burstMax)
			return
		}
	}
}

// advanceInstruments moves what symbols have of their own.
func (m *Model) advanceInstruments() {
	grid := float64(m.grid)
	fade, noiseFade := math.Exp(-grid/float64(residualTime)), math.Exp(-grid/float64(noiseTime))
	size := noiseSize * math.Sqrt(1-noiseFade*noiseFade)
	for i := range m.instruments {
		s := &m.instruments[i]
		s.residual *= fade
		if s.cross {
			s.noise = noiseFade*s.noise + size*m.rand.NormFloat64()
		}
	}
}

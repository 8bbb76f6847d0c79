package watch

import (
	"time"

	"tradingengine/core"
	"tradingengine/httpd"
)

// sampleEvery is how often the counters of all symbols are read, and samples how many readings span
// what a share is looked at for.
const (
	sampleEvery = 5 * time.Second
	samples     = int(httpd.ThrottleSpan/sampleEvery) + 1
)

// Symbols knows the share of each symbol's quotes that the throttle held back lately.
type Symbols struct {
	engine *core.Engine
	rings  [][samples]throttleCounts // Of each symbol: the next reading goes to next.
	next   int
	taken  int // Readings so far, at most samples.
	last   time.Time
}

// throttleCounts are two counters of a symbol at a moment.
type throttleCounts struct{ throttled, stored int64 }

// NewSymbols makes them for the symbols of an engine.
func NewSymbols(e *core.Engine) *Symbols {
	return &Symbols{engine: e, rings: make([][samples]throttleCounts, e.Symbols().Len())}
}

func (s *Symbols) len() int          { return len(s.rings) }
func (s *Symbols) name(i int) string { return s.engine.Symbols().Symbol(core.SymbolID(i)).Name }

// sample reads the counters when it is time to.
func (s *Symbols) sample(now time.Time) {
	if now.Sub(s.last) < sampleEvery-every/2 { // Looks are not exactly so far apart.
		return
	}
	s.last = now
	for i := range s.rings {
		c := s.engine.SymbolCounts(core.SymbolID(i))
		s.rings[i][s.next] = throttleCounts{c.Throttled, c.Stored}
	}
	s.next = (s.next + 1) % samples
	s.taken = min(s.taken+1, samples)
}

// check judges the share of a symbol, once there are readings of a whole span.
func (s *Symbols) check(i int) httpd.CheckResult {
	if s.taken < samples {
		return httpd.CheckResult{OK: true}
	}
	oldest, newest := s.rings[i][s.next], s.rings[i][(s.next+samples-1)%samples]
	throttled := newest.throttled - oldest.throttled
	return httpd.ThrottleShare(throttled, newest.stored-oldest.stored+throttled)
}

package watch

import (
	"context"
	"strconv"
	"strings"
	"time"

	"tradingengine/core/alert"
	"tradingengine/httpd"
)

const (
	// every is how often all checks run.
	every = time.Second
	// calm is how long a check must be better before that is told.
	calm = 30 * time.Second
	// tellsMax is how many readings one look tells, so that those of many symbols do not fill the
	// desk's inbox. The others are told by the next looks.
	tellsMax = 32
)

// Options configure a Watch. Checks and Tell are required.
type Options struct {
	Checks []httpd.Check // As in /health/detail; their order does not matter.
	// Symbols are looked at beside the checks; nil for none.
	Symbols *Symbols
	// Tell takes a reading, and never waits: false means that it was not taken.
	Tell func(alert.Reading) bool
	Now  func() time.Time // Default time.Now.
}

// Watch belongs to the goroutine of Run.
type Watch struct {
	checks  []httpd.Check
	symbols *Symbols
	tell    func(alert.Reading) bool
	now     func() time.Time
	states  []state // Of the checks, then of the symbols.
	tells   int     // Of the look under way.
}

// state is what was told of a check.
type state struct {
	told  alert.Level
	since time.Time // When it became better than told; zero while it is not.
}

// unknown is worse than any: what the last run told may have to be taken back.
const unknown = alert.Bad + 1

// New makes a watch.
func New(o Options) *Watch {
	w := &Watch{checks: o.Checks, symbols: o.Symbols, tell: o.Tell, now: o.Now}
	if w.now == nil {
		w.now = time.Now
	}
	n := len(w.checks)
	if w.symbols != nil {
		n += w.symbols.len()
	}
	w.states = make([]state, n)
	for i := range w.states {
		w.states[i].told = unknown
	}
	return w
}

// Run watches until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		w.Look()
	}
}

// Look runs everything once. Run does so each second.
func (w *Watch) Look() {
	now := w.now()
	w.tells = 0
	for i := range w.checks {
		c := &w.checks[i]
		r := c.Find()
		w.take(now, &w.states[i], level(c, &r), func() alert.Reading { return reading(c, &r) })
	}
	if w.symbols == nil {
		return
	}
	w.symbols.sample(now)
	for i := range w.symbols.len() {
		l := alert.OK
		r := w.symbols.check(i)
		if !r.OK {
			l = alert.Warning
		}
		w.take(now, &w.states[len(w.checks)+i], l, func() alert.Reading {
			g := reading(&httpd.Check{Name: "throttle " + w.symbols.name(i)}, &r)
			g.LogOnly = true
			return g
		})
	}
}

// take decides whether a level is to be told. A first level that is bad is told at once, a good one
// after a while like any other.
func (w *Watch) take(now time.Time, s *state, l alert.Level, describe func() alert.Reading) {
	switch worse := l > s.told || s.told == unknown && l != alert.OK; {
	case l == s.told:
		s.since = time.Time{}
		return
	case !worse && s.since.IsZero():
		s.since = now
		return
	case !worse && now.Sub(s.since) < calm, w.tells == tellsMax:
		return
	}
	w.tells++
	g := describe()
	g.Level = l
	if w.tell(g) { // Otherwise the next look tries again.
		s.told, s.since = l, time.Time{}
	}
}

// level is how bad a result is. A check that the engine cannot do without is Bad or good.
func level(c *httpd.Check, r *httpd.CheckResult) alert.Level {
	switch {
	case r.OK:
		return alert.OK
	case c.Advisory && r.Level != httpd.Critical:
		return alert.Warning
	}
	return alert.Bad
}

// reading is what is told of a result.
func reading(c *httpd.Check, r *httpd.CheckResult) alert.Reading {
	g := alert.Reading{
		Check: c.Name, Value: decimal(r.Value), Limit: decimal(r.Limit), Title: c.Name + " is well again",
	}
	if !r.OK {
		g.Title = c.Name + ": " + strings.Join(strings.Fields(r.Reason), " ")
	}
	if band, ok := r.Limit.([2]int); ok {
		g.Limit = strconv.Itoa(band[0])
		if value, err := strconv.Atoi(g.Value); err == nil && value > band[0] {
			g.Limit = strconv.Itoa(band[1])
		}
	}
	return g
}

// decimal prints a number plainly; what is none is left out.
func decimal(v any) string {
	switch n := v.(type) {
	case int:
		return strconv.Itoa(n)
	case int64:
		return strconv.FormatInt(n, 10)
	case uint64:
		return strconv.FormatUint(n, 10)
	case float64:
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return ""
}

package report

import (
	"fmt"

	"tradingengine/bench/internal/gets"
)

// State is what became of a target.
type State string

// The states of a target. What was not measured is not missed.
const (
	Met         State = "ok"
	Missed      State = "missed"
	NotMeasured State = "not measured"
)

// Target is one of the operators' limits with what was measured.
type Target struct {
	Name  string  `json:"name"`
	Want  string  `json:"want"`
	Got   float64 `json:"got"`
	Unit  string  `json:"unit"`
	State State   `json:"state"`
}

// The operators' limits.
const (
	p50Millis, p95Millis, p99Millis = 50, 100, 200
	throttleShareMin                = 40 // Percent.
	throttleShareMax                = 60
	throttleCountMin                = 10_000 // Fewer accepted quotes say nothing about the share.
	memoryBytesMax                  = 1_000_000_000
	ratioMin                        = 0.8
	// A session that takes nothing is closed within 10 s, and what measures it notices that up to 2 s
	// late. In a shorter run it may be open still.
	stuckSecondsMax    = 12
	stuckRunSecondsMin = 15
)

// endpointMillis are the limits of single endpoints. They hold for 95 of 100 requests: the list
// they are from gives one number and no percentile, and has the overall p99 above all of them.
var endpointMillis = map[string]float64{
	"GET /health":                50,
	"GET /api/config":            30,
	"GET /ticks":                 60,
	"GET /ohlc":                  70,
	"GET " + gets.AccountSummary: 40,
}

// Judge compares the result with every target.
func (r *Result) Judge() {
	r.Targets = nil
	r.judgeLatency()
	r.judgeErrors()
	r.judgeQuotes()
	r.judgeOrders()
	r.judgeEngine()
	r.judgeComparisons()
	r.OK = true
	for _, t := range r.Targets {
		r.OK = r.OK && t.State != Missed
	}
}

func (r *Result) judge(name, want, unit string, got float64, measured, met bool) {
	t := Target{Name: name, Want: want, Unit: unit, Got: got, State: Missed}
	switch {
	case !measured:
		t.Got, t.State = 0, NotMeasured
	case met:
		t.State = Met
	}
	r.Targets = append(r.Targets, t)
}

func (r *Result) below(name string, limit float64, unit string, got float64, measured bool) {
	r.judge(name, fmt.Sprintf("< %g", limit), unit, got, measured, got < limit)
}

func (r *Result) none(name string, got int64) {
	r.judge(name, "0", "", float64(got), true, got == 0)
}

func (r *Result) judgeLatency() {
	for _, e := range r.Endpoints {
		if limit, has := endpointMillis[e.route()]; has && e.Paced {
			r.below(e.Name+" p95", limit, "ms", e.Latency.P95, e.Count > 0)
		}
	}
	if r.Overall == nil {
		return
	}
	measured := r.Overall.Count > 0
	r.below("overall p50", p50Millis, "ms", r.Overall.Latency.P50, measured)
	r.below("overall p95", p95Millis, "ms", r.Overall.Latency.P95, measured)
	r.below("overall p99", p99Millis, "ms", r.Overall.Latency.P99, measured)
}

func (r *Result) judgeErrors() {
	if len(r.Endpoints) > 0 {
		errors, unsent := int64(r.Broken), int64(0)
		for _, e := range r.Endpoints {
			errors += e.Errors
			unsent += e.Unsent
		}
		r.none("errors", errors)
		r.none("due but never sent", unsent)
	}
	r.judgeReaders()
}

func (r *Result) judgeReaders() {
	ws := r.WebSocket
	if ws == nil {
		return
	}
	failures, broken := ws.Failures(), ws.Broken
	if slow := ws.Slow; slow != nil {
		failures += slow.Misspoken()
		broken += slow.Broken
		misjudged := int64(0)
		if slow.Misjudged != nil {
			misjudged = *slow.Misjudged
		}
		r.judge("ticks skipped, not as told", "0", "", float64(misjudged), slow.Misjudged != nil,
			misjudged == 0)
	}
	r.none("WebSocket failures", failures)
	r.none("gaps of good readers", ws.Gaps)
	r.none("ticks that do not follow on the one before", broken)
	if ws.Missing != nil {
		r.none("ticks stored, not delivered", *ws.Missing)
	}
	if stuck := ws.Stuck; stuck != nil {
		long := r.Seconds > stuckRunSecondsMin
		open := stuck.Sessions - stuck.Closed
		r.judge("stuck sessions left open", "0", "", float64(open), long, open == 0)
		r.below("stuck sessions gone", stuckSecondsMax, "s", stuck.LivedMax, long && stuck.Closed > 0)
	}
}

func (r *Result) judgeQuotes() {
	stored, throttled := r.throttle()
	accepted := stored + throttled
	share := 100 * float64(throttled) / float64(max(accepted, 1))
	if r.Quotes != nil || r.Counters.After != nil {
		r.judge("throttled", fmt.Sprintf("%d to %d", throttleShareMin, throttleShareMax), "%", share,
			accepted >= throttleCountMin, share >= throttleShareMin && share <= throttleShareMax)
	}
	if r.Quotes == nil {
		return
	}
	r.none("quotes answered, not accounted for", r.Quotes.Remainder)
	r.none("quotes acknowledged, never sent", max(r.Quotes.Received-r.Quotes.Sent, 0))
	uncounted, known := r.uncounted()
	r.judge("quotes acknowledged, not counted", "0", "", float64(uncounted), known, uncounted == 0)
	if least := r.Options.Quotes.RateMin; least > 0 {
		r.judge("quotes taken", fmt.Sprintf(">= %g", least), "/s", r.Quotes.PerSecond,
			true, r.Quotes.PerSecond >= least)
	}
}

func (r *Result) judgeOrders() {
	o := r.Orders
	if o == nil {
		return
	}
	r.none("orders sent, not accounted for", o.Remainder())
	r.none("orders refused", o.Refused)
	miscounted := int64(0)
	if o.Counted != nil {
		miscounted = o.miscounted()
	}
	r.judge("orders filled, not as told", "0", "", float64(miscounted), o.Counted != nil,
		miscounted == 0)
	if least := r.Options.Orders.RateMin; least > 0 {
		r.judge("orders acknowledged", fmt.Sprintf(">= %g", least), "/s", o.PerSecond, true,
			o.PerSecond >= least)
	}
}

func (r *Result) judgeEngine() {
	if after := r.Counters.After; after != nil {
		quotes, counted := after.QuotesRemainder()
		r.judge("quotes received = stored + throttled + rejected", "0 left", "", float64(quotes),
			counted, quotes == 0)
		ticks, counted := after.TicksRemainder()
		r.judge("ticks stored = committed + pending + lost", "0 left", "", float64(ticks),
			counted, ticks == 0)
	}
	if r.Comparisons == nil {
		r.below("memory", memoryBytesMax/1e6, "MB", float64(r.Memory.PeakBytes)/1e6, r.Memory.Known)
	}
}

func (r *Result) judgeComparisons() {
	for _, c := range r.Comparisons {
		r.judge(c.Path+" against a bare server", fmt.Sprintf(">= %g", ratioMin), "", c.Ratio, true,
			c.Ratio >= ratioMin)
		r.none(c.Path+" errors", int64(len(c.Errors)))
	}
}

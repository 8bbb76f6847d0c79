package report

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"tradingengine/bench/internal/gets"
	"tradingengine/bench/internal/latency"
	"tradingengine/bench/internal/options"
	"tradingengine/bench/internal/orders"
	"tradingengine/bench/internal/quotes"
	"tradingengine/bench/internal/server"
	"tradingengine/bench/internal/sockets"
)

// Result is a whole run; its JSON is what -json writes. Fields are added, never renamed.
type Result struct {
	Started time.Time       `json:"started"`
	Seconds float64         `json:"seconds"`
	Machine Machine         `json:"machine"`
	Engine  Engine          `json:"engine"`
	Options options.Options `json:"options"`
	// Notes are what a reader must know, such as why no quotes were posted.
	Notes []string `json:"notes"`
	// Problems are endpoints that did not answer as promised when asked before the run, and
	// errors during it, the first few of each kind.
	Problems []string `json:"problems"`

	Endpoints []Endpoint `json:"endpoints"`
	// Overall is all requests on a schedule together, nil if there were none.
	Overall     *latency.Summary  `json:"overall,omitempty"`
	Quotes      *Quotes           `json:"quotes,omitempty"`
	Orders      *Orders           `json:"orders,omitempty"`
	WebSocket   *WebSocket        `json:"webSocket,omitempty"`
	Comparisons []gets.Comparison `json:"comparisons,omitempty"`
	Counters    Counters          `json:"counters"`
	Memory      Memory            `json:"memory"`

	Targets []Target `json:"targets"`
	OK      bool     `json:"ok"`

	// Broken is how many endpoints did not answer as promised before the run.
	Broken int `json:"brokenEndpoints"`
}

// Machine is where the load generator ran.
type Machine struct {
	Go    string `json:"go"`
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	Cores int    `json:"cores"`
}

// ThisMachine describes the machine of this process.
func ThisMachine() Machine {
	return Machine{
		Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU(),
	}
}

// Engine is what was put under load.
type Engine struct {
	URL       string `json:"url"`
	Version   string `json:"version"`
	Feed      string `json:"feed"`
	Simulated bool   `json:"simulated"`
	Symbols   int    `json:"symbols"`
}

// Endpoint is one row of the table.
type Endpoint struct {
	Name      string  `json:"name"`
	PerSecond float64 `json:"perSecond"`
	// Paced says that requests were due on a schedule; flat out, latencies only say how long the
	// queue was that the load itself made.
	Paced bool `json:"paced"`
	latency.Summary
}

// route is the name without parameters.
func (e *Endpoint) route() string {
	route, _, _ := strings.Cut(e.Name, "?")
	return route
}

// Quotes is the load of quotes.
type Quotes struct {
	quotes.Totals
	Connections int `json:"connections"`
	// PerSecond are quotes that the engine took, rejected ones included.
	PerSecond float64 `json:"perSecond"`
}

// Orders is the load of orders.
type Orders struct {
	orders.Totals
	Connections int   `json:"connections"`
	Account     int64 `json:"accountId"`
	// PerSecond are orders that the engine acknowledged.
	PerSecond float64 `json:"perSecond"`
	// Counted are the filled orders in the engine's own list; nil if it did not give it.
	Counted *int64 `json:"countedFilled,omitempty"`
}

// miscounted is by how many orders the engine's list differs from what answers said. An order that
// failed may be in it or not.
func (o *Orders) miscounted() int64 {
	more := *o.Counted - o.Filled
	return max(-more, more-o.Failed, 0)
}

// WebSocket is the load of readers.
type WebSocket struct {
	sockets.Totals
	TicksPerSecond float64 `json:"ticksPerSecond"`
	// Missing are ticks that were stored and neither came nor were said to be skipped, over all
	// sessions. It is nil where others quote too, so that nobody knows how many must come.
	Missing *int64 `json:"missingTicks,omitempty"`

	Slow  *Slow          `json:"slow,omitempty"`
	Stuck *sockets.Stuck `json:"stuck,omitempty"`
}

// Slow are the readers that do not keep up.
type Slow struct {
	sockets.Totals
	BytesPerSecond int `json:"bytesPerSecond"`
	// Misjudged is by how many ticks what came and what gaps stand for differ from what a good
	// session saw, nil if there was nothing to compare.
	Misjudged *int64 `json:"misjudgedTicks,omitempty"`
}

// Counters are the engine's own, from /api/stats.
type Counters struct {
	Before *server.Stats `json:"before,omitempty"`
	After  *server.Stats `json:"after,omitempty"`
}

// Memory is what the engine held in memory.
type Memory struct {
	// Known says that something told it; Source says what.
	Known     bool   `json:"known"`
	Source    string `json:"source,omitempty"`
	PeakBytes int64  `json:"peakBytes,omitempty"`
	LastBytes int64  `json:"lastBytes,omitempty"`
}

// throttle returns the counts of stored and throttled quotes that the share is judged on.
func (r *Result) throttle() (stored, throttled int64) {
	before, after := r.Counters.Before, r.Counters.After
	counted := after != nil && after.Quotes != nil
	switch {
	case r.Quotes != nil && r.Quotes.Stored+r.Quotes.Throttled > 0:
		return r.Quotes.Stored, r.Quotes.Throttled
	case r.Quotes != nil && counted && before != nil && before.Quotes != nil:
		return after.Quotes.Stored - before.Quotes.Stored,
			after.Quotes.Throttled - before.Quotes.Throttled
	case counted:
		return after.Quotes.Stored, after.Quotes.Throttled
	}
	return 0, 0
}

// WriteJSON writes the result with a field on each line.
func (r *Result) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

package report

import (
	"encoding/json"
	"fmt"
	"testing"

	"tradingengine/bench/internal/gets"
	"tradingengine/bench/internal/latency"
	"tradingengine/bench/internal/quotes"
	"tradingengine/bench/internal/server"
	"tradingengine/bench/internal/sockets"
)

// stats returns counters of an engine.
func stats(stored, throttled int64) *server.Stats {
	text := fmt.Sprintf(`{"quotes":{"received":%d,"stored":%d,"throttled":%d,"rejected":0}}`,
		stored+throttled, stored, throttled)
	s := new(server.Stats)
	if err := json.Unmarshal([]byte(text), s); err != nil {
		panic(err)
	}
	return s
}

func posted(totals quotes.Totals) Result { return Result{Quotes: &Quotes{Totals: totals}} }

func endpoint(name string, p95 float64) Endpoint {
	return Endpoint{Name: name, Paced: true, Summary: latency.Summary{
		Count: 100, Latency: latency.Times{P95: p95},
	}}
}

// judged returns a check of what becomes of one target of a result.
func judged(t *testing.T) func(r Result, name string, want State) {
	t.Helper()
	return func(r Result, name string, want State) {
		t.Helper()
		r.Judge()
		for _, target := range r.Targets {
			if target.Name != name {
				continue
			}
			if target.State != want {
				t.Errorf("%s: got %+v, want %s", name, target, want)
			}
			if r.OK != (want != Missed) {
				t.Errorf("%s: %s, and the run is ok: %v", name, want, r.OK)
			}
			return
		}
		t.Errorf("%s is not judged", name)
	}
}

// Each limit is tested on both sides, by itself: a change in one number must show in one target.
func TestJudge(t *testing.T) {
	f := judged(t)
	one := func(name string, p95 float64) Result {
		return Result{Endpoints: []Endpoint{endpoint(name, p95)}}
	}
	f(one("GET /health", 49.9), "GET /health p95", Met)
	f(one("GET /health", 50), "GET /health p95", Missed)
	f(one("GET /api/config", 29.9), "GET /api/config p95", Met)
	f(one("GET /api/config", 30), "GET /api/config p95", Missed)
	f(one("GET /ticks?symbol=EURUSD", 59.9), "GET /ticks?symbol=EURUSD p95", Met)
	f(one("GET /ticks", 60), "GET /ticks p95", Missed)
	f(one("GET /ohlc", 69.9), "GET /ohlc p95", Met)
	f(one("GET /ohlc", 70), "GET /ohlc p95", Missed)
	f(one("GET /api/account/summary", 39.9), "GET /api/account/summary p95", Met)
	f(one("GET "+gets.AccountSummary, 40), "GET /api/account/summary p95", Missed)
	f(Result{Endpoints: []Endpoint{{Name: "GET /ohlc", Paced: true}}}, "GET /ohlc p95", NotMeasured)

	overall := func(p50, p95, p99 float64) Result {
		return Result{Overall: &latency.Summary{
			Count: 1, Latency: latency.Times{P50: p50, P95: p95, P99: p99},
		}}
	}
	f(overall(49, 99, 199), "overall p50", Met)
	f(overall(50, 50, 50), "overall p50", Missed)
	f(overall(1, 100, 100), "overall p95", Missed)
	f(overall(1, 1, 200), "overall p99", Missed)
	f(Result{Overall: &latency.Summary{}}, "overall p99", NotMeasured)

	counted := func(errors, unsent int64) Result {
		e := endpoint("GET /x", 1)
		e.Errors, e.Unsent = errors, unsent
		return Result{Endpoints: []Endpoint{e}}
	}
	f(counted(0, 0), "errors", Met)
	f(counted(1, 0), "errors", Missed)
	f(counted(0, 1), "due but never sent", Missed)
	broken := counted(0, 0)
	broken.Broken = 1
	f(broken, "errors", Missed)

	f(posted(quotes.Totals{Stored: 6000, Throttled: 4000}), "throttled", Met)
	f(posted(quotes.Totals{Stored: 4000, Throttled: 6000}), "throttled", Met)
	f(posted(quotes.Totals{Stored: 6001, Throttled: 4000}), "throttled", Missed)
	f(posted(quotes.Totals{Stored: 4000, Throttled: 6001}), "throttled", Missed)
	f(posted(quotes.Totals{Stored: 5000, Throttled: 4999}), "throttled", NotMeasured)
	f(posted(quotes.Totals{Remainder: 1}), "quotes answered, not accounted for", Missed)
	f(posted(quotes.Totals{}), "quotes answered, not accounted for", Met)
	accepted := posted(quotes.Totals{Sent: 20_000, Received: 20_000})
	accepted.Counters.Before, accepted.Counters.After = stats(0, 50_000), stats(10_000, 60_000)
	f(accepted, "throttled", Met)
	accepted.Counters.After = stats(1000, 60_000)
	f(accepted, "throttled", Missed)

	engine := Result{Counters: Counters{After: stats(10_000, 10_000)}}
	f(engine, "throttled", Met)
	f(engine, "quotes received = stored + throttled + rejected", Met)
	f(engine, "ticks stored = committed + pending + lost", NotMeasured)
	engine = Result{Counters: Counters{After: stats(10_000, 10_000)}}
	engine.Counters.After.Quotes.Received--
	f(engine, "quotes received = stored + throttled + rejected", Missed)

	f(Result{Memory: Memory{Known: true, PeakBytes: 999_999_999}}, "memory", Met)
	f(Result{Memory: Memory{Known: true, PeakBytes: 1_000_000_000}}, "memory", Missed)
	f(Result{}, "memory", NotMeasured)

	compared := func(ratio float64, errors ...string) Result {
		return Result{Comparisons: []gets.Comparison{{Path: "/a", Ratio: ratio, Errors: errors}}}
	}
	f(compared(0.8), "/a against a bare server", Met)
	f(compared(0.79), "/a against a bare server", Missed)
	f(compared(1, "x"), "/a errors", Missed)
}

func TestAcknowledgementsAreJudged(t *testing.T) {
	f := judged(t)
	f(posted(quotes.Totals{Sent: 9, Received: 10}), "quotes acknowledged, never sent", Missed)
	f(posted(quotes.Totals{Sent: 10, Received: 9}), "quotes acknowledged, never sent", Met)
	f(posted(quotes.Totals{}), "quotes acknowledged, not counted", NotMeasured)
	counts := posted(quotes.Totals{Sent: 20, Received: 20, Stored: 12, Throttled: 8})
	counts.Counters.Before = stats(100, 100)
	for _, c := range []struct {
		stored, throttled int64
		want              State
	}{{112, 108, Met}, {113, 109, Met}, {112, 107, Missed}, {111, 109, Missed}, {113, 107, Missed}} {
		counts.Counters.After = stats(c.stored, c.throttled)
		f(counts, "quotes acknowledged, not counted", c.want)
	}
}

func TestReadersAreJudged(t *testing.T) {
	f := judged(t)
	f(Result{WebSocket: &WebSocket{}}, "WebSocket failures", Met)
	f(Result{WebSocket: &WebSocket{Totals: sockets.Totals{Bad: 1}}}, "WebSocket failures", Missed)

	read := func(totals sockets.Totals) Result { return Result{WebSocket: &WebSocket{Totals: totals}} }
	f(read(sockets.Totals{Gaps: 1}), "gaps of good readers", Missed)
	f(read(sockets.Totals{Broken: 1}), "ticks that do not follow on the one before", Missed)
	slow := func(totals sockets.Totals, misjudged *int64) Result {
		return Result{WebSocket: &WebSocket{Slow: &Slow{Totals: totals, Misjudged: misjudged}}}
	}
	off := int64(1)
	behind := sockets.Totals{Gaps: 9, Skipped: 99, Disconnected: 1} // That is what they are for.
	f(slow(behind, new(int64)), "WebSocket failures", Met)
	f(slow(behind, new(int64)), "gaps of good readers", Met)
	f(slow(behind, new(int64)), "ticks skipped, not as told", Met)
	f(slow(behind, nil), "ticks skipped, not as told", NotMeasured)
	f(slow(behind, &off), "ticks skipped, not as told", Missed)
	f(slow(sockets.Totals{Broken: 1}, nil), "ticks that do not follow on the one before", Missed)
	f(slow(sockets.Totals{Bad: 1}, nil), "WebSocket failures", Missed)

	stuck := func(seconds, lived float64, open int64) Result {
		return Result{Seconds: seconds, WebSocket: &WebSocket{Stuck: &sockets.Stuck{
			Sessions: 5, Closed: 5 - open, LivedMax: lived,
		}}}
	}
	f(stuck(30, 11, 0), "stuck sessions left open", Met)
	f(stuck(30, 11, 0), "stuck sessions gone", Met)
	f(stuck(30, 11, 1), "stuck sessions left open", Missed)
	f(stuck(30, 12, 0), "stuck sessions gone", Missed)
	f(stuck(10, 0, 5), "stuck sessions left open", NotMeasured)
	f(stuck(10, 0, 5), "stuck sessions gone", NotMeasured)

	missing := func(n int64) Result { return Result{WebSocket: &WebSocket{Missing: &n}} }
	f(missing(0), "ticks stored, not delivered", Met)
	f(missing(1), "ticks stored, not delivered", Missed)
	f(missing(-1), "ticks stored, not delivered", Missed)
}

func TestPostsAreNotJudgedAsGets(t *testing.T) {
	slow := endpoint("POST /ticks", 1e6)
	flatOut := endpoint("GET /ohlc", 1e6)
	flatOut.Paced = false
	r := Result{Endpoints: []Endpoint{slow, flatOut}}
	r.Judge()
	if !r.OK {
		t.Errorf("got %+v, want neither judged by its latency", r.Targets)
	}
}

func TestLeastRate(t *testing.T) {
	r := Result{Quotes: &Quotes{PerSecond: 250_000}}
	r.Options.Quotes.RateMin = 250_000
	if r.Judge(); !r.OK {
		t.Errorf("got %+v, want the rate met", r.Targets)
	}
	r.Quotes.PerSecond--
	if r.Judge(); r.OK {
		t.Errorf("got %+v, want the rate missed", r.Targets)
	}
}

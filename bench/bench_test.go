package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tradingengine/bench/internal/report"
)

// outcome is what a run of the program left behind.
type outcome struct {
	code           int
	stdout, stderr string
	report         report.Result
}

// start runs the program against an engine, with JSON on standard output and the table on the
// other. The load is light; flags given again override it. Whether latency targets are met depends
// on how busy the machine is, so tests look at the targets they are about, and at the exit code of
// runs that are not judged by latency.
func start(t *testing.T, e *engine, args ...string) outcome {
	t.Helper()
	return startWith(t.Context(), t, e, args...)
}

func startWith(ctx context.Context, t *testing.T, e *engine, args ...string) outcome {
	t.Helper()
	return runBench(ctx, t, e.URL, args...)
}

// startOn is start for a server that is no stand-in.
func startOn(t *testing.T, address string, args ...string) outcome {
	t.Helper()
	return runBench(t.Context(), t, address, args...)
}

func runBench(ctx context.Context, t *testing.T, url string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args = append([]string{
		"-url", url, "-json", "-", "-quotes-rate", "2000", "-batch", "100", "-get-rate", "200",
	}, args...)
	o := outcome{code: bench(ctx, args, &stdout, &stderr)}
	o.stdout, o.stderr = stdout.String(), stderr.String()
	if o.stdout != "" {
		if err := json.Unmarshal(stdout.Bytes(), &o.report); err != nil {
			t.Fatalf("standard output is no JSON: %v\n%s", err, o.stdout)
		}
		if (o.code == exitOK) != o.report.OK {
			t.Errorf("exit code %d, and the report says ok: %v", o.code, o.report.OK)
		}
	}
	return o
}

func (o *outcome) target(t *testing.T, name string) report.Target {
	t.Helper()
	for _, target := range o.report.Targets {
		if target.Name == name {
			return target
		}
	}
	t.Fatalf("no target %q in %+v", name, o.report.Targets)
	return report.Target{}
}

func (o *outcome) wantState(t *testing.T, name string, want report.State) {
	t.Helper()
	if got := o.target(t, name); got.State != want {
		t.Errorf("%s: got %+v, want %s", name, got, want)
	}
}

func (o *outcome) wantNote(t *testing.T, text string) {
	t.Helper()
	if !strings.Contains(strings.Join(o.report.Notes, "\n"), text) {
		t.Errorf("got notes %q, want one with %q", o.report.Notes, text)
	}
	if !strings.Contains(o.stderr, text) {
		t.Errorf("the table does not say %q", text)
	}
}

func TestAllLoadsAtOnce(t *testing.T) {
	e := newEngine(t)
	e.accounts = true
	e.readers = 3
	o := start(t, e, "-duration", "1200ms", "-quotes-rate", "10000", "-get-conns", "8",
		"-ws", "3")
	q := o.report.Quotes
	if q == nil || q.Sent != 12_000 || q.Received != 12_000 || q.Remainder != 0 {
		t.Fatalf("got %+v, want 12000 quotes\n%s", q, o.stderr)
	}
	share := float64(q.Throttled) / float64(q.Stored+q.Throttled)
	if got := o.target(t, "throttled"); got.State != report.Met || got.Got != 100*share ||
		share < 0.4 || share > 0.6 {
		t.Errorf("got %+v, want the share %v", got, share)
	}
	ws := o.report.WebSocket
	if ws == nil || ws.Sessions != 3 || ws.Ticks != 3*q.Stored || ws.Failures() != 0 {
		t.Errorf("got %+v, want %d ticks in each of 3 sessions", ws, q.Stored)
	}
	var names []string
	var gets int64
	for _, endpoint := range o.report.Endpoints {
		names = append(names, endpoint.Name)
		if strings.HasPrefix(endpoint.Name, "GET ") {
			gets += endpoint.Count
		}
		if !endpoint.Paced || endpoint.Latency.Max <= 0 || endpoint.Latency.Max < endpoint.Latency.P50 {
			t.Errorf("got %+v", endpoint)
		}
	}
	want := "GET /health,GET /api/config,GET /api/symbols,GET /api/quotes,GET /api/stats,GET /ticks," +
		"GET /ohlc,GET /api/account/summary,POST /ticks"
	if strings.Join(names, ",") != want || gets != 240 {
		t.Errorf("got %d GETs of %s", gets, names)
	}
	if o.report.Overall == nil || o.report.Overall.Count != gets+120 {
		t.Errorf("got %+v, want all %d requests together", o.report.Overall, gets+120)
	}
	o.wantState(t, "memory", report.Met)
	if m := o.report.Memory; m.PeakBytes != 50<<20 || m.Source != "/api/stats" {
		t.Errorf("got %+v", m)
	}
	for _, name := range []string{
		"errors", "due but never sent", "WebSocket failures", "ticks stored, not delivered",
		"quotes answered, not accounted for",
		"quotes received = stored + throttled + rejected", "ticks stored = committed + pending + lost",
		"gaps of good readers", "ticks that do not follow on the one before",
		"quotes acknowledged, never sent", "quotes acknowledged, not counted",
	} {
		o.wantState(t, name, report.Met)
	}
	for _, text := range []string{
		"    1s  quotes ", "GET /ohlc", "p95 < 70", "POST /ticks",
		"= stored", "  sent ", "= committed", "prev chain whole", "From when the quote was due",
	} {
		if !strings.Contains(o.stderr, text) {
			t.Errorf("%q is not in the progress and table:\n%s", text, o.stderr)
		}
	}
}

// Slow and stuck readers are reported, and what a slow one is told is judged. Seen to fail where
// both kinds of readers were given one count.
func TestSlowAndStuckReaders(t *testing.T) {
	f := func(gapOf int64, want report.State) {
		t.Helper()
		e := newEngine(t)
		e.readers = 3
		e.gapOf = gapOf // To all sessions: the good one misses the same, and sees no tick there.
		o := start(t, e, "-duration", "300ms", "-get-rate", "0", "-ws", "1", "-ws-slow", "2",
			"-ws-slow-rate", "100000000", "-ws-stuck", "3")
		ws := o.report.WebSocket
		if ws == nil || ws.Slow == nil || ws.Slow.Sessions != 2 || ws.Stuck == nil ||
			ws.Stuck.Sessions != 3 || ws.Stuck.Closed != 0 || ws.Sessions != 1 {
			t.Fatalf("got %+v", ws)
		}
		o.wantState(t, "ticks skipped, not as told", want)
		for _, text := range []string{"Slow:      2 sessions of 100,000,000 bytes/s", "Stuck:     3 sessions"} {
			if !strings.Contains(o.stderr, text) {
				t.Errorf("%q is not in the table:\n%s", text, o.stderr)
			}
		}
	}
	f(0, report.Met)
	f(7, report.Missed)
}

// Programs read the JSON: its names are a contract.
func TestJSONShape(t *testing.T) {
	o := start(t, newEngine(t), "-duration", "100ms", "-ws", "1")
	var shape map[string]any
	if err := json.Unmarshal([]byte(o.stdout), &shape); err != nil {
		t.Fatal(err)
	}
	f := func(path string) {
		t.Helper()
		var at any = shape
		for _, key := range strings.Split(path, ".") {
			if list, ok := at.([]any); ok {
				at = list[0]
			}
			fields, ok := at.(map[string]any)
			if !ok || fields[key] == nil {
				t.Errorf("%s: nothing at %q", path, key)
				return
			}
			at = fields[key]
		}
	}
	for _, path := range strings.Fields("started seconds ok notes problems machine.go machine.cores " +
		"engine.url engine.version engine.feed engine.simulated engine.symbols options.seed " +
		"options.quotes.rate options.quotes.format options.quotes.ack options.gets.connections " +
		"endpoints.name endpoints.perSecond endpoints.paced endpoints.count endpoints.errors " +
		"endpoints.unsent endpoints.latencyMs.p50 endpoints.latencyMs.p95 endpoints.latencyMs.p99 " +
		"endpoints.latencyMs.p999 endpoints.latencyMs.max endpoints.latencyMs.mean " +
		"endpoints.serviceMs.p99 endpoints.timerLateMs.p99 overall.latencyMs.p99 quotes.sent " +
		"quotes.received quotes.stored quotes.throttled quotes.rejected quotes.remainder " +
		"quotes.busyRequests quotes.failedRequests quotes.perSecond webSocket.ticks " +
		"webSocket.ticksPerSecond webSocket.ageMs.p99 counters.before counters.after.quotes.received " +
		"memory.known memory.peakBytes targets.name targets.want targets.got targets.unit " +
		"targets.state") {
		f(path)
	}
}

func TestSimulatorIsOnlyRead(t *testing.T) {
	e := newEngine(t)
	e.config = `{"feed":"simulator","simulated":true}`
	o := start(t, e, "-duration", "100ms", "-write")
	if e.postCount() != 0 || o.report.Quotes != nil {
		t.Errorf("posted %d times into a simulated market", e.postCount())
	}
	o.wantNote(t, "no quotes are posted: the engine runs its simulator")
	if o.report.Overall.Count == 0 || o.report.WebSocket == nil {
		t.Errorf("want GETs and readers all the same:\n%s", o.stderr)
	}
	o.wantState(t, "throttled", report.NotMeasured)
}

func TestMarketWithPricesIsOnlyWrittenOnRequest(t *testing.T) {
	e := newEngine(t)
	e.live["NZDUSD"] = `,"bid":0.61000,"ask":0.61002`
	o := start(t, e, "-duration", "100ms")
	if e.postCount() != 0 {
		t.Errorf("posted %d times into a market with prices", e.postCount())
	}
	o.wantNote(t, "no quotes are posted: the market is not empty")
	if o = start(t, e, "-duration", "100ms", "-write"); e.postCount() == 0 || o.report.Quotes == nil {
		t.Errorf("-write did not post:\n%s", o.stderr)
	}
}

// A market that nobody posts to is judged by its own counters, once they say enough.
func TestThrottleShareOfARunningMarket(t *testing.T) {
	f := func(stored, throttled int64, want report.State, share float64) {
		t.Helper()
		e := newEngine(t)
		e.config = `{"feed":"simulator"}`
		e.counts.received, e.counts.stored, e.counts.throttled = stored+throttled, stored, throttled
		o := start(t, e, "-duration", "50ms", "-ws", "0")
		if got := o.target(t, "throttled"); got.State != want || got.Got != share {
			t.Errorf("%d and %d: got %+v, want %s at %v", stored, throttled, got, want, share)
		}
	}
	f(5000, 4999, report.NotMeasured, 0)
	f(5000, 5000, report.Met, 50)
	f(6000, 4000, report.Met, 40)
	f(6100, 3900, report.Missed, 39)
	f(3900, 6100, report.Missed, 61)
}

func TestMissedTargetsExitWithOne(t *testing.T) {
	t.Parallel() // Some runs wait until nothing more can come.
	f := func(name string, target string, spoil func(*engine), args ...string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine(t)
			e.readers = 1
			spoil(e)
			args = append([]string{"-duration", "200ms", "-ws", "1", "-get-conns", "4"}, args...)
			o := start(t, e, args...)
			if o.code != exitMissed || o.report.OK {
				t.Errorf("got exit code %d", o.code)
			}
			o.wantState(t, target, report.Missed)
			if !strings.Contains(o.stderr, "missed") {
				t.Errorf("the table does not say so:\n%s", o.stderr)
			}
		})
	}
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	f("an endpoint fails", "errors", func(e *engine) {
		e.answers["/health"] = answer(503, "disk full")
	})
	f("a broken body", "errors", func(e *engine) { e.answers["/ohlc"] = answer(200, "[\n{\n") })
	f("a slow endpoint", "GET /ohlc p95", func(e *engine) {
		e.answers["/ohlc"] = func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(80 * time.Millisecond)
			fmt.Fprint(w, "[]\n")
		}
	}, "-path", "/ohlc")
	f("all is throttled", "throttled", func(e *engine) { e.throttleAll = true },
		"-count", "10500", "-quotes-rate", "max", "-duration", "1m", "-get-rate", "0")
	f("too much memory", "memory", func(e *engine) { e.memory = 1_000_000_000 })
	f("too few quotes", "quotes taken", func(*engine) {}, "-quotes-min", "1e9")
	f("the answer does not add up", "quotes answered, not accounted for", func(e *engine) {
		e.answers["/ticks"] = answer(200, `{"received":500,"stored":1,"committed":true}`)
	})
	f("the counters do not add up", "quotes received = stored + throttled + rejected",
		func(e *engine) { e.counts.received = 7 })
	f("more is acknowledged than was sent", "quotes acknowledged, never sent", func(e *engine) {
		e.answers["/ticks"] = answer(200,
			`{"received":501,"stored":250,"throttled":251,"rejected":0,"committed":true}`)
	})
	f("what is acknowledged is not counted", "quotes acknowledged, not counted", func(e *engine) {
		e.answers["/ticks"] = answer(200,
			`{"received":100,"stored":50,"throttled":50,"rejected":0,"committed":true}`)
	})
	f("a tick does not follow on the one before", "ticks that do not follow on the one before",
		func(e *engine) { e.breakChain = 1 })
	f("a good reader gets a gap", "gaps of good readers", func(e *engine) { e.gapOf = 1 })
	f("a tick is not delivered", "ticks stored, not delivered", func(e *engine) { e.forget = 1 })
	f("a reader is thrown out", "WebSocket failures", func(e *engine) {
		e.readers = 0
		e.answers["/ws"] = func(w http.ResponseWriter, r *http.Request) {
			hijacked := httpUpgrade(w, r)
			_ = hijacked.Close()
		}
	})
}

// A stall of the whole engine must show in the percentiles of what was due meanwhile.
func TestStallShowsInTheReport(t *testing.T) {
	e := newEngine(t)
	var requests atomic.Int64
	e.answers["/ohlc"] = func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) == 50 {
			time.Sleep(500 * time.Millisecond)
		}
		fmt.Fprint(w, "[]\n")
	}
	o := start(t, e, "-duration", "2s", "-quotes-rate", "0", "-ws", "0", "-get-rate", "200",
		"-get-conns", "1", "-path", "/ohlc")
	got := o.report.Endpoints[0]
	if got.Count != 400 || got.Latency.P95 < 200 {
		t.Errorf("got %+v, want p95 over 200 ms: a quarter of all requests was due in the stall", got)
	}
	if got.Service.P95 > got.Latency.P95/2 {
		t.Errorf("got %+v: measured from the sending, one request of 400 was slow", got)
	}
	o.wantState(t, "GET /ohlc p95", report.Missed)
}

func TestFlatOutIsNotJudgedByLatency(t *testing.T) {
	e := newEngine(t)
	o := start(t, e, "-count", "3000", "-duration", "1m", "-quotes-rate", "max", "-get-rate", "max",
		"-get-conns", "2", "-ws", "0", "-path", "/ohlc")
	if o.code != exitOK || o.report.Quotes.Sent != 3000 || o.report.Endpoints[0].Count != 3000 {
		t.Errorf("got exit code %d, %+v:\n%s", o.code, o.report.Quotes, o.stderr)
	}
	for _, target := range o.report.Targets {
		if strings.Contains(target.Name, "p95") {
			t.Errorf("flat out, %s is judged", target.Name)
		}
	}
	if o.report.Overall != nil || o.report.Endpoints[0].PerSecond <= 0 {
		t.Errorf("got %+v, %+v", o.report.Overall, o.report.Endpoints[0])
	}
}

// After ack=accept only the engine's counters know what was throttled.
func TestAcceptedQuotesAreJudgedByTheCounters(t *testing.T) {
	e := newEngine(t)
	e.counts.received, e.counts.throttled = 1_000_000, 1_000_000
	o := start(t, e, "-count", "20000", "-quotes-rate", "max", "-ack", "accept", "-get-rate", "0",
		"-ws", "0")
	got := o.target(t, "throttled")
	if o.code != exitOK || got.State != report.Met {
		t.Errorf("got exit code %d, %+v; what was throttled before the run must not count", o.code, got)
	}
}

func TestComparison(t *testing.T) {
	e, bare := newEngine(t), newEngine(t)
	// A bare server that takes longer, so that the ratio is not left to chance.
	bare.answers["/ohlc"] = func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(5 * time.Millisecond)
		fmt.Fprint(w, "[]\n")
	}
	args := []string{
		"-path", "/ohlc", "-duration", "400ms", "-rounds", "2", "-get-conns", "1",
		"-quotes-rate", "0", "-get-rate", "max",
	}
	o := start(t, e, append(args, "-compare", bare.URL)...)
	if o.code != exitOK || len(o.report.Comparisons) != 1 || o.report.Comparisons[0].Ratio < 1 {
		t.Errorf("got exit code %d, %+v:\n%s", o.code, o.report.Comparisons, o.stderr)
	}
	if e.postCount() != 0 {
		t.Error("a comparison posted quotes")
	}
	o = start(t, bare, append(args, "-compare", e.URL)...)
	if o.code != exitMissed {
		t.Errorf("the slow one against the fast: got exit code %d", o.code)
	}
	o.wantState(t, "/ohlc against a bare server", report.Missed)
}

func TestUsageAndFailures(t *testing.T) {
	f := func(want int, message string, args ...string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		got := bench(t.Context(), args, &stdout, &stderr)
		if got != want || !strings.Contains(stdout.String()+stderr.String(), message) {
			t.Errorf("%q: got %d, %s%s; want %d, %q",
				args, got, stdout.String(), stderr.String(), want, message)
		}
	}
	e := newEngine(t)
	f(exitOK, "go run ./bench [flags]", "-h")
	f(exitUsage, "did you mean -quotes-rate?", "-quote-rate", "5")
	f(exitUsage, `no such symbol: "EURUSX"`, "-url", e.URL, "-symbols", "EURUSX")
	f(exitMissed, "connect to 127.0.0.1:1", "-url", "127.0.0.1:1")
	f(exitMissed, "no such file", "-url", e.URL, "-duration", "20ms",
		"-json", filepath.Join(t.TempDir(), "none", "x.json"))
	e.config = `{"feed":"simulator"}`
	f(exitMissed, "nothing is left to do", "-url", e.URL, "-get-rate", "0", "-ws", "0")
}

func TestJSONToAFile(t *testing.T) {
	e := newEngine(t)
	path := filepath.Join(t.TempDir(), "report.json")
	var stdout, stderr bytes.Buffer
	bench(t.Context(), []string{
		"-url", e.URL, "-duration", "50ms", "-ws", "0", "-quiet", "-json", path,
	}, &stdout, &stderr)
	text, err := os.ReadFile(path)
	if err != nil || !json.Valid(text) {
		t.Errorf("got %v: %s", err, text)
	}
	if !strings.Contains(stdout.String(), "overall") || stderr.Len() != 0 {
		t.Errorf("got table %q and on the other side %q", stdout.String(), stderr.String())
	}
}

func TestInterruptReportsWhatWasMeasured(t *testing.T) {
	e := newEngine(t)
	ctx, stop := context.WithCancel(t.Context())
	var requests atomic.Int64
	e.answers["/ohlc"] = func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) == 20 {
			stop()
		}
		fmt.Fprint(w, "[]\n")
	}
	o := startWith(ctx, t, e, "-duration", "10m")
	if o.report.Endpoints == nil || o.report.Seconds > 60 {
		t.Fatalf("got exit code %d after %.0f s", o.code, o.report.Seconds)
	}
	o.wantNote(t, "interrupted")
}

func TestMemoryOfAProcess(t *testing.T) {
	e := newEngine(t)
	e.memory = 0
	o := start(t, e, "-duration", "50ms", "-ws", "0")
	o.wantState(t, "memory", report.NotMeasured)
	o.wantNote(t, "memory is not measured")
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("there is no /proc here")
	}
	o = start(t, e, "-duration", "50ms", "-ws", "0", "-pid", fmt.Sprint(os.Getpid()))
	o.wantState(t, "memory", report.Met)
	if m := o.report.Memory; m.Source != "process" || m.PeakBytes < 1<<20 {
		t.Errorf("got %+v", m)
	}
}

package gets

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tradingengine/bench/internal/latency"
	"tradingengine/bench/internal/memnet"
	"tradingengine/bench/internal/server"
	"tradingengine/bench/internal/wire"
)

var instruments = []server.Instrument{{Symbol: "EURUSD"}, {Symbol: "BTCUSD"}, {Symbol: "XRPUSD"}}

func answer(w http.ResponseWriter, r *http.Request) {
	body := "[\n{}\n]\n"
	if r.URL.Path == "/health" {
		body = "OK"
	}
	fmt.Fprint(w, body)
}

// inBubble runs a load against a handler on fake time.
func inBubble(t *testing.T, handler http.HandlerFunc, opts LoadOptions, check func(*Load)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		s := &http.Server{Handler: handler}
		var serving sync.WaitGroup
		serving.Go(func() { _ = s.Serve(network) })
		opts.Wire = wire.Options{Address: "engine", Timeout: time.Minute, Dial: network.Dial}
		l := NewLoad(opts)
		if err := l.Run(t.Context(), time.Now()); err != nil {
			t.Error(err)
		}
		check(l)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
}

// The engine stops for half a second. Every request that was due then must be charged with its
// wait. The service times are what a generator would report that measures from the sending: with
// two connections it would have seen two slow requests of a thousand and called p99 perfect.
func TestStallIsChargedToAllThatWasDue(t *testing.T) {
	var stall atomic.Bool
	var resume atomic.Pointer[time.Time]
	var requests atomic.Int64
	handler := func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 300 {
			at := time.Now().Add(500 * time.Millisecond)
			resume.Store(&at)
			stall.Store(true)
		}
		if stall.Load() {
			time.Sleep(time.Until(*resume.Load()))
		}
		answer(w, r)
	}
	opts := LoadOptions{
		Endpoints: Chosen([]string{"/health"}), Connections: 2, Rate: 200,
		Duration: 5 * time.Second, Grace: time.Minute,
	}
	inBubble(t, handler, opts, func(l *Load) {
		got := latency.Summarize(l.opts.Endpoints[0].recorder)
		if got.Count != 1000 || got.Errors != 0 || got.Unsent != 0 {
			t.Fatalf("got %+v, want 1000 good requests", got)
		}
		// 100 of 1,000 requests were due in the stall, their waits spread over 0 to 500 ms.
		f := func(name string, got, want float64) {
			t.Helper()
			if got < want-10 || got > want+10 {
				t.Errorf("%s: got %v ms, want about %v ms", name, got, want)
			}
		}
		f("p50", got.Latency.P50, 0)
		f("p95", got.Latency.P95, 250)
		f("p99", got.Latency.P99, 450)
		f("max", got.Latency.Max, 500)
		f("service p99", got.Service.P99, 0)
		f("service max", got.Service.Max, 500)
	})
}

func TestMixAsksForEverything(t *testing.T) {
	var mu sync.Mutex
	seen := make(map[string]int)
	handler := func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.URL.String()]++
		answer(w, r)
	}
	opts := LoadOptions{
		Endpoints: Mix(instruments, true), Connections: 54, Rate: 2000, Duration: 3 * time.Second,
		Grace: time.Second, Seed: 1,
	}
	inBubble(t, handler, opts, func(l *Load) {
		var count int64
		for _, e := range l.opts.Endpoints {
			sum := latency.Summarize(e.recorder)
			count += sum.Count
			if sum.Errors != 0 || sum.Latency.Max != 0 {
				t.Errorf("%s: got %+v", e.Name, sum)
			}
			if want := 6000 * int64(e.weight) / 13; sum.Count < want*8/10 || sum.Count > want*12/10 {
				t.Errorf("%s: asked for %d times, want about %d", e.Name, sum.Count, want)
			}
			for _, path := range e.Paths {
				if n, want := seen[path], sum.Count/int64(len(e.Paths)); int64(n) < want*7/10 {
					t.Errorf("%s: asked for %d times, want about %d", path, n, want)
				}
			}
		}
		if count != 6000 || l.Bytes() == 0 {
			t.Errorf("got %d requests and %d bytes, want 6000", count, l.Bytes())
		}
	})
	if seen["/ohlc?symbol=BTCUSD&timeframe=1m&limit=500"] == 0 || seen[AccountSummary] == 0 {
		t.Errorf("got %v", seen)
	}
}

func TestMixWithoutAccounts(t *testing.T) {
	for _, e := range Mix(instruments, false) {
		if e.Name == AccountSummary {
			t.Error("the summary of accounts is asked for though there are none")
		}
	}
}

func TestSeedDecidesTheOrder(t *testing.T) {
	order := func(seed uint64) string {
		var paths []string
		handler := func(w http.ResponseWriter, r *http.Request) {
			paths = append(paths, r.URL.String())
			answer(w, r)
		}
		opts := LoadOptions{Endpoints: Mix(instruments, true), Connections: 1, Rate: 100, Seed: seed}
		opts.Count = 50
		inBubble(t, handler, opts, func(*Load) {})
		return strings.Join(paths, " ")
	}
	first := order(1)
	if again := order(1); again != first {
		t.Errorf("the same seed asked in another order: %s, then %s", first, again)
	}
	if order(2) == first {
		t.Error("another seed asked in the same order")
	}
}

func TestWrongAnswersAreErrors(t *testing.T) {
	f := func(path string, status int, body, want string) {
		t.Helper()
		var e *Endpoint
		for _, candidate := range Mix(instruments, true) {
			if candidate.Name == path {
				e = candidate
			}
		}
		if err := e.examine(status, []byte(body)); (err == nil) != (want == "") ||
			err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s %d %q: got %v, want %q", path, status, body, err, want)
		}
	}
	f("/health", 200, "OK", "")
	f("/health", 200, "OK\n", `"OK", want "OK"`)
	f("/health", 503, "disk full", "status 503: disk full")
	f("/ohlc", 200, "[\n{\"time\":1}\n]\n", "")
	f("/ohlc", 200, "[]\n", "")
	f("/ohlc", 200, "[\n{\"time\":1},\n", "no whole JSON")
	f("/ohlc", 200, "", "no whole JSON")
	f("/ohlc", 404, `{"code":"UNKNOWN_SYMBOL"}`, "UNKNOWN_SYMBOL")
	f("/api/config", 200, `{"a":}`, "broken JSON")
	f("/api/config", 200, `[}`, "no whole JSON")
}

func TestFailuresAreCountedAndShown(t *testing.T) {
	var requests atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1)%10 == 0 {
			w.WriteHeader(http.StatusInternalServerError)
		}
		answer(w, r)
	}))
	defer s.Close()
	l := NewLoad(LoadOptions{
		Wire: wire.Options{Address: s.Listener.Addr().String()}, Endpoints: Chosen([]string{"/x"}),
		Connections: 4, Count: 1000,
	})
	if err := l.Open(); err != nil {
		t.Fatal(err)
	}
	if err := l.Run(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if got := latency.Summarize(l.opts.Endpoints[0].recorder); got.Count != 1000 || got.Errors != 100 {
		t.Errorf("got %d errors of %d, want 100 of 1000", got.Errors, got.Count)
	}
	if got := l.Errors(); len(got) != samplesMax || !strings.Contains(got[0], "GET /x: status 500") {
		t.Errorf("got %q", got)
	}
}

func TestExamineNamesEveryProblem(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/q") || r.URL.Path == "/ohlc" {
			w.WriteHeader(http.StatusNotFound)
		}
		answer(w, r)
	}))
	defer s.Close()
	l := NewLoad(LoadOptions{
		Wire:      wire.Options{Address: s.Listener.Addr().String()},
		Endpoints: Mix(instruments, false),
	})
	err := l.Examine()
	if err == nil || strings.Count(err.Error(), "\n") != 1 ||
		!strings.Contains(err.Error(), "/api/quotes") || !strings.Contains(err.Error(), "/ohlc") {
		t.Errorf("got %v, want the two problems", err)
	}
}

func TestCompare(t *testing.T) {
	serve := func(body string) wire.Options {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, body)
		}))
		t.Cleanup(s.Close)
		return wire.Options{Address: s.Listener.Addr().String()}
	}
	var rounds int
	got, err := Compare(t.Context(), CompareOptions{
		Engine: serve("1234567890"), Bare: serve("12345"), Paths: []string{"/a", "/b"},
		Connections: 2, Rounds: 3, Slice: 20 * time.Millisecond,
	}, func(Comparison) { rounds++ })
	if err != nil || len(got) != 2 || rounds != 6 {
		t.Fatalf("got %d comparisons in %d rounds, %v", len(got), rounds, err)
	}
	for _, c := range got {
		if len(c.EngineRates) != 3 || len(c.BareRates) != 3 || len(c.Errors) != 0 {
			t.Errorf("got %+v, want three rounds of each", c)
		}
		if c.EngineBytes != 10 || c.BareBytes != 5 {
			t.Errorf("got %+v", c)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Compare(ctx, CompareOptions{Paths: []string{"/"}, Rounds: 1}, func(Comparison) {})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: got %v", err)
	}
}

// One round in which the box was busy for one of the servers must not decide.
func TestRatioIsOfTheRounds(t *testing.T) {
	c := Comparison{EngineRates: []float64{900, 100, 450}, BareRates: []float64{1000, 1000, 500}}
	c.sum()
	if c.Ratio != 0.9 || c.EngineRate != 450 || c.BareRate != 1000 {
		t.Errorf("got %+v, want a ratio of 0.9 and the medians 450 and 1000", c)
	}
}

func TestMedian(t *testing.T) {
	f := func(want float64, values ...float64) {
		t.Helper()
		if got := median(values); got != want {
			t.Errorf("%v: got %v, want %v", values, got, want)
		}
	}
	f(0)
	f(3, 3)
	f(2, 3, 1, 2)
	f(2.5, 4, 1, 3, 2)
}

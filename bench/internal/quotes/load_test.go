package quotes

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
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
	"tradingengine/bench/internal/wire"
)

// run posts to a handler over TCP and returns the load when it has ended.
func run(t *testing.T, handler http.HandlerFunc, opts LoadOptions) *Load {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	opts.Wire = wire.Options{Address: server.Listener.Addr().String(), Timeout: 5 * time.Second}
	opts.Writer.Instruments = instruments
	l := NewLoad(opts)
	if err := l.Open(); err != nil {
		t.Fatal(err)
	}
	if err := l.Run(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	return l
}

func answerf(w http.ResponseWriter, status int, format string, args ...any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, format, args...)
}

// Every symbol must come from one connection and in order, or a numbered feed is refused.
func TestSymbolsStayInOrder(t *testing.T) {
	var mu sync.Mutex
	owner := make(map[string]string)
	last := make(map[string]uint64)
	var batches []int
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/ticks?ack=commit" ||
			r.Header.Get("Content-Type") != "application/x-ndjson" {
			t.Errorf("got %s of %s", r.URL, r.Header.Get("Content-Type"))
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		list := readBody(t, NDJSON, body)
		mu.Lock()
		defer mu.Unlock()
		batches = append(batches, len(list))
		for _, q := range list {
			if sender, known := owner[q.Symbol]; known && sender != r.RemoteAddr {
				t.Errorf("%s came from %s and %s", q.Symbol, sender, r.RemoteAddr)
			}
			owner[q.Symbol] = r.RemoteAddr
			if q.Seq != last[q.Symbol]+1 {
				t.Errorf("%s: number %d after %d", q.Symbol, q.Seq, last[q.Symbol])
			}
			last[q.Symbol] = q.Seq
		}
		answerf(w, 200, `{"received":%d,"stored":%d,"throttled":%d,"rejected":0,"committed":true}`,
			len(list), len(list)/2, len(list)-len(list)/2)
	}
	l := run(t, handler, LoadOptions{
		Writer: WriterOptions{FirstSequence: 1}, Connections: 3, Batch: 100, Count: 1001,
	})
	if len(owner) != len(instruments) || l.Connections() != 3 {
		t.Errorf("got %d symbols over %d connections", len(owner), l.Connections())
	}
	got := l.Totals()
	if got.Sent != 1001 || got.Received != 1001 || got.Remainder != 0 || got.Failed != 0 {
		t.Errorf("got %+v, want 1001 quotes and nothing wrong", got)
	}
	if requests := latency.Summarize(l.Recorder()); int(requests.Count) != len(batches) {
		t.Errorf("recorded %d requests, the server saw %d", requests.Count, len(batches))
	}
}

func TestAnswersAreAddedUp(t *testing.T) {
	const problem = `{"type":"about:blank","status":%d,"code":"%s"%s}`
	f := func(name string, ack Ack, status int, body string, want Totals) {
		t.Helper()
		handler := func(w http.ResponseWriter, _ *http.Request) { answerf(w, status, "%s", body) }
		l := run(t, handler, LoadOptions{Ack: ack, Connections: 1, Batch: 10, Count: 10})
		got := l.Totals()
		if len(got.Errors) != int(want.Failed) {
			t.Errorf("%s: got errors %q, want %d", name, got.Errors, want.Failed)
		}
		if errors := latency.Summarize(l.Recorder()).Errors; errors != want.Failed {
			t.Errorf("%s: recorded %d errors, want %d", name, errors, want.Failed)
		}
		want.Sent, want.Errors, want.Rejections = 10, got.Errors, got.Rejections
		a, b := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want)
		if a != b {
			t.Errorf("%s:\n got %s\nwant %s", name, a, b)
		}
	}
	f("good", Commit, 200,
		`{"received":10,"stored":4,"throttled":5,"rejected":1,"committed":true,"errors":[]}`,
		Totals{Received: 10, Stored: 4, Throttled: 5, Rejected: 1})
	f("accepted", Accept, 202, `{"received":10,"rejected":2,"committed":false}`,
		Totals{Received: 10, Rejected: 2})
	f("does not add up", Commit, 200,
		`{"received":10,"stored":4,"throttled":5,"rejected":0,"committed":true}`,
		Totals{Received: 10, Stored: 4, Throttled: 5, Remainder: 1})
	f("forgets one", Commit, 200,
		`{"received":9,"stored":5,"throttled":5,"rejected":0,"committed":true}`,
		Totals{Received: 9, Stored: 5, Throttled: 5, Remainder: 2})
	f("no commit", Commit, 200,
		`{"received":10,"stored":5,"throttled":5,"rejected":0,"committed":false}`,
		Totals{Received: 10, Stored: 5, Throttled: 5, Uncommitted: 1, Failed: 1})
	f("wrong status", Commit, 202, `{"received":10}`, Totals{Failed: 1})
	f("no JSON", Commit, 200, `<html>`, Totals{Failed: 1})
	f("busy", Commit, 503, fmt.Sprintf(problem, 503, "QUEUE_FULL", ""),
		Totals{Failed: 1, Busy: 1})
	f("lost", Commit, 503, fmt.Sprintf(problem, 503, "STORAGE_LOST", `,"lost":3`),
		Totals{Failed: 1, Busy: 1, Lost: 3})
	f("refused", Commit, 400, fmt.Sprintf(problem, 400, "BAD_BODY", ""), Totals{Failed: 1})
}

func TestRejectionsAreShown(t *testing.T) {
	handler := func(w http.ResponseWriter, _ *http.Request) {
		answerf(w, 200, `{"received":1,"rejected":1,"committed":true,
			"errors":[{"line":1,"code":"LATE","detail":"2 s behind"}]}`)
	}
	l := run(t, handler, LoadOptions{Connections: 2, Batch: 1, Count: 20})
	got := l.Totals().Rejections
	if len(got) != samplesMax || got[0] != "LATE: 2 s behind" {
		t.Errorf("got %q, want %d samples", got, samplesMax)
	}
}

// 409 means that the engine takes no quotes at all: one refusal a connection is enough.
func TestRefusalEndsTheLoad(t *testing.T) {
	var requests atomic.Int64
	handler := func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		answerf(w, 409, `{"code":"FEED_SIMULATED"}`)
	}
	l := run(t, handler, LoadOptions{Connections: 2, Batch: 10, Duration: time.Minute})
	if n := requests.Load(); n < 1 || n > 4 {
		t.Errorf("sent %d requests after the refusal", n)
	}
	if got := l.Totals(); len(got.Errors) == 0 || !strings.Contains(got.Errors[0], "FEED_SIMULATED") {
		t.Errorf("got %q, want the refusal", got.Errors)
	}
}

// inBubble runs a load against a handler on fake time.
func inBubble(t *testing.T, handler http.HandlerFunc, opts LoadOptions, check func(*Load)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		server := &http.Server{Handler: handler}
		var serving sync.WaitGroup
		serving.Go(func() { _ = server.Serve(network) })
		opts.Wire = wire.Options{Address: "engine", Timeout: time.Minute, Dial: network.Dial}
		opts.Writer.Instruments = instruments
		l := NewLoad(opts)
		if err := l.Run(t.Context(), time.Now()); err != nil {
			t.Error(err)
		}
		check(l)
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
}

func takeAll(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	n := strings.Count(string(body), "\n")
	reply, _ := json.Marshal(map[string]any{"received": n, "stored": n, "committed": true})
	_, _ = w.Write(reply)
}

// A flat-out sender honours Retry-After; with it the load of ten seconds is ten refusals.
func TestBusyEngineIsGivenItsPause(t *testing.T) {
	handler := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		answerf(w, 503, `{"code":"QUEUE_FULL"}`)
	}
	opts := LoadOptions{Connections: 1, Batch: 10, Duration: 9500 * time.Millisecond}
	inBubble(t, handler, opts, func(l *Load) {
		if got := l.Totals(); got.Busy != 10 || got.Failed != 10 {
			t.Errorf("got %d refusals of %d, want 10", got.Busy, got.Failed)
		}
	})
}

// The engine stops for a second. The sender must charge it for every batch that was due then,
// though only one was in flight; the service times show what measuring from the sending would say.
func TestStallIsCharged(t *testing.T) {
	var requests atomic.Int64
	handler := func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 100 {
			time.Sleep(time.Second)
		}
		takeAll(w, r)
	}
	opts := LoadOptions{
		Connections: 1, Batch: 10, Rate: 1000, Duration: 4 * time.Second, Grace: time.Minute,
	}
	inBubble(t, handler, opts, func(l *Load) {
		got := latency.Summarize(l.Recorder())
		if got.Count != 400 || l.Totals().Received != 4000 {
			t.Fatalf("got %d requests, want 400", got.Count)
		}
		// One request in four was due in that second, evenly: 5 % waited over 800 ms.
		if got.Latency.P95 < 790 || got.Latency.P95 > 810 || got.Latency.Max != 1000 {
			t.Errorf("latency %+v, want p95 of 800 ms", got.Latency)
		}
		if got.Service.P99 != 0 || got.Service.Max != 1000 {
			t.Errorf("service times %+v, want one of 1000 ms", got.Service)
		}
	})
}

func TestWhatIsNeverSentIsCounted(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Second)
		takeAll(w, r)
	}
	opts := LoadOptions{
		Connections: 1, Batch: 10, Rate: 100, Duration: 2 * time.Second, Grace: 3 * time.Second,
	}
	inBubble(t, handler, opts, func(l *Load) {
		totals, got := l.Totals(), latency.Summarize(l.Recorder())
		if got.Count != 6 || got.Unsent != 14 || totals.Unsent != 140 {
			t.Errorf("got %d sent, %d unsent, %d quotes; want 6, 14, 140",
				got.Count, got.Unsent, totals.Unsent)
		}
		// Slot 5 was due at 0.5 s and answered at 6 s; slot 19 was due at 1.9 s, given up at 6 s.
		if got.Latency.Max != 5500 || got.Latency.P50 < 4600 {
			t.Errorf("got latency %+v, want at most 5500 ms and half over 4600", got.Latency)
		}
	})
}

func TestPacedLoadKeepsItsRate(t *testing.T) {
	opts := LoadOptions{
		Connections: 4, Batch: 10, Rate: 10_000, Duration: time.Second, Grace: time.Second,
		Writer: WriterOptions{Times: true},
	}
	inBubble(t, takeAll, opts, func(l *Load) {
		if got := l.Totals(); got.Sent != 10_000 {
			t.Errorf("sent %d quotes in a second, want 10000", got.Sent)
		}
		if got := latency.Summarize(l.Recorder()); got.Latency.Max != 0 {
			t.Errorf("got latency %+v on a server that takes no time", got.Latency)
		}
	})
}

// At a low rate the turn of some connections never comes; the load must end on time all the same.
func TestSlowLoadEndsOnTime(t *testing.T) {
	f := func(rate float64, quotes int64) {
		t.Helper()
		opts := LoadOptions{
			Connections: 4, Batch: 100, Rate: rate, Duration: 10 * time.Second, Grace: time.Second,
		}
		// Where the clock of every bubble starts.
		start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		handler := func(w http.ResponseWriter, r *http.Request) {
			if late := time.Since(start); late >= 10*time.Second {
				t.Errorf("%v quotes/s: sent %v after the start", rate, late)
			}
			takeAll(w, r)
		}
		inBubble(t, handler, opts, func(l *Load) {
			if got := l.Totals().Sent; got != quotes {
				t.Errorf("%v quotes/s: sent %d, want %d", rate, got, quotes)
			}
		})
	}
	f(1, 100)
	f(20, 200)
	f(35, 400)
	f(100, 1000)
}

func TestStopEndsTheLoad(t *testing.T) {
	opts := LoadOptions{Connections: 2, Batch: 10, Rate: 10_000, Grace: time.Second}
	ctx, stop := context.WithCancel(t.Context())
	var requests atomic.Int64
	handler := func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 20 {
			stop()
		}
		takeAll(w, r)
	}
	server := httptest.NewServer(http.HandlerFunc(handler))
	defer server.Close()
	opts.Wire = wire.Options{Address: server.Listener.Addr().String()}
	opts.Writer.Instruments = instruments
	l := NewLoad(opts)
	if err := l.Run(ctx, time.Now()); err != nil {
		t.Fatal(err)
	}
	if n := requests.Load(); n < 20 {
		t.Errorf("ended after %d requests, want at least 20", n)
	}
}

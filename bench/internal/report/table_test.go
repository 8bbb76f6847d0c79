package report

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tradingengine/bench/internal/gets"
	"tradingengine/bench/internal/latency"
	"tradingengine/bench/internal/quotes"
	"tradingengine/bench/internal/server"
	"tradingengine/bench/internal/sockets"
)

var update = flag.Bool("update", false, "write the golden files")

func sample() Result {
	times := latency.Times{Mean: 1.5, P50: 1.2, P95: 2.5, P99: 4.75, P999: 9.1, Max: 12.345}
	summary := latency.Summary{
		Count: 12_345, Latency: times, Service: latency.Times{P50: 0.3, P99: 2, Max: 10},
		Timer: latency.Times{P50: 0.5, P99: 1.1},
	}
	posts := summary
	posts.Count, posts.Errors, posts.Unsent = 3000, 2, 1
	r := Result{
		Started: time.Date(2026, 1, 19, 12, 0, 0, 0, time.UTC), Seconds: 30.04,
		Machine: Machine{Go: "go1.26.8", OS: "linux", Arch: "amd64", Cores: 2},
		Engine:  Engine{URL: "http://localhost:7999", Version: "0.1.0", Feed: "none", Symbols: 21},
		Notes:   []string{"/api/account/summary is left out: it answers 404"},
		Problems: []string{
			"POST /ticks: status 503: {\"code\":\"QUEUE_FULL\"}",
		},
		Endpoints: []Endpoint{
			{Name: "GET /ohlc", PerSecond: 411.5, Paced: true, Summary: summary},
			{Name: "GET /api/stats", PerSecond: 411.5, Paced: true, Summary: summary},
			{Name: "POST /ticks", PerSecond: 100, Summary: posts},
		},
		Overall: &summary,
		Quotes: &Quotes{Connections: 4, PerSecond: 49_900.4, Totals: quotes.Totals{
			Sent: 1_500_000, Received: 1_499_000, Stored: 750_000, Throttled: 748_999, Rejected: 1,
			Failed: 2, Busy: 2, Unsent: 500, Rejections: []string{"LATE: 2 s behind"},
		}},
		WebSocket: &WebSocket{TicksPerSecond: 249_999, Totals: sockets.Totals{
			Sessions: 10, Ticks: 7_500_210, Snapshot: 210, Gaps: 1, Skipped: 214, Disconnected: 1,
			Codes: map[int]int64{4008: 1}, Age: times,
		}, Slow: &Slow{BytesPerSecond: 100_000, Misjudged: new(int64), Totals: sockets.Totals{
			Sessions: 5, Ticks: 60_000, Gaps: 420, Skipped: 690_000, Broken: 2, Disconnected: 1,
			Codes: map[int]int64{0: 1},
		}}, Stuck: &sockets.Stuck{
			Sessions: 500, Closed: 499, Codes: map[int]int64{0: 490, 4008: 9}, LivedMin: 10.5, LivedP50: 11,
			LivedMax: 12.25,
		}},
		Counters: Counters{Before: stats(10, 20), After: stats(750_510, 749_519)},
		Comparisons: []gets.Comparison{{
			Path: "/ohlc?symbol=EURUSD", EngineRate: 27_000, BareRate: 30_000, Ratio: 0.9,
			EngineBytes: 51_234, BareBytes: 51_234,
			EngineRates: []float64{27_000, 26_900}, BareRates: []float64{30_000, 30_100},
		}},
		Memory: Memory{Known: true, Source: "/api/stats", PeakBytes: 123_456_789, LastBytes: 120_000_000},
	}
	r.Counters.After.Ticks = &server.TickCounts{Stored: 750_510, Committed: 750_000, Pending: 499}
	r.Judge()
	return r
}

// The table is what people read: the golden file shows it whole.
func TestTable(t *testing.T) {
	r := sample()
	var got bytes.Buffer
	if err := r.WriteTable(&got); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "table.txt")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got\n%s\nwant\n%s", got.Bytes(), want)
	}
}

var errFull = errors.New("disk full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrorsAreReturned(t *testing.T) {
	r := sample()
	if err := r.WriteTable(fullDisk{}); !errors.Is(err, errFull) {
		t.Errorf("table: got %v", err)
	}
	if err := r.WriteJSON(fullDisk{}); !errors.Is(err, errFull) {
		t.Errorf("JSON: got %v", err)
	}
}

func TestProgressLine(t *testing.T) {
	f := func(s Second, want string) {
		t.Helper()
		if got := s.String(); got != want {
			t.Errorf("got\n%q, want\n%q", got, want)
		}
	}
	window := latency.Window{Count: 2000, P99: 1250 * time.Microsecond}
	s := Second{
		Elapsed: 3 * time.Second, Took: 2 * time.Second, Quotes: 100_000, Throttled: 50,
		Accepted: 100, Posts: window, Gets: window, Ages: window, Errors: 1234,
		Posting: true, Getting: true, Reading: true,
	}
	f(s, "    3s  quotes 50,000/s throttled 50.0 % p99 1.2 ms  GET 1,000/s p99 1.2 ms"+
		"  ws 1,000/s age p99 1.2 ms  errors 1,234")
	s.Accepted, s.Getting, s.Reading = 0, false, false
	f(s, "    3s  quotes 50,000/s p99 1.2 ms  errors 1,234")
}

func TestThousands(t *testing.T) {
	f := func(n int64, want string) {
		t.Helper()
		if got := Thousands(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
	f(0, "0")
	f(999, "999")
	f(1000, "1,000")
	f(-1000, "-1,000")
	f(-999, "-999")
	f(1_234_567, "1,234,567")
}

func TestProgressOnATerminalAndElsewhere(t *testing.T) {
	f := func(terminal bool, want string) {
		t.Helper()
		var out bytes.Buffer
		p := NewProgress(&out, terminal)
		p.Show("one")
		p.Show("two")
		p.End()
		p.End()
		if out.String() != want {
			t.Errorf("terminal %v: got %q, want %q", terminal, out.String(), want)
		}
	}
	f(false, "one\ntwo\n")
	f(true, "\r\x1b[Kone\r\x1b[Ktwo\n")
	NewProgress(nil, false).Show("nowhere")
}

package httpd

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
)

// scrape reads /metrics into the value of each sample, by its name with labels as written. It fails
// where a family is not announced once and before its samples.
func (m *testMarket) scrape() map[string]float64 {
	m.t.Helper()
	a := m.get("/metrics")
	if a.status != 200 {
		m.t.Fatalf("/metrics: %d %s", a.status, a.body)
	}
	samples, kinds := map[string]float64{}, map[string]string{}
	helped := ""
	for _, line := range strings.Split(strings.TrimSuffix(a.body, "\n"), "\n") {
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, help, _ := strings.Cut(rest, " ")
			if help == "" || kinds[name] != "" {
				m.t.Errorf("%q: no help, or told twice", line)
			}
			helped = name
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			if name != helped {
				m.t.Errorf("%q follows the help of %s", line, helped)
			}
			kinds[name] = kind
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		name, labels, _ := strings.Cut(line[:at], "{")
		family := name
		if kinds[helped] == "histogram" {
			family = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"),
				"_count")
		}
		v, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil || family != helped || (kinds[family] == "counter") != strings.HasSuffix(name, "_total") {
			m.t.Errorf("%q in the family %s (%s): %v", line, helped, kinds[helped], err)
		}
		if _, twice := samples[line[:at]]; twice {
			m.t.Errorf("%s{%s is there twice", name, labels)
		}
		samples[line[:at]] = v
	}
	return samples
}

// stream opens a stream that the test's end closes.
func (m *testMarket) stream() *streamClient {
	m.t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws://"+m.addr+"/ws", nil)
	check(m.t, err)
	m.t.Cleanup(func() { _ = conn.Close() })
	return &streamClient{m.t, conn}
}

// TestMetrics compares with what was sent. It was seen to find a reason that was counted under the
// next one, buckets that were not summed up, and replayed ticks that were left out.
func TestMetrics(t *testing.T) {
	m := newTestMarket(t, marketOptions{server: func(o *Options) {
		o.Metrics = func(m *Metrics) {
			m.Histogram("engine_flush_duration_seconds", "Commits.")
			m.Distribution([]float64{0.5, 1}, []uint64{3, 0, 2}, 7.25)
		}
	}})
	first := m.stream()
	first.send(`{"type":"ping"}`)
	first.expect(`{"type":"pong"}`) // It is connected.
	m.post(quoteLines("EURUSD", testNow, 1000, 8) +
		quoteLines("EURUSD", testNow-3600e6, 0, 1) + "x\n" +
		strings.Repeat(`{"symbol":"USDJPY","bid":150,"ask":150.1}`+"\n", 4))
	m.get("/nowhere")
	m.do("POST", "/ticks", "{")
	for range 9 {
		first.next()
	}
	// A second client is shown the last tick of two symbols, and then all of the past.
	second := m.stream()
	second.send(`{"type":"subscribe","channel":"ticks","since":"2026-01-19T00:00:00Z"}`)
	for !strings.Contains(second.next(), "caughtUp") {
	}
	samples := m.scrape()
	for end := time.Now().Add(20 * time.Second); samples["engine_ws_sent_ticks_total"] != 20; {
		if samples = m.scrape(); time.Now().After(end) {
			t.Fatalf("sent ticks: got %v, want 20", samples["engine_ws_sent_ticks_total"])
		}
	}
	f := func(name string, want float64) {
		t.Helper()
		if got, ok := samples[name]; !ok || got != want {
			t.Errorf("%s: got %v (%v), want %v", name, got, ok, want)
		}
	}
	f(`engine_build_info{version="1.2.3",feed="none"}`, 1)
	f("engine_ws_sessions", 2)
	f("engine_ws_gaps_total", 0)
	f("engine_quotes_received_total", 14)
	f("engine_ticks_stored_total", 9)
	f("engine_quotes_throttled_total", 3)
	f(`engine_quotes_rejected_total{reason="BAD_LINE"}`, 1)
	f(`engine_quotes_rejected_total{reason="LATE"}`, 1)
	f(`engine_quotes_rejected_total{reason="CROSSED"}`, 0)
	f("engine_ticks_committed_total", 9)
	f("engine_ticks_lost_total", 0)
	f("engine_storage_pending_ticks", 0)
	f(`engine_conservation_remainder{sum="quotes"}`, 0)
	f(`engine_conservation_remainder{sum="ticks"}`, 0)
	f(`engine_symbol_quotes_total{symbol="EURUSD",fate="stored"}`, 8)
	f(`engine_symbol_quotes_total{symbol="EURUSD",fate="rejected"}`, 1)
	f(`engine_symbol_quotes_total{symbol="USDJPY",fate="throttled"}`, 3)
	f(`engine_check_ok{check="failures"}`, 1)
	f(`engine_http_request_duration_seconds_count{route="other",status="404"}`, 1)
	f(`engine_http_request_duration_seconds_count{route="POST /ticks",status="200"}`, 1)
	f(`engine_http_request_duration_seconds_count{route="POST /ticks",status="415"}`, 1)
	f(`engine_http_request_duration_seconds_bucket{route="POST /ticks",status="200",le="+Inf"}`, 1)
	f(`engine_http_request_duration_seconds_count{route="GET /ws",status="101"}`, 2)
	f(`engine_flush_duration_seconds_bucket{le="0.5"}`, 3)
	f(`engine_flush_duration_seconds_bucket{le="1"}`, 3)
	f(`engine_flush_duration_seconds_bucket{le="+Inf"}`, 5)
	f(`engine_flush_duration_seconds_count`, 5)
	f(`engine_flush_duration_seconds_sum`, 7.25)
}

// TestRequestTimes puts durations at the ends of buckets, and statuses that nobody knows.
func TestRequestTimes(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	times := &m.server.unrouted.stats.times
	for _, d := range []time.Duration{
		0, 500 * time.Microsecond, 500*time.Microsecond + 1, 2 * time.Second, time.Hour,
	} {
		times.add(d, 503)
	}
	times.add(time.Second, 418)
	samples := m.scrape()
	f := func(status, le string, want float64) {
		t.Helper()
		name := fmt.Sprintf(`engine_http_request_duration_seconds_bucket{route="other",status="%s",le="%s"}`,
			status, le)
		if got := samples[name]; got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	f("503", "0.0005", 2)
	f("503", "0.001", 3)
	f("503", "1", 3)
	f("503", "2", 4)
	f("503", "10", 4)
	f("503", "+Inf", 5)
	f("599", "0.5", 0)
	f("599", "1", 1)
}

func TestMetricsText(t *testing.T) {
	var m Metrics
	m.Counter("a_total", "A \\ and\na line.")
	m.Value(1<<40, "name", "say \"a\\b\"\n")
	m.Gauge("b", "B.")
	m.Value(-1.5)
	m.Value(1e300, "x", "1", "y", "2")
	const want = `# HELP a_total A \\ and\na line.
# TYPE a_total counter
a_total{name="say \"a\\b\"\n"} 1099511627776
# HELP b B.
# TYPE b gauge
b -1.5
b{x="1",y="2"} 1e+300
`
	if got := string(m.text); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

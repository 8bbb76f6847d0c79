package blackbox

import (
	"bytes"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// metricNames are those that dashboards and alerts of others may rely on.
var metricNames = strings.Fields(`
	engine_quotes_received_total engine_ticks_stored_total engine_quotes_throttled_total
	engine_quotes_rejected_total engine_ticks_committed_total engine_ticks_lost_total
	engine_storage_pending_ticks engine_flush_duration_seconds
	engine_last_flush_timestamp_seconds engine_http_request_duration_seconds
	engine_ws_sessions engine_ws_sent_ticks_total engine_ws_gaps_total engine_build_info
	engine_conservation_remainder engine_check_ok
	engine_orders_total engine_open_orders engine_open_positions engine_desk_commands_total
	engine_desk_refused_total engine_journal_events_total engine_journal_uncommitted_events
	engine_alerts_total engine_alerts_open engine_webhook_attempts_total
	engine_journal_failures_total engine_journal_commit_duration_seconds
	process_cpu_seconds_total process_resident_memory_bytes process_start_time_seconds
	go_goroutines go_info go_memstats_heap_alloc_bytes go_gc_pauses_seconds`)

// metrics returns the samples of /metrics, by name with labels, and the text.
func (s *server) metrics() (samples map[string]float64, text string) {
	s.t.Helper()
	text = s.get("/metrics", 200)
	samples = map[string]float64{}
	for _, line := range strings.Split(text, "\n") {
		at := strings.LastIndexByte(line, ' ')
		if at < 0 || line[0] == '#' {
			continue
		}
		v, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			s.t.Fatalf("%q: %v", line, err)
		}
		samples[line[:at]] = v
	}
	return samples, text
}

// sumOf adds all samples of a family up.
func sumOf(samples map[string]float64, family string) (sum float64) {
	for name, v := range samples {
		if bare, _, _ := strings.Cut(name, "{"); bare == family {
			sum += v
		}
	}
	return sum
}

// TestMetrics scrapes while quotes flow: what Prometheus gets is well-formed, and its sums add up.
func TestMetrics(t *testing.T) {
	s := start(t, t.TempDir(), "-feed", "none", "-data", "d")
	var sent atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 100 {
			var body strings.Builder
			for k := range 50 {
				fmt.Fprintf(&body, `{"symbol":"EURUSD","bid":1.%05d,"ask":1.2}`+"\n", 10000+i*50+k*(k%3))
			}
			s.post("/ticks", "application/x-ndjson", body.String()+"broken\n", 200)
			sent.Add(51)
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		m, _ := s.metrics()
		received := m["engine_quotes_received_total"]
		fates := m["engine_ticks_stored_total"] + m["engine_quotes_throttled_total"] +
			sumOf(m, "engine_quotes_rejected_total")
		if _, exact := m[`engine_conservation_remainder{sum="quotes"}`]; exact && received != fates {
			t.Errorf("%v quotes received, what became of them adds up to %v", received, fates)
		}
		if sumOf(m, "engine_conservation_remainder") != 0 {
			t.Error("a remainder of the sums")
		}
	}
	m, text := s.metrics()
	if got := m["engine_quotes_received_total"]; got != float64(sent.Load()) {
		t.Errorf("%v quotes received, %d were sent", got, sent.Load())
	}
	if m["engine_ticks_committed_total"] != m["engine_ticks_stored_total"] ||
		m["engine_flush_duration_seconds_count"] == 0 || m["engine_last_flush_timestamp_seconds"] < 1.7e9 ||
		m["process_cpu_seconds_total"] <= 0 || m["process_resident_memory_bytes"] < 1e6 ||
		m[`engine_http_request_duration_seconds_count{route="POST /ticks",status="200"}`] != 100 {
		t.Errorf("unlikely numbers in\n%s", text)
	}
	for _, name := range metricNames {
		if !strings.Contains(text, "\n# TYPE "+name+" ") {
			t.Errorf("no family %s", name)
		}
	}
	t.Run("promtool", func(t *testing.T) {
		need(t, "promtool")
		check := exec.Command("promtool", "check", "metrics")
		check.Stdin = strings.NewReader(text)
		if out, err := check.CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// TestHealthDetail asks a healthy server for everything that is checked: each check has a value and
// a limit.
func TestHealthDetail(t *testing.T) {
	need(t, "jq")
	s := start(t, t.TempDir(), "-feed", "none", "-data", "d")
	jq := exec.Command("jq", "-r", `.status, (.checks | to_entries[] | "\(.key) \(.value.ok)",
		select(.value.value == null or .value.limit == null))`)
	jq.Stdin = strings.NewReader(s.get("/health/detail", 200))
	out, err := jq.CombinedOutput()
	want := "ok\nstorage true\nflush true\nshards true\njournal true\nconservation true\nthrottle true\n" +
		"failures true\nlatency true\nqueue true\nmemory true\ncpu true\n"
	if err != nil || string(out) != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, out, want)
	}
}

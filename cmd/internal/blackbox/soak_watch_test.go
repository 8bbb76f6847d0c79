package blackbox

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// soakSample is how the server is at a moment.
type soakSample struct{ resident, heap, goroutines, files float64 }

// sample looks at the server, which must be well and whose sums must come out even.
func (k *soak) sample() soakSample {
	m, _ := k.metrics()
	var stats struct {
		Quotes struct {
			Received, Stored, Throttled, Rejected int64
			Exact                                 bool
		}
		Ticks         struct{ Stored, Committed, Pending, Lost int64 }
		ThrottleShare float64
	}
	if err := json.Unmarshal([]byte(k.get("/api/stats", 200)), &stats); err != nil {
		k.t.Fatal(err)
	}
	q, ticks := &stats.Quotes, &stats.Ticks
	if q.Exact && (q.Received != q.Stored+q.Throttled+q.Rejected ||
		ticks.Stored != ticks.Committed+ticks.Pending+ticks.Lost) || ticks.Lost != 0 {
		k.t.Errorf("the sums do not come out even, or ticks were lost: %+v", stats)
	}
	if taken := q.Stored + q.Throttled; taken > int64(k.rate) &&
		(stats.ThrottleShare < 0.45 || stats.ThrottleShare > 0.55) {
		k.t.Errorf("%.3f of the quotes were throttled, half of them do not move", stats.ThrottleShare)
	}
	if health := k.get("/health", 200); health != "OK" {
		k.t.Errorf("health: %s", health)
	}
	return soakSample{
		resident: m["process_resident_memory_bytes"], heap: m["go_gc_heap_live_bytes"],
		goroutines: m["go_goroutines"], files: m["process_open_fds"],
	}
}

// atRest is how the server is before anybody is there, once it has read everything a first time.
func (k *soak) atRest() soakSample {
	for _, path := range soakPaths {
		k.request("GET", path, "")
	}
	k.client.CloseIdleConnections()
	return k.sample()
}

// checkRate fails when the machine was too slow for the load to say anything.
func (k *soak) checkRate() {
	k.t.Helper()
	if got := float64(k.sent.Load()) / k.length.Seconds(); got < float64(k.rate)/10 || k.rounds.Load() == 0 ||
		k.visits.Load() == 0 {
		k.t.Errorf("%.0f quotes a second, %d rounds of trading, %d visits: that is no load", got,
			k.rounds.Load(), k.visits.Load())
	}
	m, _ := k.metrics()
	if got := int64(m["engine_quotes_received_total"]); got != k.sent.Load() {
		k.t.Errorf("%d quotes were received, %d were sent", got, k.sent.Load())
	}
}

// checkMemory compares two spans after a warm-up of two fifths of the time, the median of each: 30
// bytes kept of every quote show after 30 s, one byte after half an hour.
func (k *soak) checkMemory() {
	k.t.Helper()
	warm := k.samples[len(k.samples)*2/5:]
	early, late := warm[:len(warm)/2], warm[len(warm)/2:]
	for _, m := range []struct {
		name string
		of   func(soakSample) float64
		room float64 // Bytes that may come beside a tenth.
	}{
		{"live heap", func(s soakSample) float64 { return s.heap }, 2 << 20},
		{"resident memory", func(s soakSample) float64 { return s.resident }, 16 << 20},
	} {
		before, after := median(early, m.of), median(late, m.of)
		if before == 0 || after > 1.1*before+m.room {
			k.t.Errorf("the %s grew from %.0f to %.0f bytes", m.name, before, after)
		}
	}
}

func median(samples []soakSample, of func(soakSample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// checkLeft waits until the server is as it was before its clients came. What serves a connection
// goes 10 s after it.
func (k *soak) checkLeft(before soakSample) {
	k.t.Helper()
	const spare = 6 // A few connections of ours and to the files may be left.
	k.client.CloseIdleConnections()
	var now soakSample
	deadline := time.Now().Add(60 * time.Second)
	for {
		now = k.sample()
		if now.goroutines <= before.goroutines+spare && now.files <= before.files+spare {
			return
		}
		if time.Now().After(deadline) {
			k.t.Errorf("a minute after all clients left there are %.0f goroutines and %.0f files, were %.0f "+
				"and %.0f", now.goroutines, now.files, before.goroutines, before.files)
			return
		}
		time.Sleep(250 * time.Millisecond)
	}
}

var (
	soakTrouble = regexp.MustCompile(`(?i)error|panic|fatal`)
	soakFlushed = regexp.MustCompile(`(?m)^(\S+) \[OptimizedTickStore\] Flushed \d+ ticks to disk$`)
)

// checkLog reads the log as operators do.
func (k *soak) checkLog() {
	k.t.Helper()
	text, err := os.ReadFile(filepath.Join(k.dir, "server.log"))
	if err != nil {
		k.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if soakTrouble.MatchString(line) {
			k.t.Errorf("the log says %q", line)
		}
	}
	last, end := k.begun, k.begun.Add(k.length)
	for _, m := range append(soakFlushed.FindAllStringSubmatch(string(text), -1), nil) {
		at := end
		if m != nil {
			if at, err = time.Parse("2006-01-02T15:04:05.000Z", m[1]); err != nil {
				k.t.Fatal(err)
			}
		}
		if at.Sub(last) > 30*time.Second {
			k.t.Errorf("no line of flushes between %s and %s", last, at)
		}
		last = at
	}
}

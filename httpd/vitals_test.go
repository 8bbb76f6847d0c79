package httpd

import (
	"testing"
	"time"
)

// TestVitals moves each value from one side of its limits to the other. It was seen to find a
// throttle band without its upper end, failures that counted health checks, a minute of CPU that
// was not waited for, and levels that were mixed up.
func TestVitals(t *testing.T) {
	var memory int64
	// A server that does not run, so that nothing but the test takes samples.
	s, err := New(Options{
		Engine: newTestMarket(t, marketOptions{}).engine,
		Memory: func() int64 { return memory },
		CPU:    func() time.Duration { return 0 },
	})
	check(t, err)
	f := func(name string, r CheckResult, want Level) {
		t.Helper()
		if r.OK != (want == "") || r.Level != want || r.OK != (r.Reason == "") {
			t.Errorf("%s: got %+v, want level %q", name, r, want)
		}
	}
	memory = memoryWarning
	f("memory at the limit", s.checkMemory(), "")
	memory++
	f("memory above it", s.checkMemory(), Warning)
	memory = memoryCritical + 1
	f("much memory", s.checkMemory(), Critical)

	// over makes the last so many seconds what x says, in one step.
	over := func(seconds int, x sample) {
		s.rates = rates{}
		start := time.Unix(1_768_830_000, 0)
		s.rates.add(sample{at: start})
		x.at = start.Add(time.Duration(seconds) * time.Second)
		s.rates.add(x)
	}
	throttle := func(name string, stored, throttled int64, want Level) {
		t.Helper()
		over(30, sample{ticks: stored, throttled: throttled})
		f("throttle: "+name, s.checkThrottle(), want)
	}
	throttle("few", 0, throttleQuotes-1, "")
	throttle("none", throttleQuotes, 0, Warning)
	throttle("9 %", 910, 90, Warning)
	throttle("10 %", 900, 100, "")
	throttle("80 %", 200, 800, "")
	throttle("81 %", 190, 810, Warning)

	failures := func(failed, requests int64, want Level) {
		t.Helper()
		over(60, sample{failures: failed, requests: requests})
		f("failures", s.checkFailures(), want)
	}
	failures(0, 0, "")
	failures(1, 1000, "")
	failures(1, 999, Warning)
	failures(10, 1000, Warning)
	failures(11, 1000, Critical)

	cpu := func(seconds int, share time.Duration, want Level) {
		t.Helper()
		used := time.Duration(seconds) * time.Second * share / 100
		over(seconds, sample{cpu: used * time.Duration(processors())})
		f("cpu", s.checkCPU(), want)
	}
	cpu(50, 100, "")
	cpu(60, 80, "")
	cpu(60, 82, Warning)

	over(60, sample{queueFull: 1})
	f("queue", s.checkQueue(), Warning)
	over(60, sample{})
	f("queue", s.checkQueue(), "")

	latency := func(n int, d time.Duration, want Level) {
		t.Helper()
		r := s.unrouted
		for i := range r.stats.windows {
			r.stats.windows[i].clear()
		}
		for range n {
			r.stats.add(0, d, 200)
		}
		f("latency", s.checkLatency(), want)
	}
	latency(slowRequests-1, time.Hour, "")
	latency(slowRequests, 400*time.Millisecond, "")
	latency(slowRequests, 600*time.Millisecond, Warning)
	latency(slowRequests, 3*time.Second, Critical)
}

// TestHealthAnswersAreNoFailures asks a failing /health.
func TestHealthAnswersAreNoFailures(t *testing.T) {
	m := newTestMarket(t, marketOptions{server: func(o *Options) {
		o.Checks = []Check{{Name: "broken", Run: func() CheckResult { return CheckResult{} }}}
	}})
	for range 10 {
		if a := m.get("/health"); a.status != 503 {
			t.Fatalf("got %d", a.status)
		}
	}
	m.server.takeSample(time.Now().Add(time.Second))
	m.server.takeSample(time.Now().Add(62 * time.Second))
	if r := m.server.checkFailures(); !r.OK {
		t.Errorf("got %+v", r)
	}
}

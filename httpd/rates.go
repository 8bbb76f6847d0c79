package httpd

import (
	"strings"
	"sync"
	"time"
)

// sample is some counters at a moment.
type sample struct {
	at                                time.Time
	quotes, ticks, requests, failures int64
	throttled, committed, queueFull   int64
	commands                          int64 // Of trading.
	cpu                               time.Duration
}

// rateSpans are the spans, in seconds, that rates are told for.
var rateSpans = [...]int{1, 10, 60}

// rates keeps one sample a second of the last minute.
type rates struct {
	mu      sync.Mutex
	samples [61]sample // A ring: the next one goes to next.
	next    int
	count   int
}

func (r *rates) add(s sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples[r.next] = s
	r.next = (r.next + 1) % len(r.samples)
	r.count = min(r.count+1, len(r.samples))
}

// over returns the newest sample and the one about seconds before it, or the oldest there is. They
// are the same until there are two.
func (r *rates) over(seconds int) (from, to sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == 0 {
		return sample{}, sample{}
	}
	back := func(n int) sample { return r.samples[(r.next-1-n+len(r.samples))%len(r.samples)] }
	return back(min(seconds, r.count-1)), back(0)
}

// perSecond returns what a counter gained per second between two samples, in tenths.
func perSecond(from, to sample, counter func(*sample) int64) int64 {
	span := to.at.Sub(from.at)
	if span <= 0 {
		return 0
	}
	gained := counter(&to) - counter(&from)
	return int64(float64(gained)*10/span.Seconds() + 0.5)
}

// sample takes a sample a second and turns the windows of the latencies over, until stop is closed.
func (s *Server) sample(stop <-chan struct{}) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for n := 1; ; n++ {
		s.takeSample(time.Now())
		if n%windowSeconds == 0 {
			s.turnWindow()
		}
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
	}
}

func (s *Server) takeSample(now time.Time) {
	stats := s.engine.Stats()
	x := sample{
		at: now, quotes: stats.Received, ticks: stats.Stored, throttled: stats.Throttled,
		committed: stats.Committed, queueFull: stats.QueueFull,
	}
	if s.opts.Desk != nil {
		x.commands = s.opts.Desk.Stats().Commands
	}
	if s.opts.CPU != nil {
		x.cpu = s.opts.CPU()
	}
	for _, r := range s.counted {
		x.requests += r.stats.requests.Load()
		if !strings.HasPrefix(r.path, "/health") { // Its 503 is an answer, not a failure.
			x.failures += r.stats.failures.Load()
		}
	}
	s.rates.add(x)
}

// turnWindow empties the older half of every histogram and lets it be filled. A request that is
// counted at that very moment may get lost from the quantiles, not from the counters.
func (s *Server) turnWindow() {
	next := s.window.Load() + 1
	for _, r := range s.counted {
		r.stats.windows[next&1].clear()
	}
	s.window.Store(next)
}

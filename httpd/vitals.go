package httpd

import (
	"fmt"
	"runtime"
	"strings"
	"time"
)

// The limits of what operators watch. Nothing of it stops the engine from doing its job, so none
// of it turns /health red; /health/detail says warning or critical.
const (
	memoryWarning  = 1_500_000_000 // Bytes.
	memoryCritical = 1_800_000_000
	cpuWarning     = 80 // Percent of the processors this process may use.
	throttleLow    = 10 // Percent of the quotes taken.
	throttleHigh   = 80
	slowWarning    = 500 * time.Millisecond // What 95 of 100 requests of a route stay below.
	slowCritical   = 2 * time.Second
	failWarning    = 0.1 // Percent of answers that are 500 and above.
	failCritical   = 1.0

	throttleQuotes = 500 // Quotes from which on the share of those throttled says something.
	cpuSpan        = 60  // Seconds that a busy processor is let pass for.
	failSpan       = 60
	slowRequests   = 20 // Requests from which on their quantile says something.
)

// ThrottleSpan is how long the share of throttled quotes is looked at for.
const ThrottleSpan = 30 * time.Second

// Level is how bad it is that an advisory check does not hold.
type Level string

// The levels there are.
const (
	Warning  Level = "warning"
	Critical Level = "critical"
)

// vitals are the checks of what operators watch, see the limits above.
func (s *Server) vitals() []Check {
	checks := []Check{
		{Name: "throttle", Advisory: true, Run: s.checkThrottle},
		{Name: "failures", Advisory: true, Run: s.checkFailures},
		{Name: "latency", Advisory: true, Run: s.checkLatency},
		{Name: "queue", Advisory: true, Run: s.checkQueue},
	}
	if s.opts.Memory != nil {
		checks = append(checks, Check{Name: "memory", Advisory: true, Run: s.checkMemory})
	}
	if s.opts.CPU != nil {
		checks = append(checks, Check{Name: "cpu", Advisory: true, Run: s.checkCPU})
	}
	return checks
}

func (s *Server) checkMemory() CheckResult {
	bytes := s.opts.Memory()
	return exceeding(bytes, memoryWarning, memoryCritical, "%d bytes are resident", bytes)
}

// exceeding fails with a warning above one limit and with more above a second one.
func exceeding[T int64 | float64](v, warning, critical T, reason string, args ...any) CheckResult {
	r := CheckResult{OK: v <= warning, Value: v, Limit: warning}
	if r.OK {
		return r
	}
	r.Level, r.Reason = Warning, fmt.Sprintf(reason, args...)
	if v > critical {
		r.Level, r.Limit = Critical, critical
	}
	return r
}

// checkCPU looks at a whole minute: shorter work is what processors are for.
func (s *Server) checkCPU() CheckResult {
	from, to := s.rates.over(cpuSpan)
	span := to.at.Sub(from.at)
	if span <= 0 {
		return CheckResult{OK: true, Value: 0, Limit: cpuWarning}
	}
	all := span.Seconds() * float64(processors())
	percent := int64((to.cpu - from.cpu).Seconds() * 100 / all)
	if span < (cpuSpan-5)*time.Second {
		return CheckResult{OK: true, Value: percent, Limit: cpuWarning}
	}
	return exceeding(percent, cpuWarning, 100, "%d %% of the processors were used for a minute",
		percent)
}

// checkThrottle looks at all symbols together, over a whole span.
func (s *Server) checkThrottle() CheckResult {
	from, to := s.rates.over(int(ThrottleSpan.Seconds()))
	throttled := to.throttled - from.throttled
	r := ThrottleShare(throttled, to.ticks-from.ticks+throttled)
	if to.at.Sub(from.at) < ThrottleSpan-5*time.Second {
		r.OK, r.Level, r.Reason = true, "", ""
	}
	return r
}

// ThrottleShare judges how many of the quotes taken within ThrottleSpan were not stored. It finds
// a market that is unlike any other: nearly everything stored, or nearly nothing.
func ThrottleShare(throttled, taken int64) CheckResult {
	percent := throttled * 100 / max(taken, 1)
	r := CheckResult{OK: true, Value: percent, Limit: [2]int{throttleLow, throttleHigh}}
	if taken < throttleQuotes {
		return r
	}
	if r.OK = percent >= throttleLow && percent <= throttleHigh; !r.OK {
		r.Level = Warning
		r.Reason = fmt.Sprintf("the throttle held back %d %% of the last %d quotes", percent, taken)
	}
	return r
}

// checkFailures looks at answers of 500 and above.
func (s *Server) checkFailures() CheckResult {
	from, to := s.rates.over(failSpan)
	requests, failures := to.requests-from.requests, to.failures-from.failures
	share := 0.0
	if requests > 0 {
		share = float64(failures) * 100 / float64(requests)
	}
	return exceeding(share, failWarning, failCritical, "%d of the last %d requests failed", failures,
		requests)
}

// checkLatency looks for the slowest route. A stream's handshake and a profile take what they take.
func (s *Server) checkLatency() CheckResult {
	var slowest time.Duration
	name := ""
	for _, r := range s.counted {
		if strings.HasPrefix(r.path, "/debug/") {
			continue
		}
		w := &r.stats.windows
		if w[0].total()+w[1].total() < slowRequests {
			continue
		}
		p95 := time.Duration(quantiles(&w[0], &w[1], 95)[0]) * time.Microsecond
		if p95 > slowest {
			slowest, name = p95, r.name()
		}
	}
	return exceeding(slowest.Seconds(), slowWarning.Seconds(), slowCritical.Seconds(),
		"of %s one request in 20 takes longer than %s", name, slowest.Round(time.Millisecond))
}

// checkQueue tells that storage was behind during the last minute.
func (s *Server) checkQueue() CheckResult {
	from, to := s.rates.over(failSpan)
	full := to.queueFull - from.queueFull
	return exceeding(full, 0, 1<<62, "%d batches ended with more ticks pending than %d", full,
		s.opts.Config.QueueCapacity)
}

// processors is how many of them the process may use.
func processors() int { return runtime.GOMAXPROCS(0) }

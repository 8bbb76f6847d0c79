package latency

import (
	"sync"
	"time"
)

// Request is one request that was sent.
type Request struct {
	// Due is when it should have been sent, Sent when it was, Done when its answer was complete.
	Due, Sent, Done time.Time
	// Waited says that the sender was ready before Due, so that Sent-Due is the lateness of the
	// generator's own timer.
	Waited bool
	// Failed counts it as an error. Its times are kept all the same: somebody waited that long.
	Failed bool
}

// Recorder keeps the requests of one endpoint. Any number of goroutines may use one; the lock is
// held for three or four histogram writes, some 60 ns.
type Recorder struct {
	mu struct {
		sync.Mutex
		count, errors, unsent int64
		latency, service      histogram
		timer                 histogram // Lateness of the generator's timer.
		window                histogram // Latencies since the last call of Window.
	}
}

// NewRecorder returns an empty recorder.
func NewRecorder() *Recorder {
	r := &Recorder{}
	r.mu.latency, r.mu.service = newHistogram(), newHistogram()
	r.mu.timer, r.mu.window = newHistogram(), newHistogram()
	return r
}

// Record adds a request.
func (r *Recorder) Record(q Request) {
	latency, service := q.Done.Sub(q.Due), q.Done.Sub(q.Sent)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.count++
	if q.Failed {
		r.mu.errors++
	}
	r.mu.latency.record(latency)
	r.mu.window.record(latency)
	r.mu.service.record(service)
	if q.Waited {
		r.mu.timer.record(q.Sent.Sub(q.Due))
	}
}

// Unsent adds a request that was due and never sent, because the run was over. It waited from due
// to now, and that wait counts: leaving it out would flatter a server that stalls until the end.
func (r *Recorder) Unsent(due, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.unsent++
	r.mu.latency.record(now.Sub(due))
	r.mu.window.record(now.Sub(due))
}

// RecordAges adds many times at once under one lock, for readers that get too many messages to
// lock for each. Ages are latencies without a service time.
func (r *Recorder) RecordAges(ages []time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.count += int64(len(ages))
	for _, age := range ages {
		r.mu.latency.record(age)
		r.mu.window.record(age)
	}
}

// Errors is how many requests have failed so far.
func (r *Recorder) Errors() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.errors
}

// Summary is what a recorder has seen.
type Summary struct {
	Count  int64 `json:"count"`
	Errors int64 `json:"errors"`
	// Unsent requests were due and never sent; they are in Latency and not in Count.
	Unsent  int64 `json:"unsent"`
	Latency Times `json:"latencyMs"`
	Service Times `json:"serviceMs"`
	// Timer is how late the generator woke up for requests it was ready for: the part of Latency
	// that no server can be blamed for.
	Timer Times `json:"timerLateMs"`
}

// Summarize returns the sum over the recorders; percentiles are those of all requests together.
func Summarize(recorders ...*Recorder) Summary {
	var sum Summary
	latency, service, timer := newHistogram(), newHistogram(), newHistogram()
	for _, r := range recorders {
		r.mu.Lock()
		sum.Count += r.mu.count
		sum.Errors += r.mu.errors
		sum.Unsent += r.mu.unsent
		latency.merge(&r.mu.latency)
		service.merge(&r.mu.service)
		timer.merge(&r.mu.timer)
		r.mu.Unlock()
	}
	sum.Latency, sum.Service, sum.Timer = latency.times(), service.times(), timer.times()
	return sum
}

// Window is a stretch of time between two looks.
type Window struct {
	Count int64
	P99   time.Duration
}

// TakeWindow returns what the recorders have seen since the last call, for a progress line.
func TakeWindow(recorders ...*Recorder) Window {
	window := newHistogram()
	for _, r := range recorders {
		r.mu.Lock()
		window.merge(&r.mu.window)
		r.mu.window.reset()
		r.mu.Unlock()
	}
	p99 := time.Duration(window.times().P99 * float64(time.Millisecond))
	return Window{Count: window.hdr.TotalCount(), P99: p99}
}

package latency

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

var base = time.Date(2026, 1, 19, 12, 0, 0, 0, time.UTC)

func request(latency, service time.Duration) Request {
	done := base.Add(time.Minute)
	return Request{Due: done.Add(-latency), Sent: done.Add(-service), Done: done}
}

// The percentiles must be those of the sorted values, to the three digits that are kept.
func TestPercentilesMatchSortedValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	r := NewRecorder()
	values := make([]float64, 0, 10_000)
	for range cap(values) {
		micros := math.Exp(rng.Float64() * 14)
		d := time.Duration(micros) * time.Microsecond
		values = append(values, float64(d/time.Microsecond)/1e3)
		r.Record(request(d, d/2))
	}
	slices.Sort(values)
	got := Summarize(r)
	f := func(name string, got, percentile float64) {
		t.Helper()
		want := values[int(math.Ceil(percentile/100*float64(len(values))))-1]
		if math.Abs(got-want) > want/1000+0.001 {
			t.Errorf("%s: got %v ms, want %v ms", name, got, want)
		}
	}
	f("p50", got.Latency.P50, 50)
	f("p95", got.Latency.P95, 95)
	f("p99", got.Latency.P99, 99)
	f("p99.9", got.Latency.P999, 99.9)
	f("max", got.Latency.Max, 100)
	if half := got.Service.Max; math.Abs(half-got.Latency.Max/2) > 0.001 {
		t.Errorf("service max: got %v, want half of %v", half, got.Latency.Max)
	}
}

func TestSummarizeAddsUp(t *testing.T) {
	a, b := NewRecorder(), NewRecorder()
	for range 99 {
		a.Record(request(time.Millisecond, time.Millisecond))
	}
	failed := request(2*time.Second, time.Second)
	failed.Failed = true
	b.Record(failed)
	b.Unsent(base, base.Add(3*time.Second))
	got := Summarize(a, b)
	if got.Count != 100 || got.Errors != 1 || got.Unsent != 1 {
		t.Errorf("got %d requests, %d errors, %d unsent; want 100, 1, 1",
			got.Count, got.Errors, got.Unsent)
	}
	if got.Latency.Max != 3000 || got.Service.Max != 1000 || got.Latency.P50 != 1 {
		t.Errorf("got latency %+v, service %+v", got.Latency, got.Service)
	}
}

// Only a request that its sender was ready for says how late the timer was.
func TestTimerLateness(t *testing.T) {
	r := NewRecorder()
	waited := request(5*time.Millisecond, 4*time.Millisecond)
	waited.Waited = true
	r.Record(waited)
	r.Record(request(time.Second, time.Millisecond))
	if got := Summarize(r).Timer; got.Max != 1 {
		t.Errorf("got %+v, want the one millisecond of the request that waited", got)
	}
}

func TestOutsideTheRangeIsClamped(t *testing.T) {
	r := NewRecorder()
	r.RecordAges([]time.Duration{-time.Second, 0, time.Hour})
	got := Summarize(r)
	if got.Count != 3 || got.Latency.P50 != 0 || got.Latency.Max != 3.6e6 {
		t.Errorf("got %+v", got)
	}
	if empty := Summarize(NewRecorder()); empty != (Summary{}) {
		t.Errorf("an empty recorder: got %+v, want zeros", empty)
	}
}

func TestWindowStartsAnew(t *testing.T) {
	r := NewRecorder()
	r.Record(request(time.Second, 0))
	if w := TakeWindow(r); w.Count != 1 || w.P99 != time.Second {
		t.Errorf("first window: got %+v", w)
	}
	r.Record(request(time.Millisecond, 0))
	if w := TakeWindow(r); w.Count != 1 || w.P99 != time.Millisecond {
		t.Errorf("second window: got %+v, want only the millisecond", w)
	}
	if w := TakeWindow(r); w != (Window{}) {
		t.Errorf("third window: got %+v, want nothing", w)
	}
	if got := Summarize(r).Count; got != 2 {
		t.Errorf("windows must not take from the sum: got %d, want 2", got)
	}
}

func TestRecordersAreShared(t *testing.T) {
	r := NewRecorder()
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			for range 1000 {
				r.Record(request(time.Millisecond, time.Millisecond))
				r.RecordAges([]time.Duration{time.Millisecond})
			}
		})
	}
	for range 10 {
		TakeWindow(r)
		Summarize(r)
	}
	writers.Wait()
	if got := Summarize(r).Count; got != 16_000 {
		t.Errorf("got %d, want 16000", got)
	}
}

package httpd

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestBuckets checks that buckets cover all durations in order and none is wider than an eighth.
func TestBuckets(t *testing.T) {
	last := 0
	for us := int64(0); us < 1<<bucketsTop; us += 1 + us/64 {
		i := bucketOf(time.Duration(us) * time.Microsecond)
		if i < last || i > last+1 {
			t.Fatalf("%d µs: bucket %d after %d", us, i, last)
		}
		last = i
		if end := bucketEnd(i); end < us || end > us+us/8 {
			t.Fatalf("%d µs: bucket %d ends at %d", us, i, end)
		}
	}
	f := func(d time.Duration, want int) {
		t.Helper()
		if got := bucketOf(d); got != want {
			t.Errorf("%v: bucket %d, want %d", d, got, want)
		}
	}
	f(-time.Second, 0)
	f(999*time.Nanosecond, 0)
	f(15*time.Microsecond, 15)
	f(17*time.Microsecond, 16)
	f(18*time.Microsecond, 17)
	f(time.Hour, bucketCount-1)
}

// TestQuantiles compares with a sorted slice.
func TestQuantiles(t *testing.T) {
	var a, b histogram
	if got := quantiles(&a, &b, 50); got[0] != -1 {
		t.Errorf("of nothing: %d, want -1", got[0])
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	var all []int64
	for i := range 10_000 {
		us := int64(1) << rnd.IntN(20)
		us += rnd.Int64N(us)
		all = append(all, us)
		[]*histogram{&a, &b}[i%2].add(time.Duration(us) * time.Microsecond)
	}
	slices.Sort(all)
	shares := []int64{1, 50, 95, 99, 100}
	for i, got := range quantiles(&a, &b, shares...) {
		want := all[(int64(len(all))*shares[i]+99)/100-1]
		if got < want || got > want+want/8 {
			t.Errorf("%d %%: got %d, want %d to an eighth more", shares[i], got, want)
		}
	}
}

// TestWindowsTurn follows a slow request out of the quantiles, and not out of the counters.
func TestWindowsTurn(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	r := m.server.unrouted
	r.stats.add(m.server.window.Load(), time.Second, 503)
	p99 := func() int64 { return quantiles(&r.stats.windows[0], &r.stats.windows[1], 99)[0] }
	f := func(want bool) {
		t.Helper()
		if got := p99() >= 1_000_000; got != want {
			t.Errorf("slow request in the quantiles: %v, want %v", got, want)
		}
	}
	f(true)
	m.server.turnWindow()
	f(true)
	m.server.turnWindow()
	f(false)
	if r.stats.requests.Load() != 1 || r.stats.failures.Load() != 1 {
		t.Errorf("counters %d %d, want 1 1", r.stats.requests.Load(), r.stats.failures.Load())
	}
}

func TestRates(t *testing.T) {
	var r rates
	of := func(s *sample) int64 { return s.quotes }
	f := func(seconds int, want int64) {
		t.Helper()
		from, to := r.over(seconds)
		if got := perSecond(from, to, of); got != want {
			t.Errorf("over %d s: %d tenths, want %d", seconds, got, want)
		}
	}
	f(1, 0)
	start := time.Unix(1_768_830_000, 0)
	r.add(sample{at: start, quotes: 100})
	f(1, 0)
	r.add(sample{at: start.Add(time.Second), quotes: 350})
	f(1, 2500)
	f(60, 2500)
	for i := 2; i < 100; i++ {
		r.add(sample{at: start.Add(time.Duration(i) * time.Second), quotes: 350 + 7*int64(i-1)})
	}
	f(1, 70)
	f(10, 70)
	f(60, 70)
}

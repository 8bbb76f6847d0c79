package pace

import (
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestSlotsAreDueAtTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := New(Options{Start: start, Rate: 1000, Duration: 20 * time.Millisecond})
		n := int64(0)
		for slot, ok := s.Take(); ok; slot, ok = s.Take() {
			if want := start.Add(time.Duration(n) * time.Millisecond); !slot.Due.Equal(want) {
				t.Errorf("slot %d is due at %v, want %v", n, slot.Due, want)
			}
			if !time.Now().Equal(slot.Due) {
				t.Errorf("slot %d was handed out at %v, due %v", n, time.Now(), slot.Due)
			}
			n++
		}
		if n != 20 || s.Count() != 20 {
			t.Errorf("got %d slots of %d, want 20", n, s.Count())
		}
	})
}

// A taker that was held up must find the missed slots due at their own times, not shifted.
func TestAHeldUpTakerFindsItsSlotsOverdue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := New(Options{Start: start, Rate: 10, Count: 5, Grace: time.Minute})
		s.Take()
		time.Sleep(350 * time.Millisecond)
		for i, want := range []time.Duration{250, 150, 50, 0} {
			slot, ok := s.Take()
			if late := time.Since(slot.Due); !ok || late != want*time.Millisecond || slot.Expired {
				t.Errorf("slot %d: got %v late, ok %v, expired %v; want %d ms",
					i+1, late, ok, slot.Expired, want)
			}
			if slot.Waited != (want == 0) {
				t.Errorf("slot %d: waited = %v", i+1, slot.Waited)
			}
		}
	})
}

func TestEnds(t *testing.T) {
	f := func(name string, opts Options, want int64) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			opts.Start = time.Now()
			s := New(opts)
			var got int64
			for _, ok := s.Take(); ok && got < 1000; _, ok = s.Take() {
				got++
				time.Sleep(time.Microsecond)
			}
			if got != want {
				t.Errorf("%s: got %d slots, want %d", name, got, want)
			}
		})
	}
	f("count", Options{Rate: 100, Count: 7}, 7)
	f("duration", Options{Rate: 100, Duration: time.Second}, 100)
	f("part of a slot", Options{Rate: 10, Duration: 250 * time.Millisecond}, 3)
	f("the earlier of both", Options{Rate: 100, Duration: time.Second, Count: 500}, 100)
	f("flat out by count", Options{Count: 9}, 9)
	f("flat out by time", Options{Duration: 50 * time.Microsecond}, 51)
	f("no end", Options{}, 1000)
}

func TestExpiredSlotsAreMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Start: time.Now(), Rate: 10, Count: 3, Grace: time.Second})
		s.Take()
		time.Sleep(300*time.Millisecond + time.Second)
		if slot, ok := s.Take(); !ok || slot.Expired {
			t.Errorf("at the end of the grace: got %+v, %v; want a slot to send", slot, ok)
		}
		time.Sleep(time.Millisecond)
		if slot, ok := s.Take(); !ok || !slot.Expired {
			t.Errorf("after the grace: got %+v, %v; want an expired slot", slot, ok)
		}
	})
}

func TestStopWakesSleepersAndKeepsWhatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Start: time.Now(), Rate: 1, Grace: time.Minute})
		if s.Count() != math.MaxInt64 {
			t.Fatalf("got %d slots, want no limit", s.Count())
		}
		s.Take()
		time.Sleep(2500 * time.Millisecond)
		s.Stop()
		s.Stop()
		var due int
		for range 10 {
			if _, ok := s.Take(); ok {
				due++
			}
		}
		if due != 2 {
			t.Errorf("got %d slots that were due at the stop, want 2", due)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{Start: time.Now().Add(time.Hour), Rate: 1})
		flat := New(Options{Start: time.Now().Add(time.Hour)})
		var sleepers sync.WaitGroup
		for _, schedule := range []*Schedule{s, flat} {
			sleepers.Go(func() {
				if slot, ok := schedule.Take(); ok {
					t.Errorf("got %+v after the stop", slot)
				}
			})
		}
		synctest.Wait()
		s.Stop()
		flat.Stop()
		sleepers.Wait()
	})
}

// Each slot belongs to one taker, or requests would be sent twice or never.
func TestTakersShareTheSlots(t *testing.T) {
	s := New(Options{Start: time.Now(), Rate: 1e6, Count: 20_000, Grace: time.Minute})
	taken := make([]int32, s.Count())
	var takers sync.WaitGroup
	for range 8 {
		takers.Go(func() {
			for slot, ok := s.Take(); ok; slot, ok = s.Take() {
				taken[slot.Index]++
			}
		})
	}
	takers.Wait()
	for i, n := range taken {
		if n != 1 {
			t.Fatalf("slot %d was taken %d times", i, n)
		}
	}
}

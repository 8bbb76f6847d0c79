package pace

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Options describe a schedule.
type Options struct {
	// Start is when the first slot is due.
	Start time.Time
	// Rate is slots a second; 0 is flat out.
	Rate float64
	// Count ends the schedule after so many slots; 0 sets no limit.
	Count int64
	// Duration ends the schedule so long after Start; 0 sets no limit.
	Duration time.Duration
	// Grace is how long after its end overdue slots are still worth sending.
	Grace time.Duration
}

// Slot is one request that is due.
type Slot struct {
	Index int64
	// Due is the intended send time.
	Due time.Time
	// Waited says that the taker was there before the slot was due, so that a late start is the
	// fault of this machine's timers and scheduler, not of a backlog.
	Waited bool
	// Expired says that the schedule ended longer than its grace ago: count the slot, do not send.
	Expired bool
}

// Schedule hands out slots in order of their due times. Any number of goroutines may take from
// one; each slot goes to exactly one of them.
type Schedule struct {
	start    time.Time
	interval float64 // Nanoseconds; 0 is flat out.
	count    int64
	end      time.Time // Zero when neither count nor duration sets it.
	grace    time.Duration

	next     atomic.Int64
	stopOnce sync.Once
	stopped  chan struct{}
	stopTime time.Time // Written before stopped is closed, read only after.
}

// New returns a schedule; it holds nothing that must be released.
func New(opts Options) *Schedule {
	s := &Schedule{
		start: opts.Start, count: math.MaxInt64, grace: opts.Grace, stopped: make(chan struct{}),
	}
	if opts.Count > 0 {
		s.count = opts.Count
	}
	if opts.Duration > 0 {
		s.end = opts.Start.Add(opts.Duration)
	}
	if opts.Rate <= 0 {
		return s
	}
	s.interval = 1e9 / opts.Rate
	if opts.Duration > 0 {
		s.count = min(s.count, int64(math.Ceil(float64(opts.Duration)/s.interval)))
	}
	if s.count < math.MaxInt64 {
		s.end = s.due(s.count)
	}
	return s
}

// Count is how many slots the schedule has; math.MaxInt64 when only Stop ends it.
func (s *Schedule) Count() int64 { return s.count }

// Stop ends the schedule now. Slots that are already due are still handed out, like those left
// over at the end of a schedule that was not stopped.
func (s *Schedule) Stop() {
	s.stopOnce.Do(func() {
		s.stopTime = time.Now()
		close(s.stopped)
	})
}

// Take waits until the next slot is due and returns it; false when there is none left.
func (s *Schedule) Take() (Slot, bool) {
	if s.interval == 0 {
		return s.takeFlatOut()
	}
	slot := Slot{Index: s.next.Add(1) - 1}
	if slot.Index >= s.count {
		return Slot{}, false
	}
	slot.Due = s.due(slot.Index)
	if wait := time.Until(slot.Due); wait > 0 {
		slot.Waited = true
		if !s.sleep(wait) {
			return Slot{}, false
		}
	}
	end, ended := s.ending()
	if ended && slot.Due.After(end) {
		return Slot{}, false
	}
	slot.Expired = !end.IsZero() && time.Since(end) > s.grace
	return slot, true
}

func (s *Schedule) takeFlatOut() (Slot, bool) {
	now := time.Now()
	if wait := s.start.Sub(now); wait > 0 {
		if !s.sleep(wait) {
			return Slot{}, false
		}
		now = time.Now()
	}
	if _, ended := s.ending(); ended || !s.end.IsZero() && now.After(s.end) {
		return Slot{}, false
	}
	index := s.next.Add(1) - 1
	return Slot{Index: index, Due: now}, index < s.count
}

// Work runs so many workers on the schedule and returns when all have ended. When ctx ends, the
// schedule stops.
func (s *Schedule) Work(ctx context.Context, workers int, run func(worker int) error) error {
	defer context.AfterFunc(ctx, s.Stop)()
	var running sync.WaitGroup
	failures := make([]error, workers)
	for i := range workers {
		running.Go(func() { failures[i] = run(i) })
	}
	running.Wait()
	return errors.Join(failures...)
}

func (s *Schedule) due(index int64) time.Time {
	return s.start.Add(time.Duration(float64(index) * s.interval))
}

// ending returns when the schedule ends, zero if never, and whether it was stopped.
func (s *Schedule) ending() (time.Time, bool) {
	select {
	case <-s.stopped:
		return s.stopTime, true
	default:
		return s.end, false
	}
}

// Pause waits, or less if the schedule is stopped meanwhile.
func (s *Schedule) Pause(d time.Duration) { s.sleep(d) }

func (s *Schedule) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.stopped:
		return false
	}
}

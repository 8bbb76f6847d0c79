package gets

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tradingengine/bench/internal/latency"
	"tradingengine/bench/internal/pace"
	"tradingengine/bench/internal/wire"
)

const (
	samplesMax = 5
	// failurePause keeps a flat-out connection from spinning on a server that is gone.
	failurePause = 100 * time.Millisecond
)

// LoadOptions describe the load.
type LoadOptions struct {
	Wire        wire.Options
	Endpoints   []*Endpoint
	Connections int
	// Rate is requests a second over all connections; 0 is flat out.
	Rate float64
	// Count ends the load after so many requests, Duration after so long; 0 sets no limit.
	Count    int64
	Duration time.Duration
	// Grace is how long after its end overdue requests are still sent.
	Grace time.Duration
	Seed  uint64
}

// Load sends GETs. Examine and Open, then Run once; Bytes and Errors may be called at any time
// from any goroutine, as may the recorders of the endpoints.
type Load struct {
	opts    LoadOptions
	workers []*worker
	choices []choice
	mu      struct {
		sync.Mutex
		bytes  int64
		errors []string
	}
}

// choice is one request that a slot may be; an endpoint of weight 3 is there three times.
type choice struct {
	endpoint *Endpoint
	requests [][]byte
}

type worker struct {
	load  *Load
	conn  *wire.Conn
	bytes int64
}

// NewLoad returns a load that has not connected yet.
func NewLoad(opts LoadOptions) *Load {
	l := &Load{opts: opts}
	for _, e := range opts.Endpoints {
		c := choice{endpoint: e}
		for _, path := range e.Paths {
			c.requests = append(c.requests, wire.AppendGet(nil, opts.Wire.Address, path))
		}
		for range e.weight {
			l.choices = append(l.choices, c)
		}
	}
	for range opts.Connections {
		l.workers = append(l.workers, &worker{load: l, conn: wire.New(opts.Wire)})
	}
	return l
}

// Examine asks for each endpoint once and returns what is wrong with the answers.
func (l *Load) Examine() error {
	conn := wire.New(l.opts.Wire)
	var problems []error
	for _, e := range l.opts.Endpoints {
		answer, err := conn.Get(wire.AppendGet(nil, l.opts.Wire.Address, e.Paths[0]))
		if err == nil {
			err = e.examine(answer.Status, answer.Body)
		}
		if err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(append(problems, conn.Close())...)
}

// Open connects, so that the first requests do not pay for it.
func (l *Load) Open() error {
	for _, w := range l.workers {
		if err := w.conn.Open(); err != nil {
			return err
		}
	}
	return nil
}

// Run sends from start until the load has ended, and closes its connections. When ctx ends, the
// load ends with the requests that are due by then.
func (l *Load) Run(ctx context.Context, start time.Time) error {
	schedule := pace.New(pace.Options{
		Start: start, Rate: l.opts.Rate, Count: l.opts.Count, Duration: l.opts.Duration,
		Grace: l.opts.Grace,
	})
	return schedule.Work(ctx, len(l.workers), func(i int) error { return l.workers[i].run(schedule) })
}

// Bytes is the length of all bodies of a load that has ended.
func (l *Load) Bytes() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.bytes
}

// Errors returns the first few errors.
func (l *Load) Errors() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.mu.errors...)
}

func (l *Load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.mu.errors) < samplesMax {
		l.mu.errors = append(l.mu.errors, err.Error())
	}
}

func (w *worker) run(schedule *pace.Schedule) error {
	for {
		slot, ok := schedule.Take()
		if !ok {
			break
		}
		if !w.send(slot) && w.load.opts.Rate == 0 {
			schedule.Pause(failurePause)
		}
	}
	w.load.mu.Lock()
	w.load.mu.bytes += w.bytes
	w.load.mu.Unlock()
	if err := w.conn.Close(); err != nil {
		return fmt.Errorf("close connection: %w", err)
	}
	return nil
}

// send makes the request of a slot and reports whether the server is there to answer.
func (w *worker) send(slot pace.Slot) bool {
	draw := mix(w.load.opts.Seed ^ uint64(slot.Index)*0x9e3779b97f4a7c15)
	choice := w.load.choices[draw%uint64(len(w.load.choices))]
	request := choice.requests[(draw>>32)%uint64(len(choice.requests))]
	recorder := choice.endpoint.recorder
	if slot.Expired {
		recorder.Unsent(slot.Due, time.Now())
		return true
	}
	sent := time.Now()
	answer, err := w.conn.Get(request)
	done := time.Now()
	lost := err != nil
	if lost {
		err = fmt.Errorf("GET %s: %w", choice.endpoint.Name, err)
	} else {
		w.bytes += int64(len(answer.Body))
		err = choice.endpoint.check(answer.Status, answer.Body)
	}
	if err != nil {
		w.load.fail(err)
	}
	recorder.Record(latency.Request{
		Due: slot.Due, Sent: sent, Done: done, Waited: slot.Waited, Failed: err != nil,
	})
	return !lost
}

// mix is the finalizer of splitmix64: consecutive numbers give draws without a pattern.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

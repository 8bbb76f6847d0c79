package orders

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"tradingengine/bench/internal/latency"
	"tradingengine/bench/internal/pace"
	"tradingengine/bench/internal/wire"
)

// failurePause keeps a flat-out connection from spinning on a server that is gone or busy.
const failurePause = 100 * time.Millisecond

// The routes that take orders.
const (
	placeRoute = "/api/orders"
	batchRoute = "/api/orders/batch"
)

// LoadOptions describe the load.
type LoadOptions struct {
	Wire        wire.Options
	Symbol      string
	Volume      string // Of each order, in lots.
	Connections int
	Batch       int // Orders in a request; 1 is an order by itself.
	// Rate is orders a second over all connections; 0 is flat out.
	Rate float64
	// Count ends the load after so many orders, Duration after so long; 0 sets no limit.
	Count    int64
	Duration time.Duration
	Grace    time.Duration // How long after its end overdue requests are still sent.
	Delay    time.Duration // When the first order is due, after the start.
}

// Load sends orders. OpenAccount and Open, then Run once; Totals may be called at any time from any
// goroutine, as may the recorder.
type Load struct {
	opts     LoadOptions
	account  int64
	recorder *latency.Recorder
	tally    tally
	workers  []*worker
}

// worker is a connection, and whether what it bought last is still to be sold.
type worker struct {
	load    *Load
	conn    *wire.Conn
	holding bool
	head    []byte
	body    []byte
}

// NewLoad returns a load that has not connected yet.
func NewLoad(opts LoadOptions) *Load {
	l := &Load{opts: opts, recorder: latency.NewRecorder()}
	l.tally.mu.totals.Refusals = map[string]int64{}
	for range opts.Connections {
		l.workers = append(l.workers, &worker{load: l, conn: wire.New(opts.Wire)})
	}
	return l
}

// Endpoint names the route of the load.
func (l *Load) Endpoint() string { return "POST " + l.route() }

func (l *Load) route() string {
	if l.opts.Batch > 1 {
		return batchRoute
	}
	return placeRoute
}

// Connections is how many connections send.
func (l *Load) Connections() int { return len(l.workers) }

// Recorder has the requests of the load.
func (l *Load) Recorder() *latency.Recorder { return l.recorder }

// Totals returns what the answers add up to.
func (l *Load) Totals() Totals { return l.tally.totals() }

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
	batch := int64(l.opts.Batch)
	plan := pace.Options{
		Start: start.Add(l.opts.Delay), Rate: l.opts.Rate / float64(batch),
		Count: (l.opts.Count + batch - 1) / batch, Duration: l.opts.Duration, Grace: l.opts.Grace,
	}
	if plan.Duration > 0 {
		plan.Duration = max(plan.Duration-l.opts.Delay, 1)
	}
	schedule := pace.New(plan)
	return schedule.Work(ctx, len(l.workers), func(i int) error { return l.workers[i].run(schedule) })
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
	if err := w.conn.Close(); err != nil {
		return fmt.Errorf("close connection: %w", err)
	}
	return nil
}

// send makes the request of a slot and reports whether it was taken or refused by a rule.
func (w *worker) send(slot pace.Slot) bool {
	l := w.load
	if slot.Expired {
		l.recorder.Unsent(slot.Due, time.Now())
		l.tally.unsent(l.opts.Batch)
		return true
	}
	w.write(slot.Index)
	sent := time.Now()
	answer, err := w.conn.Post(w.head, w.body)
	done := time.Now()
	outcome := l.tally.add(l.Endpoint(), l.opts.Batch, answer, err)
	w.holding = outcome == acknowledged && !w.holding
	l.recorder.Record(latency.Request{
		Due: slot.Due, Sent: sent, Done: done, Waited: slot.Waited, Failed: outcome == failed,
	})
	return outcome != failed
}

// write makes the request: of orders to buy, or to sell what the last one bought.
func (w *worker) write(index int64) {
	l := w.load
	b := w.body[:0]
	if l.opts.Batch > 1 {
		b = append(b, `{"orders":[`...)
	}
	for i := range l.opts.Batch {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"accountId":`...), l.account, 10)
		b = strconv.AppendInt(append(b, `,"clientOrderId":"bench-`...), index, 10)
		b = strconv.AppendInt(append(b, '-'), int64(i), 10)
		b = append(append(append(b, `","symbol":"`...), l.opts.Symbol...), `","type":"MARKET"`...)
		if w.holding {
			b = append(b, `,"side":"SELL","reduceOnly":true`...)
		} else {
			b = append(b, `,"side":"BUY"`...)
		}
		b = append(append(append(b, `,"volume":`...), l.opts.Volume...), '}')
	}
	if l.opts.Batch > 1 {
		b = append(b, "]}"...)
	}
	w.body = b
	w.head = wire.AppendPostHead(w.head[:0], l.opts.Wire.Address, l.route(), "application/json",
		len(b))
}

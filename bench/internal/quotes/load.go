package quotes

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
	// busyPauseMax bounds what a flat-out sender waits after 503, whatever Retry-After says.
	busyPauseMax = time.Second
	// failurePause keeps a flat-out sender from spinning on a connection that is refused.
	failurePause = 100 * time.Millisecond
)

// LoadOptions describe the load.
type LoadOptions struct {
	Wire wire.Options
	// Writer says what is quoted; Stream is set for each connection.
	Writer WriterOptions
	Ack    Ack
	Via    Via
	// Connections is at most the number of symbols, since each has symbols of its own.
	Connections int
	// Batch is how many quotes a request carries.
	Batch int
	// Rate is quotes a second over all connections; 0 is flat out.
	Rate float64
	// Count ends the load after so many quotes, Duration after so long; 0 sets no limit.
	Count    int64
	Duration time.Duration
	// Grace is how long after its end overdue requests are still sent.
	Grace time.Duration
}

// Load sends quotes. Open, then Run once; Recorder and Totals may be called at any time from any
// goroutine.
type Load struct {
	opts     LoadOptions
	senders  []*sender
	recorder *latency.Recorder
	tally    *tally
	refused  context.CancelFunc // Ends the run: the engine takes no quotes.
}

// sender is one connection with its symbols. It belongs to one goroutine.
type sender struct {
	load   *Load
	to     carrier
	writer *Writer
	quotes int64 // How many it sends in all; 0 is no limit.
}

// NewLoad returns a load that has not connected yet.
func NewLoad(opts LoadOptions) *Load {
	opts.Connections = min(opts.Connections, len(opts.Writer.Instruments))
	if opts.Count > 0 {
		opts.Connections = int(min(int64(opts.Connections), opts.Count))
	}
	l := &Load{
		opts: opts, recorder: latency.NewRecorder(), tally: &tally{ack: opts.Ack, via: opts.Via},
	}
	connections := int64(opts.Connections)
	for c := range opts.Connections {
		writer := opts.Writer
		writer.Stream = uint64(c)
		writer.Instruments = nil
		for i := c; i < len(opts.Writer.Instruments); i += opts.Connections {
			writer.Instruments = append(writer.Instruments, opts.Writer.Instruments[i])
		}
		w := NewWriter(writer)
		l.senders = append(l.senders, &sender{
			load: l, to: newCarrier(opts, w.ContentType()), writer: w,
			quotes: (opts.Count + connections - 1 - int64(c)) / connections,
		})
	}
	return l
}

// Connections is how many connections send.
func (l *Load) Connections() int { return len(l.senders) }

// Recorder has the requests of the load.
func (l *Load) Recorder() *latency.Recorder { return l.recorder }

// Totals returns what the answers add up to.
func (l *Load) Totals() Totals { return l.tally.totals() }

// Open connects, so that the first requests do not pay for it.
func (l *Load) Open() error {
	for _, s := range l.senders {
		if err := s.to.open(); err != nil {
			return err
		}
	}
	return nil
}

// Run sends from start until the load has ended, and closes its connections. When ctx ends, the
// load ends with the requests that are due by then.
func (l *Load) Run(ctx context.Context, start time.Time) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.refused = cancel
	var senders sync.WaitGroup
	failures := make([]error, len(l.senders))
	for c, s := range l.senders {
		schedule, due := s.schedule(start, c)
		if !due {
			continue
		}
		defer context.AfterFunc(ctx, schedule.Stop)()
		senders.Go(func() { failures[c] = s.run(schedule) })
	}
	senders.Wait()
	return errors.Join(failures...)
}

// schedule spreads the connections evenly: they take turns. It is false if the load ends before the
// turn of this connection.
func (s *sender) schedule(start time.Time, connection int) (*pace.Schedule, bool) {
	opts := s.load.opts
	batch := int64(opts.Batch)
	plan := pace.Options{Start: start, Duration: opts.Duration, Grace: opts.Grace}
	if s.quotes > 0 {
		plan.Count = (s.quotes + batch - 1) / batch
	}
	if opts.Rate > 0 {
		requests := opts.Rate / float64(opts.Batch)
		plan.Rate = requests / float64(len(s.load.senders))
		turn := time.Duration(float64(connection) * 1e9 / requests)
		plan.Start = start.Add(turn)
		if plan.Duration > 0 {
			plan.Duration -= turn
			if plan.Duration <= 0 {
				return nil, false
			}
		}
	}
	return pace.New(plan), true
}

func (s *sender) run(schedule *pace.Schedule) error {
	left := s.quotes
	for {
		n := s.load.opts.Batch
		if s.quotes > 0 {
			n = int(min(int64(n), left))
		}
		if n == 0 {
			break
		}
		// Written before it is due, so that writing is not part of the latency. Quotes that carry
		// the time are written when it is known: that at which they are due, so that their age on
		// arrival at a reader holds every wait on the way.
		var body []byte
		if !s.load.opts.Writer.Times {
			body = s.writer.Write(n, time.Time{})
		}
		slot, ok := schedule.Take()
		if !ok {
			break
		}
		if body == nil {
			body = s.writer.Write(n, slot.Due)
		}
		left -= int64(n)
		s.send(schedule, slot, body, n)
	}
	if err := s.to.close(); err != nil {
		return fmt.Errorf("close connection: %w", err)
	}
	return nil
}

func (s *sender) send(schedule *pace.Schedule, slot pace.Slot, body []byte, quotes int) {
	if slot.Expired {
		s.load.recorder.Unsent(slot.Due, time.Now())
		s.load.tally.unsent(quotes)
		return
	}
	sent := time.Now()
	if s.load.opts.Rate == 0 {
		slot.Due = sent
	}
	answer, err := s.to.send(body)
	done := time.Now()
	taken, refused := s.load.tally.add(quotes, answer, err)
	s.load.recorder.Record(
		latency.Request{Due: slot.Due, Sent: sent, Done: done, Waited: slot.Waited, Failed: !taken})
	switch {
	case refused:
		schedule.Stop() // At once; the others are told, and refused as well.
		s.load.refused()
	case taken || s.load.opts.Rate > 0:
	case answer.Status == 503:
		schedule.Pause(min(max(answer.RetryAfter, failurePause), busyPauseMax))
	default:
		schedule.Pause(failurePause)
	}
}

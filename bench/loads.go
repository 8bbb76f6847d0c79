package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"tradingengine/bench/internal/gets"
	"tradingengine/bench/internal/latency"
	"tradingengine/bench/internal/options"
	"tradingengine/bench/internal/orders"
	"tradingengine/bench/internal/quotes"
	"tradingengine/bench/internal/server"
	"tradingengine/bench/internal/sockets"
)

// Ticks may still be on their way to the sessions when the last quote is answered. The sessions are
// given drainTime for them, or less when none has come for a while; where it is known how many must
// come, that while is longer.
const (
	drainTime      = 5 * time.Second
	quietTime      = 200 * time.Millisecond
	quietTimeKnown = time.Second
	drainLook      = 10 * time.Millisecond
)

// loads are what runs at once; a load that was not asked for is nil.
type loads struct {
	quotes    *quotes.Load
	gets      *gets.Load
	endpoints []*gets.Endpoint
	orders    *orders.Load
	sockets   *sockets.Load
	duration  time.Duration
	// alone says that every tick of the market comes from the quotes posted here.
	alone bool
}

// ordersDelay lets the first quotes of an empty market come before the first order.
const ordersDelay = 300 * time.Millisecond

func (l *loads) prepare(opts options.Options, survey *server.Survey, posting, trading bool) error {
	l.duration = opts.Duration
	l.alone = posting && survey.Empty() && opts.Quotes.Ack == quotes.Commit
	instruments, err := survey.Select(opts.Quotes.Symbols)
	if err != nil {
		return err
	}
	to := wireTo(opts, opts.Address())
	if q := opts.Quotes; posting {
		l.quotes = quotes.NewLoad(quotes.LoadOptions{
			Wire: to,
			Writer: quotes.WriterOptions{
				Instruments: instruments, Format: q.Format, Seed: opts.Seed, Times: q.Times,
				FirstSequence: q.Sequence, Source: q.Source,
			},
			Ack: q.Ack, Via: q.Via, Connections: q.Connections, Batch: q.Batch, Rate: q.Rate.PerSecond,
			Count: opts.Count, Duration: opts.Duration, Grace: opts.Timeout,
		})
	}
	if g := opts.Gets; g.Rate.On() {
		l.endpoints = gets.Mix(survey.Instruments, survey.HasAccounts)
		if len(g.Paths) > 0 {
			l.endpoints = gets.Chosen(g.Paths)
		}
		l.gets = gets.NewLoad(gets.LoadOptions{
			Wire: to, Endpoints: l.endpoints, Connections: g.Connections, Rate: g.Rate.PerSecond,
			Count: opts.Count, Duration: opts.Duration, Grace: opts.Timeout, Seed: opts.Seed,
		})
	}
	if o := opts.Orders; trading {
		delay := time.Duration(0)
		if posting {
			delay = ordersDelay
		}
		l.orders = orders.NewLoad(orders.LoadOptions{
			Wire: to, Symbol: orderSymbol(instruments), Volume: "0.01", Connections: o.Connections,
			Batch: o.Batch, Rate: o.Rate.PerSecond, Count: opts.Count, Duration: opts.Duration,
			Grace: opts.Timeout, Delay: delay,
		})
	}
	if opts.Readers() > 0 {
		l.sockets = sockets.NewLoad(sockets.LoadOptions{
			Address: opts.Address().Host, Sessions: opts.Sessions, Slow: opts.Slow,
			Stuck: opts.Stuck, SlowBytes: opts.SlowRate, Timeout: opts.Timeout,
		})
	}
	return nil
}

// orderSymbol is what orders are for: one that trades on every day, where there is one.
func orderSymbol(instruments []server.Instrument) string {
	for _, i := range instruments {
		if i.Symbol == "ETHUSD" {
			return i.Symbol
		}
	}
	return instruments[0].Symbol
}

func (l *loads) empty() bool {
	return l.quotes == nil && l.gets == nil && l.orders == nil && l.sockets == nil
}

// open connects everything before the clock starts.
func (l *loads) open(ctx context.Context) error {
	if l.sockets != nil {
		if err := l.sockets.Open(ctx); err != nil {
			return err
		}
	}
	var problems []error
	if l.gets != nil {
		problems = append(problems, l.gets.Open())
	}
	if l.quotes != nil {
		problems = append(problems, l.quotes.Open())
	}
	if l.orders != nil {
		problems = append(problems, l.orders.OpenAccount(), l.orders.Open())
	}
	err := errors.Join(problems...)
	if err != nil {
		l.close()
	}
	return err
}

// run returns when all requests have ended, or when the time is over if there are none.
func (l *loads) run(ctx context.Context, start time.Time) error {
	var running sync.WaitGroup
	var problems [3]error
	if l.quotes != nil {
		running.Go(func() { problems[0] = l.quotes.Run(ctx, start) })
	}
	if l.gets != nil {
		running.Go(func() { problems[1] = l.gets.Run(ctx, start) })
	}
	if l.orders != nil {
		running.Go(func() { problems[2] = l.orders.Run(ctx, start) })
	}
	if l.quotes == nil && l.gets == nil && l.orders == nil {
		select {
		case <-time.After(time.Until(start.Add(l.duration))):
		case <-ctx.Done():
		}
	}
	running.Wait()
	return errors.Join(problems[:]...)
}

// close ends the sessions; the other loads close their own connections.
func (l *loads) close() {
	if l.sockets != nil {
		l.sockets.Close()
	}
}

// expected is how many ticks the good sessions must get in all; false where that is not known,
// because others quote too or some answers are missing.
func (l *loads) expected() (int64, bool) {
	if !l.alone || l.sockets == nil {
		return 0, false
	}
	posted := l.quotes.Totals()
	return posted.Stored * l.sockets.Totals().Sessions, posted.Failed == 0
}

// drain waits for the ticks that are still on their way to the good sessions.
func (l *loads) drain() {
	if l.sockets == nil {
		return
	}
	quiet := quietTime
	expected, known := l.expected()
	if known {
		quiet = quietTimeKnown
	}
	deadline := time.Now().Add(drainTime)
	last, since := int64(-1), time.Now()
	for now := time.Now(); now.Before(deadline); now = time.Now() {
		got := l.sockets.Totals().Accounted()
		if got != last {
			last, since = got, now
		}
		if known && got >= expected || now.Sub(since) > quiet {
			return
		}
		time.Sleep(drainLook)
	}
}

// ticks is how many ticks the good sessions have got so far.
func (l *loads) ticks() int64 {
	if l.sockets == nil {
		return 0
	}
	return l.sockets.Totals().Ticks
}

// getRecorders are those of all GETs.
func (l *loads) getRecorders() []*latency.Recorder {
	recorders := make([]*latency.Recorder, 0, len(l.endpoints))
	for _, e := range l.endpoints {
		recorders = append(recorders, e.Recorder())
	}
	return recorders
}

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tradingengine/bench/internal/gets"
	"tradingengine/bench/internal/latency"
	"tradingengine/bench/internal/options"
	"tradingengine/bench/internal/orders"
	"tradingengine/bench/internal/quotes"
	"tradingengine/bench/internal/report"
	"tradingengine/bench/internal/server"
	"tradingengine/bench/internal/wire"
)

// settleTime is how long an engine that answers before it applies may take to have applied all.
const settleTime = 5 * time.Second

// busyMillis is how late the generator's own timer may be at p99. It is 1.1 ms on an idle machine,
// and some 10 ms beside an engine under full load.
const busyMillis = 25

// run is one measurement, from the survey of the engine to the judged result.
type run struct {
	opts     options.Options
	client   *server.Client
	survey   server.Survey
	loads    loads
	progress *report.Progress
	result   report.Result
}

// measure does everything the command line asks for.
func measure(ctx context.Context, opts options.Options, progress *report.Progress) (
	result *report.Result, err error,
) {
	r := &run{opts: opts, progress: progress, client: server.NewClient(wireTo(opts, opts.Address()))}
	defer func() { err = errors.Join(err, r.client.Close()) }()
	defer progress.End()
	if err := r.look(); err != nil {
		return nil, err
	}
	if opts.Gets.Compare != "" {
		err = r.compare(ctx)
	} else {
		err = r.load(ctx)
	}
	if err != nil {
		return nil, err
	}
	r.result.Judge()
	return &r.result, nil
}

func wireTo(opts options.Options, address server.Address) wire.Options {
	return wire.Options{Address: address.Host, Timeout: opts.Timeout}
}

// look asks the engine what it is.
func (r *run) look() error {
	var err error
	if r.survey, err = r.client.Survey(); err != nil {
		return err
	}
	config := r.survey.Config
	r.result = report.Result{
		Started: time.Now(), Options: r.opts, Machine: report.ThisMachine(),
		Engine: report.Engine{
			URL: r.opts.Address().String(), Version: config.Version, Feed: config.Feed,
			Simulated: r.survey.Simulated(), Symbols: len(r.survey.Instruments),
		},
		Notes: []string{}, Problems: []string{}, Endpoints: []report.Endpoint{},
	}
	return nil
}

func (r *run) note(format string, args ...any) {
	r.result.Notes = append(r.result.Notes, fmt.Sprintf(format, args...))
}

// load runs the three loads at once and gathers what they measured.
func (r *run) load(ctx context.Context) error {
	posting := r.opts.Quotes.Rate.On()
	if refusal := r.survey.PostingRefusal(r.opts.Quotes.Write); posting && refusal != "" {
		posting = false
		r.note("no quotes are posted: %s", refusal)
	}
	if r.opts.Gets.Rate.On() && len(r.opts.Gets.Paths) == 0 && !r.survey.HasAccounts {
		r.note("%s is left out: it answers 404", gets.AccountSummary)
	}
	trading := r.opts.Orders.Rate.On()
	if refusal := r.survey.TradingRefusal(r.opts.Quotes.Write); trading && refusal != "" {
		trading = false
		r.note("no orders are sent: %s", refusal)
	}
	for _, note := range r.result.Notes {
		r.progress.Show("Note: " + note + ".")
	}
	if err := r.loads.prepare(r.opts, &r.survey, posting, trading); err != nil {
		return err
	}
	if r.loads.empty() {
		return errors.New("nothing is left to do: give -get-rate or -ws")
	}
	if r.loads.gets != nil {
		if err := r.loads.gets.Examine(); err != nil {
			problems := strings.Split(err.Error(), "\n")
			r.result.Broken = len(problems)
			r.result.Problems = append(r.result.Problems, problems...)
		}
	}
	r.result.Counters.Before = r.stats()
	if err := r.loads.open(ctx); err != nil {
		return err
	}
	if err := r.runLoads(ctx); err != nil {
		return err
	}
	r.gather()
	return nil
}

// runLoads lets the loads run and watches them; WebSocket readers last as long as the others.
func (r *run) runLoads(ctx context.Context) error {
	before := r.loads.ticks()
	start := time.Now()
	r.result.Started = start
	w := watch{run: r, start: start, client: server.NewClient(wireTo(r.opts, r.opts.Address()))}
	ended := make(chan struct{})
	watching := make(chan error, 1)
	go func() { watching <- w.watch(ended) }()
	err := r.loads.run(ctx, start)
	r.result.Seconds = time.Since(start).Seconds()
	close(ended)
	err = errors.Join(err, <-watching)
	delivered := r.loads.ticks() - before
	r.loads.drain()
	r.loads.close()
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	if ctx.Err() != nil {
		r.note("interrupted: the run ended early")
	}
	r.gatherSessions(float64(delivered) / r.result.Seconds)
	return nil
}

func (r *run) gatherSessions(ticksPerSecond float64) {
	if r.loads.sockets == nil {
		return
	}
	ws := &report.WebSocket{Totals: r.loads.sockets.Totals(), TicksPerSecond: ticksPerSecond}
	if r.opts.Slow > 0 {
		ws.Slow = &report.Slow{Totals: r.loads.sockets.Slow(), BytesPerSecond: r.opts.SlowRate}
		if off, compared := r.loads.sockets.Misjudged(); compared {
			ws.Slow.Misjudged = &off
		}
	}
	if r.opts.Stuck > 0 {
		stuck := r.loads.sockets.Stuck()
		ws.Stuck = &stuck
	}
	if expected, known := r.loads.expected(); known {
		missing := expected - ws.Accounted()
		ws.Missing = &missing
	}
	r.result.WebSocket = ws
	r.result.Problems = append(r.result.Problems, ws.Samples...)
}

// gather turns what the loads have recorded into the result.
func (r *run) gather() {
	var paced []*latency.Recorder
	add := func(name string, recorder *latency.Recorder, rate options.Rate) {
		e := report.Endpoint{
			Name: name, Paced: !rate.FlatOut, Summary: latency.Summarize(recorder),
		}
		e.PerSecond = float64(e.Count) / r.result.Seconds
		r.result.Endpoints = append(r.result.Endpoints, e)
		if e.Paced {
			paced = append(paced, recorder)
		}
	}
	for _, e := range r.loads.endpoints {
		add("GET "+e.Name, e.Recorder(), r.opts.Gets.Rate)
	}
	if r.loads.gets != nil {
		r.result.Problems = append(r.result.Problems, r.loads.gets.Errors()...)
	}
	if load := r.loads.quotes; load != nil {
		add(r.opts.Quotes.Via.Endpoint(), load.Recorder(), r.opts.Quotes.Rate)
		q := &report.Quotes{Totals: load.Totals(), Connections: load.Connections()}
		q.PerSecond = float64(q.Received) / r.result.Seconds
		r.result.Quotes = q
		r.result.Problems = append(r.result.Problems, q.Errors...)
		if q.Connections < r.opts.Quotes.Connections {
			r.note("%d connections post, because each needs a symbol of its own", q.Connections)
		}
	}
	if load := r.loads.orders; load != nil {
		add(load.Endpoint(), load.Recorder(), r.opts.Orders.Rate)
		r.gatherOrders(load)
	}
	if len(paced) > 0 {
		overall := latency.Summarize(paced...)
		r.result.Overall = &overall
		if late := overall.Timer.P99; late > busyMillis {
			r.note("this machine is too busy to measure on: the generator's own timer was late by "+
				"%.0f ms at p99", late)
		}
	}
	r.result.Counters.After = r.settled()
	if !r.result.Memory.Known {
		r.note("memory is not measured: /api/stats does not say it and no -pid was given")
	}
}

// gatherOrders adds up the orders, and asks the engine how many of them it has filled.
func (r *run) gatherOrders(load *orders.Load) {
	o := &report.Orders{
		Totals: load.Totals(), Connections: load.Connections(), Account: load.Account(),
	}
	o.PerSecond = float64(o.Acknowledged) / r.result.Seconds
	r.result.Problems = append(r.result.Problems, o.Errors...)
	counted, err := load.CountFilled()
	if err != nil {
		r.result.Problems = append(r.result.Problems, err.Error())
	} else {
		o.Counted = &counted
	}
	r.result.Orders = o
}

// stats returns the engine's counters, nil if it does not give them.
func (r *run) stats() *server.Stats {
	s, err := r.client.Stats()
	if err != nil {
		if problem := err.Error(); !slices.Contains(r.result.Problems, problem) {
			r.result.Problems = append(r.result.Problems, problem)
		}
		return nil
	}
	return &s
}

// settled returns the engine's counters once it has applied every quote it has accepted. After
// ack=commit that is at once; after ack=accept some may still be on their way.
func (r *run) settled() *server.Stats {
	want := int64(math.MinInt64)
	before := r.result.Counters.Before
	accepted := r.result.Quotes != nil && r.opts.Quotes.Ack == quotes.Accept
	if accepted && before != nil && before.Quotes != nil {
		want = before.Quotes.Received + r.result.Quotes.Received
	}
	for deadline := time.Now().Add(settleTime); ; time.Sleep(20 * time.Millisecond) {
		s := r.stats()
		if s == nil || s.Quotes == nil || s.Quotes.Received >= want || time.Now().After(deadline) {
			return s
		}
	}
}

// compare measures the engine beside a bare server.
func (r *run) compare(ctx context.Context) error {
	opts := gets.CompareOptions{
		Engine: wireTo(r.opts, r.opts.Address()), Bare: wireTo(r.opts, r.opts.Bare()),
		Paths: r.opts.Gets.Paths, Connections: r.opts.Gets.Connections, Rounds: r.opts.Gets.Rounds,
	}
	opts.Slice = r.opts.Duration / time.Duration(2*opts.Rounds*len(opts.Paths))
	start := time.Now()
	comparisons, err := gets.Compare(ctx, opts, func(c gets.Comparison) {
		r.progress.Show(fmt.Sprintf("%5.0fs  %s  engine %s/s  bare %s/s  ratio %.3f",
			time.Since(start).Seconds(), c.Path, report.Thousands(int64(c.EngineRate)),
			report.Thousands(int64(c.BareRate)), c.Ratio))
	})
	if err != nil {
		return err
	}
	r.result.Started, r.result.Seconds = start, time.Since(start).Seconds()
	r.result.Comparisons = comparisons
	for _, c := range comparisons {
		r.result.Problems = append(r.result.Problems, c.Errors...)
		if d := c.EngineBytes/c.BareBytes - 1; math.Abs(d) > 0.02 {
			r.note("%s: the two servers do not send the same: %.0f and %.0f bytes",
				c.Path, c.EngineBytes, c.BareBytes)
		}
	}
	return nil
}

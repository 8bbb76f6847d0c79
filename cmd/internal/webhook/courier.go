package webhook

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"tradingengine/core"
	"tradingengine/persist"
)

const (
	// attemptsAtOnce is how many attempts of one webhook are under way at most.
	attemptsAtOnce = 4
	// recordEvery is how long results are gathered, because each commit takes turns with those of
	// trading, and recordRows how many share one.
	recordEvery = 100 * time.Millisecond
	recordRows  = 64
	// retryStorage is the pause after a read or commit that failed for a reason that may pass.
	retryStorage = time.Second
	// lookEvery is the longest pause between two looks into the outbox: our clock may be set.
	lookEvery = time.Minute
	// sweepEvery is how often old deliveries are looked for; while there are more, sweepPause lies
	// between two steps.
	sweepEvery = time.Minute
	sweepPause = 50 * time.Millisecond
)

// outbox is where messages lie: a *persist.Journal.
type outbox interface {
	OutboxFilled() <-chan struct{}
	Due(ctx context.Context, now core.Time, each int) ([]persist.DueDelivery, core.Time, error)
	Record(results []persist.AttemptResult) error
	Sweep(ctx context.Context, now core.Time) (more bool, err error)
}

// Options configure a Courier. Zero values mean the default given.
type Options struct {
	Journal      *persist.Journal // Required.
	AllowPrivate bool             // Deliver to addresses that are not public.
	Version      string           // Told to receivers.
	Timeout      time.Duration    // Of an attempt; default 15 s.
	Seed         uint64           // Decides by how much retries are earlier or later.
	Roots        *x509.CertPool   // Who may vouch for receivers; nil is whom the system trusts.

	// Dial connects; nil is the network, with a check of addresses.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Now  func() core.Time // Default core.Now.
	Log  *slog.Logger     // Nil discards.
}

// Courier delivers what lies in the outbox. Its fields belong to the goroutine of Run.
type Courier struct {
	outbox outbox
	now    func() core.Time
	log    *slog.Logger
	sender *sender
	retry  retries

	busy    map[int64]int      // Attempts under way, by webhook,
	under   map[int64]struct{} // and by delivery, until they are recorded.
	results chan result        // Has room for all that can be under way.
	done    []result           // To be recorded.
	failing map[int64]bool     // Webhooks whose last attempt failed.
	trouble bool               // The file could not be read or written the last time.

	look, record, sweep *time.Timer
	counts              counts
}

// result is how an attempt went.
type result struct {
	delivery *persist.DueDelivery
	attempt  persist.Attempt
}

// New makes a courier that does nothing yet.
func New(o Options) *Courier {
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Now == nil {
		o.Now = core.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Courier{
		outbox: o.Journal, now: o.Now, log: o.Log, sender: newSender(&o),
		retry:   retries{rand.New(rand.NewPCG(o.Seed, 0))},
		busy:    make(map[int64]int),
		under:   make(map[int64]struct{}),
		results: make(chan result, persist.WebhooksMax*attemptsAtOnce),
		failing: make(map[int64]bool),
	}
}

// Run delivers until ctx ends. Attempts under way are then abandoned and not recorded, so that the
// next run makes them again; their receivers may see them twice. It returns an error that wraps
// persist.ErrStorageFailed when the file cannot be trusted any more.
func (c *Courier) Run(ctx context.Context) error {
	c.look, c.record = time.NewTimer(0), time.NewTimer(lookEvery)
	c.sweep = time.NewTimer(sweepEvery)
	c.record.Stop()
	var attempts sync.WaitGroup
	err := c.loop(ctx, &attempts)
	attempts.Wait()
	for err == nil && len(c.results) > 0 {
		c.done = append(c.done, <-c.results)
	}
	if err == nil {
		err = c.store()
	}
	return err
}

// loop ends when ctx does, or when storage has failed for good.
func (c *Courier) loop(ctx context.Context, attempts *sync.WaitGroup) error {
	ctx, abandon := context.WithCancel(ctx)
	defer abandon()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-c.outbox.OutboxFilled():
			c.start(ctx, attempts)
		case <-c.look.C:
			c.start(ctx, attempts)
		case r := <-c.results:
			if c.done = append(c.done, r); len(c.done) == 1 {
				c.record.Reset(recordEvery)
			}
		case <-c.record.C:
			if err = c.store(); err == nil {
				c.start(ctx, attempts)
			}
		case <-c.sweep.C:
			err = c.clean(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// start begins an attempt of everything that is due, as far as its webhook has room for more.
func (c *Courier) start(ctx context.Context, attempts *sync.WaitGroup) {
	now := c.now()
	list, next, err := c.outbox.Due(ctx, now, attemptsAtOnce)
	if c.troubled(ctx, err, "the outbox cannot be read") {
		c.look.Reset(retryStorage)
		return
	}
	for i := range list {
		d := &list[i]
		if _, ok := c.under[d.ID]; ok || c.busy[d.Webhook] == attemptsAtOnce {
			continue
		}
		c.under[d.ID] = struct{}{}
		c.busy[d.Webhook]++
		attempts.Go(func() { c.try(ctx, d) })
	}
	pause := lookEvery
	if next != 0 {
		pause = min(pause, time.Duration(next-now)*time.Microsecond)
	}
	c.look.Reset(pause)
}

// try makes an attempt. One that ctx ends has no result.
func (c *Courier) try(ctx context.Context, d *persist.DueDelivery) {
	at, begun := c.now(), time.Now()
	status, err := c.sender.send(ctx, d, int64(at)/int64(core.Second))
	if err != nil && ctx.Err() != nil {
		return
	}
	a := persist.Attempt{Time: at, Took: time.Since(begun), Status: status}
	switch {
	case err != nil:
		a.Error = cut(err.Error())
	case status >= 300 && status < 400:
		a.Error = "redirects are not followed"
	}
	c.results <- result{d, a}
}

// cut bounds what is kept of the words of others.
func cut(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}

// store records results, oldest first. Those that could not be stored stay, to be tried again.
func (c *Courier) store() error {
	for len(c.done) > 0 {
		n := min(len(c.done), recordRows)
		rows := make([]persist.AttemptResult, n)
		for i := range rows {
			rows[i] = c.outcome(&c.done[i])
		}
		err := c.outbox.Record(rows)
		if c.troubled(context.Background(), err, "attempts to deliver cannot be recorded") {
			c.record.Reset(retryStorage)
			return final(err)
		}
		for i := range rows {
			c.recorded(&c.done[i], &rows[i])
		}
		c.done = c.done[n:]
	}
	return nil
}

// outcome says what follows from an attempt.
func (c *Courier) outcome(r *result) persist.AttemptResult {
	row := persist.AttemptResult{Attempt: r.attempt, Delivery: r.delivery.ID}
	switch status := r.attempt.Status; {
	case status >= 200 && status < 300:
		row.Delivered = true
	case status == 410:
		row.Gone = true
	default:
		if pause, ok := c.retry.after(r.delivery.Failures); ok {
			row.Next = c.now() + core.Time(pause.Microseconds())
		}
	}
	return row
}

// recorded makes room for the next attempt, and tells when a webhook begins or ends to fail.
func (c *Courier) recorded(r *result, row *persist.AttemptResult) {
	d := r.delivery
	delete(c.under, d.ID)
	if c.busy[d.Webhook]--; c.busy[d.Webhook] == 0 {
		delete(c.busy, d.Webhook)
	}
	c.counts.add(row)
	switch failed := c.failing[d.Webhook]; {
	case row.Gone:
		delete(c.failing, d.Webhook)
		c.sweep.Reset(sweepPause) // To give up what waits for it.
		c.log.Warn("a webhook is disabled, because it answered that it is gone", "webhook", d.Webhook)
	case row.Delivered && failed:
		delete(c.failing, d.Webhook)
		c.log.Info("a webhook takes messages again", "webhook", d.Webhook)
	case !row.Delivered && !failed:
		c.failing[d.Webhook] = true
		c.log.Warn("a webhook does not take a message; it is tried again", "webhook", d.Webhook,
			"delivery", d.ID, "status", row.Status, "reason", row.Error)
	}
}

// clean makes a step of deleting what is old.
func (c *Courier) clean(ctx context.Context) error {
	more, err := c.outbox.Sweep(ctx, c.now())
	pause := sweepEvery
	if more {
		pause = sweepPause
	}
	if c.troubled(ctx, err, "old deliveries cannot be deleted") {
		pause = sweepEvery
	}
	c.sweep.Reset(pause)
	return final(err)
}

// final returns err if nothing can be done with the file any more.
func final(err error) error {
	if errors.Is(err, persist.ErrStorageFailed) {
		return err
	}
	return nil
}

// troubled reports whether a call of the file failed, and says so once until one works.
func (c *Courier) troubled(ctx context.Context, err error, message string) bool {
	if err == nil {
		c.trouble = false
		return false
	}
	if ctx.Err() == nil {
		c.counts.storage.Add(1)
		if !c.trouble {
			c.log.Warn(message, "reason", err)
		}
		c.trouble = true
	}
	return true
}

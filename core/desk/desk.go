package desk

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/trading"
)

// Options configure a Desk. Zero values mean the default given.
type Options struct {
	Engine  *core.Engine     // Required; its watcher becomes the desk's.
	Machine *trading.Machine // Required: the state that the journal holds.
	Journal Journal          // Required.
	History History          // Required.
	// Alerts is the book of alerts as it was stored; nil makes an empty one.
	Alerts *alert.Book

	// Open is what an empty journal begins with: it makes the first events. May be nil.
	Open func(m *trading.Machine, now core.Time) error

	// QuoteClock takes trading time from the newest quote instead of Now.
	QuoteClock bool
	Now        func() core.Time // Our clock; default core.Now.

	Behind    int // Uncommitted events above which commands get ErrBehind; default 10,000.
	BehindMax int // Uncommitted events above which the desk ends; default 1,000,000.
	Tail      int // Newest committed events kept in memory for subscribers; default 16,384.

	FinalTimeout time.Duration // How long the last commit is tried at the end; default 10 s.
	Log          *slog.Logger  // Nil discards.
}

// Desk is the owner of the trading state. Remember comes first, then Run, then Close. All other
// methods may be called from any goroutine while it runs.
type Desk struct {
	opts    Options
	watcher *core.Watcher
	counts  counts
	tail    tail

	alertTail alertTail

	// What follows belongs to the goroutine of Run.
	machine *trading.Machine
	keys    keys
	market  market
	alerts  alerts
	marks   []uint64 // Of each shard, the last hand-over that the machine took.
	open    *group   // What waits for the next commit.

	groups    chan *group // To the committer.
	idle      chan *group // From it; one is in it while nothing is being committed.
	committed atomic.Uint64
	failing   atomic.Bool // The last try to commit failed for a reason that may pass.

	failure atomic.Pointer[error] // Why the desk ends.
	broken  chan struct{}         // Closed with it,
	ended   chan struct{}         // and closed when Run has returned.
}

// New checks the options and makes a desk.
func New(opts Options) (*Desk, error) {
	if opts.Engine == nil || opts.Machine == nil || opts.Journal == nil || opts.History == nil {
		return nil, errors.New("desk: Engine, Machine, Journal and History are required")
	}
	if opts.Now == nil {
		opts.Now = core.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.FinalTimeout == 0 {
		opts.FinalTimeout = 10 * time.Second
	}
	for _, o := range []struct {
		v         *int
		otherwise int
	}{{&opts.Behind, 10_000}, {&opts.BehindMax, 1_000_000}, {&opts.Tail, 16_384}} {
		if *o.v == 0 {
			*o.v = o.otherwise
		}
		if *o.v < 0 {
			return nil, fmt.Errorf("desk: %d is no number of events", *o.v)
		}
	}
	if opts.Alerts == nil {
		var err error
		if opts.Alerts, err = alert.New(alert.Options{Symbols: opts.Engine.Symbols()}); err != nil {
			return nil, err
		}
	}
	d := &Desk{
		opts: opts, watcher: opts.Engine.Watcher(), machine: opts.Machine, keys: newKeys(),
		market: newMarket(opts.Engine, opts.Machine, opts.Alerts),
		alerts: alerts{
			book: opts.Alerts, machine: opts.Machine, symbols: opts.Engine.Symbols(),
			told: opts.Machine.Head(),
		},
		alertTail: alertTail{ring: make([]alert.FireChange, alertTailSize)},
		marks:     make([]uint64, len(opts.Engine.Progress())),
		open:      &group{}, groups: make(chan *group, 1), idle: make(chan *group, 1),
		broken: make(chan struct{}), ended: make(chan struct{}),
	}
	d.idle <- &group{}
	head := d.machine.Head()
	d.committed.Store(head)
	d.counts.state(d.machine, d.alerts.book)
	d.tail.start(opts.Tail, d.machine)
	return d, nil
}

// Remember says that a key is in the journal. It is called for each of them before Run.
func (d *Desk) Remember(k Key) { d.keys.mark(k) }

// now is trading time for an input that comes now.
func (d *Desk) now() core.Time {
	if d.opts.QuoteClock {
		return d.opts.Engine.Newest()
	}
	return d.opts.Now()
}

// tick is the message that moves trading time on.
type tick core.Time

// Run works until Close is called and everything sent before is done and committed. An error means
// that the journal failed; then waiting callers and senders of quotes were told so, and the process
// should end, because what they are owed is unknown until a new start.
func (d *Desk) Run() error {
	defer close(d.ended)
	if d.machine.Head() == 0 && d.opts.Open != nil {
		if err := d.opts.Open(d.machine, d.now()); err != nil {
			d.fail(err)
		}
	}
	var beside sync.WaitGroup
	over := make(chan struct{})
	beside.Go(d.commitGroups)
	beside.Go(func() { d.runClock(over) })
	d.market.follow(d.now())
	d.settle(d.now())
	d.forward()
	for h := d.watcher.Receive(); h != nil && d.failure.Load() == nil; h = d.watcher.Receive() {
		d.take(h)
		d.watcher.Release(h)
		d.counts.taken.Add(1)
		d.forward()
	}
	close(over)
	d.finish()
	beside.Wait()
	if d.failure.Load() == nil {
		return nil
	}
	d.open.end(d.endError())
	return d.endError()
}

// Close lets Run return when everything sent was done. It comes after the engine's Run returned.
func (d *Desk) Close() { d.watcher.Close() }

// runClock sends a tick each second.
func (d *Desk) runClock(over <-chan struct{}) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-over:
			return
		case <-ticker.C:
			// When there is no room the next one comes in a second.
			d.watcher.Send(tick(d.now()))
		}
	}
}

// take does what one hand-over asks for.
func (d *Desk) take(h *core.Handover) {
	now := core.Time(0)
	switch m := h.Message.(type) {
	case *call:
		now = m.now
		d.do(m)
	case tick:
		now = core.Time(m)
		d.machine.Advance(now)
		d.alerts.book.Advance(now)
	case *reading:
		now = m.now
		d.alerts.book.Reading(now, m.Reading)
	default:
		if len(h.Quotes) == 0 {
			return // A signal.
		}
		now = d.takeQuotes(h)
	}
	d.settle(now)
	d.counts.state(d.machine, d.alerts.book)
	if waiting := d.uncommitted(); waiting > uint64(d.opts.BehindMax) {
		d.fail(fmt.Errorf("%d events wait for the journal, and at most %d may", waiting,
			d.opts.BehindMax))
	}
}

// uncommitted counts the events, and what alerts changed, that wait for the journal.
func (d *Desk) uncommitted() uint64 {
	return d.machine.Head() - d.committed.Load() + uint64(d.alerts.book.Waiting())
}

// settle looks at what an input did: to accounts that rules wait for, and to who needs which
// symbols.
func (d *Desk) settle(now core.Time) {
	d.alerts.tell(now, alert.Cause{})
	d.alerts.observe(now)
	d.market.settle(now)
}

// takeQuotes gives the machine and the book the quotes of one batch that they need. They ignore
// those that they have.
func (d *Desk) takeQuotes(h *core.Handover) core.Time {
	now, taken := d.now(), int64(0)
	for i := range h.Quotes {
		q := &h.Quotes[i]
		if d.opts.QuoteClock {
			now = q.Time
		}
		uses := d.market.uses[q.Symbol]
		if uses&forTrading != 0 && d.machine.Quote(now, trading.Quote(*q)) {
			taken++
		}
		if uses&forAlerts != 0 {
			d.alerts.book.Quote(now, alert.Quote(*q))
		}
		d.alerts.tell(now, alert.Cause{Symbol: q.Symbol, Quote: q.Time})
	}
	d.counts.quotes.Add(taken)
	d.marks[h.Shard] = h.Number
	d.open.marked = true
	return now
}

// do has a call done, or ends it at once.
func (d *Desk) do(k *call) {
	if k.query != nil {
		d.counts.reads.Add(1)
		d.market.prepare(k.now, k.query.Account, k.query.Symbols)
		if k.query.Alerts != nil {
			k.query.Alerts(d.alerts.book, k.now)
		} else {
			k.query.Look(d.machine, k.now)
		}
		d.open.calls = append(d.open.calls, k)
		return
	}
	if err := d.mayTake(); err != nil {
		d.counts.behind.Add(1)
		k.end(err)
		return
	}
	first, err := d.keys.find(k)
	switch {
	case err != nil:
		k.end(err)
		return
	case first != nil:
		d.counts.repeated.Add(1)
		k.answer = *first
		k.answer.Repeated = true
	default:
		d.apply(k)
	}
	d.open.calls = append(d.open.calls, k)
}

// mayTake says why commands are refused at the moment.
func (d *Desk) mayTake() error {
	switch {
	case d.failing.Load():
		return ErrJournal
	case d.uncommitted() > uint64(d.opts.Behind):
		return ErrBehind
	}
	return nil
}

// apply does a command that is new.
func (d *Desk) apply(k *call) {
	c := k.command
	d.counts.commands.Add(1)
	d.market.prepare(k.now, c.Account, c.Symbols)
	before, changed := d.machine.Head(), d.alerts.book.Changed()
	if c.Alerts != nil {
		k.answer = c.Alerts(d.alerts.book, k.now)
		d.alerts.value(k.now, c.Account, 0, alert.Cause{})
	} else {
		k.answer = c.Apply(d.machine, k.now)
	}
	k.answer.Seq = d.machine.Head()
	if k.answer.Seq == before && d.alerts.book.Changed() == changed {
		return // It left nothing behind, so it may be tried again.
	}
	for _, key := range c.Keys {
		if d.keys.add(key, c.Hash, &k.answer) {
			d.open.kept = append(d.open.kept, Kept{key, c.Hash, k.answer})
		}
	}
}

// fail ends the desk. Only the first reason counts.
func (d *Desk) fail(err error) {
	err = fmt.Errorf("%w: %w", ErrFailed, err)
	if d.failure.CompareAndSwap(nil, &err) {
		close(d.broken)
		d.watcher.Fail(err)
		d.watcher.Signal()
	}
}

// endError is what those get who waited for a desk that ended.
func (d *Desk) endError() error {
	if err := d.failure.Load(); err != nil {
		return *err
	}
	return ErrStopped
}

// Failed returns why the desk ended, or nil while it works.
func (d *Desk) Failed() error {
	if err := d.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// Committed is the seq of the newest event that is on the disk.
func (d *Desk) Committed() uint64 { return d.committed.Load() }

package desk

import (
	"errors"
	"fmt"
	"time"

	"tradingengine/core/alert"
	"tradingengine/core/trading"
)

// group is what shares one transaction. There are two: one is filled by the desk while the other
// is committed. It belongs to the desk until it is sent to groups, then to the committer until it
// is in idle.
type group struct {
	events []trading.Event
	alerts alert.Changes
	kept   []Kept
	calls  []*call
	marks  []uint64
	marked bool // The marks moved since they were told.
}

// end lets all calls go.
func (g *group) end(err error) {
	for _, k := range g.calls {
		k.end(err)
	}
	clear(g.events)
	clear(g.kept)
	clear(g.calls)
	g.events, g.kept, g.calls = g.events[:0], g.kept[:0], g.calls[:0]
	g.alerts.Reset()
	g.marked = false
}

// forward gives the open group to the committer when that is idle, and lets its calls go at once
// when there is nothing to commit. While a commit runs the group stays open; the signal after it
// comes back here. Events are taken only now, because successive moves of a trailing stop become
// one event until they are.
func (d *Desk) forward() {
	g := d.open
	book := d.alerts.book
	if len(g.calls) == 0 && !g.marked && d.machine.Waiting() == 0 && book.Waiting() == 0 {
		return
	}
	var spare *group
	select {
	case spare = <-d.idle:
	default:
		return
	}
	g.events = d.machine.Take(g.events)
	book.Take(&g.alerts)
	if len(g.events) == 0 && g.alerts.Len() == 0 {
		if g.marked {
			d.watcher.Journaled(d.marks)
		}
		g.end(nil)
		d.idle <- spare
		return
	}
	g.marks = append(g.marks[:0], d.marks...)
	d.keys.drop(len(g.kept))
	d.open = spare
	d.groups <- g
}

// finish commits what is open, and ends the committer.
func (d *Desk) finish() {
	timeout := time.AfterFunc(d.opts.FinalTimeout, func() {
		d.fail(fmt.Errorf("the last events could not be committed within %s", d.opts.FinalTimeout))
	})
	defer timeout.Stop()
	for range 2 { // The group under way, then the open one.
		select {
		case spare := <-d.idle:
			d.idle <- spare
			d.forward()
		case <-d.broken:
		}
	}
	select {
	case <-d.idle:
	case <-d.broken:
	}
	close(d.groups)
}

// commitGroups is the committer: it commits group after group.
func (d *Desk) commitGroups() {
	for g := range d.groups {
		if !d.commit(g) {
			g.end(d.endError())
			continue // The desk ends; at most one more group is on its way.
		}
		// In this order, so that whoever loads committed finds everything up to it in the tail.
		d.announce(g.alerts.Fires)
		d.tail.add(g.events)
		if n := len(g.events); n > 0 {
			d.committed.Store(g.events[n-1].Seq)
		}
		d.watcher.Journaled(g.marks)
		g.end(nil)
		d.idle <- g
		d.watcher.Signal()
	}
}

// How long a failed commit waits before it is tried again.
const (
	retryFirst = 10 * time.Millisecond
	retryMax   = time.Second
)

// commit stores a group, again and again while that fails for a reason that may pass. It reports
// false when it never will.
func (d *Desk) commit(g *group) bool {
	for wait := retryFirst; d.failure.Load() == nil; wait = min(2*wait, retryMax) {
		start := time.Now()
		err := d.opts.Journal.Commit(g.events, g.kept, &g.alerts)
		if err == nil {
			d.counts.commit(g.events, time.Since(start))
			if d.failing.Swap(false) {
				d.opts.Log.Info("the journal takes events again")
			}
			return true
		}
		d.counts.failures.Add(1)
		if !errors.Is(err, ErrPassing) {
			d.fail(err)
			return false
		}
		if !d.failing.Swap(true) {
			d.opts.Log.Error("the journal takes no events", "reason", err)
		}
		select {
		case <-d.broken:
		case <-time.After(wait):
		}
	}
	return false
}

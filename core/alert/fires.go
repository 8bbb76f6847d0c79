package alert

import (
	"errors"
	"slices"

	"tradingengine/core"
)

// Errors of what is asked of a book.
var (
	ErrUnknownRule = errors.New("no such alert rule")
	ErrUnknownFire = errors.New("no such alert that is not resolved")
)

// make makes a fire of a rule and keeps it. A cause that fired already makes nothing.
func (b *Book) make(r *rule, f Fire) *fire {
	f.ID = r.FireID(&f.Cause)
	if b.recent.has(f.ID) {
		b.counts.Repeated++
		return nil
	}
	b.recent.add(f.ID)
	b.lastFire++
	f.Seq, f.Rule, f.Revision, f.Kind, f.Status = b.lastFire, r.ID, r.Revision, r.Kind, Fired
	f.CreatedAt, f.UpdatedAt = b.now, b.now
	if f.Severity == 0 {
		f.Severity = r.Severity
	}
	if f.Channels == 0 {
		f.Channels = r.Channels
	}
	x := &fire{Fire: f, wakeAt: -1}
	b.counts.Fires++
	b.note(FireChange{Fire: f, New: true})
	b.keep(x)
	if len(b.open) > b.options.FiresMax {
		b.counts.Crowded++
		b.resolve(b.open[0])
	}
	return x
}

// keep holds a fire that is not resolved.
func (b *Book) keep(f *fire) {
	b.fires[f.ID] = f
	b.open = append(b.open, f)
	b.lastFire = max(b.lastFire, f.Seq)
	b.recent.add(f.ID)
	if f.Status == Snoozed {
		b.wakes.Set(int64(f.SnoozedUntil), int64(f.Seq), &f.wakeAt)
	}
	if f.Cause.Check != "" && !f.Cause.Test {
		b.checks[f.Cause.Check] = f
	}
}

// become sets the status of a fire and notes that.
func (b *Book) become(f *fire, s Status, wake bool) {
	f.Status, f.UpdatedAt = s, b.now
	if s != Snoozed {
		f.SnoozedUntil = 0
		b.wakes.Remove(&f.wakeAt)
	}
	b.note(FireChange{Fire: f.Fire, Wake: wake})
}

func (b *Book) resolve(f *fire) {
	b.become(f, Resolved, false)
	delete(b.fires, f.ID)
	at, _ := b.findOpen(f.Seq)
	b.open = slices.Delete(b.open, at, at+1)
	if b.checks[f.Cause.Check] == f {
		delete(b.checks, f.Cause.Check)
	}
}

func (b *Book) findOpen(seq uint64) (at int, found bool) {
	return slices.BinarySearchFunc(b.open, seq, func(f *fire, seq uint64) int {
		return int(int64(f.Seq) - int64(seq))
	})
}

// Acknowledge says that somebody looks after a fire. The error is ErrUnknownFire, also for a fire
// that is resolved.
func (b *Book) Acknowledge(now core.Time, id FireID) (Fire, error) {
	return b.change(now, id, func(f *fire) { b.become(f, Acknowledged, false) })
}

// Snooze silences a fire; it is Fired again at until.
func (b *Book) Snooze(now core.Time, id FireID, until core.Time) (Fire, error) {
	return b.change(now, id, func(f *fire) {
		f.SnoozedUntil = until
		b.wakes.Set(int64(until), int64(f.Seq), &f.wakeAt)
		b.become(f, Snoozed, false)
	})
}

// Resolve ends a fire.
func (b *Book) Resolve(now core.Time, id FireID) (Fire, error) {
	return b.change(now, id, b.resolve)
}

func (b *Book) change(now core.Time, id FireID, do func(f *fire)) (Fire, error) {
	b.Advance(now)
	f := b.fires[id]
	if f == nil {
		return Fire{}, ErrUnknownFire
	}
	do(f)
	return f.Fire, nil
}

// Open finds a fire that is not resolved.
func (b *Book) Open(id FireID) (Fire, bool) {
	if f := b.fires[id]; f != nil {
		return f.Fire, true
	}
	return Fire{}, false
}

// Level is how a check of the server stands.
type Level uint8

// The levels, from good to bad.
const (
	OK Level = iota
	Warning
	Bad
)

// Reading is what a check of the server found.
type Reading struct {
	Check        string // Its name, the same each time.
	Level        Level
	Value, Limit string // Plain decimals; empty for none.
	Title        string // What a person reads, for instance "memory 1.6 GB, limit 1.5 GB".
	LogOnly      bool   // Nobody but the log is told.
}

// Reading takes what a check found. It fires when the check is worse than it was since it was last
// good: a warning is High, worse is Critical and takes the place of the warning. It resolves the
// fire when the check is good again.
func (b *Book) Reading(now core.Time, g Reading) {
	b.Advance(now)
	open := b.checks[g.Check]
	if g.Level == OK {
		if open != nil {
			b.resolve(open)
		}
		return
	}
	r := b.rules[BuiltIn]
	severity := High
	if g.Level == Bad {
		severity = Critical
	}
	if !r.active || open != nil && open.Severity >= severity {
		return
	}
	if open != nil {
		b.resolve(open)
	}
	channels := r.Channels
	if g.LogOnly {
		channels = Log
	}
	f := b.make(r, Fire{
		Severity: severity, Title: g.Title, Value: g.Value, Threshold: g.Limit, Channels: channels,
		Cause: Cause{Since: b.now, Check: g.Check},
	})
	b.fired(r, f)
}

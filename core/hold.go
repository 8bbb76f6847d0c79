package core

import (
	"context"
	"time"
)

// Two wait for storage, and only while it works. A sender waits when some symbol's uncommitted
// ticks fill half their ring: those of a sender who does not wait for commits would be lost else. A
// shard waits before it would overwrite closed minutes that are not stored: a bar must not be
// missing, and recorded quotes can close thousands of minutes in a moment, which no live market
// does.
//
// Nobody waits for storage whose last commit failed, on a full disk say, or that does nothing for
// long. Then prices, bars and streams go on, and ticks that are overwritten are counted as lost.
// A disk that takes half a second for a sync works: a commit and a checkpoint may need four.

const (
	holdLook = time.Millisecond
	holdMax  = 5000 // Looks in a row at storage that does nothing.
)

// storageWait follows what storage does while somebody waits for it.
type storageWait struct {
	engine *Engine
	done   uint64 // What it had done at the last look.
	idle   int    // Looks since that changed.
}

// worth reports whether waiting one look more makes sense.
func (w *storageWait) worth() bool {
	e := w.engine
	if done := e.takes.Load(); done != w.done {
		w.done, w.idle = done, 0
	}
	if w.idle++; w.idle > holdMax {
		e.givenUp.Store(w.done)
	}
	return w.done != e.givenUp.Load()
}

// waitIfBehind slows a sender while storage is behind.
func (e *Engine) waitIfBehind(ctx context.Context) error {
	if !e.behind.Load() {
		return nil
	}
	e.slowed.Add(1)
	w := storageWait{engine: e, done: e.takes.Load()}
	for e.behind.Load() && !e.closed.Load() && w.worth() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(holdLook):
		}
	}
	return nil
}

// isCrowded reports whether the next batch could overwrite closed minutes of m.
func (s *shard) isCrowded(m *market) bool {
	return m.closed[M1].next-s.engine.takenMinutes[m.id].Load() > s.engine.crowdedAt
}

// waitForStorage holds the shard while a symbol of the last batch is crowded.
func (s *shard) waitForStorage() {
	m := s.crowded
	if m == nil {
		return
	}
	s.crowded = nil
	if !s.isCrowded(m) {
		return
	}
	e := s.engine
	e.held.Add(1)
	for w := (storageWait{engine: e, done: e.takes.Load()}); s.isCrowded(m) && w.worth(); {
		// Nothing more is let in meanwhile, or it would all be applied at once afterwards.
		e.behind.Store(true)
		wake(e.storage)
		time.Sleep(holdLook)
	}
}

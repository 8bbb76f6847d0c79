package core

import "time"

// Ticks that nobody stored in time are lost and counted, and live prices go on. A bar is never
// lost like that: recorded quotes can close thousands of minutes in a moment, which no live market
// does, so a shard waits for storage before closed minutes would be overwritten. It does not wait
// for storage that does nothing: then minutes pass as slowly as they do, and it takes days of them
// to fill a ring.

const (
	holdLook = time.Millisecond
	holdMax  = 1000 // Looks in a row at storage that does nothing.
)

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
	e := s.engine
	if !s.isCrowded(m) || e.takes.Load() == s.givenUp {
		return
	}
	e.held.Add(1)
	done := e.takes.Load()
	for looks := 0; s.isCrowded(m); looks++ {
		if now := e.takes.Load(); now != done {
			done, looks = now, 0
		}
		if looks == holdMax {
			s.givenUp = done
			return
		}
		wake(e.storage)
		time.Sleep(holdLook)
	}
}

package httpd

import (
	"slices"
	"sync/atomic"

	"tradingengine/core"
)

// streamEnd is where a reader leaves a log.
type streamEnd struct {
	segment *streamSegment
	at      streamPoint
}

// streamCursor is one session's place in a log. The session's writer moves it; the hub says where
// it ends.
//
// Publication: the hub stores end before it publishes anything behind that place, and a reader
// loads end after it loaded what is published. So a reader that could see frames behind its end
// sees the end too, and a session that moves from one log to another sends nothing twice.
type streamCursor struct {
	log *streamLog

	// The session writer's.
	segment *streamSegment
	at      streamPoint
	asked   bool // It was lapped, and the hub was asked for a new start.

	end   atomic.Pointer[streamEnd] // Nil while the session takes the log.
	taken atomic.Uint64             // Position up to which the connection took everything.

	// The hub's.
	reader *session
	place  int // In log.readers.
}

// peek returns the frames from the cursor on that lie in one piece and the point after them, none
// when there is nothing new. lost means that what came next is no longer kept.
func (c *streamCursor) peek() (frames []byte, next streamPoint, lost bool) {
	for {
		s := c.segment
		next = s.published()
		follow := s.next.Load()
		if end := c.end.Load(); end != nil && end.segment == s {
			next, follow = end.at, nil
		}
		if next > c.at {
			return s.bytes[c.at.bytes():next.bytes()], next, false
		}
		switch {
		case follow == nil:
			return nil, c.at, false
		case s.published() > c.at:
			continue // Published between the first two loads.
		case follow == streamCut:
			return nil, c.at, true
		}
		c.segment, c.at = follow, 0
	}
}

// advance notes that everything before next was taken.
func (c *streamCursor) advance(next streamPoint) {
	c.at = next
	c.taken.Store(c.segment.base + uint64(next.bytes()))
}

// known returns what the session was sent of each symbol of the log.
func (c *streamCursor) known() func(id core.SymbolID) (streamMark, bool) {
	marks := c.segment.marksAt(c.at)
	return func(id core.SymbolID) (streamMark, bool) {
		slot, ok := slices.BinarySearch(c.log.symbols, id)
		if !ok {
			return streamMark{}, false
		}
		return marks[slot], true
	}
}

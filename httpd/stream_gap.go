package httpd

import (
	"slices"

	"tradingengine/core"
)

// streamSnapshot is what a session is shown of a log before it reads on from a place: at most one
// frame a symbol, the newest. The hub makes it together with the cursor, so nothing can come
// between the two. It is shared and never changed.
type streamSnapshot struct {
	bytes   []byte
	entries []snapshotEntry // Ascending by symbol.
}

type snapshotEntry struct {
	symbol core.SymbolID
	end    int        // Where its frame ends in bytes; it begins where the one before ends.
	mark   streamMark // Of the symbol, the frame included.
	before core.Time  // The time of the last item before what the frame itself stands for.
	own    uint64     // How many items of mark the frame itself delivers.
}

func (s *streamSnapshot) add(frame []byte, e snapshotEntry) {
	s.bytes = append(s.bytes, frame...)
	e.end = len(s.bytes)
	s.entries = append(s.entries, e)
}

// entry returns the entry of a symbol, or nil.
func (s *streamSnapshot) entry(id core.SymbolID) *snapshotEntry {
	at, ok := slices.BinarySearchFunc(s.entries, id, func(e snapshotEntry, id core.SymbolID) int {
		return int(e.symbol) - int(id)
	})
	if !ok {
		return nil
	}
	return &s.entries[at]
}

// streamGap counts what reconcile did.
type streamGap struct {
	frames  int64 // Frames of the snapshot.
	notices int64
	skipped int64 // Items the notices tell of.
}

// reconcile appends to dst what takes a reader from what it was sent of each symbol (known) to the
// snapshot: nothing for a symbol that misses nothing, the newest frame for one that misses only
// that or is new to the reader, and otherwise a notice that counts exactly what is left out and
// then the newest frame. all sends the newest frame in any case, for channels whose frames may
// differ though nothing countable happened between them.
func (s *streamSnapshot) reconcile(dst []byte,
	known func(id core.SymbolID) (streamMark, bool), all bool,
	notice func(dst []byte, id core.SymbolID, from, to core.Time, skipped uint64) []byte,
) ([]byte, streamGap) {
	var gap streamGap
	begin := 0
	for i := range s.entries {
		e := &s.entries[i]
		frame := s.bytes[begin:e.end]
		begin = e.end
		old, ok := known(e.symbol)
		missed := e.mark.index - old.index
		if ok && missed > e.own {
			dst = notice(dst, e.symbol, old.time, e.before, missed-e.own)
			gap.notices++
			gap.skipped += int64(missed - e.own)
		}
		if len(frame) > 0 && (!ok || missed > 0 || all) {
			dst = append(dst, frame...)
			gap.frames++
		}
	}
	return dst, gap
}

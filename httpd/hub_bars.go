package httpd

import (
	"time"

	"tradingengine/core"
)

// barFeed streams the bars of one time frame: each close once, from the ring of closed bars, and
// what is forming whenever formingEvery has passed.
type barFeed struct {
	frame   core.Frame
	symbols []barSymbol // By SymbolID.
	active  []core.SymbolID
	read    []core.Bar
	forming time.Time // When the forming bars are to be sent next.
}

const (
	barRun       = 16
	formingEvery = 250 * time.Millisecond
)

type barSymbol struct {
	logs   []logPlace
	next   uint64    // Ring index of the close to be sent next.
	closed core.Time // When the bar before that opened.

	// What was sent last of the forming bar.
	sentTime   core.Time
	sentVolume int64
}

func (x *barSymbol) mark() streamMark { return streamMark{x.next, x.closed} }

// startBars begins with a symbol whose bars nobody took: what is closed already is not sent.
func (h *hub) startBars(f *barFeed, id core.SymbolID) {
	x := &f.symbols[id]
	_, head := h.engine.BarSpan(id, f.frame)
	first, n := h.engine.ReadBars(id, f.frame, head-min(head, 1), f.read)
	x.next, x.closed, x.sentTime, x.sentVolume = first+uint64(n), 0, 0, 0
	if n > 0 {
		x.closed = f.read[n-1].Time
	}
}

func (h *hub) passBars(f *barFeed) {
	if len(f.active) == 0 {
		return
	}
	forming := !h.now.Before(f.forming)
	if forming {
		f.forming = h.now.Add(formingEvery)
	}
	for _, id := range f.active {
		h.sendCloses(f, id)
		if forming {
			h.sendForming(f, id)
		}
	}
	h.dueAt(f.forming)
}

// sendCloses sends the bars of a symbol that closed since the last time.
func (h *hub) sendCloses(f *barFeed, id core.SymbolID) {
	x := &f.symbols[id]
	text := &h.texts[id]
	for {
		first, n := h.engine.ReadBars(id, f.frame, x.next, f.read)
		if n > 0 && first != x.next {
			h.missBars(f, id, first, f.read[0].Time)
		}
		for i := range n {
			b := &f.read[i]
			h.scratch = text.barOf(frameStart(h.scratch), f.frame, b, true)
			x.next++
			x.closed = b.Time
			h.emit(x.logs, sealFrame(h.scratch), x.mark())
		}
		if n < len(f.read) {
			return
		}
	}
}

// missBars tells the logs that closed bars were overwritten before the hub could read them; t is
// when the first one left opened.
func (h *hub) missBars(f *barFeed, id core.SymbolID, first uint64, t core.Time) {
	x := &f.symbols[id]
	h.counts.overrun.Add(int64(first - x.next))
	channel := streamKey{kind: streamBars, frame: f.frame}.channel()
	h.scratch = h.texts[id].gap(frameStart(h.scratch), channel, x.closed, t-1, first-x.next)
	x.next, x.closed = first, t-1
	h.emit(x.logs, sealFrame(h.scratch), x.mark())
}

// sendForming sends the forming bar of a symbol if it changed. A bar may be closed in its ring a
// moment before the cut says so; that cut is not followed, or a bar would form again after its
// close.
func (h *hub) sendForming(f *barFeed, id core.SymbolID) {
	x := &f.symbols[id]
	b, closed := h.engine.Forming(id, f.frame)
	if closed > x.next {
		h.sendCloses(f, id)
	}
	if closed != x.next || b.Volume == 0 || (b.Time == x.sentTime && b.Volume == x.sentVolume) {
		return
	}
	x.sentTime, x.sentVolume = b.Time, b.Volume
	h.scratch = h.texts[id].barOf(frameStart(h.scratch), f.frame, &b, false)
	h.emit(x.logs, sealFrame(h.scratch), x.mark())
}

// barSnapshot shows the forming bar of a symbol, unless a close before it is still to be sent.
func (h *hub) barSnapshot(s *streamSnapshot, f *barFeed, id core.SymbolID) {
	x := &f.symbols[id]
	e := snapshotEntry{symbol: id, mark: x.mark(), before: x.closed}
	b, closed := h.engine.Forming(id, f.frame)
	if closed != x.next || b.Volume == 0 {
		s.add(nil, e)
		return
	}
	h.scratch = h.texts[id].barOf(frameStart(h.scratch), f.frame, &b, false)
	s.add(sealFrame(h.scratch), e)
}

package httpd

import (
	"cmp"
	"slices"

	"tradingengine/core"
)

// tickFeed is the hub's place in the rings of stored ticks. Only symbols that some log takes are
// read. What came of several symbols is sent in the order of time, as far as it is read together.
type tickFeed struct {
	symbols []tickSymbol // By SymbolID.
	active  []core.SymbolID
	turn    int // Index into active of the symbol to be read next.
	read    []core.Tick
	batch   []symbolTick // Read and not yet sent.
}

type symbolTick struct {
	core.Tick
	symbol core.SymbolID
}

const (
	tickRun   = 64  // Ticks of one symbol that are read at once.
	tickBatch = 256 // Ticks that are enough to be sent.
)

type tickSymbol struct {
	legacy  []logPlace
	chained []logPlace // With time and prev.

	next   uint64 // Ring index of the tick to be sent next.
	have   bool
	latest core.Tick // The tick before next, if there is one.
	prev   core.Time // The time of the one before that; 0 for none.
}

func (x *tickSymbol) taken() bool { return len(x.legacy) > 0 || len(x.chained) > 0 }

// startTicks begins with a symbol whose ticks nobody took: the newest tick in the ring is the
// latest one sent, whether it came in this run or was restored.
func (h *hub) startTicks(id core.SymbolID) {
	x := &h.ticks.symbols[id]
	_, head := h.engine.TickSpan(id)
	first, n := h.engine.ReadTicks(id, head-min(head, 2), h.ticks.read)
	x.next, x.have, x.latest, x.prev = first+uint64(n), n > 0, core.Tick{}, 0
	if n > 0 {
		x.latest = h.ticks.read[n-1]
	}
	if n > 1 {
		x.prev = h.ticks.read[n-2].Time
	}
}

func (x *tickSymbol) mark() streamMark { return streamMark{x.next, x.latest.Time} }

// passTicks sends what was stored since the last pass. It reports true when it left something for
// the next, because readers need time.
func (h *hub) passTicks() (more bool) {
	f := &h.ticks
	if len(f.active) == 0 {
		return false
	}
	if !h.mayGoOn() {
		return true
	}
	for {
		visited, full := 0, false
		for visited < len(f.active) && len(f.batch) < tickBatch {
			f.turn %= len(f.active)
			full = h.gatherTicks(f.active[f.turn]) || full
			f.turn++
			visited++
		}
		h.sendBatch()
		if h.pacing.full {
			return true
		}
		if visited == len(f.active) && !full {
			h.pacing.caughtUp()
			return false
		}
	}
}

// gatherTicks reads a run of ticks of one symbol and reports whether there may be more.
func (h *hub) gatherTicks(id core.SymbolID) (full bool) {
	f := &h.ticks
	x := &f.symbols[id]
	first, n := h.engine.ReadTicks(id, x.next, f.read)
	if n > 0 && first != x.next {
		h.missTicks(id, x, first, f.read[0].Time)
	}
	for i := range n {
		f.batch = append(f.batch, symbolTick{f.read[i], id})
	}
	return n == len(f.read)
}

// sendBatch sends what was gathered.
func (h *hub) sendBatch() {
	b := h.ticks.batch
	if len(h.ticks.active) > 1 {
		slices.SortStableFunc(b, func(x, y symbolTick) int { return cmp.Compare(x.Time, y.Time) })
	}
	for i := range b {
		h.sendTick(b[i].symbol, &h.ticks.symbols[b[i].symbol], &b[i].Tick)
	}
	h.pacing.debt -= int64(len(b))
	h.ticks.batch = b[:0]
}

// sendTick appends a tick in both forms to the logs that take it.
func (h *hub) sendTick(id core.SymbolID, x *tickSymbol, t *core.Tick) {
	x.prev, x.latest, x.have = x.latest.Time, *t, true
	x.next++
	legacy, chained := len(x.legacy) > 0, len(x.chained) > 0
	text := &h.texts[id]
	head := text.tick(frameStart(h.scratch), t, h.engine.Sources().Name(t.Source))
	if chained {
		h.scratch = text.chained(head, t, x.prev)
		h.emit(x.chained, sealFrame(h.scratch), x.mark())
	}
	if legacy {
		h.scratch = append(head, '}') // Over what chained added.
		h.emit(x.legacy, sealFrame(h.scratch), x.mark())
	}
}

// missTicks tells the logs that the ring overwrote ticks before the hub could read them. The tick
// that the ring still has, stamped t, then names the end of the gap as the time before it.
func (h *hub) missTicks(id core.SymbolID, x *tickSymbol, first uint64, t core.Time) {
	skipped := first - x.next
	h.counts.overrun.Add(int64(skipped))
	h.scratch = h.texts[id].gap(frameStart(h.scratch), streamKey{kind: streamTicks}.channel(),
		x.latest.Time, t-1, skipped)
	x.next, x.latest.Time = first, t-1
	frame := sealFrame(h.scratch)
	h.emit(x.chained, frame, x.mark())
	h.emit(x.legacy, frame, x.mark())
}

// tickSnapshot shows the newest tick of a symbol.
func (h *hub) tickSnapshot(s *streamSnapshot, id core.SymbolID, legacy bool) {
	x := &h.ticks.symbols[id]
	e := snapshotEntry{symbol: id, mark: x.mark()}
	if !x.have {
		s.add(nil, e)
		return
	}
	e.before, e.own = x.prev, 1
	text := &h.texts[id]
	h.scratch = text.tick(frameStart(h.scratch), &x.latest, h.engine.Sources().Name(x.latest.Source))
	if legacy {
		h.scratch = append(h.scratch, '}')
	} else {
		h.scratch = text.chained(h.scratch, &x.latest, x.prev)
	}
	s.add(sealFrame(h.scratch), e)
}

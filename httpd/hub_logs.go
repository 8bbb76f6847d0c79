package httpd

import (
	"slices"
	"time"

	"tradingengine/core"
)

// The methods of this file say which logs there are and who reads them. They run on the hub
// goroutine between two passes, when everything appended is published.

// streamSwitch takes a session from one log to another. The session's writer first sends what is
// left of old up to its end, then shows what it has not seen of the snapshot, then reads on in new.
type streamSwitch struct {
	old      *streamCursor // Nil: the stream is new to the session.
	new      *streamCursor // Nil: the stream ends.
	snapshot *streamSnapshot
}

// switchTo lets a session take symbols, and no others, of a stream. It reports false when it does
// that already.
func (h *hub) switchTo(s *session, key streamKey, symbols streamSymbols) (w streamSwitch, ok bool) {
	at := slices.IndexFunc(s.streams, func(c *streamCursor) bool { return c.log.key == key })
	if at >= 0 {
		w.old = s.streams[at]
		if slices.Equal(w.old.log.set, symbols) {
			return w, false
		}
		s.streams = slices.Delete(s.streams, at, at+1)
		h.leave(w.old)
	}
	if !symbols.empty() {
		h.enter(s, h.logFor(key, symbols), &w)
	}
	if w.old != nil {
		h.dropUnread(w.old.log)
	}
	return w, w.old != nil || w.new != nil
}

// renew gives a session that was lapped a new start at the end of the same log.
func (h *hub) renew(s *session, c *streamCursor) {
	at := slices.Index(s.streams, c)
	if at < 0 {
		return // It left the log meanwhile; the order that says so is on its way.
	}
	h.strike(s)
	s.streams = slices.Delete(s.streams, at, at+1)
	h.leave(c)
	w := streamSwitch{old: c}
	h.enter(s, c.log, &w)
	s.push(&sessionOrder{switches: []streamSwitch{w}})
}

func (h *hub) enter(s *session, l *streamLog, w *streamSwitch) {
	w.snapshot = h.snapshotOf(l)
	w.new = l.add(s)
	s.streams = append(s.streams, w.new)
}

// follow makes sure that a live stream has come to a ring index which a replay has reached: the
// replay reads the ring, of which the hub may have left something for later.
func (h *hub) follow(key streamKey, id core.SymbolID, index uint64) {
	if key.kind == streamBars {
		if f := &h.bars[key.frame]; len(f.symbols[id].logs) > 0 && f.symbols[id].next < index {
			h.sendCloses(f, id)
		}
		return
	}
	x := &h.ticks.symbols[id]
	for x.taken() && x.next < index {
		h.gatherTicks(id)
		h.sendBatch()
	}
}

// leave ends a session's reading of a log where the log ends now.
func (h *hub) leave(c *streamCursor) {
	c.end.Store(&streamEnd{c.log.tail, c.log.end})
	c.log.remove(c)
}

// logFor returns the log of a content, making it when nobody takes that content yet.
func (h *hub) logFor(key streamKey, symbols streamSymbols) *streamLog {
	k := streamLogKey{key, symbols.key()}
	if l := h.logs[k]; l != nil {
		return l
	}
	l := newStreamLog(key, symbols, h.opts.unsent)
	h.logs[k] = l
	if key.kind == streamQuotes && len(h.quotes.active) == 0 {
		h.engine.WantMoves(1)
		h.quotes.wanted = h.now
	}
	for slot, id := range l.symbols {
		l.marks[slot] = h.start(key, id)
	}
	l.enlist(h.placesOf(key))
	h.activate(key)
	l.begin(h.now)
	return l
}

// dropUnread forgets a log that nobody reads any more.
func (h *hub) dropUnread(l *streamLog) {
	if len(l.readers) > 0 {
		return
	}
	delete(h.logs, streamLogKey{l.key, l.set.key()})
	l.delist(h.placesOf(l.key))
	if l.key.kind == streamQuotes {
		for _, id := range l.symbols {
			h.quotes.symbols[id].logs--
		}
	}
	h.activate(l.key)
	if l.key.kind == streamQuotes && len(h.quotes.active) == 0 {
		h.engine.WantMoves(-1)
		h.quotes.wanted = time.Time{}
	}
}

// placesOf returns where the logs of a stream are listed by symbol.
func (h *hub) placesOf(key streamKey) func(core.SymbolID) *[]logPlace {
	switch key.kind {
	case streamLegacy:
		return func(id core.SymbolID) *[]logPlace { return &h.ticks.symbols[id].legacy }
	case streamTicks:
		return func(id core.SymbolID) *[]logPlace { return &h.ticks.symbols[id].chained }
	case streamQuotes:
		return func(id core.SymbolID) *[]logPlace {
			return &h.quotes.rates[key.rate].symbols[id].logs
		}
	case streamAlerts:
		return func(core.SymbolID) *[]logPlace { return h.alerts.places(key.accounts) }
	case streamAccount:
		return func(core.SymbolID) *[]logPlace { return h.accounts.places(key.account) }
	default:
		return func(id core.SymbolID) *[]logPlace { return &h.bars[key.frame].symbols[id].logs }
	}
}

// start makes sure that the feed of a stream follows a symbol, and returns where it stands.
func (h *hub) start(key streamKey, id core.SymbolID) streamMark {
	switch key.kind {
	case streamLegacy, streamTicks:
		x := &h.ticks.symbols[id]
		if !x.taken() {
			h.startTicks(id)
		}
		return x.mark()
	case streamQuotes:
		x, r := &h.quotes.symbols[id], &h.quotes.rates[key.rate]
		if x.logs == 0 {
			h.startQuotes(id)
		}
		x.logs++
		if len(r.symbols[id].logs) == 0 {
			h.startRate(r, id)
		}
		return r.symbols[id].covered
	case streamAlerts:
		return h.alerts.start()
	case streamAccount:
		return h.accounts.start(key.account)
	default:
		f := &h.bars[key.frame]
		if len(f.symbols[id].logs) == 0 {
			h.startBars(f, id)
		}
		return f.symbols[id].mark()
	}
}

// activate recomputes which symbols the feed of a stream has to follow.
func (h *hub) activate(key streamKey) {
	list := func(active []core.SymbolID, taken func(id core.SymbolID) bool) []core.SymbolID {
		active = active[:0]
		for id := range h.texts {
			if taken(core.SymbolID(id)) {
				active = append(active, core.SymbolID(id))
			}
		}
		return active
	}
	switch key.kind {
	case streamLegacy, streamTicks:
		h.ticks.active = list(h.ticks.active, func(id core.SymbolID) bool {
			return h.ticks.symbols[id].taken()
		})
	case streamQuotes:
		h.quotes.active = list(h.quotes.active, func(id core.SymbolID) bool {
			return h.quotes.symbols[id].logs > 0
		})
	case streamAlerts:
		h.alerts.activate(key.accounts)
	case streamAccount:
		h.accounts.activate(key.account)
	default:
		f := &h.bars[key.frame]
		f.active = list(f.active, func(id core.SymbolID) bool { return len(f.symbols[id].logs) > 0 })
	}
}

// snapshotOf returns what a new reader of a log is shown. Readers that come between two passes
// share one.
func (h *hub) snapshotOf(l *streamLog) *streamSnapshot {
	if l.snapshot != nil && l.shown == h.passes {
		return l.snapshot
	}
	s := &streamSnapshot{}
	for _, id := range l.symbols {
		switch l.key.kind {
		case streamLegacy, streamTicks:
			h.tickSnapshot(s, id, l.key.kind == streamLegacy)
		case streamQuotes:
			h.quoteSnapshot(s, id, l.key.rate)
		case streamAlerts:
			alertSnapshot(s, l)
		case streamBars:
			h.barSnapshot(s, &h.bars[l.key.frame], id)
		}
	}
	l.snapshot, l.shown = s, h.passes
	return s
}

package httpd

import (
	"time"

	"tradingengine/core"
)

// quoteFeed conflates moves to the rates that sessions ask for. Each rate keeps one pending move a
// symbol and sends it when the rate allows; the same message then goes to all logs of that rate, so
// a session that goes from one set of symbols to another misses no quote and counts none twice.
type quoteFeed struct {
	symbols []quoteSymbol // By SymbolID.
	active  []core.SymbolID
	rates   [len(quoteRates)]rateFeed
	read    []core.Move
	wanted  time.Time // Since when the engine gathers moves; zero while it does not.
}

// moveRun is how many moves are read at once.
const moveRun = 16

// quoteSettle is how long after moves were asked for a batch may be under way whose quotes are in
// no move.
const quoteSettle = time.Second

type quoteSymbol struct {
	logs  int            // That take the symbol, of all rates.
	next  uint64         // Index of the next move.
	total uint64         // Quotes up to the last move.
	moved bool           // A move came since start.
	live  core.LiveQuote // The newest quote known.
}

// rateFeed is one rate.
type rateFeed struct {
	symbols []rateSymbol    // By SymbolID.
	waiting []core.SymbolID // With something pending.
}

type rateSymbol struct {
	logs    []logPlace
	pending core.Move // Not sent yet; Count 0: nothing.
	waiting bool      // In rateFeed.waiting.
	sent    time.Time
	covered streamMark // Quotes sent so far.
}

// startQuotes begins with a symbol whose quotes nobody took. The engine gathers moves already.
func (h *hub) startQuotes(id core.SymbolID) {
	x := &h.quotes.symbols[id]
	x.next, x.total, x.moved = h.engine.MoveHead(id), 0, false
	if x.next > 0 {
		if first, n := h.engine.ReadMoves(id, x.next-1, h.quotes.read); n > 0 {
			x.next, x.total = first+uint64(n), h.quotes.read[n-1].Total
		}
	}
	x.live, _ = h.engine.Live(id)
}

// startRate begins with a symbol at a rate at which nobody took it.
func (h *hub) startRate(r *rateFeed, id core.SymbolID) {
	x, s := &h.quotes.symbols[id], &r.symbols[id]
	s.pending.Count, s.sent = 0, time.Time{}
	s.covered = streamMark{x.total, x.live.Time}
}

// passQuotes sends what the rates allow of what came since the last pass.
func (h *hub) passQuotes() {
	f := &h.quotes
	if len(f.active) == 0 {
		return
	}
	settling := h.now.Sub(f.wanted) < quoteSettle
	for _, id := range f.active {
		h.readMoves(id)
		if settling && !f.symbols[id].moved {
			h.settle(id)
		}
	}
	for r := range f.rates {
		h.sendDue(r)
	}
}

func (h *hub) readMoves(id core.SymbolID) {
	x := &h.quotes.symbols[id]
	for {
		first, n := h.engine.ReadMoves(id, x.next, h.quotes.read)
		x.next = first + uint64(n)
		for i := range n {
			h.takeMove(id, x, &h.quotes.read[i])
		}
		if n < len(h.quotes.read) {
			return
		}
	}
}

// takeMove adds a move to what is pending at every rate. A minute that ends is sent at once: no
// message spans two.
func (h *hub) takeMove(id core.SymbolID, x *quoteSymbol, m *core.Move) {
	if before := m.Total - uint64(m.Count); before != x.total {
		h.missQuotes(id, x, before, m.Time-core.Time(m.Count))
	}
	x.total, x.moved = m.Total, true
	x.live = core.LiveQuote{Time: m.Time, Bid: m.Bid, Ask: m.Ask}
	for i := range h.quotes.rates {
		r := &h.quotes.rates[i]
		s := &r.symbols[id]
		if len(s.logs) == 0 {
			continue
		}
		if s.pending.Count > 0 && s.pending.Minute() != m.Minute() {
			h.sendMove(id, s)
		}
		s.pending.Merge(m)
		if !s.waiting {
			s.waiting = true
			r.waiting = append(r.waiting, id)
		}
	}
}

// sendDue sends what is pending at a rate and was not sent too recently.
func (h *hub) sendDue(rate int) {
	r := &h.quotes.rates[rate]
	keep := r.waiting[:0]
	for _, id := range r.waiting {
		s := &r.symbols[id]
		at := s.sent.Add(quoteRates[rate].interval)
		switch {
		case s.pending.Count == 0 || len(s.logs) == 0:
			s.waiting = false
		case h.now.Before(at):
			keep = append(keep, id)
			h.dueAt(at)
		default:
			h.sendMove(id, s)
			s.waiting = false
		}
	}
	r.waiting = keep
}

func (h *hub) sendMove(id core.SymbolID, s *rateSymbol) {
	h.scratch = h.texts[id].move(frameStart(h.scratch), &s.pending)
	s.covered = streamMark{s.pending.Total, s.pending.Time}
	s.pending.Count, s.sent = 0, h.now
	h.emit(s.logs, sealFrame(h.scratch), s.covered)
}

// missQuotes tells the logs that moves were overwritten before the hub could read them: everything
// up to total, none later than last.
func (h *hub) missQuotes(id core.SymbolID, x *quoteSymbol, total uint64, last core.Time) {
	h.counts.overrun.Add(int64(total - x.total))
	for i := range h.quotes.rates {
		s := &h.quotes.rates[i].symbols[id]
		if len(s.logs) == 0 {
			continue
		}
		if s.pending.Count > 0 {
			h.sendMove(id, s)
		}
		to := max(last, s.covered.time)
		h.scratch = h.texts[id].gap(frameStart(h.scratch), streamKey{kind: streamQuotes}.channel(),
			s.covered.time, to, total-s.covered.index)
		s.covered = streamMark{total, to}
		h.emit(s.logs, sealFrame(h.scratch), s.covered)
	}
}

// settle shows the quotes of a batch that was under way when moves were asked for. No move counts
// them, so they are shown as a price without a count.
func (h *hub) settle(id core.SymbolID) {
	x := &h.quotes.symbols[id]
	q, ok := h.engine.Live(id)
	if !ok || q.Time <= x.live.Time {
		return
	}
	x.live = q
	h.scratch = h.texts[id].live(frameStart(h.scratch), &q)
	frame := sealFrame(h.scratch)
	for i := range h.quotes.rates {
		s := &h.quotes.rates[i].symbols[id]
		h.emit(s.logs, frame, s.covered)
	}
}

// quoteSnapshot shows the live price of a symbol. It stands for no quote: those that are pending
// are counted by the next message.
func (h *hub) quoteSnapshot(s *streamSnapshot, id core.SymbolID, rate uint8) {
	x, covered := &h.quotes.symbols[id], h.quotes.rates[rate].symbols[id].covered
	e := snapshotEntry{symbol: id, mark: covered, before: covered.time}
	if x.live.Time == 0 {
		s.add(nil, e)
		return
	}
	h.scratch = h.texts[id].live(frameStart(h.scratch), &x.live)
	s.add(sealFrame(h.scratch), e)
}

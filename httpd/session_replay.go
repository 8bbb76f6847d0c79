package httpd

import (
	"context"
	"errors"
	"slices"
	"time"

	"tradingengine/core"
)

// streamReplay brings a session from times it names to the present of a stream. The session's
// writer reads the past of each symbol in turn; when all are near the newest item the hub lets the
// symbols join the live stream, and the writer sends the few items that lie between. So there is no
// gap and no repeat however long it takes, and nothing waits in memory.
type streamReplay struct {
	key    streamKey
	wanted streamSymbols // The hub's until it let them join.
	// account is set for an account, which has no parts.
	account *accountReplay

	// The writer's.
	parts  []*replayPart
	turn   int
	asked  bool   // The hub was asked to let the symbols join.
	buffer []byte // Of frames.
}

type replayPart struct {
	symbol core.SymbolID
	since  core.Time
	begun  bool
	past   streamPast
}

// replayNear is how few items may be left when a symbol joins.
const replayNear = 64

func newStreamReplay(h *hub, key streamKey, since []sinceTime) *streamReplay {
	r := &streamReplay{key: key, wanted: newStreamSymbols(len(h.texts))}
	ticks, bars := make([]core.Tick, pastRun), make([]core.Bar, pastRun)
	for _, t := range since {
		p := &replayPart{symbol: t.symbol, since: t.time}
		if key.kind == streamBars {
			p.past.series = h.pastBars(t.symbol, key.frame, bars)
		} else {
			p.past.series = h.pastTicks(t.symbol, ticks)
		}
		r.wanted.add(t.symbol)
		r.parts = append(r.parts, p)
	}
	return r
}

// part returns the part of a symbol, or nil.
func (r *streamReplay) part(id core.SymbolID) *replayPart {
	at, ok := slices.BinarySearchFunc(r.parts, id, func(p *replayPart, id core.SymbolID) int {
		return int(p.symbol) - int(id)
	})
	if !ok {
		return nil
	}
	return r.parts[at]
}

// replayStep sends the next items of one symbol, or asks the hub to go live.
func (s *session) replayStep(r *streamReplay) (worked bool, err error) {
	if r.asked {
		return false, nil
	}
	if r.account != nil {
		return s.replayAccount(r)
	}
	for range r.parts {
		r.turn = (r.turn + 1) % len(r.parts)
		p := r.parts[r.turn]
		if p.begun && p.past.lag() <= replayNear {
			continue
		}
		if err := s.readPast(r, p); err != nil {
			return true, s.replayFailed(r, err)
		}
		return true, s.sendPast(r)
	}
	r.asked = true
	if !s.hub.do(func() { s.hub.join(s, r) }) {
		return false, errSessionDead
	}
	return true, nil
}

// readPast gathers the next frames of a symbol.
func (s *session) readPast(r *streamReplay, p *replayPart) error {
	s.waiting.Store(sinceStart(time.Now()))
	defer s.waiting.Store(0)
	if !p.begun {
		ahead, err := p.past.begin(p.since)
		if err != nil {
			return err
		}
		p.begun = true
		if ahead {
			s.say(s.hub.texts[p.symbol].ahead(nil, r.key.channel(), p.past.last))
		}
	}
	n, err := p.past.read()
	r.buffer = p.past.append(r.buffer[:0])
	s.hub.counts.resent(r.key, int64(n))
	return err
}

// sendPast sends what readPast gathered.
func (s *session) sendPast(r *streamReplay) error {
	if err := s.flush(); err != nil {
		return err
	}
	if len(r.buffer) == 0 {
		return nil
	}
	s.writer.sent = s.writer.now
	return s.send(r.buffer)
}

// finishReplay sends what came between the last look and the place where the live stream begins.
func (s *session) finishReplay(o *sessionOrder) error {
	r := o.joined
	w := &s.writer
	w.replays = slices.DeleteFunc(w.replays, func(q *streamReplay) bool { return q == r })
	if r.account != nil {
		return s.finishAccount(r)
	}
	for _, p := range r.parts {
		end := o.joinsAt(r.key, p.symbol)
		for p.past.inRing && p.past.next < end {
			first, n := p.past.series.read(p.past.next, int(min(end-p.past.next, pastRun)))
			if n == 0 || first != p.past.next {
				break // Overwritten: the snapshot tells of the gap.
			}
			p.past.next, p.past.found = p.past.next+uint64(n), n
			r.buffer = p.past.append(r.buffer[:0])
			s.hub.counts.resent(r.key, int64(n))
			if err := s.sendPast(r); err != nil {
				return err
			}
		}
	}
	ids := make([]core.SymbolID, len(r.parts))
	for i, p := range r.parts {
		ids[i] = p.symbol
	}
	s.say(appendSubscription(nil, "caughtUp", r.key.channel(), ids, s.hub.texts, ""))
	return nil
}

// joinsAt returns the index from which the live stream of a symbol goes on.
func (o *sessionOrder) joinsAt(key streamKey, id core.SymbolID) uint64 {
	for i := range o.switches {
		sw := &o.switches[i]
		if sw.new == nil || sw.new.log.key != key {
			continue
		}
		if e := sw.snapshot.entry(id); e != nil {
			return e.mark.index
		}
	}
	return 0
}

// known adds the symbols of a replay to those of the log that the session left.
func (r *streamReplay) known(
	before func(id core.SymbolID) (streamMark, bool),
) func(id core.SymbolID) (streamMark, bool) {
	return func(id core.SymbolID) (streamMark, bool) {
		if p := r.part(id); p != nil {
			return streamMark{p.past.next, p.past.last}, true
		}
		return before(id)
	}
}

// cancelReplay takes symbols out of a replay.
func (s *session) cancelReplay(c canceledReplay) {
	r, w := c.replay, &s.writer
	r.parts = slices.DeleteFunc(r.parts, func(p *replayPart) bool { return c.symbols.has(p.symbol) })
	if len(r.parts) == 0 {
		w.replays = slices.DeleteFunc(w.replays, func(q *streamReplay) bool { return q == r })
	}
}

// replayFailed tells the client that its symbols are not replayed, and so not streamed either.
func (s *session) replayFailed(r *streamReplay, err error) error {
	h, w := s.hub, &s.writer
	w.replays = slices.DeleteFunc(w.replays, func(q *streamReplay) bool { return q == r })
	if !h.do(func() { h.abandon(s, r) }) {
		return errSessionDead
	}
	detail := "the past could not be read; subscribe again"
	if errors.Is(err, context.DeadlineExceeded) {
		detail = "the past could not be read in time; subscribe again"
	}
	h.opts.log.Warn("stream replay failed", "channel", r.key.channel(), "detail", err)
	s.say(appendStreamError(nil, streamReplayFailed, detail))
	return s.flush()
}

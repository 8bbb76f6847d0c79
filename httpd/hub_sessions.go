package httpd

import (
	"context"
	"maps"
	"slices"
)

// The methods of this file decide what a session gets. They run on the hub goroutine, let in by do,
// and tell the session by orders.

// connect starts the stream of a client that has not asked for anything yet.
func (h *hub) connect(s *session, symbols streamSymbols) {
	o := &sessionOrder{}
	o.switchTo(h, s, streamKey{kind: streamLegacy}, symbols)
	s.push(o)
}

// disconnect forgets a session.
func (h *hub) disconnect(s *session) {
	for _, c := range s.streams {
		h.leave(c)
		h.dropUnread(c.log)
	}
	s.streams, s.replaying = nil, nil
}

// subscribe adds symbols to a stream of a session. Symbols that are to be replayed, if any, join it
// when the session's writer has caught up.
func (h *hub) subscribe(s *session, r *streamRequest, replay *streamReplay) {
	o := &sessionOrder{replay: replay}
	o.switchTo(h, s, streamKey{kind: streamLegacy}, newStreamSymbols(len(h.texts)))
	for _, key := range s.keys() {
		if key.sameChannel(r.key) && key != r.key {
			o.switchTo(h, s, key, s.symbolsOf(h, key).minus(r.symbols))
		}
	}
	h.cancel(s, o, r.key, r.symbols)
	symbols := s.symbolsOf(h, r.key).union(r.symbols)
	if replay != nil {
		symbols = symbols.minus(replay.wanted)
		s.replaying = append(s.replaying, replay)
	}
	o.switchTo(h, s, r.key, symbols)
	o.say(h.answer("subscribed", r))
	s.push(o)
}

// unsubscribe takes symbols out of a channel, whatever its rate or form.
func (h *hub) unsubscribe(s *session, r *streamRequest) {
	o := &sessionOrder{}
	for _, key := range s.keys() {
		legacy := key.kind == streamLegacy && r.key.kind == streamTicks
		if legacy || key.sameChannel(r.key) {
			o.switchTo(h, s, key, s.symbolsOf(h, key).minus(r.symbols))
		}
	}
	h.cancel(s, o, r.key, r.symbols)
	o.say(h.answer("unsubscribed", r))
	s.push(o)
}

func (h *hub) answer(kind string, r *streamRequest) []byte {
	if r.key.kind == streamAlerts {
		return appendAccountAnswer(nil, kind, r.key, 0)
	}
	if r.key.kind == streamAccount {
		seq := h.accounts.seq
		if kind != "subscribed" || r.sinceSeq != nil {
			seq = 0
		}
		return appendAccountAnswer(nil, kind, r.key, seq)
	}
	rate := ""
	if kind == "subscribed" {
		rate = r.key.rateName()
	}
	return appendSubscription(nil, kind, r.key.channel(), r.symbols.ids(), h.texts, rate)
}

// cancel ends the replay of symbols of a channel.
func (h *hub) cancel(s *session, o *sessionOrder, key streamKey, symbols streamSymbols) {
	for _, p := range s.replaying {
		if p.key.sameChannel(key) && !p.wanted.both(symbols).empty() {
			p.wanted = p.wanted.minus(symbols)
			o.canceled = append(o.canceled, canceledReplay{p, symbols})
		}
	}
	s.replaying = slices.DeleteFunc(s.replaying, func(p *streamReplay) bool {
		return p.wanted.empty()
	})
}

// join takes the symbols of a replay that has caught up into the live stream. The session's writer
// waits meanwhile, so its place in the replay may be looked at.
func (h *hub) join(s *session, p *streamReplay) {
	at := slices.Index(s.replaying, p)
	if at < 0 {
		return // Canceled; the order that says so is on its way.
	}
	s.replaying = slices.Delete(s.replaying, at, at+1)
	if p.account != nil {
		h.joinAccount(s, p)
		return
	}
	for _, part := range p.parts {
		h.follow(p.key, part.symbol, part.past.next)
	}
	h.publish()
	o := &sessionOrder{joined: p}
	o.switchTo(h, s, p.key, s.symbolsOf(h, p.key).union(p.wanted))
	s.push(o)
}

// abandon forgets a replay that failed.
func (h *hub) abandon(s *session, p *streamReplay) {
	s.replaying = slices.DeleteFunc(s.replaying, func(q *streamReplay) bool { return q == p })
}

// finish tells all sessions that the server goes, after everything that was published.
func (h *hub) finish(sessions []*session) {
	h.pacing.off = true
	for h.pending = true; h.pending; {
		h.pass(h.now)
	}
	for _, s := range sessions {
		s.purpose.retire(s)
	}
}

// dismiss lets a session send what is left of its streams, and then goodbye.
func (h *hub) dismiss(s *session) {
	o := farewell()
	for _, key := range s.keys() {
		o.switchTo(h, s, key, newStreamSymbols(len(h.texts)))
	}
	for _, p := range s.replaying {
		o.canceled = append(o.canceled, canceledReplay{p, p.wanted})
	}
	s.replaying = nil
	s.push(o)
}

// keys returns the streams a session takes.
func (s *session) keys() []streamKey {
	keys := make([]streamKey, len(s.streams))
	for i, c := range s.streams {
		keys[i] = c.log.key
	}
	return keys
}

// symbolsOf returns the symbols a session takes of a stream.
func (s *session) symbolsOf(h *hub, key streamKey) streamSymbols {
	for _, c := range s.streams {
		if c.log.key == key {
			return c.log.set
		}
	}
	return newStreamSymbols(len(h.texts))
}

// shutdown tells every client that the server goes, closes their connections, and waits until they
// are closed. Those left when ctx ends are cut off.
func (h *hub) shutdown(ctx context.Context) error {
	h.sessions.Lock()
	h.sessions.closed = true
	sessions := slices.Collect(maps.Keys(h.sessions.all))
	h.sessions.Unlock()
	if len(sessions) == 0 {
		return nil
	}
	ended := make(chan struct{})
	go func() {
		if !h.do(func() { h.finish(sessions) }) {
			h.cutAll()
		}
		h.sessions.ended.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		h.cutAll()
		<-ended
		return ctx.Err()
	}
}

// cutAll ends all sessions without a word.
func (h *hub) cutAll() {
	h.sessions.Lock()
	defer h.sessions.Unlock()
	h.sessions.closed = true
	for s := range h.sessions.all {
		s.cut()
	}
}

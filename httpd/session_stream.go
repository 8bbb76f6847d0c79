package httpd

import "net"

// streaming is the purpose of a session to which the market is streamed.
type streaming struct {
	hub     *hub
	symbols streamSymbols // What it takes until it asks for something else.
}

func (streaming) access() access { return forReaders }

func (p streaming) frames(conn net.Conn) *frameReader {
	return newFrameReader(conn, p.hub.opts.message)
}

func (p streaming) run(s *session) {
	if p.hub.do(func() { p.hub.connect(s, p.symbols) }) {
		s.read()
	}
}

func (p streaming) goodbye(s *session, o *sessionOrder) { s.push(o) }

func (p streaming) retire(s *session) { p.hub.dismiss(s) }

// take answers a message before it reads another one.
func (p streaming) take(s *session, kind byte, payload []byte) {
	switch {
	case !s.waitRoom():
	case kind == frameBinary:
		s.refuse(&streamFault{streamBadMessage, "messages are text, not binary"})
	default:
		s.message(payload)
	}
}

// message answers one message.
func (s *session) message(payload []byte) {
	s.hub.counts.messages.Add(1)
	r, fault := parseStreamRequest(s.hub.symbols, payload)
	if fault != nil {
		s.refuse(fault)
		return
	}
	switch r.kind {
	case requestAuth:
		if who := s.who.Load(); who == &anybody {
			s.answer(appendAuthenticated(nil, who)) // Clients need not know that no key is asked for.
		} else {
			s.refuse(badMessage("this session has its key; connect again for another"))
		}
	case requestPing:
		answer := []byte(`{"type":"pong"`)
		if len(r.timestamp) > 0 {
			answer = append(append(answer, `,"timestamp":`...), r.timestamp...)
		}
		s.answer(append(answer, '}'))
	case requestSubscribe:
		if r.key.kind == streamAccount {
			if fault := s.hub.accountFault(s.who.Load(), r.key.account); fault != nil {
				s.refuse(fault)
				return
			}
		}
		if r.key.kind == streamAlerts {
			who := s.who.Load()
			if fault := s.hub.alertFault(who); fault != nil {
				s.refuse(fault)
				return
			}
			r.key.accounts = audienceOf(who)
		}
		var replay *streamReplay
		if r.sinceSeq != nil {
			replay = newAccountReplay(s.hub, r.key, *r.sinceSeq)
		}
		if len(r.since) > 0 {
			replay = newStreamReplay(s.hub, r.key, r.since)
		}
		s.hub.do(func() { s.hub.subscribe(s, r, replay) })
	case requestUnsubscribe:
		s.hub.do(func() { s.hub.unsubscribe(s, r) })
	}
}

func (s *session) refuse(fault *streamFault) {
	s.hub.counts.refused.Add(1)
	s.answer(appendStreamError(nil, fault.code, fault.detail))
}

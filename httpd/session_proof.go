package httpd

import (
	"encoding/json"
	"errors"
	"net"
	"strconv"
	"time"
)

// A client that cannot set headers, as a page in a browser, opens its session without a key and
// names it in its first message:
//
//	{"type":"auth","key":"ek_…"}
//
// Until that is answered it is a stranger: nothing is sent to it, nothing else is read from it, and
// it may take only so long and say only so much.

// stranger is who has not said yet who it is.
var stranger caller

const (
	proofWithin  = 10 * time.Second
	proofMax     = 1 << 10 // Bytes of the first message.
	strangersMax = 256     // Sessions of strangers at once.
)

// requestAuth is the type of the message that names a key.
const requestAuth = "auth"

// prove lets a stranger say who it is. When that fails the session ends, and false is returned. The
// reader calls it before anything else.
func (s *session) prove() bool {
	defer s.hub.known(s)
	end := time.Now().Add(s.hub.opts.proof)
	limit := s.frames.limit
	s.frames.limit = proofMax
	for {
		s.listen(time.Until(end))
		kind, payload, err := s.frames.next()
		var wrong *frameError
		switch {
		case err == nil && kind == framePing:
			s.pong(payload)
			continue
		case err == nil && kind == framePong:
			continue
		case err == nil && kind == frameText:
			p := s.introduce(payload)
			if p == nil {
				s.frames.limit = limit
				return true
			}
			o := &sessionOrder{closing: closePolicy, reason: p.code}
			o.say(appendStreamError(nil, p.code, p.detail))
			s.push(o)
		case err == nil && kind == frameClose:
			code, reason := answerClose(payload)
			s.push(&sessionOrder{closing: code, reason: reason})
		case s.leaving.Swap(false):
			s.push(farewell())
		case errors.As(err, &wrong):
			s.push(&sessionOrder{closing: wrong.code, reason: wrong.reason})
		case err != nil && (s.dead.Load() || s.closing.Load() || !isTimeout(err)):
			return false
		default:
			s.push(&sessionOrder{closing: closePolicy, reason: keyRequired.code})
		}
		s.linger()
		return false
	}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// introduce takes the message of a stranger, and says why it is one still, or nothing.
func (s *session) introduce(payload []byte) *problem {
	var m struct{ Type, Key string }
	if json.Unmarshal(payload, &m) != nil || m.Type != requestAuth {
		return keyRequired.because(`the first message must be {"type":"auth","key":"…"}`)
	}
	who, p := s.hub.opts.identify([]byte(m.Key), s.conn.RemoteAddr())
	if p != nil {
		return p
	}
	if !who.role.may(s.purpose.access()) {
		return roleProblem(who)
	}
	s.who.Store(who)
	if who.revoked.Load() {
		return unknownKey()
	}
	s.answer(appendAuthenticated(nil, who))
	return nil
}

// appendAuthenticated appends the answer to a client that is let in.
func appendAuthenticated(dst []byte, who *caller) []byte {
	dst = append(append(dst, `{"type":"authenticated","role":"`...), who.role.String()...)
	dst = append(dst, '"')
	for i, id := range who.accounts {
		if dst = append(dst, ','); i == 0 {
			dst = append(dst, `"accounts":[`...)
		}
		dst = strconv.AppendInt(dst, int64(id), 10)
	}
	if len(who.accounts) > 0 {
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// expelled reports whether the key of a session was revoked since the session began, once. The
// reader asks.
func (s *session) expelled() bool { return !s.told && s.who.Load().revoked.Load() }

// expel ends the sessions of callers whose keys were revoked: their readers are woken, and see it.
func (h *hub) expel() {
	h.sessions.Lock()
	defer h.sessions.Unlock()
	for s := range h.sessions.all {
		if s.who.Load().revoked.Load() {
			_ = s.conn.SetReadDeadline(longAgo) // A dead connection fails the read by itself.
		}
	}
}

// known counts a stranger out: it has said who it is, or never will.
func (h *hub) known(*session) {
	h.sessions.Lock()
	defer h.sessions.Unlock()
	h.sessions.strangers--
}

package httpd

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// session is one WebSocket client. Two goroutines work for it: the reader, which takes the client's
// frames and never writes, and the writer, which does all writing, control frames included. What
// one wants of the other goes through orders and a signal.
//
// Each field below belongs to the goroutine its group names.
type session struct {
	hub     *hub
	conn    net.Conn
	purpose purpose
	who     atomic.Pointer[caller] // The stranger until the reader knows; then it stays.
	wake    chan struct{}          // Of one: there may be something to write.
	written chan struct{}          // Closed when the writer has ended.

	orders struct {
		sync.Mutex
		list    []*sessionOrder
		pong    []byte
		pongDue bool
		room    chan struct{} // Of one: the list was taken.
	}

	dead    atomic.Bool  // Nothing more can be read or written.
	closing atomic.Bool  // A close frame was sent.
	leaving atomic.Bool  // The reader is to take no more frames, because the server goes.
	waiting atomic.Int64 // Since when the writer waits for client or disk, see sinceStart; or 0.

	// The reader's.
	frames *frameReader
	told   bool // That its key was revoked.

	// The hub's.
	streams   []*streamCursor // At most one of each stream.
	replaying []*streamReplay
	strikes   uint      // How often it did not keep up.
	unpaced   time.Time // Until when it is not waited for, see hubPace.

	writer sessionWriter
}

// purpose is what a client opened its session for: to be streamed to, or to send quotes. The reader
// calls all methods but retire.
type purpose interface {
	// access is whom it is for.
	access() access
	// frames returns the reader of the client's frames, which says how long they may be.
	frames(conn net.Conn) *frameReader
	// run lets s.read take the client's frames, and returns when nothing of it is left running.
	run(s *session)
	// take handles one message: the payload of a frameText or frameBinary.
	take(s *session, kind byte, payload []byte)
	// goodbye lets the writer carry out o, which closes the connection, after everything else that
	// is due to the client.
	goodbye(s *session, o *sessionOrder)
	// retire ends the session because the server goes. The hub goroutine calls it.
	retire(s *session)
}

// begun is when this process began, more or less. Spans of time are measured by the monotonic clock
// alone: the wall clock may be set while somebody waits.
var begun = time.Now()

// sinceStart is a moment as an integer, never 0, that only the monotonic clock decides.
func sinceStart(t time.Time) int64 { return int64(t.Sub(begun)) | 1 }

// longAgo is a deadline that ends every read and write under way.
var longAgo = time.Unix(1, 0)

// open makes a session of a connection. It returns nil, and the connection is closed, when there
// are too many or the server is going.
func (h *hub) open(conn net.Conn, p purpose, who *caller) *session {
	s := &session{
		hub: h, conn: conn, purpose: p, wake: make(chan struct{}, 1), written: make(chan struct{}),
	}
	s.who.Store(who)
	s.orders.room = make(chan struct{}, 1)
	if h.admit(s) {
		return s
	}
	refusal := appendClose(nil, closeTryLater, "no more sessions")
	if h.isClosed() {
		bye := farewell()
		refusal = appendClose(bye.text, bye.closing, bye.reason)
	}
	_ = conn.SetWriteDeadline(time.Now().Add(h.opts.closing))
	_, _ = conn.Write(refusal) // It goes either way.
	_ = conn.Close()
	return nil
}

// run is the reader goroutine. It ends when the session has ended, and closes the connection.
func (s *session) run() {
	defer s.hub.release(s)
	// Nobody is left to be told, so TLS need not say goodbye either.
	defer func() { _ = tcpBelow(s.conn).Close() }()
	defer s.recover("reader")
	go s.write()
	defer func() { <-s.written }()
	defer s.cut()
	s.frames = s.purpose.frames(s.conn)
	if s.who.Load() != &stranger || s.prove() {
		s.purpose.run(s)
	}
}

// admit counts a session in, unless there are too many or the server is going.
func (h *hub) admit(s *session) bool {
	h.sessions.Lock()
	defer h.sessions.Unlock()
	if h.sessions.closed || len(h.sessions.all) >= h.opts.sessions {
		return false
	}
	if s.who.Load() == &stranger {
		if h.sessions.strangers >= h.opts.strangers {
			return false
		}
		h.sessions.strangers++
	}
	h.sessions.all[s] = struct{}{}
	h.sessions.count.Add(1)
	h.sessions.ended.Add(1)
	h.counts.opened.Add(1)
	return true
}

// isClosed reports whether the server is going.
func (h *hub) isClosed() bool {
	h.sessions.Lock()
	defer h.sessions.Unlock()
	return h.sessions.closed
}

// release is the reverse of admit. The writer has ended.
func (h *hub) release(s *session) {
	h.do(func() { h.disconnect(s) })
	h.sessions.Lock()
	delete(h.sessions.all, s)
	h.sessions.count.Add(-1)
	h.sessions.Unlock()
	h.sessions.ended.Done()
}

// recover keeps a panic of one session from ending the process.
func (s *session) recover(who string) {
	if v := recover(); v != nil {
		s.hub.notePanic(who, v)
		s.cut()
	}
}

// cut makes both goroutines end at once. Any goroutine may call it.
func (s *session) cut() {
	s.dead.Store(true)
	_ = s.conn.SetDeadline(longAgo) // Fails only where the connection is closed already.
	s.signal()
}

// read takes the client's frames until the connection or the session ends, and then, after an
// orderly end, until the client has closed its side.
func (s *session) read() {
	for {
		s.listen(s.hub.opts.silence)
		kind, payload, err := s.frames.next()
		var wrong *frameError
		switch {
		case err == nil:
			if !s.take(kind, payload) {
				<-s.written
				return
			}
			continue
		case s.leaving.Swap(false):
			s.purpose.goodbye(s, farewell())
			s.linger()
		case s.expelled():
			s.told = true
			s.end(closePolicy, "the key was revoked")
			s.linger()
		case errors.As(err, &wrong):
			s.hub.counts.broken.Add(1)
			s.end(wrong.code, wrong.reason)
			s.linger()
		case errors.Is(err, os.ErrDeadlineExceeded) && !s.dead.Load() && !s.closing.Load():
			s.hub.counts.silent.Add(1)
			s.end(closeSilent, "nothing heard")
			s.linger()
		}
		return
	}
}

// listen sets how long the client may be silent from now on. Once a close frame was sent it is the
// writer's business.
func (s *session) listen(silence time.Duration) {
	if s.closing.Load() {
		return
	}
	_ = s.conn.SetReadDeadline(time.Now().Add(silence)) // A dead connection fails the read.
	if s.closing.Load() {
		_ = s.conn.SetReadDeadline(time.Now().Add(s.hub.opts.closing))
	}
	if s.dead.Load() || s.leaving.Load() || s.expelled() {
		_ = s.conn.SetReadDeadline(longAgo)
	}
}

// lingerMax is how much of a refused client's input is read so that it sees why it was refused: a
// connection closed with unread input is reset, and the close frame with it.
const lingerMax = 16 << 20

// linger reads on without looking until the client has closed its side or its time is up: the
// writer sets the deadline when it has sent the close frame.
func (s *session) linger() {
	s.listen(s.hub.opts.silence)
	_, _ = io.CopyN(io.Discard, s.conn, lingerMax) // However it ends, the session is over.
	<-s.written
}

// take handles one message or control frame. It reports false after the client's close frame.
func (s *session) take(kind byte, payload []byte) bool {
	switch kind {
	case frameClose:
		s.end(answerClose(payload))
		return false
	case framePing:
		s.pong(payload)
	case frameText, frameBinary:
		if !s.closing.Load() {
			s.purpose.take(s, kind, payload)
		}
	}
	return true
}

// answerClose returns the close code that answers a close frame.
func answerClose(payload []byte) (code int, reason string) {
	if len(payload) == 0 {
		return closeNoStatus, ""
	}
	if len(payload) == 1 {
		return closeProtocol, "a close code has two bytes"
	}
	code = int(payload[0])<<8 | int(payload[1])
	known := code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006
	switch {
	case !known && (code < 3000 || code > 4999):
		return closeProtocol, "no such close code"
	case !utf8.Valid(payload[2:]):
		return closeInvalidText, "a close reason is not UTF-8"
	}
	return code, ""
}

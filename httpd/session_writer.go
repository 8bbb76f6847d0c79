package httpd

import (
	"errors"
	"os"
	"slices"
	"time"

	"tradingengine/core"
)

// sessionWriter is what the writer goroutine of a session keeps.
type sessionWriter struct {
	cursors []*streamCursor
	replays []*streamReplay
	out     []byte // Messages of this session alone, to be sent next.

	now       time.Time // Of the step, or of the last write.
	deadline  time.Time // The write deadline of the connection.
	sent      time.Time // When the last message went; heartbeats count from there.
	pingAt    time.Time
	timer     *time.Timer
	timerAt   time.Time // When the timer fires; zero: it has.
	slowSlice time.Duration
}

// Errors that end a writer.
var (
	errSessionDead   = errors.New("the session has ended")
	errSessionClosed = errors.New("a close frame was sent")
	errSessionSlow   = errors.New("the client takes nothing")
)

const (
	// outKept is the largest buffer a session keeps for messages of its own.
	outKept = 4 << 10
	// outMax is how much of its own messages a session gathers before it sends them.
	outMax = 16 << 10
	// slowSlices is how many times a connection that takes nothing is looked at before it is given
	// up.
	slowSlices = 40
)

// write is the writer goroutine.
func (s *session) write() {
	defer close(s.written)
	defer s.recover("writer")
	w, o := &s.writer, &s.hub.opts
	w.now = time.Now()
	w.sent, w.pingAt, w.slowSlice = w.now, w.now.Add(o.ping), o.slow/slowSlices
	if s.overTLS() {
		w.slowSlice = o.slow / 2
	}
	w.timer = time.NewTimer(o.heartbeat)
	w.timerAt = w.now.Add(o.heartbeat)
	defer w.timer.Stop()
	for {
		worked, err := s.step()
		if err != nil {
			s.stop(err)
			return
		}
		if worked {
			continue
		}
		s.setTimer()
		select {
		case <-s.wake:
		case <-w.timer.C:
			w.timerAt = time.Time{}
		}
	}
}

// setTimer makes sure that the writer wakes for the next ping or heartbeat. A timer that fires too
// early costs one look; setting it anew for every write would cost more.
func (s *session) setTimer() {
	w := &s.writer
	at := w.sent.Add(s.hub.opts.heartbeat)
	if w.pingAt.Before(at) {
		at = w.pingAt
	}
	if w.timerAt.IsZero() || at.Before(w.timerAt) {
		w.timer.Reset(at.Sub(w.now))
		w.timerAt = at
	}
}

// step does what there is to do once, and reports whether there may be more.
func (s *session) step() (worked bool, err error) {
	w := &s.writer
	if s.dead.Load() {
		return false, errSessionDead
	}
	w.now = time.Now()
	var orders []*sessionOrder
	orders, w.out = s.takeOrders(w.out)
	for _, o := range orders {
		if err := s.obey(o); err != nil {
			return false, err
		}
	}
	s.beat()
	if err := s.flush(); err != nil {
		return false, err
	}
	worked = len(orders) > 0
	for i := 0; i < len(w.cursors); i++ {
		more, err := s.pump(w.cursors[i])
		if err != nil {
			return false, err
		}
		worked = worked || more
	}
	if len(w.replays) > 0 {
		more, err := s.replayStep(w.replays[0])
		if err != nil {
			return false, err
		}
		worked = worked || more
	}
	return worked, nil
}

// beat queues a ping and a heartbeat when they are due.
func (s *session) beat() {
	w, o := &s.writer, &s.hub.opts
	if !w.now.Before(w.pingAt) {
		w.out = appendControl(w.out, framePing, nil)
		w.pingAt = w.now.Add(o.ping)
	}
	if w.now.Sub(w.sent) >= o.heartbeat {
		s.say(append(s.appendLastSeqs(appendHeartbeat(nil, o.now())), '}'))
	}
}

// say queues one message.
func (s *session) say(payload []byte) {
	w := &s.writer
	w.out = append(w.out, sealFrame(append(frameStart(nil), payload...))...)
	w.sent = w.now
}

// flush sends the session's own messages.
func (s *session) flush() error {
	w := &s.writer
	if len(w.out) == 0 {
		return nil
	}
	err := s.send(w.out)
	w.out = w.out[:0]
	if cap(w.out) > outKept {
		w.out = nil
	}
	return err
}

// pump sends what a log has, at most one segment of it.
func (s *session) pump(c *streamCursor) (worked bool, err error) {
	frames, next, lost := c.peek()
	if lost {
		return false, s.lapse(c)
	}
	if len(frames) == 0 {
		return false, nil
	}
	count := next.frames() - c.at.frames()
	if err := s.send(frames); err != nil {
		return false, err
	}
	c.advance(next)
	s.writer.sent = s.writer.now
	s.hub.counts.sent(c.log.key, int64(count))
	return true, nil
}

// lapse asks the hub for a new start in a log that has gone on without this session.
func (s *session) lapse(c *streamCursor) error {
	if c.asked {
		return nil
	}
	c.asked = true
	s.hub.counts.lapses.Add(1)
	if c.log.key.kind == streamAccount {
		since := c.segment.marksAt(c.at)[0].index
		if !s.hub.do(func() { s.hub.resume(s, c, since) }) {
			return errSessionDead
		}
		return nil
	}
	if !s.hub.do(func() { s.hub.renew(s, c) }) {
		return errSessionDead
	}
	return nil
}

// obey carries out an order.
func (s *session) obey(o *sessionOrder) error {
	w := &s.writer
	for _, c := range o.canceled {
		s.cancelReplay(c)
	}
	lost := make([]bool, len(o.switches))
	for i := range o.switches {
		if old := o.switches[i].old; old != nil {
			var err error
			if lost[i], err = s.drain(old); err != nil {
				return err
			}
		}
	}
	if len(o.text) > 0 {
		w.out = append(w.out, o.text...)
		w.sent = w.now
	}
	if o.joined != nil {
		if err := s.finishReplay(o); err != nil {
			return err
		}
	}
	for i := range o.switches {
		s.begin(&o.switches[i], o.joined, lost[i])
	}
	if o.replay != nil {
		w.replays = append(w.replays, o.replay)
	}
	if o.closing != 0 {
		w.out = appendClose(w.out, o.closing, o.reason)
		if err := s.flush(); err != nil {
			return err
		}
		return errSessionClosed
	}
	if len(w.out) > outMax {
		return s.flush()
	}
	return nil
}

// drain sends an old log to the place where the session leaves it. lost means that it is no longer
// there to send.
func (s *session) drain(c *streamCursor) (lost bool, err error) {
	w := &s.writer
	w.cursors = slices.DeleteFunc(w.cursors, func(k *streamCursor) bool { return k == c })
	if err := s.flush(); err != nil {
		return false, err
	}
	for {
		frames, _, lost := c.peek()
		if lost || len(frames) == 0 {
			return lost, nil
		}
		if _, err := s.pump(c); err != nil {
			return false, err
		}
	}
}

// begin shows what the session has not seen of a snapshot and reads on in the new log.
func (s *session) begin(sw *streamSwitch, joined *streamReplay, lost bool) {
	if sw.new == nil {
		return
	}
	w, h := &s.writer, s.hub
	key := sw.new.log.key
	known := func(core.SymbolID) (streamMark, bool) { return streamMark{}, false }
	if sw.old != nil {
		known = sw.old.known()
	}
	if joined != nil && joined.key == key {
		known = joined.known(known)
	}
	all := key.kind == streamBars && (lost || joined != nil)
	var gap streamGap
	w.out, gap = sw.snapshot.reconcile(w.out, known, all,
		func(dst []byte, id core.SymbolID, from, to core.Time, skipped uint64) []byte {
			if key.kind == streamAlerts {
				return append(dst, sealFrame(appendAlertGap(frameStart(nil), skipped))...)
			}
			text := h.texts[id].gap(frameStart(nil), key.channel(), from, to, skipped)
			return append(dst, sealFrame(text)...)
		})
	w.sent = w.now
	h.counts.gaps.Add(gap.notices)
	h.counts.skipped.Add(gap.skipped)
	h.counts.sent(key, gap.frames)
	w.cursors = append(w.cursors, sw.new)
}

// send writes bytes that begin and end between frames.
func (s *session) send(b []byte) error {
	w := &s.writer
	now := time.Now()
	waiting := now // Since when nothing was taken.
	sent := 0
	for {
		if w.deadline.Sub(now) < w.slowSlice {
			w.deadline = now.Add(2 * w.slowSlice)
			if err := s.conn.SetWriteDeadline(w.deadline); err != nil {
				return err
			}
		}
		if s.dead.Load() {
			return errSessionDead
		}
		s.waiting.Store(sinceStart(now))
		n, err := s.conn.Write(b[sent:])
		s.waiting.Store(0)
		sent += n
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		if s.overTLS() { // After a write that was cut short there can be no other.
			return s.giveUp(len(b))
		}
		now = time.Now()
		switch {
		case n > 0:
			waiting = now
		case now.Sub(waiting) >= s.hub.opts.slow-2*w.slowSlice:
			return s.giveUp(sent)
		}
	}
	w.now = time.Now() // The write may have taken long.
	s.hub.counts.writes.Add(1)
	s.hub.counts.bytes.Add(int64(len(b)))
	return nil
}

// blocked reports whether the writer has been kept for so long by what is not our processor that
// nobody should wait for it.
func (s *session) blocked(now time.Time) bool {
	since := s.waiting.Load()
	return since != 0 && sinceStart(now)-since > int64(paceBlocked)
}

// giveUp tries to tell a client that takes nothing why it is closed, which cannot work when a frame
// is half sent and seldom does otherwise.
func (s *session) giveUp(sent int) error {
	s.hub.counts.slow.Add(1)
	if sent > 0 {
		return errSessionSlow
	}
	goodbye := appendClose(nil, closeSlow, "too slow")
	_ = s.conn.SetWriteDeadline(time.Now().Add(s.writer.slowSlice))
	if n, err := s.conn.Write(goodbye); err != nil || n < len(goodbye) {
		return errSessionSlow
	}
	return errSessionClosed
}

// stop ends the session after its writer did.
func (s *session) stop(err error) {
	switch {
	case errors.Is(err, errSessionClosed):
		s.closing.Store(true)
		_ = s.conn.SetReadDeadline(time.Now().Add(s.hub.opts.closing))
		return
	case errors.Is(err, errSessionSlow):
		s.reset()
	}
	s.cut()
}

// reset makes the connection end in a reset when it is closed: what the client never took is thrown
// away at once instead of waiting in the kernel.
func (s *session) reset() {
	if c, ok := tcpBelow(s.conn).(interface{ SetLinger(int) error }); ok {
		_ = c.SetLinger(0) // It is closed in any case.
	}
}

package httpd

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"tradingengine/core"
)

// ingesting is the purpose of a session that sends quotes. Three goroutines work for it:
//
//	reader ── frames taken ─► flights (bounded) ── answered in order ─► acknowledger ─► writer
//
// The reader parses a frame and hands it to the engine; the acknowledger waits for its commit and
// lets the writer answer. When as much is in flight as may be, the reader reads no more, so the
// client's own connection slows it. One reader hands over all frames, so the quotes of a symbol
// keep their order.
type ingesting struct {
	server  *Server
	commit  bool // Answer when committed, not when taken.
	flights chan ingestFlight
	flying  atomic.Int64  // Frames in flight: the reader adds, the acknowledger takes away.
	quotes  atomic.Int64  // Quotes of these.
	landed  chan struct{} // Of one: both went down.
	ended   chan struct{} // Closed when the acknowledger has ended.
	ctx     context.Context
	cancel  context.CancelFunc // When the writer has ended: nobody can be told anything.

	// The reader's.
	frame  int64
	barred time.Time // Frames that come before this are refused for a reason, see bar.
	reason *problem
}

// ingestFlight is a frame between reader and answer.
type ingestFlight struct {
	frame  int64
	sub    *core.Submission // Waits for its commit; nil when answer says all.
	quotes int64            // For the commit of which it waits.
	due    time.Time        // When waiting for the commit ends.
	order  *sessionOrder    // The answer, if sub is nil.
}

const (
	ingestFlights = 64     // Most frames of a session in flight.
	ingestQuotes  = 16_384 // Most quotes of a session in flight, unless one frame has more.
)

func newIngesting(s *Server, commit bool) *ingesting {
	in := &ingesting{
		server: s, commit: commit,
		flights: make(chan ingestFlight, ingestFlights+1), // The goodbye is one more.
		landed:  make(chan struct{}, 1), ended: make(chan struct{}),
	}
	in.ctx, in.cancel = context.WithCancel(context.Background())
	return in
}

func (*ingesting) access() access { return forSenders }

func (in *ingesting) frames(conn net.Conn) *frameReader {
	return newBusyFrameReader(conn, in.server.opts.Limits.IngestFrame)
}

func (in *ingesting) run(s *session) {
	c := &in.server.ingest
	defer c.sessions.Add(-1)
	open := c.sessions.Add(1)
	go in.acknowledge(s)
	go func() {
		<-s.written
		in.cancel()
	}()
	defer func() {
		s.cut()
		<-s.written
		close(in.flights)
		<-in.ended
	}()
	if open > int64(in.server.opts.Limits.Senders) { // More came at once than were counted.
		c.turned.Add(1)
		s.end(closeTryLater, "no more senders")
		s.linger()
		return
	}
	s.read()
}

// take hands one frame to the engine, and its fate to the acknowledger.
func (in *ingesting) take(s *session, _ byte, payload []byte) {
	in.frame++
	in.server.ingest.frames.Add(1)
	f := ingestFlight{frame: in.frame}
	err := in.send(&f, s.who.Load(), payload)
	if err != nil && in.ctx.Err() != nil {
		return // Nobody is left to be told.
	}
	if err != nil {
		in.server.ingest.refused.Add(1)
		in.waitRoom(0)
		f.order = &sessionOrder{}
		f.order.say(appendFrameError(nil, f.frame, in.server.problemOf(err)))
	}
	in.launch(f)
}

// send parses a frame and hands its quotes over. After an error the engine has none of them.
func (in *ingesting) send(f *ingestFlight, who *caller, payload []byte) error {
	if time.Now().Before(in.barred) {
		return in.reason
	}
	sub, err := in.server.submission(who, bodyNDJSON, payload)
	if err != nil {
		in.bar(err)
		return err
	}
	quotes := int64(sub.Added())
	in.waitRoom(quotes)
	if in.commit {
		if err = sub.Send(in.ctx, true); err != nil {
			err = in.server.refusal(err)
		}
	} else {
		err = in.server.handOver(in.ctx, sub)
	}
	if err != nil {
		sub.Release()
		in.bar(err)
		return err
	}
	if in.commit {
		f.sub, f.quotes = sub, quotes
		f.due = time.Now().Add(in.server.opts.Limits.CommitTimeout)
		return nil
	}
	f.order = &sessionOrder{}
	f.order.say(append(in.server.appendAccepted(appendAck(f.frame), sub.Outcome()), '}'))
	sub.Release()
	return nil
}

// bar refuses what follows a frame that found no room, or came too soon, for as long as its sender
// is to wait: frames that were under way behind it must not overtake it, or its quotes would be
// late, or duplicates, when they are sent again.
func (in *ingesting) bar(err error) {
	var p *problem
	switch {
	case errors.Is(err, core.ErrInboxFull) && !errors.Is(err, core.ErrTooManyQuotes):
		in.reason = inboxFull.because("a frame before this one found no room; send again from there")
	case errors.As(err, &p) && p.code == tooManyRequests.code:
		in.reason = p.because("a frame before this one came too soon; send again from there")
	default:
		return
	}
	in.barred = time.Now().Add(time.Duration(in.reason.retryAfter) * time.Second)
}

// waitRoom waits until one more frame of so many quotes may be in flight.
func (in *ingesting) waitRoom(quotes int64) {
	full := func() bool {
		n := in.quotes.Load()
		return n > 0 && n+quotes > ingestQuotes || in.flying.Load() >= ingestFlights
	}
	if !full() {
		return
	}
	in.server.ingest.waited.Add(1)
	for full() {
		select {
		case <-in.landed:
		case <-in.ended:
			return
		}
	}
}

// launch passes a flight to the acknowledger, which may have ended only by a panic.
func (in *ingesting) launch(f ingestFlight) {
	in.flying.Add(1)
	in.quotes.Add(f.quotes)
	select {
	case in.flights <- f:
	case <-in.ended:
	}
}

func (in *ingesting) goodbye(_ *session, o *sessionOrder) { in.launch(ingestFlight{order: o}) }

// retire makes the reader take no more frames; what it took is answered before the goodbye.
func (in *ingesting) retire(s *session) {
	s.leaving.Store(true)
	_ = s.conn.SetReadDeadline(longAgo) // A dead connection fails the read by itself.
}

// acknowledge is a goroutine of the session: it answers every frame in turn.
func (in *ingesting) acknowledge(s *session) {
	defer close(in.ended)
	defer s.recover("acknowledger")
	for f := range in.flights {
		if f.sub != nil {
			f.order = in.fate(&f)
		}
		if s.waitRoom() {
			s.push(f.order)
		}
		in.quotes.Add(-f.quotes)
		in.flying.Add(-1)
		select {
		case in.landed <- struct{}{}:
		default:
		}
	}
}

// fate waits until a frame is committed and makes the answer.
func (in *ingesting) fate(f *ingestFlight) *sessionOrder {
	defer f.sub.Release()
	ctx, cancel := context.WithDeadline(in.ctx, f.due)
	defer cancel()
	answer := &sessionOrder{}
	o, err := in.server.await(ctx, f.sub)
	switch {
	case err == nil:
		answer.say(append(in.server.appendCommitted(appendAck(f.frame), o), '}'))
	case in.ctx.Err() == nil: // Otherwise nobody is left to be told.
		answer.say(appendFrameError(nil, f.frame, in.server.problemOf(err)))
	}
	return answer
}

// appendAck begins the answer to a frame that was taken.
func appendAck(frame int64) []byte {
	return append(appendInt(nil, `{"type":"ack","frame":`, frame), ',')
}

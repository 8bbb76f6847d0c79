package httpd

import (
	"context"
	"slices"
	"strconv"

	"tradingengine/core/trading"
)

// accountReplay brings a session from a seq it names to the present of an account. The session's
// writer reads event after event until it has all that are committed; then the hub lets it join
// the live log, and the writer sends the few that lie between.
type accountReplay struct {
	last uint64 // Every event up to here was sent. The writer's.
	upTo uint64 // The live log begins after it. Set by the hub before the writer hears of it.
}

func newAccountReplay(h *hub, key streamKey, since uint64) *streamReplay {
	return &streamReplay{
		key: key, wanted: oneAccount(h.symbols), account: &accountReplay{last: since},
	}
}

// replayAccount sends the next events, or asks the hub to go live.
func (s *session) replayAccount(r *streamReplay) (worked bool, err error) {
	more, err := s.sendEvents(r, s.hub.accounts.desk.Committed())
	switch {
	case err != nil && s.dead.Load():
		return false, err
	case err != nil:
		return true, s.replayFailed(r, err)
	case more:
		return true, nil
	}
	r.asked = true
	if !s.hub.do(func() { s.hub.join(s, r) }) {
		return false, errSessionDead
	}
	return true, nil
}

// finishAccount sends what came between the last look and the place where the live log begins.
func (s *session) finishAccount(r *streamReplay) error {
	for {
		more, err := s.sendEvents(r, r.account.upTo)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	s.say(appendAccountAnswer(nil, "caughtUp", r.key, r.account.upTo))
	return nil
}

// sendEvents sends the next events up to a seq, at most accountRun of them, and reports whether
// there may be more.
func (s *session) sendEvents(r *streamReplay, upTo uint64) (more bool, err error) {
	h, a := s.hub, r.account
	if a.last > upTo {
		s.ahead(r, upTo)
	}
	if a.last == upTo {
		return false, nil
	}
	var events []trading.Event
	_, err = h.readStored(func(ctx context.Context) (int, error) {
		events, err = h.accounts.desk.Events(ctx, r.key.account, a.last, accountRun)
		return len(events), err
	})
	if err != nil {
		return false, err
	}
	more = len(events) == accountRun
	for i := range events {
		e := &events[i]
		if e.Seq > upTo {
			more = false
			break
		}
		s.writer.out = append(s.writer.out,
			sealFrame(trading.AppendEvent(frameStart(nil), h.symbols, e))...)
		a.last = e.Seq
		h.counts.replayed.Add(1)
	}
	s.writer.sent = s.writer.now
	return more, s.flush()
}

// ahead tells a client that it knows a later seq than there is, as after a restored backup.
func (s *session) ahead(r *streamReplay, head uint64) {
	text := append(append([]byte(`{"type":"ahead","channel":"`), r.key.channel()...), '"')
	s.say(append(appendInt(text, `,"last":`, int64(head)), '}'))
	r.account.last = head
}

// takes reports whether a session still reads a log with a cursor. The hub asks.
func (s *session) takes(c *streamCursor) bool { return slices.Contains(s.streams, c) }

// appendLastSeqs appends the newest seq that the session was sent of each account it takes.
func (s *session) appendLastSeqs(dst []byte) []byte {
	first := true
	for _, c := range s.writer.cursors {
		if c.log.key.kind != streamAccount {
			continue
		}
		if first {
			dst = append(dst, `,"lastSeq":{`...)
		} else {
			dst = append(dst, ',')
		}
		first = false
		dst = strconv.AppendInt(append(dst, '"'), int64(c.log.key.account), 10)
		dst = appendInt(dst, `":`, int64(c.segment.marksAt(c.at)[0].time))
	}
	if !first {
		dst = append(dst, '}')
	}
	return dst
}

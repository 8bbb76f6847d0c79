package httpd

import (
	"strconv"

	"tradingengine/core"
	"tradingengine/core/desk"
	"tradingengine/core/trading"
)

// accountFeed is the hub's place in the committed events of the desk, which it reads from memory
// alone. It belongs to the hub goroutine.
//
// Each account that somebody takes has one log, whose only slot stands for the account. The index
// of its mark is a seq: every event of the account up to there was appended before. Its time is the
// seq of the account's newest event.
type accountFeed struct {
	desk    *desk.Desk // Nil: there are no accounts.
	logs    map[trading.AccountID]*[]logPlace
	seq     uint64          // Events up to here were looked at.
	changed <-chan struct{} // Closed when there may be events after seq; nil while nobody listens.
}

// accountRun is how many events are read at once.
const accountRun = 256

// places returns the list of the logs of an account.
func (f *accountFeed) places(id trading.AccountID) *[]logPlace {
	list := f.logs[id]
	if list == nil {
		list = new([]logPlace)
		f.logs[id] = list
	}
	return list
}

// start makes sure that the feed follows the desk, and returns where an account stands.
func (f *accountFeed) start(id trading.AccountID) streamMark {
	if f.changed == nil {
		f.changed = f.desk.Changed()
		f.seq = f.desk.Committed()
	}
	mark := streamMark{index: f.seq}
	if last := f.desk.LastSeq(id); last <= f.seq {
		mark.time = core.Time(last)
	} // Else that event is about to be appended.
	return mark
}

// activate forgets accounts that nobody takes any more.
func (f *accountFeed) activate(id trading.AccountID) {
	if list := f.logs[id]; list != nil && len(*list) == 0 {
		delete(f.logs, id)
	}
	if len(f.logs) == 0 {
		f.changed = nil
	}
}

// passAccounts sends what was committed since the last pass.
func (h *hub) passAccounts() {
	f := &h.accounts
	if f.changed == nil {
		return
	}
	f.changed = f.desk.Changed()
	for {
		events, ok := f.desk.Recent(f.seq, accountRun)
		if !ok {
			h.missAccounts()
			return
		}
		for i := range events {
			h.sendEvent(&events[i])
		}
		if len(events) < accountRun {
			return
		}
	}
}

func (h *hub) sendEvent(e *trading.Event) {
	f := &h.accounts
	f.seq = e.Seq
	list := f.logs[e.Account]
	if list == nil {
		return
	}
	h.scratch = trading.AppendEvent(frameStart(h.scratch), h.symbols, e)
	h.emit(*list, sealFrame(h.scratch), streamMark{e.Seq, core.Time(e.Seq)})
}

// missAccounts is for the case that memory has no longer what the hub is to read next: all who
// listen get it from the journal.
func (h *hub) missAccounts() {
	f := &h.accounts
	f.seq = f.desk.Committed()
	var missed []*streamCursor
	for _, list := range f.logs {
		for _, p := range *list {
			missed = append(missed, p.log.readers...)
		}
	}
	for _, c := range missed {
		h.counts.lapses.Add(1)
		h.resume(c.reader, c, c.log.marks[0].index)
	}
}

// resume lets a session that missed events of an account after since get them from memory or the
// journal, and then go on live. So nothing is left out, and nobody else waits.
func (h *hub) resume(s *session, c *streamCursor, since uint64) {
	if !s.takes(c) {
		return // It left the log meanwhile; the order that says so is on its way.
	}
	h.strike(s)
	r := newAccountReplay(h, c.log.key, since)
	o := &sessionOrder{replay: r}
	o.switchTo(h, s, c.log.key, newStreamSymbols(len(h.texts)))
	s.replaying = append(s.replaying, r)
	s.push(o)
}

// joinAccount lets an account that a session has caught up with go on live.
func (h *hub) joinAccount(s *session, r *streamReplay) {
	h.passAccounts()
	h.publish()
	o := &sessionOrder{joined: r}
	o.switchTo(h, s, r.key, r.wanted)
	r.account.upTo = h.accounts.seq
	s.push(o)
}

// accountFault says why a caller cannot have the events of an account, nil when it can.
func (h *hub) accountFault(who *caller, id trading.AccountID) *streamFault {
	switch d := h.accounts.desk; {
	case d == nil:
		return &streamFault{streamUnknownChannel, "nothing is traded here, so there are no accounts"}
	case !who.role.may(forTraders):
		return &streamFault{roleNotAllowed.code, "a key of the role " + who.role.String() +
			" has no accounts"}
	case !who.mayUse(id), id != 0 && d.LastSeq(id) == 0:
		return &streamFault{
			streamUnknownAccount, "there is no account " + strconv.FormatInt(int64(id), 10),
		}
	}
	return nil
}

// oneAccount is the set of symbols of an account's log: its slot has to be called something.
func oneAccount(symbols *core.Registry) streamSymbols {
	set := newStreamSymbols(max(symbols.Len(), 1))
	set.add(0)
	return set
}

// appendAccountAnswer appends a message about an account channel. seq says after which one the live
// events come; 0 when that does not matter.
func appendAccountAnswer(dst []byte, kind string, key streamKey, seq uint64) []byte {
	dst = append(append(dst, `{"type":"`...), kind...)
	dst = append(append(dst, `","channel":"`...), key.channel()...)
	dst = append(dst, '"')
	if seq > 0 {
		dst = appendInt(dst, `,"seq":`, int64(seq))
	}
	return append(dst, '}')
}

package httpd

import (
	"strconv"
	"strings"

	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/desk"
	"tradingengine/core/trading"
)

// alertFeed is the hub's place in the committed changes of alerts, which it reads from the desk's
// memory alone. It belongs to the hub goroutine. Callers who see the same alerts share a log; its
// only slot stands for the channel, and the index of its mark counts what was appended.
type alertFeed struct {
	desk    *desk.Desk
	logs    map[string]*alertLogs // By who sees them, see audienceOf.
	next    uint64                // Changes before it were looked at.
	changed <-chan struct{}       // Closed when there may be more; nil while nobody listens.
	read    []alert.FireChange
}

// alertLogs is the list that holds the log of an audience.
type alertLogs struct {
	everything bool
	accounts   []int64
	list       []logPlace
}

// alertRun is how many changes are read at once.
const alertRun = 256

// audienceOf names whose alerts a caller sees: "" for everybody's, else accounts.
func audienceOf(who *caller) string {
	if who.everything() {
		return ""
	}
	var text []byte
	for _, id := range who.accounts {
		text = append(strconv.AppendInt(text, int64(id), 10), ' ')
	}
	return string(text)
}

// places returns the list of the log of an audience.
func (f *alertFeed) places(audience string) *[]logPlace {
	l := f.logs[audience]
	if l == nil {
		l = &alertLogs{everything: audience == ""}
		for name := range strings.FieldsSeq(audience) {
			if id, err := strconv.ParseInt(name, 10, 64); err == nil {
				l.accounts = append(l.accounts, id)
			}
		}
		f.logs[audience] = l
	}
	return &l.list
}

// start makes sure that the feed follows the desk.
func (f *alertFeed) start() streamMark {
	if f.changed == nil {
		f.changed = f.desk.Changed()
		f.next = f.desk.AlertMark()
	}
	return streamMark{}
}

// activate forgets audiences of which nobody listens any more.
func (f *alertFeed) activate(audience string) {
	if l := f.logs[audience]; l != nil && len(l.list) == 0 {
		delete(f.logs, audience)
	}
	if len(f.logs) == 0 {
		f.changed = nil
	}
}

// sees reports whether an alert of an account is for the audience.
func (l *alertLogs) sees(account int64) bool {
	for _, id := range l.accounts {
		if id == account {
			return true
		}
	}
	return l.everything
}

// passAlerts sends what was committed since the last pass.
func (h *hub) passAlerts() {
	f := &h.alerts
	if f.changed == nil {
		return
	}
	f.changed = f.desk.Changed()
	for more := true; more; {
		changes, next, missed := f.desk.Alerts(f.read[:0], f.next, alertRun)
		f.next = next
		if missed > 0 {
			h.scratch = appendAlertGap(frameStart(h.scratch), missed)
			for _, l := range f.logs {
				h.emitAlert(l, sealFrame(h.scratch))
			}
		}
		for i := range changes {
			h.sendAlert(&changes[i].Fire)
		}
		f.read, more = changes, len(changes) == alertRun
	}
	clear(f.read)
}

func (h *hub) sendAlert(fire *alert.Fire) {
	if fire.Channels&alert.WebSocket == 0 {
		return
	}
	h.scratch = append(frameStart(h.scratch), `{"type":"alert","alert":`...)
	h.scratch = alert.AppendFire(h.scratch, h.symbols, fire)
	h.scratch = appendInt(h.scratch, `,"timestamp":`, fire.UpdatedAt.Millis())
	frame := sealFrame(append(h.scratch, '}'))
	for _, l := range h.alerts.logs {
		if l.sees(fire.Account) {
			h.emitAlert(l, frame)
		}
	}
}

func (h *hub) emitAlert(l *alertLogs, frame []byte) {
	for _, p := range l.list {
		h.emit([]logPlace{p}, frame, streamMark{index: p.log.marks[p.slot].index + 1})
	}
}

// alertSnapshot shows nothing of the past: it only counts what a reader that was lapped missed.
func alertSnapshot(s *streamSnapshot, l *streamLog) { s.add(nil, snapshotEntry{mark: l.marks[0]}) }

// appendAlertGap appends the notice that changes of alerts are left out; /api/alerts has them.
func appendAlertGap(dst []byte, skipped uint64) []byte {
	return append(appendInt(dst, `{"type":"gap","channel":"alerts","skipped":`, int64(skipped)), '}')
}

// alertFault says why a caller cannot have alerts, nil when it can.
func (h *hub) alertFault(who *caller) *streamFault {
	if who.role.may(forTraders) {
		return h.accountFault(who, who.home())
	}
	return h.accountFault(who, 0)
}

// alertSubscription reads what is left of a request for alerts.
func (r *streamRequest) alertSubscription(symbols *core.Registry, raw *rawRequest) *streamFault {
	if raw.Symbols != nil {
		return badMessage(`alerts take no "symbols"; the channel has all that you may see`)
	}
	if !isNull(raw.Since) && r.kind == requestSubscribe {
		return &streamFault{streamNotResumable, "alerts are live only; /api/alerts has those before"}
	}
	r.symbols = oneAccount(symbols)
	return nil
}

// newAlertFeed makes the feed of a hub.
func newAlertFeed(d *desk.Desk) alertFeed {
	return alertFeed{desk: d, logs: make(map[string]*alertLogs)}
}

// accountIDs are ids as the book of alerts has them.
func accountIDs(list []trading.AccountID) (ids []int64) {
	for _, id := range list {
		if id != 0 {
			ids = append(ids, int64(id))
		}
	}
	return ids
}

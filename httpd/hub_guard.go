package httpd

import "runtime/debug"

// guard runs f on the hub goroutine and keeps a panic of it from ending the process. What the hub
// keeps may be half changed then, so it begins anew: all sessions are cut off, and their clients
// come back and resume.
func (h *hub) guard(f func()) {
	defer func() {
		if v := recover(); v != nil {
			h.notePanic("hub", v)
			h.restart()
		}
	}()
	f()
}

// notePanic counts a panic and logs it, once. It is called where that was recovered from.
func (h *hub) notePanic(goroutine string, v any) {
	h.counts.panics.Add(1)
	h.opts.log.Error("stream panic", "goroutine", goroutine, "value", v,
		"stack", string(debug.Stack()))
}

func (h *hub) restart() {
	if !h.quotes.wanted.IsZero() {
		h.engine.WantMoves(-1)
	}
	h.clear()
	h.sessions.Lock()
	defer h.sessions.Unlock()
	for s := range h.sessions.all {
		s.streams, s.replaying = nil, nil
		s.cut()
	}
}

package httpd

import (
	"math"
	"time"
)

// hubPace keeps a burst of ticks from lapping everybody. The ring of a symbol holds many times what
// a log keeps, so after each quarter of what a log keeps the hub leaves further ticks in the rings
// until the log's readers have taken most of it.
//
// Slow sessions must not be able to hold up the others. A session that waits for a processor is
// waited for; one whose client does not take what is written is not, nor one that reads history,
// and each time that it is found so, or lapped, it does not count for twice as long as before. All
// of them together make the hub no later than its patience; then it goes on until it has caught up
// with the rings, whoever is lapped.
type hubPace struct {
	full bool      // Some log has got its paceBytes since its readers were given time.
	held time.Time // When the hub last looked how far it is behind the rings; zero: it is not.
	debt int64     // Ticks that were left then and are not sent yet.
	rush bool      // Its patience is over: nobody is waited for until it has caught up.
	off  bool      // Nobody is waited for any more.
}

const (
	paceBlocked = 20 * time.Millisecond // Who is kept for longer is not waited for.
	paceStrike  = time.Second           // How long the first strike counts.
	paceStrikes = 12                    // More do not make it longer.

	neverPaced = math.MaxUint64
)

// mayGoOn reports whether more ticks may be read now.
func (h *hub) mayGoOn() bool {
	p := &h.pacing
	if !p.full {
		return true
	}
	if p.held.IsZero() || p.debt <= 0 {
		p.held, p.debt = h.now, h.backlog()
	}
	p.rush = p.rush || h.now.Sub(p.held) >= h.opts.patience
	if !p.off && !p.rush && !h.readersReady() {
		return false
	}
	p.full = false
	for _, l := range h.logs {
		if l.position() > l.pacedTo {
			l.pacedTo = l.position() + l.paceBytes()
		}
	}
	return true
}

// caughtUp notes that every tick was read.
func (p *hubPace) caughtUp() { p.held, p.rush = time.Time{}, false }

// backlog counts the ticks that lie in the rings for the hub.
func (h *hub) backlog() (n int64) {
	for _, id := range h.ticks.active {
		_, head := h.engine.TickSpan(id)
		n += int64(head - h.ticks.symbols[id].next)
	}
	return n
}

// readersReady looks at the readers of the logs that are full.
func (h *hub) readersReady() bool {
	for _, l := range h.logs {
		end := l.position()
		if end <= l.pacedTo {
			continue
		}
		for _, c := range l.readers {
			switch s := c.reader; {
			case h.now.Before(s.unpaced), end-c.taken.Load() <= l.paceBytes()/2:
			case s.blocked(h.now):
				h.strike(s)
			default:
				return false
			}
		}
	}
	return true
}

// strike lets a session that did not keep up hold up nobody for a while. After as long again
// without a strike the earlier ones are forgotten.
func (h *hub) strike(s *session) {
	if h.now.Sub(s.unpaced) > paceStrike<<s.strikes {
		s.strikes = 0
	}
	s.unpaced = h.now.Add(paceStrike << s.strikes)
	s.strikes = min(s.strikes+1, paceStrikes)
}

package naive

// Offer is a quote as it comes. Time 0 means that it has none, Seq 0 that it is not numbered.
type Offer struct {
	Time, Bid, Ask int64
	Source         int
	Seq            uint64
}

// Quote is a quote that was taken; Time is when it is stored.
type Quote struct {
	Time, Bid, Ask int64
	Source         int
}

// Market is one symbol.
type Market struct {
	Accepted []Quote
	Ticks    []Quote // Those that moved 0.001 % from the tick before.
	Closings []Closing

	// Since the start, or the last Restart.
	Rejected   map[string]int // By code.
	Late       int            // Accepted, though the sender's times had been later before.
	Reanchored int            // Absurd prices that proved to be the price.

	taken   []taken // Of each accepted quote.
	numbers map[int]uint64
	clocked bool
	floor   int64 // The end of the latest closed bar.
	event   int64 // The latest time that an accepted quote claimed.

	absurdMid, absurdCount int64
}

// taken is what else is known of an accepted quote.
type taken struct {
	seq  uint64
	live bool // Stamped within 5 s of our clock.
}

// Closing is a clock message: bars made of the first Quotes quotes that ended by Limit are closed.
type Closing struct {
	Quotes int
	Limit  int64
}

const (
	second = int64(1_000_000)
	minute = 60 * second
	hour   = 60 * minute

	numberedMax = 8
)

// Quote offers a quote that arrived at arrival; it returns "" or the code of the rejection.
func (m *Market) Quote(arrival int64, history bool, o Offer) string {
	code := m.judge(arrival, history, o)
	if code != "" {
		if m.Rejected == nil {
			m.Rejected = map[string]int{}
		}
		m.Rejected[code]++
		return code
	}
	stamp := o.Time
	if o.Time == 0 || !history && o.Time > arrival {
		stamp = arrival
	}
	if stamp < m.floor {
		stamp = m.floor
	}
	if n := len(m.Accepted); n > 0 && stamp <= m.Accepted[n-1].Time {
		stamp = m.Accepted[n-1].Time + 1
	}
	if len(m.Accepted) > 0 && o.Time != 0 && o.Time < m.event {
		m.Late++
	}
	if o.Time > m.event {
		m.event = o.Time
	}
	if m.absurdCount >= 10 && m.far(o.Bid+o.Ask) {
		m.Reanchored++
	}
	m.absurdCount = 0
	m.accept(Quote{stamp, o.Bid, o.Ask, o.Source}, taken{
		o.Seq, stamp >= arrival-5*second && stamp <= arrival+5*second,
	})
	return ""
}

func (m *Market) accept(q Quote, how taken) {
	m.Accepted = append(m.Accepted, q)
	m.taken = append(m.taken, how)
	m.clocked = how.live
	if how.seq != 0 {
		if m.numbers == nil {
			m.numbers = map[int]uint64{}
		}
		m.numbers[q.Source] = how.seq
	}
	m.closeBy(q.Time)
	if n := len(m.Ticks); n == 0 || moved(m.Ticks[n-1], q) {
		m.Ticks = append(m.Ticks, q)
	}
}

// moved is the rule of the throttle as it is written down.
func moved(last, q Quote) bool {
	before, now := last.Bid+last.Ask, q.Bid+q.Ask
	move := now - before
	if move < 0 {
		move = -move
	}
	return !(move*100_000 < before)
}

func (m *Market) judge(arrival int64, history bool, o Offer) string {
	switch {
	case o.Bid <= 0 || o.Ask <= 0:
		return "NOT_POSITIVE"
	case o.Ask < o.Bid:
		return "CROSSED"
	}
	if o.Seq != 0 {
		last, known := m.numbers[o.Source]
		switch {
		case !known && len(m.numbers) == numberedMax:
			return "TOO_MANY_SOURCES"
		case o.Seq <= last:
			return "DUPLICATE"
		}
	}
	switch n := len(m.Accepted); {
	case m.isAbsurd(o.Bid + o.Ask):
		return "ABSURD"
	case o.Time != 0 && !history && o.Time > arrival+5*second:
		return "FUTURE"
	case n > 0 && o.Time != 0 && o.Time < m.Accepted[n-1].Time-second:
		return "LATE"
	}
	return ""
}

// Numbers returns the last number taken of each source that numbers its quotes.
func (m *Market) Numbers() map[int]uint64 { return m.numbers }

// far reports whether a mid is more than 50 % from the live one.
func (m *Market) far(mid int64) bool {
	n := len(m.Accepted)
	if n == 0 {
		return false
	}
	live := m.Accepted[n-1].Bid + m.Accepted[n-1].Ask
	return mid < live-live/2 || mid > live+live/2
}

func (m *Market) isAbsurd(mid int64) bool {
	if !m.far(mid) {
		return false
	}
	if off := mid - m.absurdMid; m.absurdCount > 0 && off <= m.absurdMid/100 &&
		off >= -m.absurdMid/100 {
		m.absurdCount++
	} else {
		m.absurdMid, m.absurdCount = mid, 1
	}
	return m.absurdCount < 10
}

// Clock tells the time: live bars that ended 250 ms ago are closed.
func (m *Market) Clock(now int64) {
	if m.clocked {
		limit := now - second/4
		m.Closings = append(m.Closings, Closing{len(m.Accepted), limit})
		m.closeBy(limit)
	}
}

// closeBy raises the floor to the end of the bars of the newest quotes that ended by limit.
func (m *Market) closeBy(limit int64) {
	for i := len(m.Accepted) - 1; i >= 0 && i >= len(m.Accepted)-2; i-- {
		for f := range frames {
			if _, end := span(f, m.Accepted[i].Time); end <= limit && end > m.floor {
				m.floor = end
			}
		}
	}
}

// Clocked reports whether the newest quote was live, so that bars close by the clock.
func (m *Market) Clocked() bool { return m.clocked }

// Restart returns the market as a new start knows it from a file that holds so many of the accepted
// quotes and of the closings. Ticks may be fewer than those quotes gave; the file decides.
func (m *Market) Restart(accepted, closings int) *Market {
	r := &Market{Closings: m.Closings[:closings:closings]}
	for i := range accepted {
		r.accept(m.Accepted[i], m.taken[i])
	}
	for f := range frames {
		bars, closed := r.Bars(f)
		if closed > 0 {
			_, end := span(f, bars[closed-1].Open)
			r.floor = max(r.floor, end)
		}
	}
	if accepted > 0 {
		r.event = r.Accepted[accepted-1].Time
	}
	return r
}

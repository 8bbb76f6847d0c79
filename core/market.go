package core

import "sync/atomic"

// market is everything one shard knows of one symbol. It belongs to the shard's goroutine, but for
// the rings in it, which any goroutine may read.
type market struct {
	id     SymbolID
	number uint64 // The batch that touched it last.

	// The newest accepted quote, for the tests of the next.
	last  Time // Its stamp.
	event Time // The latest time any accepted quote claimed.
	mid   Mid
	seen  bool // There is one, accepted or restored.

	clocked   bool // The last quote came within liveWithin of our clock: bars close by the clock.
	floor     Time // The end of the latest closed bar; later quotes are stamped at or after it.
	minute    Bar
	minuteEnd Time
	frames    [Frames]Bar // Closed minutes of the forming bars; frames[M1] is not used.
	frameEnd  [Frames]Time
	rolled    bool // frames changed since they were last published.

	throttle throttle
	absurd   absurdRun
	numbered []SourceSeq
	counts   Counts

	watched atomic.Bool // The watcher wants its quotes. Loaded after a quote is live.

	live   ringWriter // time, bid, ask of the newest quote
	ticks  ringWriter
	closed [Frames]ringWriter
	rollup ringWriter // frames, as of a cut
	cut    ringWriter
	moves  moveWriter
}

// Rings of newest values hold a few slots, so that a reader that is interrupted between two loads
// seldom has to read again.
const (
	newestPromise  = 3
	tickWords      = 4
	tickChunk      = 256
	barChunk       = 64
	rollupWords    = Frames * barWords
	liveQuoteWords = 3
)

func newMarket(id SymbolID, threshold Threshold, ticks, bars int) *market {
	m := &market{
		id:       id,
		throttle: throttle{threshold: threshold},
		numbered: make([]SourceSeq, 0, NumberedSourcesMax),
		live:     newRingWriter(liveQuoteWords, newestPromise, newestPromise+1),
		ticks:    newRingWriter(tickWords, ticks, tickChunk),
		rollup:   newRingWriter(rollupWords, newestPromise, newestPromise+1),
		cut:      newRingWriter(cutWords, newestPromise, newestPromise+1),
		moves:    moveWriter{ringWriter: newRingWriter(moveWords, movePromise, moveChunk)},
	}
	for f := range m.closed {
		m.closed[f] = newRingWriter(barWords, bars, barChunk)
	}
	return m
}

// takeQuote lets an accepted quote, stamped t, change the live price and the bars.
func (m *market) takeQuote(t Time, bid, ask Price) {
	if t >= m.minuteEnd {
		m.nextMinute(t)
	}
	if m.minute.Volume == 0 {
		m.openMinute(t, bid, ask)
	} else {
		m.minute.add(t, bid, ask)
	}
	m.last, m.mid, m.seen = t, MidOf(bid, ask), true
	m.absurd.count = 0
	m.live.put3(int64(t), int64(bid), int64(ask))
}

func (m *market) openMinute(t Time, bid, ask Price) {
	open := t.Floor(Minute)
	m.minute.start(open, t, bid, ask)
	m.minuteEnd = open + Minute
}

// nextMinute closes the bars that end at or before t, because a quote at t came.
func (m *market) nextMinute(t Time) {
	m.closeBars(t)
	m.minuteEnd = t.Floor(Minute) + Minute
}

// closeBars closes every bar that ends at or before limit.
func (m *market) closeBars(limit Time) {
	if m.minute.Volume > 0 && m.minute.Time+Minute <= limit {
		m.closeMinute()
	}
	for f := M5; f < frameCount; f++ {
		if m.frames[f].Volume > 0 && m.frameEnd[f] <= limit {
			m.closeFrame(f)
		}
	}
}

func (m *market) closeMinute() {
	for f := M5; f < frameCount; f++ {
		if m.frames[f].Volume == 0 {
			open := f.Open(m.minute.Time)
			m.frameEnd[f] = f.End(open)
			m.frames[f].Merge(open, &m.minute)
		} else {
			m.frames[f].Merge(0, &m.minute)
		}
	}
	m.rolled = true
	m.floor = max(m.floor, m.minute.Time+Minute)
	m.appendClosed(M1, &m.minute)
	m.minute.Volume = 0
}

func (m *market) closeFrame(f Frame) {
	m.rolled = true
	m.floor = max(m.floor, m.frameEnd[f])
	m.appendClosed(f, &m.frames[f])
	m.frames[f].Volume = 0
}

func (m *market) appendClosed(f Frame, b *Bar) {
	var words [barWords]int64
	b.pack(words[:])
	m.closed[f].put(words[:])
}

// publish shows the state of the symbol, as of the end of a batch, to readers.
func (m *market) publish() {
	if m.rolled || m.rollup.next == 0 {
		var words [rollupWords]int64
		for f := range m.frames {
			m.frames[f].pack(words[f*barWords:])
		}
		m.rollup.put(words[:])
		m.rolled = false
	}
	c := Cut{
		Forming: m.minute, Clocked: m.clocked, Head: m.ticks.next, Counts: m.counts,
		Numbered: m.numbered, rollup: m.rollup.next - 1,
	}
	for f := range m.closed {
		c.Closed[f] = m.closed[f].next
	}
	var words [cutWords]int64
	m.cut.put(c.pack(&words))
}

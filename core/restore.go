package core

import "fmt"

// SymbolState is what a symbol starts from: the newest ticks, the newest closed bars of each frame
// and the forming minute, as one cut of an earlier run.
type SymbolState struct {
	Ticks    []Tick        // Oldest first.
	Bars     [Frames][]Bar // Closed, oldest first.
	Forming  Bar           // Volume 0: none.
	Clocked  bool          // The forming minute was live; not asked for without one.
	Numbered []SourceSeq
}

// Restore sets the state of a symbol before Run. The forming bars above a minute are computed from
// the closed bars below them that no closed bar of their own frame covers. The live price is that
// of the newest bar or, where the newest tick is newer still, of that tick. A run of absurd quotes
// is forgotten: it starts anew.
func (e *Engine) Restore(id SymbolID, s *SymbolState) error {
	m := e.markets[id]
	if m.seen || m.ticks.next > 0 {
		return fmt.Errorf("core: symbol %d restored twice", id)
	}
	if len(s.Numbered) > NumberedSourcesMax {
		return fmt.Errorf("core: symbol %d has %d numbered sources, at most %d", id,
			len(s.Numbered), NumberedSourcesMax)
	}
	for _, t := range s.Ticks[len(s.Ticks)-min(len(s.Ticks), e.opts.Ticks):] {
		m.ticks.put4(int64(t.Time), int64(t.Bid), int64(t.Ask), int64(t.Source))
		m.throttle.stored(MidOf(t.Bid, t.Ask))
	}
	m.minute, m.clocked = s.Forming, s.Clocked
	if m.minute.Volume > 0 {
		m.minuteEnd = m.minute.Time + Minute
	} else {
		// Only the clock closes a minute that no later quote follows. It closes the higher bars too.
		m.clocked = len(s.Bars[M1]) > 0
	}
	m.restoreBars(&s.Bars, e.opts.Bars)
	if last := s.last(); last.Time > 0 {
		m.seen, m.last, m.event = true, last.Time, last.Time
		m.mid = MidOf(last.Bid, last.Ask)
		m.live.put3(int64(last.Time), int64(last.Bid), int64(last.Ask))
		newest := &e.shards[e.shardOf(id)].newest
		newest.Store(max(newest.Load(), int64(last.Time)))
	}
	m.numbered = append(m.numbered, s.Numbered...)
	e.start[id] = m.ticks.next
	e.taken[id].Store(m.ticks.next)
	for f := range m.closed {
		e.barStart[id][f] = m.closed[f].next
	}
	e.takenMinutes[id].Store(m.closed[M1].next)
	m.publish()
	return nil
}

// last returns the newest quote that the state knows of; its Time is 0 when there is none.
func (s *SymbolState) last() LiveQuote {
	var last LiveQuote
	if n := len(s.Ticks); n > 0 {
		t := &s.Ticks[n-1]
		last = LiveQuote{t.Time, t.Bid, t.Ask}
	}
	bar := &s.Forming
	if closed := s.Bars[M1]; bar.Volume == 0 && len(closed) > 0 {
		bar = &closed[len(closed)-1]
	}
	if bar.Volume > 0 && bar.Last >= last.Time {
		last = LiveQuote{bar.Last, Price(bar.Bid.Close), Price(bar.Ask.Close)}
	}
	return last
}

// restoreBars fills the rings of closed bars and the forming bars above the minute. Each frame
// starts from the forming bar of the frame below and the closed ones below it that it does not
// cover yet.
func (m *market) restoreBars(bars *[Frames][]Bar, keep int) {
	for f := range frameCount {
		closed := bars[f]
		for i := max(0, len(closed)-keep); i < len(closed); i++ {
			m.appendClosed(f, &closed[i])
		}
		var covered Time
		if len(closed) > 0 {
			covered = f.End(closed[len(closed)-1].Time)
			m.floor = max(m.floor, covered)
		}
		if f == M1 {
			continue
		}
		below := bars[f-1]
		first := len(below)
		for first > 0 && below[first-1].Time >= covered {
			first--
		}
		form := &m.frames[f]
		for i := first; i < len(below); i++ {
			form.Merge(f.Open(below[i].Time), &below[i])
		}
		if f > M5 && m.frames[f-1].Volume > 0 {
			form.Merge(f.Open(m.frames[f-1].Time), &m.frames[f-1])
		}
		if form.Volume > 0 {
			m.frameEnd[f] = f.End(form.Time)
		}
	}
}

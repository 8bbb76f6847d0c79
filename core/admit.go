package core

// The limits of what a quote may claim.
const (
	futureMax  = 5 * Second // A live quote may be this far ahead of our clock.
	lateMax    = 1 * Second // A quote may be this far behind the symbol's last one.
	liveWithin = 5 * Second // Bars of quotes this close to our clock are closed by it.

	reanchorAfter = 10 // This many absurd quotes in a row that agree are the new price.
)

// absurdRun counts quotes in a row that were far from the live price but near each other. Only an
// accepted quote ends a run.
type absurdRun struct {
	count int
	mid   Mid
}

// admit tests a quote in the order of the Reject constants and stamps it. The stamp is the stored
// time: max(what the quote says, the end of the last closed bar, the last stamp + 1 µs).
// A quote that is refused changes nothing but the run of absurd prices.
func (m *market) admit(q *Quote, b *Batch) (stamp Time, late bool, reject Reject) {
	if reject = CheckPrices(q.Bid, q.Ask); reject != RejectNone {
		return 0, false, reject
	}
	if q.Seq != 0 {
		if reject = m.checkSeq(q); reject != RejectNone {
			return 0, false, reject
		}
	}
	mid := MidOf(q.Bid, q.Ask)
	if m.far(mid) && !m.reanchors(mid) {
		return 0, false, RejectAbsurd
	}
	stamp = q.Time
	switch {
	case stamp == 0:
		stamp = b.Arrival
	case !b.History && stamp > b.Arrival:
		if stamp > b.Arrival+futureMax {
			return 0, false, RejectFuture
		}
		stamp = b.Arrival
	}
	if m.seen && q.Time != 0 {
		if q.Time < m.last-lateMax {
			return 0, false, RejectLate
		}
		late = q.Time < m.event
	}
	stamp = max(stamp, m.floor)
	if m.seen {
		stamp = max(stamp, m.last+1)
	}
	return stamp, late, RejectNone
}

// checkSeq refuses a number that is not above the last one taken of its source.
func (m *market) checkSeq(q *Quote) Reject {
	for i := range m.numbered {
		if m.numbered[i].Source == q.Source {
			if q.Seq <= m.numbered[i].Seq {
				return RejectDuplicate
			}
			return RejectNone
		}
	}
	if len(m.numbered) == NumberedSourcesMax {
		return RejectTooManySources
	}
	return RejectNone
}

// takeSeq remembers the number of an accepted quote.
func (m *market) takeSeq(q *Quote) {
	for i := range m.numbered {
		if m.numbered[i].Source == q.Source {
			m.numbered[i].Seq = q.Seq
			return
		}
	}
	m.numbered = append(m.numbered, SourceSeq{q.Source, q.Seq})
}

// far reports whether a mid is more than 50 % from the live one.
func (m *market) far(mid Mid) bool { return m.seen && 2*absMid(mid-m.mid) > m.mid }

// reanchors counts an absurd mid and reports whether so many in a row agree within 1 % that it is
// the price after all.
func (m *market) reanchors(mid Mid) bool {
	if m.absurd.count > 0 && 100*absMid(mid-m.absurd.mid) <= m.absurd.mid {
		m.absurd.count++
	} else {
		m.absurd = absurdRun{count: 1, mid: mid}
	}
	return m.absurd.count >= reanchorAfter
}

func absMid(m Mid) Mid {
	if m < 0 {
		return -m
	}
	return m
}

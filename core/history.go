package core

// History takes recorded quotes of one symbol through the same validation, bars and throttle as a
// shard, for work beside the live path such as an import. It is for one goroutine.
type History struct {
	m     *market
	batch Batch
}

// NewHistory starts without a price: the first quote opens a minute and passes the throttle.
func NewHistory(threshold Threshold) *History {
	return &History{m: newMarket(0, threshold, 1, 1), batch: Batch{History: true}}
}

// Take lets the history accept or refuse a quote, whose Time must be set. It returns the stored
// time, whether the quote is a tick, and the minute bar that it closed, with Volume 0 for none.
func (h *History) Take(q *Quote) (stamp Time, stored bool, closed Bar, reject Reject) {
	m := h.m
	stamp, _, reject = m.admit(q, &h.batch)
	if reject != RejectNone {
		return 0, false, Bar{}, reject
	}
	if m.minute.Volume > 0 && stamp >= m.minuteEnd {
		closed = m.minute
	}
	m.event = max(m.event, q.Time)
	m.takeQuote(stamp, q.Bid, q.Ask)
	if stored = m.throttle.passes(m.mid); stored {
		m.throttle.stored(m.mid)
	}
	return stamp, stored, closed, RejectNone
}

// FreshThrottle lets the next quote be stored whatever came before it.
func (h *History) FreshThrottle() { h.m.throttle.move = 0 }

// Forming returns the open minute, with Volume 0 before the first quote.
func (h *History) Forming() Bar { return h.m.minute }

// Anchor makes mid the price that the next quote is compared with, for rows that are known to have
// been accepted once.
func (h *History) Anchor(mid Mid) { h.m.mid = mid }

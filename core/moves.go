package core

import "sync/atomic"

// Move sums up the accepted quotes of one symbol over a short while, at least one batch and never
// across a minute: where the price stands and how far it went. Merging moves in order is exact, so
// any slower stream of them still builds the same bars.
type Move struct {
	Time             Time // Stored time of the last quote.
	Bid, Ask         Price
	Count            int64 // Quotes it stands for.
	BidHigh, BidLow  Price
	AskHigh, AskLow  Price
	MidHigh, MidLow  Mid
	BidOpen, AskOpen Price // The first of them.
	// Total counts the quotes of all moves of the symbol so far, this one's included: who was
	// lapped knows from it how many quotes it missed.
	Total uint64
}

const (
	moveWords   = 13
	movePromise = 255
	moveChunk   = 32
	// When the reader is this far behind, a shard goes on merging instead of publishing; only the
	// turn of a minute still takes a slot, because moves do not cross it. What is held back so is
	// published with the symbol's next batch or the next clock message, which the engine's clock
	// sends soon when something is held.
	moveBacklogMax = 192
)

func (m *Move) add(t Time, bid, ask Price) {
	mid := MidOf(bid, ask)
	if m.Count == 0 {
		*m = Move{
			t, bid, ask, 1, bid, bid, ask, ask, mid, mid, bid, ask, 0,
		}
		return
	}
	m.Time, m.Bid, m.Ask = t, bid, ask
	m.Count++
	m.BidHigh, m.BidLow = max(m.BidHigh, bid), min(m.BidLow, bid)
	m.AskHigh, m.AskLow = max(m.AskHigh, ask), min(m.AskLow, ask)
	m.MidHigh, m.MidLow = max(m.MidHigh, mid), min(m.MidLow, mid)
}

// Minute is the open time of the minute the move lies in.
func (m *Move) Minute() Time { return m.Time.Floor(Minute) }

// Merge takes a later move of the same minute into m.
func (m *Move) Merge(later *Move) {
	if m.Count == 0 {
		*m = *later
		return
	}
	m.Time, m.Bid, m.Ask = later.Time, later.Bid, later.Ask
	m.Count += later.Count
	m.Total = later.Total
	m.BidHigh, m.BidLow = max(m.BidHigh, later.BidHigh), min(m.BidLow, later.BidLow)
	m.AskHigh, m.AskLow = max(m.AskHigh, later.AskHigh), min(m.AskLow, later.AskLow)
	m.MidHigh, m.MidLow = max(m.MidHigh, later.MidHigh), min(m.MidLow, later.MidLow)
}

// moveWriter gathers and publishes the moves of one symbol while somebody wants them. It belongs
// to the symbol's shard; taken alone is stored by the reader.
type moveWriter struct {
	ringWriter
	open  Move
	total uint64
	taken atomic.Uint64
}

func (w *moveWriter) add(t Time, bid, ask Price) {
	if w.open.Count > 0 && t >= w.open.Minute()+Minute {
		w.flush()
	}
	w.open.add(t, bid, ask)
}

// publish shows the open move unless the reader is far behind; then it goes on gathering, and
// reports that a move is held. What was gathered when nobody wants moves any more is dropped.
func (w *moveWriter) publish(wanted bool) (held bool) {
	if !wanted {
		w.open.Count = 0
	}
	if w.open.Count == 0 {
		return false
	}
	if w.next-w.taken.Load() >= moveBacklogMax {
		return true
	}
	w.flush()
	return false
}

func (w *moveWriter) flush() {
	o := &w.open
	w.total += uint64(o.Count)
	words := [moveWords]int64{
		int64(o.Time), int64(o.Bid), int64(o.Ask), o.Count, int64(o.BidHigh), int64(o.BidLow),
		int64(o.AskHigh), int64(o.AskLow), int64(o.MidHigh), int64(o.MidLow),
		int64(o.BidOpen), int64(o.AskOpen), int64(w.total),
	}
	w.put(words[:])
	o.Count = 0
}

func (m *Move) unpack(w []int64) {
	*m = Move{
		Time(w[0]), Price(w[1]), Price(w[2]), w[3], Price(w[4]), Price(w[5]), Price(w[6]),
		Price(w[7]), Mid(w[8]), Mid(w[9]), Price(w[10]), Price(w[11]), uint64(w[12]),
	}
}

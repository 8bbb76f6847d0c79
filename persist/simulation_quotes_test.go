package persist

import (
	"time"

	"tradingengine/core"
)

// Each sender feeds two symbols, alone and in order, under two names of its own: a live one, and
// one of recorded quotes. All are numbered but those of the last symbol, which is live too.
const (
	simSenders = 3
	simSymbols = 2 * simSenders
)

var simSymbolNames = [simSymbols]string{"EURUSD", "GBPUSD", "BTCUSD", "USDJPY", "XAUUSD", "AUDUSD"}

// simWalk makes up the quotes of one symbol.
type simWalk struct {
	symbol core.SymbolID
	bid    core.Price
	time   core.Time // Of the last recorded quote.
	seqs   [2]uint64
}

func newSimWalk(a *simAuthor, symbol core.SymbolID) simWalk {
	w := simWalk{
		symbol: symbol, bid: core.Price(50_000 + a.IntN(500_000)),
		time: a.plan.opening - 20*24*core.Hour,
	}
	if a.taste.careful {
		w.time -= 300 * 24 * core.Hour // It never becomes live.
	}
	return w
}

func (w *simWalk) live(a *simAuthor) bool {
	return !a.taste.careful && (w.symbol < simSenders || w.symbol == simSymbols-1)
}

func (w *simWalk) numbered(a *simAuthor) bool { return a.taste.careful || w.symbol < simSymbols-1 }

// send makes up a submission of one or both symbols of a sender.
func (a *simAuthor) send(sender, ms int) simSend {
	s := simSend{at: a.at(ms), wait: a.IntN(3) > 0}
	if a.taste.small {
		s.wait = a.IntN(10) == 0 // So that commits come when the sizes of a server say.
	}
	size := 1 + a.IntN(30)>>a.IntN(3)
	if a.IntN(100) == 0 && !a.taste.small {
		size, s.wait = 1_000+a.IntN(600), true // More than one batch.
	}
	first := &a.walks[sender]
	second := &a.walks[sender+simSenders]
	switch a.IntN(3) {
	case 0:
		second = first
	case 1:
		first = second
	}
	s.history = !first.live(a) || !second.live(a)
	now := a.plan.wall(s.at)
	for range size {
		w := first
		if a.IntN(2) == 0 {
			w = second
		}
		s.quotes = append(s.quotes, w.quote(a, now, sender))
		s.quotes[len(s.quotes)-1].Line = int32(len(s.quotes))
	}
	return s
}

// quote makes up the next quote of a symbol, as of when it is to be sent.
func (w *simWalk) quote(a *simAuthor, now core.Time, sender int) core.Quote {
	w.bid = max(1_000, w.bid+core.Price(a.IntN(15))-7)
	name := a.IntN(2)
	q := core.Quote{
		Symbol: w.symbol, Source: core.SourceID(1 + 2*sender + name),
		Bid: w.bid, Ask: w.bid + core.Price(a.IntN(12)),
	}
	if w.numbered(a) {
		w.seqs[name] += 1 + uint64(a.IntN(2))
		q.Seq = w.seqs[name]
	}
	if w.live(a) {
		q.Time = liveTime(a, now)
	} else {
		w.pause(a)
		q.Time = w.time
	}
	if !a.taste.careful {
		w.spoil(a, &q)
	}
	return q
}

// liveTime is what a sender says of when a quote was made.
func liveTime(a *simAuthor, now core.Time) core.Time {
	switch a.IntN(16) {
	case 0, 1, 2, 3:
		return 0
	case 4, 5, 6:
		return now.Floor(core.Millisecond)
	case 7:
		return now + core.Time(a.Int64N(int64(7*core.Second)))
	default:
		return now - core.Time(a.Int64N(int64(1_300*core.Millisecond)))
	}
}

// pause moves recorded time on: mostly within the second, now and then to the end of some bar. A
// batch must not close more minutes than half a ring of bars holds.
func (w *simWalk) pause(a *simAuthor) {
	w.time += core.Time(a.Int64N(int64(400 * core.Millisecond)))
	often := 60
	if a.taste.small {
		often = 6
	}
	if a.IntN(often) > 0 {
		return
	}
	f := core.Frame(a.IntN(core.Frames))
	w.time = max(w.time, f.End(f.Open(w.time))-core.Time(a.Int64N(int64(2*core.Second))))
}

// spoil makes one quote in ten a bad or an odd one.
func (w *simWalk) spoil(a *simAuthor, q *core.Quote) {
	switch a.IntN(80) {
	case 0:
		q.Bid = 0
	case 1:
		q.Ask = q.Bid - 1
	case 2:
		q.Bid, q.Ask = 3*q.Bid, 3*q.Ask
	case 3: // The market really moves that far.
		if w.bid > 2_000 && a.IntN(20) == 0 {
			w.bid /= 3
		}
	case 4:
		if q.Time > 0 {
			q.Time -= core.Time(a.Int64N(int64(3 * core.Minute)))
		}
	case 5:
		if q.Seq > 3 {
			q.Seq -= uint64(a.IntN(4))
		}
	case 6, 7:
		if q.Time > 0 {
			q.Time -= core.Time(a.Int64N(int64(core.Second)))
		}
	}
}

// simClock is the wall clock of a bubble.
type simClock struct {
	plan  *simPlan
	begin time.Time
}

// since is how long ago the bubble began.
func (c *simClock) since() time.Duration { return time.Since(c.begin) }

// now is what the wall clock shows.
func (c *simClock) now() core.Time { return c.plan.wall(c.since()) }

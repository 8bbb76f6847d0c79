package persist

import (
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"tradingengine/core"
	"tradingengine/core/naive"
)

// simTape is what happened, in the order in which it happened to each symbol, and what a naive
// market makes of it. Senders write on it as soon as a submission was taken.
type simTape struct {
	clock *simClock
	mu    sync.Mutex

	markets [simSymbols]*naive.Market
	begun   [simSymbols]simBegun

	// The engine's clock, which looks at the wall each 50 ms.
	running bool
	looked  time.Duration
	told    core.Time
}

// simBegun is where a life of a symbol began.
type simBegun struct {
	accepted int   // Quotes.
	ticks    int   // Naive ticks, lost ones included.
	stored   []int // Those of them that are in the file, by their places.
	closed   [core.Frames]int
}

func newSimTape(clock *simClock) *simTape {
	tape := &simTape{clock: clock}
	for i := range tape.markets {
		tape.markets[i] = &naive.Market{}
	}
	return tape
}

// start says that an engine runs from now on.
func (k *simTape) start() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running, k.looked, k.told = true, k.clock.since(), 0
}

// stop says that it does not any more.
func (k *simTape) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lookLocked()
	k.running = false
}

// lookLocked lets the engine's clock look as often as it did by now.
func (k *simTape) lookLocked() {
	const look, delay = 50 * time.Millisecond, 250 * core.Millisecond
	for k.running && k.looked+look <= k.clock.since() {
		k.looked += look
		now := k.clock.plan.wall(k.looked)
		if minute := (now - delay).Floor(core.Minute); minute != k.told {
			k.told = minute
			for _, m := range k.markets {
				m.Clock(int64(now))
			}
		}
	}
}

// simExpected is what must become of a submission.
type simExpected struct {
	outcome core.Outcome // Without descriptions.
	reasons []string     // Of those refused, the first ten, as "line CODE".
	file    map[core.SymbolID]simPlace
}

// simPlace is how far the file must be when a submission is acknowledged.
type simPlace struct {
	accepted int
	numbers  map[int]uint64
	from, to int64 // The times of the submission's first and last tick, 0 when it has none.
}

// taken writes down a submission that the engine took just now.
func (k *simTape) taken(arrival core.Time, s *simSend) *simExpected {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lookLocked()
	x := &simExpected{file: make(map[core.SymbolID]simPlace)}
	x.outcome.Received = int64(len(s.quotes))
	for _, q := range s.quotes {
		m := k.markets[q.Symbol]
		place, ticks := x.file[q.Symbol], len(m.Ticks)
		code := m.Quote(int64(arrival), s.history, naive.Offer{
			Time: int64(q.Time), Bid: int64(q.Bid), Ask: int64(q.Ask), Source: int(q.Source),
			Seq: q.Seq,
		})
		switch {
		case code != "":
			x.outcome.Rejected++
			if len(x.reasons) < core.RejectionsKept {
				x.reasons = append(x.reasons, fmt.Sprint(q.Line, " ", code))
			}
		case len(m.Ticks) > ticks:
			x.outcome.Stored++
			if place.to = m.Ticks[ticks].Time; place.from == 0 {
				place.from = place.to
			}
		default:
			x.outcome.Throttled++
		}
		x.file[q.Symbol] = place
	}
	for id, place := range x.file {
		place.accepted, place.numbers = len(k.markets[id].Accepted), maps.Clone(k.markets[id].Numbers())
		x.file[id] = place
	}
	return x
}

// check compares an outcome with what was expected.
func (x *simExpected) check(t testing.TB, what string, o *core.Outcome) {
	t.Helper()
	var reasons []string
	for _, r := range o.Rejections {
		reasons = append(reasons, fmt.Sprint(r.Line, " ", r.Reason))
	}
	got := fmt.Sprint(o.Received, o.Stored, o.Throttled, o.Rejected, reasons)
	w := x.outcome
	want := fmt.Sprint(w.Received, w.Stored, w.Throttled, w.Rejected, x.reasons)
	if got != want {
		t.Errorf("%s: received, stored, throttled, rejected\n got %s\nwant %s", what, got, want)
	}
}

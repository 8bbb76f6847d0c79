package persist

import (
	"math/rand/v2"
	"time"

	"tradingengine/core"
	"tradingengine/core/naive"
)

// simReader reads as a stream does: with cursors, in runs of any length, now when it is woken, now
// after a pause. It notes what it saw, and compares at the end.
type simReader struct {
	*rand.Rand
	l       *simRun
	hub     bool // It is the one that is woken, and the only one that takes moves.
	symbols [simSymbols]simReading

	tickBuffer [300]core.Tick
	barBuffer  [40]core.Bar
	moveBuffer [30]core.Move
}

// simReading is what a reader saw of a symbol.
type simReading struct {
	start, tick uint64 // Where its cursor of ticks began, and is.
	read        uint64 // Ticks, by the cursor.
	missed      uint64
	ticks       map[uint64]core.Tick
	bar         [core.Frames]uint64
	bars        [core.Frames]map[uint64]core.Bar
	move        uint64
	moves       []core.Move
}

func newSimReader(l *simRun, index int) *simReader {
	r := &simReader{
		Rand: rand.New(rand.NewPCG(uint64(l.plan.end), uint64(index))), l: l, hub: index == 0,
	}
	for id := range r.symbols {
		s := &r.symbols[id]
		_, s.tick = l.engine.TickSpan(core.SymbolID(id))
		if index == 1 {
			s.tick = 0 // From the oldest that was loaded.
		}
		s.start, s.ticks = s.tick, make(map[uint64]core.Tick)
		for f := range s.bars {
			s.bars[f] = make(map[uint64]core.Bar)
		}
	}
	return r
}

func (r *simReader) run() {
	for {
		pause := time.Duration(r.Int64N(int64(200 * time.Millisecond)))
		if r.l.plan.slow {
			pause *= 10
		}
		var woken <-chan struct{}
		if r.hub && r.IntN(20) > 0 {
			woken = r.l.engine.StreamSignal()
		}
		select {
		case <-r.l.ctx.Done():
			return
		case <-woken:
		case <-time.After(pause):
		}
		for range 1 + r.IntN(3) {
			r.readAll()
		}
	}
}

// readAll goes on with every symbol.
func (r *simReader) readAll() {
	for id := range r.symbols {
		r.readTicks(core.SymbolID(id))
		r.readBars(core.SymbolID(id))
		if r.hub {
			r.readMoves(core.SymbolID(id))
		}
	}
}

func (r *simReader) readTicks(id core.SymbolID) {
	s, e := &r.symbols[id], r.l.engine
	dst := r.tickBuffer[:1+r.IntN(300)]
	for {
		first, n := e.ReadTicks(id, s.tick, dst)
		s.missed += first - s.tick
		s.read += uint64(n)
		s.tick = first + uint64(n)
		r.noteTicks(id, first, dst[:n])
		if n == 0 {
			break
		}
	}
	// The oldest are those that a shard may be writing over.
	oldest, _ := e.TickSpan(id)
	first, n := e.ReadTicks(id, oldest, dst[:1+r.IntN(len(dst))])
	r.noteTicks(id, first, dst[:n])
}

func (r *simReader) noteTicks(id core.SymbolID, first uint64, ticks []core.Tick) {
	known := r.symbols[id].ticks
	for i, tick := range ticks {
		at := first + uint64(i)
		if old, seen := known[at]; seen && old != tick {
			r.l.t.Errorf("tick %d of %s was %v and is %v", at, simSymbolNames[id], old, tick)
		}
		known[at] = tick
	}
}

func (r *simReader) readBars(id core.SymbolID) {
	s, e := &r.symbols[id], r.l.engine
	f := core.Frame(r.IntN(core.Frames))
	dst := r.barBuffer[:1+r.IntN(40)]
	from := s.bar[f]
	if r.IntN(3) == 0 {
		from, _ = e.BarSpan(id, f) // Once more: a closed bar never changes.
	}
	first, n := e.ReadBars(id, f, from, dst)
	for i, bar := range dst[:n] {
		at := first + uint64(i)
		if old, seen := s.bars[f][at]; seen && old != bar {
			r.l.t.Errorf("closed bar %d %v of %s was %v and is %v", at, f, simSymbolNames[id], old, bar)
		}
		s.bars[f][at] = bar
	}
	s.bar[f] = max(s.bar[f], first+uint64(n))
}

func (r *simReader) readMoves(id core.SymbolID) {
	s := &r.symbols[id]
	dst := r.moveBuffer[:1+r.IntN(30)]
	for {
		first, n := r.l.engine.ReadMoves(id, s.move, dst)
		s.moves = append(s.moves, dst[:n]...)
		s.move = first + uint64(n)
		if n == 0 {
			return
		}
	}
}

// check reads what is left after the engine stopped, and compares all that was seen with the naive
// markets.
func (r *simReader) check() {
	r.readAll()
	for i := range r.symbols {
		id, s := core.SymbolID(i), &r.symbols[i]
		_, head := r.l.engine.TickSpan(id)
		if s.tick != head || s.read+s.missed != head-s.start {
			r.l.t.Errorf("a reader of %s read %d and missed %d of %d ticks, and is at %d",
				simSymbolNames[id], s.read, s.missed, head-s.start, s.tick)
		}
		r.l.sim.seen["ticks that readers missed"] += int64(s.missed)
		for at, tick := range s.ticks {
			if want := r.l.tickAt(id, at); simTick(&tick) != want {
				r.l.t.Errorf("tick %d of %s: a reader saw %v, want %v", at, simSymbolNames[id], tick, want)
				return
			}
		}
		for f := range s.bars {
			r.checkBars(id, core.Frame(f))
		}
		if r.hub {
			r.checkMoves(id)
		}
	}
}

func (r *simReader) checkBars(id core.SymbolID, f core.Frame) {
	tape := r.l.sim.tape
	bars, closed := tape.markets[id].Bars(int(f))
	skipped := tape.begun[id].closed[f] - int(r.l.engine.BarStart(id, f))
	for at, bar := range r.symbols[id].bars[f] {
		place := skipped + int(at)
		if place >= closed || simBar(&bar) != bars[place] {
			r.l.t.Errorf("closed bar %d %v of %s: a reader saw %v, want that of %d of %d", at, f,
				simSymbolNames[id], bar, place, closed)
			return
		}
	}
}

// checkMoves makes each move anew from the quotes that it stands for.
func (r *simReader) checkMoves(id core.SymbolID) {
	m := r.l.sim.tape.markets[id]
	quotes := m.Accepted[r.l.sim.tape.begun[id].accepted:]
	total := uint64(0)
	for _, move := range r.symbols[id].moves {
		var want core.Move
		from := int(move.Total) - int(move.Count)
		for i := max(0, from); i < min(int(move.Total), len(quotes)); i++ {
			simMove(&want, &quotes[i])
		}
		want.Total = move.Total
		if from >= 0 && from < len(quotes) && quotes[from].Time < int64(move.Minute()) {
			r.l.t.Errorf("%s: the move %+v goes across a minute", simSymbolNames[id], move)
		}
		if move != want || move.Total <= total {
			r.l.t.Errorf("%s: after %d quotes the move\n%+v; want\n%+v", simSymbolNames[id], total,
				move, want)
			return
		}
		total = move.Total
	}
	if total != uint64(len(quotes)) {
		r.l.t.Errorf("%s: moves of %d quotes, want %d", simSymbolNames[id], total, len(quotes))
	}
}

// simMove takes a quote into a move, by the meaning of its fields.
func simMove(m *core.Move, q *naive.Quote) {
	bid, ask, mid := core.Price(q.Bid), core.Price(q.Ask), core.Mid(q.Bid+q.Ask)
	if m.Count == 0 {
		m.BidOpen, m.BidHigh, m.BidLow = bid, bid, bid
		m.AskOpen, m.AskHigh, m.AskLow = ask, ask, ask
		m.MidHigh, m.MidLow = mid, mid
	}
	m.Time, m.Bid, m.Ask, m.Count = core.Time(q.Time), bid, ask, m.Count+1
	m.BidHigh, m.BidLow = max(m.BidHigh, bid), min(m.BidLow, bid)
	m.AskHigh, m.AskLow = max(m.AskHigh, ask), min(m.AskLow, ask)
	m.MidHigh, m.MidLow = max(m.MidHigh, mid), min(m.MidLow, mid)
}

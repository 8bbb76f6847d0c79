package core

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// moveReader follows the moves of a symbol and makes minute bars of them.
type moveReader struct {
	e      *Engine
	id     SymbolID
	cursor uint64
	missed uint64 // Moves.
	moves  int
	quotes uint64 // That the moves read stand for.
	total  uint64 // Quotes of all moves so far, as the newest move says.
	dst    []Move
	bars   []Bar
}

func newMoveReader(e *Engine, id SymbolID) *moveReader {
	r := &moveReader{e: e, id: id, cursor: e.MoveHead(id), dst: make([]Move, 7)}
	r.e.ReadMoves(id, r.cursor, nil)
	return r
}

func (r *moveReader) read(t *testing.T) {
	t.Helper()
	for {
		first, n := r.e.ReadMoves(r.id, r.cursor, r.dst)
		r.missed += first - r.cursor
		r.cursor = first + uint64(n)
		for i := range r.dst[:n] {
			r.take(t, &r.dst[i])
		}
		if n == 0 {
			return
		}
	}
}

func (r *moveReader) take(t *testing.T, m *Move) {
	t.Helper()
	r.moves++
	r.quotes += uint64(m.Count)
	if next := r.total + uint64(m.Count); m.Total < next || r.missed == 0 && m.Total != next {
		t.Fatalf("a move of %d quotes makes them %d, after %d", m.Count, m.Total, r.total)
	}
	r.total = m.Total
	if m.Count < 1 || m.BidLow > min(m.Bid, m.BidOpen) || m.BidHigh < max(m.Bid, m.BidOpen) {
		t.Fatalf("move %+v", m)
	}
	b := Bar{
		Mid: OHLC{
			int64(MidOf(m.BidOpen, m.AskOpen)), int64(m.MidHigh), int64(m.MidLow),
			int64(MidOf(m.Bid, m.Ask)),
		},
		Bid:    OHLC{int64(m.BidOpen), int64(m.BidHigh), int64(m.BidLow), int64(m.Bid)},
		Ask:    OHLC{int64(m.AskOpen), int64(m.AskHigh), int64(m.AskLow), int64(m.Ask)},
		Volume: m.Count, Last: m.Time,
	}
	if n := len(r.bars); n > 0 && r.bars[n-1].Time == m.Minute() {
		r.bars[n-1].Merge(0, &b)
		return
	}
	b.Time = m.Minute()
	r.bars = append(r.bars, b)
}

// check compares the bars with those of the engine; moves know no spreads and no first time.
func (r *moveReader) check(t *testing.T, p *tape) {
	t.Helper()
	want := slices.Clone(p.symbols[r.id].bars[M1])
	if forming, _ := r.e.Forming(r.id, M1); forming.Volume > 0 {
		want = append(want, forming)
	}
	if len(r.bars) != len(want) || r.missed > 0 {
		t.Fatalf("%d bars of %d moves, %d missed; want %d bars", len(r.bars), r.moves, r.missed,
			len(want))
	}
	for i, w := range want {
		w.First, w.SpreadMin, w.SpreadMax, w.SpreadLast = 0, 0, 0, 0
		if r.bars[i] != w {
			t.Fatalf("bar %d is\n%+v; want\n%+v", i, r.bars[i], w)
		}
	}
}

// TestMovesBuildTheBars lets readers of all speeds make minute bars of what they get: a slow one
// gets fewer, longer moves and the very same bars.
func TestMovesBuildTheBars(t *testing.T) {
	for _, every := range []int{1, 10, 150, 200, 1000} {
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		p := newTape(t, Options{})
		p.e.WantMoves(1)
		r := newMoveReader(p.e, 0)
		now, bid := monday, Price(100_000)
		const batches = 4000
		for i := range batches {
			now += Time(random.Int64N(int64(2 * Second)))
			quotes := make([]Quote, 1+random.IntN(4))
			for k := range quotes {
				bid += Price(random.IntN(21)) - 10
				quotes[k] = Quote{Bid: bid, Ask: bid + Price(random.IntN(9)), Time: now}
			}
			p.batch(now, false, quotes...)
			p.commit()
			if i%every == every-1 {
				r.read(t)
			}
		}
		r.read(t)
		p.clock(now) // Shows what was held back while the reader was behind.
		r.read(t)
		r.check(t, p)
		if lag := every >= moveBacklogMax; lag != (r.moves < batches) {
			t.Errorf("a reader of every %dth batch got %d moves of %d batches", every, r.moves,
				batches)
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// TestMovesNobodyWants are not gathered; who asks later gets what comes from then on.
func TestMovesNobodyWants(t *testing.T) {
	p := newTape(t, Options{})
	p.one(monday, Quote{Bid: 100, Ask: 102})
	if n := p.e.MoveHead(0); n != 0 {
		t.Errorf("%d moves that nobody wants", n)
	}
	p.e.WantMoves(1)
	p.e.WantMoves(1)
	p.e.WantMoves(-1)
	r := newMoveReader(p.e, 0)
	p.one(monday, Quote{Bid: 101, Ask: 103})
	p.e.WantMoves(-1)
	p.one(monday, Quote{Bid: 110, Ask: 112})
	p.e.WantMoves(1)
	p.one(monday, Quote{Bid: 102, Ask: 104})
	r.read(t)
	if len(r.bars) != 1 || r.moves != 2 || r.bars[0].Bid != (OHLC{101, 102, 101, 102}) {
		t.Errorf("%d moves make %+v", r.moves, r.bars)
	}
}

// TestHeldMoveIsDroppedWhenUnwanted has the reader leave while a move is held back, and another
// come later: it gets nothing from before.
func TestHeldMoveIsDroppedWhenUnwanted(t *testing.T) {
	p := newTape(t, Options{})
	p.e.WantMoves(1)
	for range moveBacklogMax + 5 {
		p.one(monday, Quote{Bid: 100, Ask: 102})
	}
	p.e.WantMoves(-1)
	p.one(monday, Quote{Bid: 110, Ask: 112})
	p.e.WantMoves(1)
	r := newMoveReader(p.e, 0)
	p.one(monday, Quote{Bid: 120, Ask: 122})
	r.total = moveBacklogMax // What was held back never became a move.
	r.read(t)
	if r.moves != 1 || r.bars[0].Bid != (OHLC{120, 120, 120, 120}) || r.bars[0].Volume != 1 {
		t.Errorf("%d moves make %+v", r.moves, r.bars)
	}
}

// TestMovesOverwritten has a reader that never comes while minute after minute turns.
func TestMovesOverwritten(t *testing.T) {
	p := newTape(t, Options{})
	p.e.WantMoves(1)
	r := newMoveReader(p.e, 0)
	for i := range Time(1000) {
		p.one(monday+i*Minute, Quote{Bid: 100, Ask: 102})
	}
	r.read(t)
	if r.missed == 0 || r.missed+uint64(r.moves) != p.e.MoveHead(0) || r.moves != movePromise {
		t.Errorf("missed %d and read %d of %d", r.missed, r.moves, p.e.MoveHead(0))
	}
	// The moves that were left say how many quotes were missed, to the last one.
	p.clock(monday)
	r.read(t)
	if r.total != 1000 || r.quotes >= r.total {
		t.Errorf("%d quotes read of %d; want 1000 in all", r.quotes, r.total)
	}
}

// TestHeldMoveIsShownSoon has a symbol fall quiet while its reader is behind. Once the reader
// caught up, the newest price must come without another quote.
func TestHeldMoveIsShownSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, Options{})
		var running sync.WaitGroup
		running.Go(func() { e.Run(context.Background()) })
		defer running.Wait()
		defer e.Close()
		e.WantMoves(1)
		r := newMoveReader(e, 0)
		time.Sleep(time.Second) // The messages that the clock sends at first are over.
		const batches = 2*moveBacklogMax + 1
		for i := range Price(batches) {
			s := begin(e, Quote{Bid: 100 + i, Ask: 102 + i})
			if err := s.Send(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			s.Release()
		}
		synctest.Wait()
		r.read(t)
		if r.moves != moveBacklogMax {
			t.Fatalf("%d moves before the reader caught up; want %d", r.moves, moveBacklogMax)
		}
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		select {
		case <-e.StreamSignal():
		default:
			t.Error("the stream was not woken")
		}
		r.read(t)
		if n := len(r.bars); n != 1 || r.bars[0].Volume != batches ||
			r.bars[0].Bid.Close != 100+batches-1 {
			t.Errorf("the newest price did not come: %+v", r.bars)
		}
	})
}

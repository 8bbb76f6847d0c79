package core

// LiveQuote is the newest accepted quote of a symbol.
type LiveQuote struct {
	Time     Time
	Bid, Ask Price
}

// Live returns the newest accepted quote; ok is false before the first. Any goroutine may call it.
func (e *Engine) Live(id SymbolID) (q LiveQuote, ok bool) {
	var w [liveQuoteWords]int64
	_, ok = e.markets[id].live.latest(w[:])
	return LiveQuote{Time(w[0]), Price(w[1]), Price(w[2])}, ok
}

// Newest returns the latest time of any accepted quote, 0 before the first. Quotes of watched
// symbols up to it were handed over before, those of other shards than its own aside.
func (e *Engine) Newest() Time {
	var newest int64
	for _, s := range e.shards {
		newest = max(newest, s.newest.Load())
	}
	return Time(newest)
}

// Cut reads the newest cut of a symbol into c, reusing its Numbered; false before the first.
func (e *Engine) Cut(id SymbolID, c *Cut) bool {
	var w [cutWords]int64
	if _, ok := e.markets[id].cut.latest(w[:]); !ok {
		return false
	}
	c.unpack(w[:])
	return true
}

// TickSpan returns the ring indices [oldest, head) of the stored ticks in memory.
func (e *Engine) TickSpan(id SymbolID) (oldest, head uint64) { return e.markets[id].ticks.span() }

// ReadTicks copies stored ticks from ring index from on into dst, oldest first. It returns the
// index of the first tick copied, above from when the ring has overwritten what was asked for,
// and their number.
func (e *Engine) ReadTicks(id SymbolID, from uint64, dst []Tick) (first uint64, n int) {
	const run = 64
	var words [run * tickWords]int64
	r := e.markets[id].ticks.ring
	first = from
	for n < len(dst) {
		want := min(run, len(dst)-n)
		at, got := r.read(first+uint64(n), words[:want*tickWords])
		if at != first+uint64(n) {
			// Lapped: what was copied before the hole is not one run with what follows.
			first, n = at, 0
		}
		if got == 0 {
			break
		}
		for i := range got {
			w := words[i*tickWords:]
			dst[n] = Tick{Time(w[0]), Price(w[1]), Price(w[2]), SourceID(w[3])}
			n++
		}
	}
	return first, n
}

// BarSpan returns the ring indices [oldest, head) of the closed bars in memory.
func (e *Engine) BarSpan(id SymbolID, f Frame) (oldest, head uint64) {
	return e.markets[id].closed[f].span()
}

// ReadBars is ReadTicks for the closed bars of one frame.
func (e *Engine) ReadBars(id SymbolID, f Frame, from uint64, dst []Bar) (first uint64, n int) {
	const run = 16
	var words [run * barWords]int64
	r := e.markets[id].closed[f].ring
	first = from
	for n < len(dst) {
		want := min(run, len(dst)-n)
		at, got := r.read(first+uint64(n), words[:want*barWords])
		if at != first+uint64(n) {
			first, n = at, 0
		}
		if got == 0 {
			break
		}
		for i := range got {
			dst[n].unpack(words[i*barWords:])
			n++
		}
	}
	return first, n
}

// Forming returns the forming bar of a frame as of the newest cut, with Volume 0 when there is
// none, and the number of closed bars that belong to that cut: the ring index after the last.
func (e *Engine) Forming(id SymbolID, f Frame) (b Bar, closed uint64) {
	m := e.markets[id]
	var c Cut
	var w [rollupWords]int64
	for e.Cut(id, &c) {
		closed = c.Closed[f]
		if f == M1 {
			return c.Forming, closed
		}
		if !m.rollup.readAt(c.rollup, w[:]) {
			continue // Overwritten since: a newer cut is there.
		}
		b.unpack(w[int(f)*barWords:])
		b.Merge(f.Open(c.Forming.Time), &c.Forming)
		return b, closed
	}
	return Bar{}, 0
}

// WantMoves turns the gathering of moves on (n = 1) and off (n = −1); it counts.
func (e *Engine) WantMoves(n int) { e.movesWanted.Add(int32(n)) }

// MoveHead returns the index of the next move of a symbol.
func (e *Engine) MoveHead(id SymbolID) uint64 { return e.markets[id].moves.head.Load() }

// ReadMoves copies moves from index from on and tells the shard that they were taken. There is one
// reader of moves, the stream hub. An index above from means that many were overwritten.
func (e *Engine) ReadMoves(id SymbolID, from uint64, dst []Move) (first uint64, n int) {
	var words [moveWords]int64
	m := e.markets[id]
	first = from
	for n < len(dst) {
		at, got := m.moves.read(first+uint64(n), words[:])
		if at != first+uint64(n) {
			first, n = at, 0
		}
		if got == 0 {
			break
		}
		dst[n].unpack(words[:])
		n++
	}
	m.moves.taken.Store(first + uint64(n))
	return first, n
}

// StreamSignal is signalled after batches; the stream hub sleeps on it.
func (e *Engine) StreamSignal() <-chan struct{} { return e.stream }

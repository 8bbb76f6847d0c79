package httpd

import (
	"context"
	"math"
	"sort"

	"tradingengine/core"
)

// streamPast reads the past of one symbol of a channel in ascending order of time: from the
// engine's ring where it reaches, before that from History. It is for one goroutine.
//
// What the ring overwrites is in History by then, or was lost to both. So a reader that finds the
// ring's oldest item later than what it wants next asks History for what lies between, and goes on
// in the ring only when History has nothing more before it.
type streamPast struct {
	series pastSeries

	last   core.Time // Of the item read last; the reader's since at first.
	prev   core.Time // Of the item before the next one; 0 for none.
	next   uint64    // Ring index of the next item, when inRing.
	inRing bool
	found  int // Items in the series' buffer.
}

// pastSeries is a ring and the history before it. What read and stored find lies in a buffer, item
// i of which time and frame then speak of.
type pastSeries struct {
	span   func() (oldest, head uint64)
	read   func(from uint64, n int) (first uint64, found int)
	stored func(from, to core.Time, n int, newest bool) (found int, err error)
	time   func(i int) core.Time
	frame  func(dst []byte, i int, prev core.Time) []byte
	// open is the time of an item that is not finished, or 0.
	open func() core.Time
}

// pastRun is how many items are read at once.
const pastRun = 256

// ringTime returns the time of a ring item; ok is false when it is overwritten.
func (p *streamPast) ringTime(i uint64) (t core.Time, ok bool) {
	first, n := p.series.read(i, 1)
	if n == 0 || first != i {
		return 0, false
	}
	return p.series.time(0), true
}

// locate looks for the first ring item after last. covered means that none before it is missing in
// the ring; otherwise oldest is the time of the ring's oldest item, or the end of time when the
// ring is empty.
func (p *streamPast) locate() (index uint64, covered bool, oldest core.Time) {
	for {
		first, head := p.series.span()
		if first == head {
			return head, false, math.MaxInt64
		}
		t, ok := p.ringTime(first)
		if !ok {
			continue // Overwritten between the two looks.
		}
		if t > p.last {
			return first, false, t
		}
		n := sort.Search(int(head-first), func(i int) bool {
			t, ok := p.ringTime(first + uint64(i))
			return ok && t > p.last
		})
		return first + uint64(n), true, t
	}
}

// begin finds the place of since, and the time of the item before it. ahead is true when since is
// later than everything there is; the reader is then placed after the newest item.
func (p *streamPast) begin(since core.Time) (ahead bool, err error) {
	p.last = since
	for {
		index, covered, oldest := p.locate()
		if !covered {
			return p.beginStored(since, oldest == math.MaxInt64)
		}
		t, ok := p.ringTime(index - 1)
		if !ok {
			continue // Overwritten meanwhile.
		}
		p.next, p.inRing, p.prev = index, true, t
		if _, head := p.series.span(); index == head && t < since && p.series.open() < since {
			p.last = t
			return true, nil
		}
		return false, nil
	}
}

// beginStored is begin for a since that the ring does not reach.
func (p *streamPast) beginStored(since core.Time, ringEmpty bool) (ahead bool, err error) {
	n, err := p.series.stored(0, since, 1, true)
	if err != nil {
		return false, err
	}
	if n > 0 {
		p.prev = p.series.time(0)
	}
	if !ringEmpty || p.prev == since || p.series.open() >= since {
		return false, nil
	}
	n, err = p.series.stored(since, math.MaxInt64, 1, false)
	if err != nil || n > 0 {
		return false, err
	}
	p.last = p.prev
	return true, nil
}

// read finds the next items. Without any the reader has caught up with the ring.
func (p *streamPast) read() (found int, err error) {
	for {
		if p.inRing {
			first, n := p.series.read(p.next, pastRun)
			if n == 0 || first == p.next {
				p.next += uint64(n)
				p.found = n
				return n, nil
			}
			p.inRing = false
		}
		index, covered, oldest := p.locate()
		if covered {
			p.next, p.inRing = index, true
			continue
		}
		n, err := p.series.stored(p.last, oldest-1, pastRun, false)
		if err != nil || n > 0 {
			p.found = n
			return n, err
		}
		p.next, p.inRing = index, true
	}
}

// append appends the frames of what read found.
func (p *streamPast) append(dst []byte) []byte {
	for i := range p.found {
		dst = p.series.frame(dst, i, p.prev)
		p.prev = p.series.time(i)
		p.last = p.prev
	}
	p.found = 0
	return dst
}

// lag returns how many ring items are left to read, or a great many while the reader is not in the
// ring.
func (p *streamPast) lag() uint64 {
	if !p.inRing {
		return math.MaxUint64
	}
	_, head := p.series.span()
	return head - min(head, p.next)
}

// pastTicks is the past of the ticks channel. Series that are read in turn may share a buffer of
// pastRun items.
func (h *hub) pastTicks(id core.SymbolID, buffer []core.Tick) pastSeries {
	text := &h.texts[id]
	return pastSeries{
		span: func() (uint64, uint64) { return h.engine.TickSpan(id) },
		read: func(from uint64, n int) (uint64, int) {
			return h.engine.ReadTicks(id, from, buffer[:n])
		},
		stored: func(from, to core.Time, n int, newest bool) (int, error) {
			return h.readStored(func(ctx context.Context) (int, error) {
				found, err := h.opts.history.Ticks(ctx, id, from, to, n, newest, buffer[:0])
				return copy(buffer, found), err
			})
		},
		time: func(i int) core.Time { return buffer[i].Time },
		frame: func(dst []byte, i int, prev core.Time) []byte {
			t := &buffer[i]
			payload := text.tick(frameStart(nil), t, h.engine.Sources().Name(t.Source))
			return append(dst, sealFrame(text.chained(payload, t, prev))...)
		},
		open: func() core.Time { return 0 },
	}
}

// pastBars is the past of a bars channel: its closed bars.
func (h *hub) pastBars(id core.SymbolID, f core.Frame, buffer []core.Bar) pastSeries {
	text := &h.texts[id]
	return pastSeries{
		span: func() (uint64, uint64) { return h.engine.BarSpan(id, f) },
		read: func(from uint64, n int) (uint64, int) {
			return h.engine.ReadBars(id, f, from, buffer[:n])
		},
		stored: func(from, to core.Time, n int, newest bool) (int, error) {
			return h.readStored(func(ctx context.Context) (int, error) {
				found, err := h.opts.history.Bars(ctx, id, f, from+1, to, n, newest, buffer[:0])
				return copy(buffer, found), err
			})
		},
		time: func(i int) core.Time { return buffer[i].Time },
		frame: func(dst []byte, i int, _ core.Time) []byte {
			return append(dst, sealFrame(text.barOf(frameStart(nil), f, &buffer[i], true))...)
		},
		open: func() core.Time {
			b, _ := h.engine.Forming(id, f)
			return b.Time
		},
	}
}

// readStored reads history. Few sessions do so at once, so that a crowd that comes back after a
// restart does not starve everybody else's reads.
func (h *hub) readStored(read func(ctx context.Context) (int, error)) (int, error) {
	ctx, stop := context.WithTimeout(context.Background(), h.opts.readPast)
	defer stop()
	select {
	case h.past <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { <-h.past }()
	return read(ctx)
}

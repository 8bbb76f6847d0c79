package persist

import (
	"slices"

	"tradingengine/core"
)

// cursor is how far the file has come with one symbol.
type cursor struct {
	tick    uint64 // The ring index after the last tick that is in the file, or lost.
	bars    [core.Frames]uint64
	forming core.Bar // The forming minute as the file has it; Volume 0 when not known.
	clocked bool
	seqs    []core.SourceSeq
}

// batch is what one commit takes: a cut of each symbol that changed, whole. It belongs to the
// writer. Its cursors change only when the commit is in the file, so that one that failed leaves
// nothing to undo.
type batch struct {
	store  *Store
	engine *core.Engine

	cursors []cursor // By core.SymbolID.

	conn                 *conn
	ticks, bars, forming *rowWriter
	readTicks            []core.Tick
	readBars             []core.Bar

	marks   []uint64        // Batches that were applied before the cuts were read.
	dirty   []core.SymbolID // What the engine gave.
	changed []change        // Those of them that differ from what is in the file.
	lost    []core.LostTicks
	sources int
	// Bars that the ring overwrote: a gap in the file that cannot be filled.
	lostBars int64
}

// change is what a commit does to one symbol.
type change struct {
	id              core.SymbolID
	cut             core.Cut
	committed, lost int64 // Ticks.
}

// Rows that are read from the engine at a time.
const (
	tickRun = 512
	barRun  = 64
)

func (b *batch) start(s *Store, c *conn, e *core.Engine) {
	b.store, b.engine = s, e
	b.conn = c
	b.ticks, b.bars, b.forming = newTickWriter(c), newBarWriter(c), newFormingWriter(c)
	b.readTicks, b.readBars = make([]core.Tick, tickRun), make([]core.Bar, barRun)
	b.cursors = make([]cursor, e.Symbols().Len())
	for i := range b.cursors {
		id := core.SymbolID(i)
		b.cursors[i].tick = e.TickStart(id)
		for f := range b.cursors[i].bars {
			b.cursors[i].bars[f] = e.BarStart(id, core.Frame(f))
		}
	}
}

// collect reads the cuts of the symbols that changed. The marks are read first: every batch they
// count is in the cuts.
func (b *batch) collect() {
	b.marks = b.engine.Applied(b.marks[:0])
	b.dirty = b.engine.TakeDirty(b.dirty[:0])
	b.changed, b.lost, b.lostBars = b.changed[:0], b.lost[:0], 0
	for _, id := range b.dirty {
		n := len(b.changed)
		b.changed = slices.Grow(b.changed, 1)[:n+1]
		ch := &b.changed[n]
		ch.id, ch.committed, ch.lost = id, 0, 0
		if !b.engine.Cut(id, &ch.cut) || b.cursors[id].has(&ch.cut) {
			b.changed = b.changed[:n]
		}
	}
	// Rows lie in the file by its own ids: in their order neighbours share pages.
	slices.SortFunc(b.changed, func(x, y change) int {
		return int(b.store.ids[x.id] - b.store.ids[y.id])
	})
}

// has reports whether the file already holds a cut: a batch of nothing but refused quotes changes
// no more than the counters.
func (k *cursor) has(c *core.Cut) bool {
	return k.tick == c.Head && k.bars == c.Closed && k.hasForming(c) &&
		slices.Equal(k.seqs, c.Numbered)
}

// hasForming reports whether the file has the forming minute of a cut, or has none as the cut.
func (k *cursor) hasForming(c *core.Cut) bool {
	if c.Forming.Volume == 0 {
		return k.forming.Volume == 0
	}
	return k.forming == c.Forming && k.clocked == c.Clocked
}

// write puts the cuts into the file, inside a transaction.
func (b *batch) write() (err error) {
	b.ticks.reset()
	b.bars.reset()
	b.forming.reset()
	if b.sources, err = b.store.putSources(b.conn); err != nil {
		return err
	}
	// One table after the other: its pages and its statement stay in the processor's cache.
	steps := []func(*change) error{b.writeTicks, b.writeBars, b.writeForming, b.writeSeqs}
	for _, step := range steps {
		for i := range b.changed {
			if err := step(&b.changed[i]); err != nil {
				return err
			}
		}
	}
	for _, rows := range []*rowWriter{b.ticks, b.bars, b.forming} {
		if err := rows.flush(); err != nil {
			return err
		}
	}
	return nil
}

// writeTicks writes the ticks below the cut's head. Those the ring has overwritten are lost, and
// counted.
func (b *batch) writeTicks(ch *change) error {
	key := b.store.ids[ch.id]
	for at := b.cursors[ch.id].tick; at < ch.cut.Head; {
		want := min(uint64(len(b.readTicks)), ch.cut.Head-at)
		first, n := b.engine.ReadTicks(ch.id, at, b.readTicks[:want])
		if first > at {
			gone := min(first, ch.cut.Head)
			b.lost = append(b.lost, core.LostTicks{Symbol: ch.id, From: at, To: gone})
			ch.lost += int64(gone - at)
			at = gone
			n = min(n, int(ch.cut.Head-at))
		}
		for i := range b.readTicks[:n] {
			if err := b.ticks.tick(key, &b.readTicks[i]); err != nil {
				return err
			}
		}
		at += uint64(n)
		ch.committed += int64(n)
	}
	return nil
}

// writeBars writes the bars closed up to the cut. A minute that an earlier run left forming in the
// table bar is replaced by itself, closed: it has the same key.
func (b *batch) writeBars(ch *change) error {
	key, k := b.store.ids[ch.id], &b.cursors[ch.id]
	for f := range core.Frames {
		for at := k.bars[f]; at < ch.cut.Closed[f]; {
			want := min(uint64(len(b.readBars)), ch.cut.Closed[f]-at)
			first, n := b.engine.ReadBars(ch.id, core.Frame(f), at, b.readBars[:want])
			if first > at {
				gone := min(first, ch.cut.Closed[f])
				b.lostBars += int64(gone - at)
				at = gone
				n = min(n, int(ch.cut.Closed[f]-at))
			}
			for i := range b.readBars[:n] {
				err := b.bars.bar(key, core.Frame(f), &b.readBars[i], true, false)
				if err != nil {
					return err
				}
			}
			at += uint64(n)
		}
	}
	return nil
}

// writeForming writes the forming minute over the one before.
func (b *batch) writeForming(ch *change) error {
	key, k := b.store.ids[ch.id], &b.cursors[ch.id]
	switch {
	case k.hasForming(&ch.cut):
		return nil
	case ch.cut.Forming.Volume == 0:
		return b.conn.exec("DELETE FROM forming WHERE symbol_id = ?", key)
	case k.forming.Volume == 0:
		// It may be the minute that an earlier run left in the table bar.
		err := b.conn.exec(
			"DELETE FROM bar WHERE symbol_id = ? AND frame = ? AND time = ? AND complete = 0",
			key, frameSeconds(core.M1), int64(ch.cut.Forming.Time))
		if err != nil {
			return err
		}
	}
	return b.forming.bar(key, core.M1, &ch.cut.Forming, false, ch.cut.Clocked)
}

// writeSeqs writes the numbers that changed.
func (b *batch) writeSeqs(ch *change) error {
	stored := b.cursors[ch.id].seqs
	for i, s := range ch.cut.Numbered {
		if i < len(stored) && stored[i] == s {
			continue
		}
		err := b.conn.exec(
			"INSERT OR REPLACE INTO seq (symbol_id, source_id, last) VALUES (?, ?, ?)",
			b.store.ids[ch.id], int64(s.Source), int64(s.Seq))
		if err != nil {
			return err
		}
	}
	return nil
}

// advance moves the cursors to the cuts, which are in the file now, and tells the engine.
func (b *batch) advance() {
	b.store.storedSources(b.sources)
	for i := range b.changed {
		ch := &b.changed[i]
		k := &b.cursors[ch.id]
		k.tick, k.bars = ch.cut.Head, ch.cut.Closed
		k.forming, k.clocked = ch.cut.Forming, ch.cut.Clocked
		k.seqs = append(k.seqs[:0], ch.cut.Numbered...)
		b.engine.Taken(ch.id, &ch.cut, ch.committed, ch.lost)
	}
}

// lostTicks is how many ticks the commit found overwritten.
func (b *batch) lostTicks() (n int64) {
	for _, l := range b.lost {
		n += int64(l.To - l.From)
	}
	return n
}

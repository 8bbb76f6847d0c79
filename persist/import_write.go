package persist

import (
	"context"

	"tradingengine/core"
)

// importTransaction is the weight of chunks after which a transaction is committed.
const importTransaction = 1 << 16

// importWriter writes the chunks of an import in whole transactions. Each leaves ticks, minutes and
// the bars above them in step, whatever stops the process.
type importWriter struct {
	store   *Store
	tuning  importTuning
	chunks  chan *importChunk
	targets []importTarget // By core.SymbolID.

	log checkpoints

	conn  *conn // In a transaction.
	ticks *rowWriter
	bars  *rowWriter
}

func newImportWriter(s *Store, tuning importTuning) *importWriter {
	return &importWriter{
		store: s, tuning: tuning, log: checkpoints{file: &s.database}, chunks: make(chan *importChunk, 8),
		targets: make([]importTarget, s.opts.Symbols.Len()),
	}
}

// send hands a chunk to the writer, waiting for it.
func (w *importWriter) send(ctx context.Context, c *importChunk) error {
	select {
	case w.chunks <- c:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// run writes until chunks is closed or ctx ends. What is not committed then is undone.
func (w *importWriter) run(ctx context.Context) error {
	for more := true; more; {
		sources := 0
		err := w.store.transact(func(c *conn) (err error) {
			if w.conn != c {
				w.conn, w.ticks, w.bars = c, newTickWriter(c), newBarWriter(c)
			}
			if more, err = w.fill(ctx); err != nil {
				return err
			}
			sources, err = w.store.putSources(c)
			return err
		})
		if err != nil {
			return err
		}
		if err := w.committed(sources); err != nil {
			return err
		}
		w.tuning.committed()
	}
	return nil
}

// fill takes chunks into the transaction until it is large enough; more is false at the end.
func (w *importWriter) fill(ctx context.Context) (more bool, err error) {
	for weight := 0; weight < w.tuning.transaction; {
		select {
		case c, ok := <-w.chunks:
			if err := context.Cause(ctx); err != nil || !ok {
				return false, err
			}
			if err := w.write(c); err != nil {
				return false, err
			}
			weight += c.weight()
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
	return true, nil
}

// committed notes what the file knows now, and moves the log into the file before it grows large.
func (w *importWriter) committed(sources int) error {
	w.store.storedSources(sources)
	w.store.writing.Lock()
	defer w.store.writing.Unlock()
	_, err := w.log.after(w.conn)
	return err
}

// write takes one chunk into the transaction.
func (w *importWriter) write(c *importChunk) error {
	t := &w.targets[c.symbol]
	if !t.loaded {
		if err := w.load(t, w.store.StoredID(c.symbol)); err != nil {
			return err
		}
	}
	t.minutes += int64(len(c.minutes))
	if err := w.replaceTicks(t, c); err != nil {
		return err
	}
	change := w.change
	if c.minutes[0].Time > t.newest {
		change = w.extend
	}
	if err := change(t, c.minutes); err != nil {
		return err
	}
	for i := range c.minutes {
		m := &c.minutes[i]
		complete := m.Time != t.newest || t.sealed
		if err := w.bars.bar(t.symbol, core.M1, m, complete, false); err != nil {
			return err
		}
	}
	return w.bars.flush()
}

// extend rolls up minutes that are newer than all in the file: it goes on as a live engine does,
// and reads nothing.
func (w *importWriter) extend(t *importTarget, minutes []core.Bar) error {
	if err := w.completeNewest(t); err != nil {
		return err
	}
	t.week = 0 // Its days are not kept up to date here.
	for i := range minutes {
		m := &minutes[i]
		if err := w.advance(t, m.Time); err != nil {
			return err
		}
		for f := core.M5; f <= core.W1; f++ {
			form := &t.forming[f]
			if form.bar.Volume > 0 {
				form.bar.Merge(0, m)
				continue
			}
			open := f.Open(m.Time)
			form.bar.Merge(open, m)
			form.frame, form.end = f, f.End(open)
		}
	}
	return nil
}

// change rolls up the bars above minutes of a day that the file may hold already.
func (w *importWriter) change(t *importTarget, minutes []core.Bar) error {
	opened := core.D1.Open(minutes[0].Time)
	if err := w.loadWeek(t, opened); err != nil {
		return err
	}
	before, err := w.minutes(t, opened, core.D1.End(opened))
	if err != nil {
		return err
	}
	all, replaced := overlay(before, minutes)
	t.replaced += replaced
	if last := minutes[len(minutes)-1].Time; last > t.newest {
		if err := w.completeNewest(t); err != nil {
			return err
		}
		if err := w.advance(t, last); err != nil {
			return err
		}
	}
	for _, r := range t.rollDay(all, minutes) {
		if err := w.keep(t, &r); err != nil {
			return err
		}
	}
	return nil
}

// replaceTicks puts the ticks of a chunk in the place of those that its minutes hold in the file.
func (w *importWriter) replaceTicks(t *importTarget, c *importChunk) error {
	for i := 0; i < len(c.minutes) && c.minutes[i].Time <= t.lastTick; {
		from := c.minutes[i].Time
		to := from
		for ; i < len(c.minutes) && c.minutes[i].Time == to; i++ {
			to += core.Minute
		}
		err := w.conn.exec("DELETE FROM tick WHERE symbol_id = ? AND time >= ? AND time < ?",
			t.symbol, int64(from), int64(to))
		if err != nil {
			return err
		}
	}
	for i := range c.ticks {
		if err := w.ticks.tick(t.symbol, &c.ticks[i]); err != nil {
			return err
		}
	}
	if n := len(c.ticks); n > 0 {
		t.lastTick = max(t.lastTick, c.ticks[n-1].Time)
	}
	return w.ticks.flush()
}

// completeNewest completes the newest minute of a symbol: a newer one follows.
func (w *importWriter) completeNewest(t *importTarget) error {
	if t.newest == 0 || t.sealed {
		return nil
	}
	return w.conn.exec("UPDATE bar SET complete = 1, clocked = 0 "+
		"WHERE symbol_id = ? AND frame = ? AND time = ?",
		t.symbol, frameSeconds(core.M1), int64(t.newest))
}

// advance makes newest the newest minute of a symbol, which closes the bars above a minute that
// end by then.
func (w *importWriter) advance(t *importTarget, newest core.Time) error {
	wasSealed := t.sealed
	t.newest, t.sealed = newest, false
	for f := core.M5; f <= core.W1; f++ {
		form := &t.forming[f]
		switch {
		case form.bar.Volume == 0:
		case form.end <= newest:
			if err := w.keep(t, form); err != nil {
				return err
			}
			form.bar.Volume = 0
		case wasSealed:
			// The clock closed a bar that history now goes on with.
			if err := w.drop(t, form); err != nil {
				return err
			}
		}
	}
	return nil
}

// keep stores a bar above a minute if it is closed.
func (w *importWriter) keep(t *importTarget, r *rolled) error {
	if r.end > t.newest {
		// The clock of a live engine may have closed it without a later quote; it stays closed.
		if !t.sealed {
			return nil
		}
		n, err := w.conn.int("SELECT count(*) FROM bar "+
			"WHERE symbol_id = ? AND frame = ? AND time = ?",
			t.symbol, frameSeconds(r.frame), int64(r.bar.Time))
		if err != nil || n == 0 {
			return err
		}
	}
	return w.bars.bar(t.symbol, r.frame, &r.bar, true, false)
}

func (w *importWriter) drop(t *importTarget, r *rolled) error {
	return w.conn.exec("DELETE FROM bar WHERE symbol_id = ? AND frame = ? AND time = ?",
		t.symbol, frameSeconds(r.frame), int64(r.bar.Time))
}

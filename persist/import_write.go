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
		store: s, tuning: tuning, log: checkpoints{store: s}, chunks: make(chan *importChunk, 8),
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
	first, last := c.minutes[0].Time, c.minutes[len(c.minutes)-1].Time
	opened := core.D1.Open(first)
	if err := w.loadWeek(t, opened); err != nil {
		return err
	}
	var before []core.Bar
	if t.newest >= opened {
		var err error
		if before, err = w.minutes(t, opened, core.D1.End(opened)); err != nil {
			return err
		}
	}
	all, replaced := overlay(before, c.minutes)
	t.minutes += int64(len(c.minutes))
	t.replaced += replaced
	if err := w.replaceTicks(t, c); err != nil {
		return err
	}
	if last > t.newest {
		if err := w.advance(t, last); err != nil {
			return err
		}
	}
	for i := range c.minutes {
		m := &c.minutes[i]
		complete := m.Time != t.newest || t.sealed
		if err := w.bars.bar(t.symbol, core.M1, m, complete, false); err != nil {
			return err
		}
	}
	for _, r := range t.rollDay(all, c.minutes) {
		if err := w.keep(t, &r); err != nil {
			return err
		}
	}
	return w.bars.flush()
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

// advance makes newest the newest minute of a symbol: the one before it closes, and with it the
// bars above it that end by then.
func (w *importWriter) advance(t *importTarget, newest core.Time) error {
	before := t.newest
	t.newest = newest
	if before == 0 {
		return nil
	}
	err := w.conn.exec("UPDATE bar SET complete = 1, clocked = 0 "+
		"WHERE symbol_id = ? AND frame = ? AND time = ? AND complete = 0",
		t.symbol, frameSeconds(core.M1), int64(before))
	if err != nil {
		return err
	}
	wasSealed := t.sealed
	t.sealed = false
	for f := core.M5; f <= core.W1; f++ {
		r := rolled{frame: f, bar: t.forming[f], end: f.End(t.forming[f].Time)}
		if r.end <= newest {
			if err := w.keep(t, &r); err != nil {
				return err
			}
		} else if wasSealed {
			// The clock closed a bar that history now goes on with.
			if err := w.drop(t, &r); err != nil {
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

package persist

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"tradingengine/core"
)

const (
	// retainRows is the most that is deleted in one transaction: a few milliseconds of work that
	// senders may have to wait for.
	retainRows = 2_000
	// retainPause lies between two such transactions,
	retainPause = 50 * time.Millisecond
	// and retainEvery between two looks at whether there is something to delete.
	retainEvery = time.Minute
	// retainLooks is how many series are looked at in one step when nothing has to be deleted.
	retainLooks = 64
)

// retention deletes what is older than it has to be kept. It belongs to the writer, which lets it
// work between commits, a bounded step at a time.
//
// Age counts from the newest quote, not from the clock alone: a directory of history that nobody
// adds to loses nothing. Of each symbol the newest tick and the bars of its newest week stay,
// however old, because that is what a start takes the price and the forming bars from.
type retention struct {
	ticks, bars time.Duration // How long they are kept; 0 for ever.
	rows        int           // retainRows; tests have fewer.
	every       time.Duration // retainEvery, and
	pause       time.Duration // retainPause; tests are less patient.
	timer       *time.Timer   // Nil when nothing is ever deleted.
	ticksFrom   core.Time     // What is older is deleted in this round.
	barsFrom    core.Time
	todo        []retired // What is left of this round.
}

// retired is a series of which something may have to be deleted.
type retired struct {
	symbol int64
	frame  int64 // Seconds; 0 for ticks.
}

func (r *retention) start() {
	if r.ticks == 0 && r.bars == 0 {
		return
	}
	if r.rows == 0 {
		r.rows, r.every, r.pause = retainRows, retainEvery, retainPause
	}
	r.timer = time.NewTimer(r.every)
}

// due is signalled when there may be something to delete.
func (r *retention) due() <-chan time.Time {
	if r.timer == nil {
		return nil
	}
	return r.timer.C
}

// retire deletes one step's worth. Its error is one that ends the writer; another failure is told,
// and the round begins anew later.
func (w *Writer) retire() error {
	r := &w.retention
	pause := r.every
	err := w.retireStep()
	switch {
	case isFinal(err):
		w.failed(err)
		return w.giveUp(err)
	case err != nil:
		r.todo = r.todo[:0]
		w.store.opts.Log.Warn("old rows could not be deleted", "reason", err)
	case len(r.todo) > 0:
		pause = r.pause
	}
	r.timer.Reset(pause)
	return nil
}

func (w *Writer) retireStep() error {
	r := &w.retention
	if len(r.todo) == 0 {
		if err := w.beginRound(); err != nil {
			return err
		}
	}
	for range min(retainLooks, len(r.todo)) {
		n, err := w.retireOf(r.todo[0])
		if err != nil {
			return err
		}
		if n < int64(r.rows) {
			r.todo = r.todo[1:]
		}
		if n > 0 {
			return w.checkpoint()
		}
	}
	return nil
}

// beginRound says what is too old by now.
func (w *Writer) beginRound() error {
	r := &w.retention
	newest := core.Time(0)
	for i := range w.engine.Symbols().Len() {
		if live, ok := w.engine.Live(core.SymbolID(i)); ok {
			newest = max(newest, live.Time)
		}
	}
	newest = min(newest, w.store.opts.Now()) // A quote of the future makes nothing old.
	r.ticksFrom = newest - core.Time(r.ticks.Microseconds())
	r.barsFrom = newest - core.Time(r.bars.Microseconds())
	symbols, err := storedSymbols(context.Background(), w.store.writing.conn)
	if err != nil {
		return err
	}
	r.todo = r.todo[:0]
	for _, s := range symbols {
		if r.ticks > 0 {
			r.todo = append(r.todo, retired{symbol: s.ID})
		}
		// Minutes first: a higher bar without its minutes is whole, minutes without it are not.
		for f := 0; f < core.Frames && r.bars > 0; f++ {
			r.todo = append(r.todo, retired{s.ID, frameSeconds(core.Frame(f))})
		}
	}
	return nil
}

// rows names the rows of a series for a statement whose first parameter is the symbol.
func (o retired) rows() string {
	if o.frame == 0 {
		return "tick WHERE symbol_id = ?1"
	}
	return fmt.Sprintf("bar WHERE symbol_id = ?1 AND frame = %d", o.frame)
}

// keptFrom returns the time from which on rows of a series are kept.
func (w *Writer) keptFrom(o retired) (core.Time, error) {
	c := w.store.writing.conn
	if o.frame == 0 {
		newest, err := c.int("SELECT coalesce(max(time), 0) FROM "+o.rows(), o.symbol)
		return min(w.retention.ticksFrom, core.Time(newest)), err
	}
	minutes := retired{o.symbol, frameSeconds(core.M1)}
	newest, err := c.int("SELECT coalesce(max(time), 0) FROM "+minutes.rows(), o.symbol)
	return min(w.retention.barsFrom, core.W1.Open(core.Time(newest))), err
}

// retireOf deletes the oldest rows of a series that are too old, and returns how many.
func (w *Writer) retireOf(o retired) (n int64, err error) {
	kept, err := w.keptFrom(o)
	if err != nil {
		return 0, err
	}
	before := int64(kept)
	c := w.store.writing.conn
	old := o.rows() + " AND time < ?2"
	some, err := c.int("SELECT EXISTS (SELECT 1 FROM "+old+")", o.symbol, before)
	if err != nil || some == 0 {
		return 0, err
	}
	// The first row that this step leaves to the next.
	err = c.query(context.Background(), "SELECT time FROM "+old+" ORDER BY time LIMIT 1 OFFSET ?3",
		func(row []driver.Value) error {
			var v [1]int64
			err := wholes(row, v[:])
			before = v[0]
			return err
		}, o.symbol, before, int64(w.retention.rows))
	if err != nil {
		return 0, err
	}
	err = w.store.transact(func(c *conn) (err error) {
		if err = c.exec("DELETE FROM "+old, o.symbol, before); err == nil {
			n, err = c.int("SELECT changes()")
		}
		return err
	})
	if err == nil {
		w.retired(o, n)
	}
	return n, err
}

// retired counts what was deleted.
func (w *Writer) retired(o retired, n int64) {
	w.published.Lock()
	defer w.published.Unlock()
	if o.frame == 0 {
		w.published.stats.RetiredTicks += n
	} else {
		w.published.stats.RetiredBars += n
	}
}

package persist

import (
	"bytes"
	"errors"
	"fmt"
	"maps"

	sqlite3 "modernc.org/sqlite/lib"

	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/trading"
)

// journalEnd is what the next event goes on from.
type journalEnd struct {
	JournalHead
	houses map[string]trading.Money // Balances of the counter accounts.
}

// Commit stores events, which go on where the journal ends, answers and what became of alerts, all
// or none, and returns when they are on the disk; alerts may be nil. After an error that IsPassing
// says nothing of, the file is not touched any more: what is in it is known only after a new start.
func (j *Journal) Commit(events []trading.Event, answers []Answer, alerts *alert.Changes) error {
	end := journalEnd{j.end.JournalHead, maps.Clone(j.end.houses)}
	err := j.transact(func(c *conn) error {
		j.rows.reset()
		j.outbox.filled = false
		for i := range events {
			if err := j.rows.event(&end, j.symbols, &events[i]); err != nil {
				return err
			}
		}
		for i := range answers {
			if err := j.rows.answer(&answers[i]); err != nil {
				return err
			}
		}
		if err := j.rows.flush(); err != nil || alerts == nil {
			return err
		}
		return j.storeAlerts(c, alerts)
	})
	if err == nil {
		j.end = end
		j.head.Store(&JournalHead{end.Seq, end.Hash})
		if j.outbox.filled {
			j.outbox.signal()
		}
	}
	return j.settle(err)
}

// change runs f in a transaction, and returns when that is on the disk. It fails as Commit does: f
// returns only what went wrong with the file, and keeps for itself what it refuses.
func (j *Journal) change(f func(c *conn) error) error { return j.settle(j.transact(f)) }

// settle is what follows a transaction that ended with err.
func (j *Journal) settle(err error) error {
	if err == nil {
		err = j.checkpoint()
	}
	if err != nil && !IsPassing(err) {
		j.abandon()
		return fmt.Errorf("%w: %w", ErrStorageFailed, err)
	}
	return err
}

// IsPassing reports whether an error of Commit may pass, so that the same may be tried again: there
// is no room, or another program holds the file.
func IsPassing(err error) bool {
	return !errors.Is(err, ErrStorageFailed) && (resultIsBusy(err) ||
		resultCode(err)&0xff == sqlite3.SQLITE_FULL)
}

// checkpoint keeps the log short. A checkpoint that fails loses nothing that was committed, but
// after a sync that failed the disk cannot be trusted.
func (j *Journal) checkpoint() error {
	j.writing.Lock()
	defer j.writing.Unlock()
	if _, err := j.checkpoints.after(j.writing.conn); isFinal(err) {
		return err
	} else if err != nil {
		j.log.Warn("a checkpoint failed; the log keeps growing until one succeeds", "reason", err)
	}
	return nil
}

// journalRows writes what events and answers leave in the file. It belongs to the goroutine that
// commits.
type journalRows struct {
	events, orderEvents, orders, trades, postings, answers *rowWriter

	changed map[trading.OrderID]orderState // Orders of this commit,
	ids     []trading.OrderID              // in the order in which they changed first.
	data    []byte
	chain   chain
}

// orderState is a row of the table order_state.
type orderState struct {
	account trading.AccountID
	symbol  string
	status  trading.Status
	seq     uint64
}

func newJournalRows(c *conn) journalRows {
	const rows = 16
	insert := func(table, columns string) *rowWriter {
		return newRowWriter(c, "INSERT", table, columns, rows)
	}
	return journalRows{
		events:      insert("event", "seq, prev, account_id, time, type, data, hash"),
		orderEvents: insert("order_event", "order_id, seq"),
		orders: newRowWriter(c, "INSERT OR REPLACE", "order_state",
			"id, account_id, symbol, status, seq", rows),
		trades: insert("trade", "seq, account_id, symbol"),
		postings: insert("posting", "seq, account_id, type, counter, currency, amount, balance, "+
			"counter_balance"),
		answers: insert("answer", "scope, key, hash, status, body, seq"),
		changed: map[trading.OrderID]orderState{},
	}
}

func (r *journalRows) all() []*rowWriter {
	return []*rowWriter{r.events, r.orderEvents, r.orders, r.trades, r.postings, r.answers}
}

// reset drops what a failed commit left.
func (r *journalRows) reset() {
	for _, w := range r.all() {
		w.reset()
	}
	clear(r.changed)
	r.ids = r.ids[:0]
}

func (r *journalRows) flush() error {
	for _, id := range r.ids {
		o := r.changed[id]
		r.orders.put(int64(id))
		r.orders.put(int64(o.account))
		r.orders.putText(o.symbol)
		r.orders.putText(o.status.String())
		r.orders.put(int64(o.seq))
		if err := r.orders.rowDone(); err != nil {
			return err
		}
	}
	for _, w := range r.all() {
		if err := w.flush(); err != nil {
			return err
		}
	}
	return nil
}

// event adds an event to the file and to the journal's end.
func (r *journalRows) event(end *journalEnd, symbols *core.Registry, e *trading.Event) error {
	if e.Seq != end.Seq+1 {
		return fmt.Errorf("persist: event %d cannot follow event %d", e.Seq, end.Seq)
	}
	r.data = trading.AppendData(r.data[:0], symbols, e)
	end.Seq = e.Seq
	end.Hash = r.chain.next(end.Hash, e, r.data)
	w := r.events
	w.put(int64(e.Seq))
	w.put(int64(e.Prev))
	w.put(int64(e.Account))
	w.put(int64(e.Time))
	w.putText(e.Type.String())
	w.putText(string(r.data))
	w.putBytes(bytes.Clone(end.Hash[:]))
	if err := w.rowDone(); err != nil {
		return err
	}
	return r.derive(end, symbols, e)
}

// derive adds what follows from an event.
func (r *journalRows) derive(end *journalEnd, symbols *core.Registry, e *trading.Event) error {
	var err error
	switch d := e.Data.(type) {
	case *trading.OrderData:
		err = r.order(e, symbols.Symbol(d.Order.Symbol).Name, d.Order.ID, d.Order.Status)
	case *trading.FillData:
		name := symbols.Symbol(d.Symbol).Name
		r.trades.put(int64(e.Seq))
		r.trades.put(int64(e.Account))
		r.trades.putText(name)
		err = errors.Join(r.trades.rowDone(), r.order(e, name, d.Order, trading.Filled))
	}
	if p, ok := e.Posting(); ok && err == nil {
		err = r.posting(end, e, &p)
	}
	return err
}

// order notes an event of an order. The trades of one order come in a row and are committed
// together, so the first of them may already say that it is filled.
func (r *journalRows) order(e *trading.Event, symbol string, id trading.OrderID, s trading.Status,
) error {
	if _, ok := r.changed[id]; !ok {
		r.ids = append(r.ids, id)
	}
	r.changed[id] = orderState{e.Account, symbol, s, e.Seq}
	r.orderEvents.put(int64(id))
	r.orderEvents.put(int64(e.Seq))
	return r.orderEvents.rowDone()
}

func (r *journalRows) posting(end *journalEnd, e *trading.Event, p *trading.Posting) error {
	counter := p.Counter()
	end.houses[counter] -= p.Amount
	w := r.postings
	w.put(int64(e.Seq))
	w.put(int64(e.Account))
	w.putText(p.Type.String())
	w.putText(counter)
	w.putText(p.Currency.String())
	w.put(int64(p.Amount))
	w.put(int64(p.Balance))
	w.put(int64(end.houses[counter]))
	return w.rowDone()
}

// answer adds an answer. One without a body is stored with an empty one.
func (r *journalRows) answer(a *Answer) error {
	w := r.answers
	w.putText(a.Scope)
	w.putText(a.Key)
	w.putBytes(a.Hash[:])
	w.put(int64(a.Status))
	w.putBytes(append([]byte{}, a.Body...))
	w.put(int64(a.Seq))
	return w.rowDone()
}

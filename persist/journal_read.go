package persist

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"math"
	"sort"
	"strings"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// The reads of this file end with ctx or the deadline of the store, and then with an error. They
// see what is committed. Rows come in ascending order of seq, those with a seq above after, at most
// limit of them. Account 0 and a nil symbol stand for all.

// Head returns the seq of the newest event and the hash of the chain up to it, as of the last
// Commit or Replay.
func (j *Journal) Head(context.Context) (seq uint64, hash [32]byte, err error) {
	head := j.head.Load()
	return head.Seq, head.Hash, nil
}

// Answer finds the answer that was kept under a key.
func (j *Journal) Answer(ctx context.Context, scope, key string) (a Answer, found bool, err error) {
	err = j.reading(ctx, func(ctx context.Context, c *conn) error {
		return c.query(ctx, "SELECT hash, status, body, seq FROM answer WHERE scope = ? AND key = ?",
			func(row []driver.Value) error {
				hash, ok1 := row[0].([]byte)
				status, ok2 := row[1].(int64)
				body, ok3 := row[2].([]byte)
				seq, ok4 := row[3].(int64)
				if !ok1 || !ok2 || !ok3 || !ok4 || len(hash) != len(a.Hash) {
					return fmt.Errorf("%w: the answer of key %q is %v", ErrDamaged, key, row)
				}
				a = Answer{
					Scope: scope, Key: key, Hash: [32]byte(hash), Status: int(status), Body: body,
					Seq: uint64(seq),
				}
				found = true
				return nil
			}, scope, key)
	})
	return a, found, err
}

// Events returns events of all accounts, or of one, which may be 0, the server's own.
func (j *Journal) Events(ctx context.Context, all bool, account trading.AccountID, after uint64,
	limit int,
) ([]trading.Event, error) {
	if all {
		return j.events(ctx, "seq > ? ORDER BY seq LIMIT ?", int64(after), int64(limit))
	}
	return j.events(ctx, "account_id = ? AND seq > ? ORDER BY seq LIMIT ?", int64(account),
		int64(after), int64(limit))
}

func (j *Journal) events(ctx context.Context, where string, args ...driver.Value,
) (list []trading.Event, err error) {
	err = j.reading(ctx, func(ctx context.Context, c *conn) error {
		return readEvents(ctx, c, j.symbols, where, func(e *trading.Event, _, _ []byte) error {
			list = append(list, *e)
			return nil
		}, args...)
	})
	return list, err
}

// filter is the condition of a list.
type filter struct {
	text strings.Builder
	args []driver.Value
}

func (f *filter) add(condition string, args ...driver.Value) {
	if len(f.args) > 0 {
		f.text.WriteString(" AND ")
	}
	f.text.WriteString(condition)
	f.args = append(f.args, args...)
}

// listFilter chooses rows by account, symbol and seq.
func (j *Journal) listFilter(account trading.AccountID, symbol *core.SymbolID, after uint64,
) *filter {
	f := &filter{}
	f.add("seq > ?", int64(after))
	if account != 0 {
		f.add("account_id = ?", int64(account))
	}
	if symbol != nil {
		f.add("symbol = ?", j.symbols.Symbol(*symbol).Name)
	}
	return f
}

// Orders calls each for orders as they stand after their newest event, which has seq. statuses has
// a bit (1 << status) for each that is wanted, or is 0.
func (j *Journal) Orders(ctx context.Context, account trading.AccountID, symbol *core.SymbolID,
	statuses uint, after uint64, limit int, each func(seq uint64, o *trading.Order),
) error {
	f := j.listFilter(account, symbol, after)
	if statuses != 0 {
		var names []string
		var marks []driver.Value
		for s := trading.Pending; s <= trading.Expired; s++ {
			if statuses&(1<<s) != 0 {
				names, marks = append(names, "?"), append(marks, s.String())
			}
		}
		f.add("status IN ("+strings.Join(names, ", ")+")", marks...)
	}
	f.args = append(f.args, int64(limit))
	return j.reading(ctx, func(ctx context.Context, c *conn) error {
		var ids []int64
		err := c.query(ctx, "SELECT id FROM order_state WHERE "+f.text.String()+
			" ORDER BY seq LIMIT ?", func(row []driver.Value) error {
			var id [1]int64
			err := wholes(row, id[:])
			ids = append(ids, id[0])
			return err
		}, f.args...)
		if err != nil {
			return err
		}
		for _, id := range ids {
			seq, o, found, err := j.foldOrder(ctx, c, trading.OrderID(id))
			if err != nil || !found {
				return err
			}
			each(seq, &o)
		}
		return nil
	})
}

// Order finds an order by id. seq is that of its newest event.
func (j *Journal) Order(ctx context.Context, id trading.OrderID,
) (seq uint64, o trading.Order, found bool, err error) {
	err = j.reading(ctx, func(ctx context.Context, c *conn) (err error) {
		seq, o, found, err = j.foldOrder(ctx, c, id)
		return err
	})
	return seq, o, found, err
}

// ofOrder chooses the events of an order.
const ofOrder = "seq IN (SELECT seq FROM order_event WHERE order_id = ?) ORDER BY seq"

// foldOrder is an order as its events left it.
func (j *Journal) foldOrder(ctx context.Context, c *conn, id trading.OrderID,
) (seq uint64, o trading.Order, found bool, err error) {
	err = readEvents(ctx, c, j.symbols, ofOrder, func(e *trading.Event, _, _ []byte) error {
		o.Fold(e)
		seq, found = e.Seq, true
		return nil
	}, int64(id))
	return seq, o, found, err
}

// OrderEvents returns the events of an order itself, all of them.
func (j *Journal) OrderEvents(ctx context.Context, id trading.OrderID) ([]trading.Event, error) {
	return j.events(ctx, ofOrder, int64(id))
}

// Trades returns events with trading.FillData.
func (j *Journal) Trades(ctx context.Context, account trading.AccountID, symbol *core.SymbolID,
	after uint64, limit int,
) ([]trading.Event, error) {
	f := j.listFilter(account, symbol, after)
	return j.events(ctx, "seq IN (SELECT seq FROM trade WHERE "+f.text.String()+
		" ORDER BY seq LIMIT ?) ORDER BY seq", append(f.args, int64(limit))...)
}

// Postings calls each for events with a posting and a seq of at most last; house is the balance of
// the house's account after it.
func (j *Journal) Postings(ctx context.Context, account trading.AccountID, after, last uint64,
	limit int, each func(e *trading.Event, house trading.Money),
) error {
	return j.reading(ctx, func(ctx context.Context, c *conn) error {
		f := j.listFilter(account, nil, after)
		f.add("seq <= ?", int64(min(last, math.MaxInt64)))
		houses := map[uint64]trading.Money{}
		err := c.query(ctx, "SELECT seq, counter_balance FROM posting WHERE "+f.text.String()+
			" ORDER BY seq LIMIT ?", func(row []driver.Value) error {
			var w [2]int64
			err := wholes(row, w[:])
			houses[uint64(w[0])] = trading.Money(w[1])
			return err
		}, append(f.args, int64(limit))...)
		if err != nil {
			return err
		}
		return readEvents(ctx, c, j.symbols, "seq IN (SELECT seq FROM posting WHERE "+
			f.text.String()+" ORDER BY seq LIMIT ?) ORDER BY seq",
			func(e *trading.Event, _, _ []byte) error {
				each(e, houses[e.Seq])
				return nil
			}, append(f.args, int64(limit))...)
	})
}

// DayEnd finds where a day of an account ends: the seq of its last event, and the balance then. A
// swap belongs to the day that its 17:00 ends, though it is posted by the first input after that:
// those that the account's first events from a time on are still count as before it.
func (j *Journal) DayEnd(ctx context.Context, account trading.AccountID, at core.Time,
) (last uint64, balance trading.Money, err error) {
	err = j.reading(ctx, func(ctx context.Context, c *conn) error {
		next, err := j.firstAt(c, at)
		if err != nil {
			return err
		}
		last = next - 1
		n, err := c.int(`SELECT coalesce((SELECT balance FROM posting WHERE account_id = ? AND seq < ?
			ORDER BY seq DESC LIMIT 1), 0)`, int64(account), int64(next))
		if err != nil {
			return err
		}
		balance = trading.Money(n)
		return readEvents(ctx, c, j.symbols, "account_id = ? AND seq >= ? ORDER BY seq",
			func(e *trading.Event, _, _ []byte) error {
				d, ok := e.Data.(*trading.SwapData)
				if !ok || d.Rollover > at {
					return io.EOF // The reading is done.
				}
				last, balance = e.Seq, balance+d.Posting.Amount
				return nil
			}, int64(account), int64(next))
	})
	return last, balance, err
}

// firstAt finds the seq of the first event at or after a time: seqs are dense, and their times
// never fall. It is one above the last when there is none.
func (j *Journal) firstAt(c *conn, t core.Time) (seq uint64, err error) {
	last, err := c.int("SELECT coalesce(max(seq), 0) FROM event")
	if err != nil {
		return 0, err
	}
	seq = 1 + uint64(sort.Search(int(last), func(i int) bool {
		at, e := c.int("SELECT time FROM event WHERE seq = ?", int64(i)+1)
		if e != nil {
			err = e
		}
		return at >= int64(t)
	}))
	return seq, err
}

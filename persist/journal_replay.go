package persist

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// chain computes the hashes that link events, as the table of events says. It keeps a buffer.
type chain struct{ buffer []byte }

// next returns the hash of the chain up to an event.
func (k *chain) next(before [32]byte, e *trading.Event, data []byte) [32]byte {
	b := append(k.buffer[:0], before[:]...)
	for _, v := range [...]uint64{e.Seq, e.Prev, uint64(e.Account), uint64(e.Time)} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	b = append(append(append(b, e.Type.String()...), 0), data...)
	k.buffer = b
	return sha256.Sum256(b)
}

// Replayed is what a journal held when it was opened.
type Replayed struct {
	JournalHead
	Took time.Duration
}

// Replay gives all events to fold, oldest first. It comes before the first Commit. An error that
// wraps trading.ErrJournal means that the events do not follow from each other; then the file is
// not to be worked with.
func (j *Journal) Replay(ctx context.Context, fold func(trading.Event) error,
) (r Replayed, err error) {
	start := time.Now()
	r.JournalHead, err = j.follow(ctx, math.MaxInt64, func(e *trading.Event) error {
		if p, ok := e.Posting(); ok {
			j.end.houses[p.Counter()] -= p.Amount
		}
		return fold(*e)
	})
	if err != nil {
		return r, j.Refuse(err)
	}
	j.end.JournalHead = r.JournalHead
	j.head.Store(&r.JournalHead)
	r.Took = time.Since(start)
	return r, err
}

// Verify reads the events up to seq, checks how they are linked, and folds them into a machine of
// its own. It returns the hash of the chain and of that machine. An error that wraps
// trading.ErrJournal says what is wrong with the journal.
func (j *Journal) Verify(ctx context.Context, seq uint64) (hash, state [32]byte, err error) {
	m, err := trading.New(trading.Options{Symbols: j.symbols})
	if err != nil {
		return hash, state, err
	}
	head, err := j.follow(ctx, seq, func(e *trading.Event) error { return m.Replay(*e) })
	if err != nil {
		return hash, state, err
	}
	if head.Seq != seq {
		return hash, state, fmt.Errorf("%w: it ends at event %d, not %d", trading.ErrJournal,
			head.Seq, seq)
	}
	return head.Hash, m.Hash(), nil
}

// followRows is how many events one read takes: a long one would keep the log from starting again.
const followRows = 5_000

// follow gives all events up to seq to each and checks the chain.
func (j *Journal) follow(ctx context.Context, seq uint64, each func(*trading.Event) error,
) (head JournalHead, err error) {
	err = j.reading(ctx, func(_ context.Context, c *conn) error {
		_, err := j.schema.versionOf(c, j.path)
		return err
	})
	if err == nil {
		f := follower{j.reading, j.symbols, j.progress}
		head, err = f.run(ctx, seq, each)
	}
	if err != nil {
		return head, fmt.Errorf("cannot read the journal %s: %w", j.path, err)
	}
	return head, nil
}

// follower reads the events of a file from the first on.
type follower struct {
	reading  func(ctx context.Context, f func(ctx context.Context, c *conn) error) error
	symbols  *core.Registry
	progress func(Progress)
}

// run gives all events up to seq to each and checks the chain.
func (f *follower) run(ctx context.Context, seq uint64, each func(*trading.Event) error,
) (head JournalHead, err error) {
	total := int64(0)
	err = f.reading(ctx, func(_ context.Context, c *conn) (err error) {
		total, err = c.int("SELECT coalesce(max(seq), 0) FROM event")
		return err
	})
	var k chain
	for more := err == nil; more; {
		from := head.Seq
		err = f.reading(ctx, func(ctx context.Context, c *conn) error {
			return readEvents(ctx, c, f.symbols, "seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
				func(e *trading.Event, data, hash []byte) error {
					if e.Seq != head.Seq+1 {
						return fmt.Errorf("%w: event %d follows event %d", trading.ErrJournal, e.Seq,
							head.Seq)
					}
					head = JournalHead{e.Seq, k.next(head.Hash, e, data)}
					if !bytes.Equal(hash, head.Hash[:]) {
						return fmt.Errorf("%w: event %d was changed, or one before it", trading.ErrJournal,
							e.Seq)
					}
					return each(e)
				}, int64(from), int64(min(seq, math.MaxInt64)), int64(followRows))
		})
		more = err == nil && head.Seq == from+followRows
		if total > followRows {
			f.progress(Progress{"reading the journal", int64(head.Seq), total})
		}
	}
	return head, err
}

// readEvents gives the events that a condition chooses to each, with what the chain is made of.
func readEvents(ctx context.Context, c *conn, symbols *core.Registry, where string,
	each func(e *trading.Event, data, hash []byte) error, args ...driver.Value,
) error {
	const text = "SELECT seq, prev, account_id, time, type, data, hash FROM event WHERE "
	return c.query(ctx, text+where, func(row []driver.Value) error {
		var w [4]int64
		if err := wholes(row, w[:]); err != nil {
			return err
		}
		name, ok1 := row[4].(string)
		data, ok2 := row[5].(string)
		hash, ok3 := row[6].([]byte)
		if !ok1 || !ok2 || !ok3 {
			return fmt.Errorf("%w: event %d has no type, data or hash", ErrDamaged, w[0])
		}
		e := trading.Event{
			Seq: uint64(w[0]), Prev: uint64(w[1]), Account: trading.AccountID(w[2]),
			Time: core.Time(w[3]),
		}
		if e.Type, ok1 = trading.ParseEventType(name); !ok1 {
			return fmt.Errorf("%w: event %d is of an unknown type", trading.ErrJournal, e.Seq)
		}
		text := []byte(data)
		if err := trading.ParseData(&e, symbols, text); err != nil {
			return fmt.Errorf("event %d: %w", e.Seq, err)
		}
		return each(&e, text, hash)
	}, args...)
}

// Keys gives the keys of all answers to each and counts them.
func (j *Journal) Keys(ctx context.Context, each func(scope, key string)) (n int64, err error) {
	var scope, key string
	for more := true; more && err == nil; {
		rows := 0
		err = j.reading(ctx, func(ctx context.Context, c *conn) error {
			return c.query(ctx, `SELECT scope, key FROM answer WHERE (scope, key) > (?, ?)
				ORDER BY scope, key LIMIT ?`, func(row []driver.Value) error {
				var ok1, ok2 bool
				scope, ok1 = row[0].(string)
				key, ok2 = row[1].(string)
				if !ok1 || !ok2 {
					return fmt.Errorf("%w: a key is %v", ErrDamaged, row)
				}
				each(scope, key)
				rows++
				return nil
			}, scope, key, int64(followRows))
		})
		n += int64(rows)
		more = rows == followRows
	}
	return n, j.Refuse(err)
}

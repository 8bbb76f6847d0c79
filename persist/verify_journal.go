package persist

import (
	"bytes"
	"context"
	"database/sql/driver"
	"fmt"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// verifyJournal follows the chain of hashes through the file of money: an event that was changed,
// added or taken out breaks it. What the events say is judged by whoever replays them with the
// symbols they were made with.
func verifyJournal(ctx context.Context, v *verifier) error {
	if _, err := tradingSchema.versionOf(v.conn, v.file); err != nil {
		return err
	}
	total, err := v.conn.int("SELECT count(*) FROM event")
	if err != nil {
		return err
	}
	var (
		k    chain
		head JournalHead
		last = map[trading.AccountID]uint64{} // The newest event of each account.
	)
	const text = "SELECT seq, prev, account_id, time, type, data, hash FROM event ORDER BY seq"
	return v.conn.query(ctx, text, func(row []driver.Value) error {
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
		known := false
		if e.Type, known = trading.ParseEventType(name); !known {
			v.fault("event %d is of an unknown type", e.Seq)
		}
		if e.Seq != head.Seq+1 {
			v.fault("event %d follows event %d", e.Seq, head.Seq)
		}
		if e.Prev != last[e.Account] {
			v.fault("event %d names %d as the one before of its account, which is %d", e.Seq, e.Prev,
				last[e.Account])
		}
		last[e.Account] = e.Seq
		head = JournalHead{e.Seq, k.next(head.Hash, &e, []byte(data))}
		if !bytes.Equal(hash, head.Hash[:]) {
			v.fault("event %d was changed, or one before it", e.Seq)
			copy(head.Hash[:], hash) // What follows is judged by itself.
		}
		v.Events++
		if v.Events%followRows == 0 {
			v.progress(Progress{"checking the journal", v.Events, total})
		}
		return nil
	})
}

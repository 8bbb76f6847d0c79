package persist

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"

	"tradingengine/core"
)

const (
	// finishedMax is how many deliveries that are not waiting are kept of each webhook, and
	// finishedFor how long.
	finishedMax = 10_000
	finishedFor = 30 * 24 * core.Hour
	// sweepRows is the most that is changed in one transaction: a few milliseconds of work that
	// orders may have to wait for.
	sweepRows = 200
)

// Sweep deletes some of what of the outbox is not kept any more, and gives up what is still waiting
// for webhooks that are disabled or removed. more says that there is more to do; then it should
// come again after a little while. It fails as Commit does, but for an error of reading, which
// changes nothing.
func (j *Journal) Sweep(ctx context.Context, now core.Time) (more bool, err error) {
	var todo []sweep
	err = j.reading(ctx, func(ctx context.Context, c *conn) (err error) {
		todo, err = j.outbox.sweeps(ctx, c, now)
		return err
	})
	if err != nil || len(todo) == 0 {
		return false, err
	}
	s := todo[0]
	err = j.change(func(c *conn) error { return s.run(c) })
	return true, err
}

// sweep is a step of it, for one webhook.
type sweep struct {
	webhook int64
	giveUp  int64 // So many that wait.
	last    int64 // Finished deliveries up to this id; 0 for none.
	remove  bool  // The webhook itself.
}

// sweeps finds a step for each webhook that needs one.
func (o *outbox) sweeps(ctx context.Context, c *conn, now core.Time) (todo []sweep, err error) {
	var hooks [][5]int64
	err = c.query(ctx, "SELECT id, disabled, removed, waiting, finished FROM webhook",
		func(row []driver.Value) error {
			var n [5]int64
			err := wholes(row, n[:])
			hooks = append(hooks, n)
			return err
		})
	for _, h := range hooks {
		s := sweep{webhook: h[0]}
		disabled, removed, waiting, finished := h[1] != 0, h[2] != 0, h[3], h[4]
		switch {
		case err != nil:
			return nil, err
		case (disabled || removed) && waiting > 0:
			s.giveUp = sweepRows
		case removed && finished == 0:
			s.remove = true
		case removed:
			s.last, err = lastToDelete(ctx, c, s.webhook, sweepRows, now+1)
		default:
			s.last, err = lastToDelete(ctx, c, s.webhook, sweepRows, now-finishedFor)
			if excess := finished - o.finishedMost; err == nil && excess > 0 {
				var last int64
				last, err = lastToDelete(ctx, c, s.webhook, min(excess, sweepRows), maxTime)
				s.last = max(s.last, last)
			}
		}
		if s != (sweep{webhook: s.webhook}) {
			todo = append(todo, s)
		}
	}
	return todo, err
}

// maxTime is later than any.
const maxTime = core.Time(1<<63 - 1)

// lastToDelete finds the last of the oldest rows finished deliveries that were made before a time.
func lastToDelete(ctx context.Context, c *conn, webhook, rows int64, before core.Time,
) (last int64, err error) {
	err = c.query(ctx, `SELECT coalesce(max(id), 0) FROM (SELECT id, created FROM hook_delivery
		WHERE webhook_id = ? AND due IS NULL ORDER BY id LIMIT ?) WHERE created < ?`,
		func(row []driver.Value) error {
			var n [1]int64
			err := wholes(row, n[:])
			last = n[0]
			return err
		}, webhook, rows, int64(before))
	return last, err
}

func (s *sweep) run(c *conn) error {
	switch {
	case s.remove:
		return c.exec("DELETE FROM webhook WHERE id = ? AND waiting = 0 AND finished = 0", s.webhook)
	case s.giveUp > 0:
		return s.giveUpWaiting(c)
	}
	return s.deleteFinished(c)
}

func (s *sweep) giveUpWaiting(c *conn) error {
	err := c.exec(`UPDATE hook_delivery SET status = 'FAILED', due = NULL WHERE id IN (
		SELECT id FROM hook_delivery WHERE webhook_id = ? AND due IS NOT NULL LIMIT ?)`, s.webhook,
		s.giveUp)
	if err != nil {
		return err
	}
	n, err := c.int("SELECT changes()")
	return errors.Join(err, c.exec(`UPDATE webhook SET waiting = waiting - ?1, finished = finished + ?1
		WHERE id = ?2`, n, s.webhook))
}

func (s *sweep) deleteFinished(c *conn) error {
	const which = "webhook_id = ? AND due IS NULL AND id <= ?"
	err := c.exec(`DELETE FROM hook_attempt WHERE delivery_id IN (
		SELECT id FROM hook_delivery WHERE `+which+")", s.webhook, s.last)
	if err != nil {
		return err
	}
	var messages []int64
	err = c.query(context.Background(), "DELETE FROM hook_delivery WHERE "+which+
		" RETURNING message_seq", func(row []driver.Value) error {
		var n [1]int64
		err := wholes(row, n[:])
		messages = append(messages, n[0])
		return err
	}, s.webhook, s.last)
	if err != nil {
		return err
	}
	err = c.exec("UPDATE webhook SET finished = finished - ? WHERE id = ?", int64(len(messages)),
		s.webhook)
	list, _ := json.Marshal(messages)
	return errors.Join(err, c.exec(`DELETE FROM hook_message WHERE seq IN (
		SELECT value FROM json_each(?)) AND NOT EXISTS (
		SELECT 1 FROM hook_delivery WHERE message_seq = hook_message.seq)`, string(list)))
}

package persist

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"tradingengine/core"
)

const (
	// waitingMax is how many messages may wait for one webhook. Those above it are not kept for it.
	waitingMax = 10_000
	// attemptsKept are the newest attempts of a delivery that are kept: more than are made unless a
	// person asks again.
	attemptsKept = 20
)

// outbox is what is known of the outbox beside the file.
type outbox struct {
	most         int64         // waitingMax,
	finishedMost int64         // finishedMax; tests have fewer.
	filled       bool          // The Commit under way put something in; it belongs to that.
	wake         chan struct{} // Holds a token when there may be something to deliver.
}

// signal says that there is something to deliver.
func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// OutboxFilled is signalled after a commit that put something into the outbox.
func (j *Journal) OutboxFilled() <-chan struct{} { return j.outbox.wake }

// enqueueHooks puts a message for every webhook into the outbox, in the transaction of the caller:
// it is there exactly if what it tells of is. A message whose id is there already changes nothing.
// A webhook for which too many are waiting goes without it, and that is counted. id consists of
// visible characters without full stops.
func (j *Journal) enqueueHooks(c *conn, id string, body []byte, now core.Time) error {
	const told = "disabled = 0 AND removed = 0"
	known, err := c.int("SELECT EXISTS (SELECT 1 FROM hook_message WHERE id = ?)", id)
	if err != nil || known != 0 {
		return err
	}
	err = c.exec("INSERT INTO hook_message (id, body, created) SELECT ?, ?, ? WHERE EXISTS "+
		"(SELECT 1 FROM webhook WHERE waiting < ? AND "+told+")", id, body, int64(now), j.outbox.most)
	if err != nil {
		return err
	}
	// A due of 0 is at once, whatever clock now is of.
	err = c.exec(`INSERT INTO hook_delivery
			(webhook_id, message_seq, status, created, due, attempts, failures)
		SELECT w.id, m.seq, 'PENDING', m.created, 0, 0, 0 FROM webhook AS w, hook_message AS m
		WHERE m.id = ? AND waiting < ? AND `+told, id, j.outbox.most)
	if err != nil {
		return err
	}
	j.outbox.filled = true
	return c.exec(`UPDATE webhook
		SET waiting = waiting + (waiting < ?1), dropped = dropped + (waiting >= ?1)
		WHERE `+told, j.outbox.most)
}

// DueDelivery is a message that a webhook is to be told now.
type DueDelivery struct {
	ID       int64
	Webhook  int64
	URL      string
	Secret   []byte
	Message  string
	Body     []byte
	Failures int // Attempts that failed since it was asked for.
}

// Due returns, of each webhook, the deliveries that have been due the longest, at most each of
// them, and when the next becomes due; 0 when none waits.
func (j *Journal) Due(ctx context.Context, now core.Time, each int,
) (list []DueDelivery, next core.Time, err error) {
	err = j.reading(ctx, func(ctx context.Context, c *conn) error {
		hooks, err := readWebhooks(ctx, c, "disabled = 0 AND removed = 0 AND waiting > 0")
		if err != nil {
			return err
		}
		for i := range hooks {
			if list, err = appendDue(ctx, c, list, &hooks[i], now, each); err != nil {
				return err
			}
			due, err := c.int(`SELECT coalesce(min(due), 0) FROM hook_delivery
				WHERE webhook_id = ? AND due IS NOT NULL AND due > ?`, hooks[i].ID, int64(now))
			if err != nil {
				return err
			}
			if due > 0 && (next == 0 || core.Time(due) < next) {
				next = core.Time(due)
			}
		}
		return nil
	})
	return list, next, err
}

func appendDue(ctx context.Context, c *conn, list []DueDelivery, w *Webhook, now core.Time,
	most int,
) ([]DueDelivery, error) {
	err := c.query(ctx, `SELECT d.id, d.failures, m.id, m.body FROM hook_delivery AS d
		JOIN hook_message AS m ON m.seq = d.message_seq
		WHERE d.webhook_id = ? AND d.due IS NOT NULL AND d.due <= ? ORDER BY d.due, d.id LIMIT ?`,
		func(row []driver.Value) error {
			var n [2]int64
			if err := wholes(row[:2], n[:]); err != nil {
				return err
			}
			message, ok1 := row[2].(string)
			body, ok2 := row[3].([]byte)
			if !ok1 || !ok2 {
				return fmt.Errorf("%w: the message of delivery %d is %v", ErrDamaged, n[0], row)
			}
			list = append(list, DueDelivery{
				ID: n[0], Webhook: w.ID, URL: w.URL, Secret: w.Secret, Message: message, Body: body,
				Failures: int(n[1]),
			})
			return nil
		}, w.ID, int64(now), int64(most))
	return list, err
}

// Attempt is how an attempt to deliver went.
type Attempt struct {
	Number int // From 1; Record sets it.
	Time   core.Time
	Took   time.Duration
	Status int    // Of HTTP; 0 when there was no answer,
	Error  string // and then why.
}

// AttemptResult is an attempt and what follows from it.
type AttemptResult struct {
	Attempt
	Delivery  int64
	Delivered bool
	Next      core.Time // When to try again; 0 for never.
	Gone      bool      // The webhook is to be told nothing any more.
}

// Record stores how attempts went, all or none, and returns when that is on the disk. It fails as
// Commit does. Attempts of a delivery that does not exist any more are left out.
func (j *Journal) Record(results []AttemptResult) error {
	return j.change(func(c *conn) error {
		for i := range results {
			if err := record(c, &results[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func record(c *conn, r *AttemptResult) error {
	d, err := deliveryState(c, r.Delivery)
	if err != nil || d.webhook == 0 {
		return err
	}
	number := d.attempts + 1
	err = c.exec(`INSERT INTO hook_attempt (delivery_id, number, time, took, status, error)
		VALUES (?, ?, ?, ?, ?, ?)`, r.Delivery, number, int64(r.Time), r.Took.Microseconds(),
		int64(r.Status), r.Error)
	if err == nil {
		err = c.exec("DELETE FROM hook_attempt WHERE delivery_id = ? AND number <= ?", r.Delivery,
			number-attemptsKept)
	}
	if err == nil && r.Gone {
		err = c.exec("UPDATE webhook SET disabled = ? WHERE id = ? AND disabled = 0", int64(r.Time),
			d.webhook)
	}
	if err != nil {
		return err
	}
	status, due := Failed, driver.Value(nil)
	switch {
	case r.Delivered:
		status = Delivered
	case r.Next != 0 && d.status == Pending:
		status, due = Pending, int64(r.Next)
	}
	err = c.exec(`UPDATE hook_delivery SET status = ?, due = ?, attempts = ?, failures = failures + ?
		WHERE id = ?`, string(status), due, number, oneIf(!r.Delivered), r.Delivery)
	if err != nil || d.status != Pending || status == Pending {
		return err
	}
	return c.exec("UPDATE webhook SET waiting = waiting - 1, finished = finished + 1 WHERE id = ?",
		d.webhook)
}

// stateOfDelivery is what decides what becomes of a delivery. Without it webhook is 0.
type stateOfDelivery struct {
	webhook, attempts int64
	status            DeliveryStatus
}

func deliveryState(c *conn, id int64) (d stateOfDelivery, err error) {
	err = c.query(context.Background(),
		"SELECT webhook_id, attempts, status FROM hook_delivery WHERE id = ?",
		func(row []driver.Value) error {
			d.status = DeliveryStatus(fmt.Sprint(row[2]))
			var n [2]int64
			err := wholes(row[:2], n[:])
			d.webhook, d.attempts = n[0], n[1]
			return err
		}, id)
	return d, err
}

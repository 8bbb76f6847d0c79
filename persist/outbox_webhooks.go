package persist

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"tradingengine/core"
)

// WebhooksMax is how many webhooks there may be.
const WebhooksMax = 64

// What is refused of webhooks. Nothing is changed then.
var (
	ErrTooManyWebhooks   = fmt.Errorf("there are %d webhooks, which is the most", WebhooksMax)
	ErrNoWebhook         = errors.New("there is no such webhook")
	ErrNoDelivery        = errors.New("there is no such delivery")
	ErrWebhookDisabled   = errors.New("the webhook is disabled")
	ErrTooManyDeliveries = errors.New("too many messages wait for this webhook")
)

// Webhook is who is told of what happens.
type Webhook struct {
	ID        int64
	URL, Name string
	Secret    []byte // Key of its signatures.
	Created   core.Time
	Disabled  core.Time // When it said that it is gone; 0 while it is told.
	Waiting   int64     // Messages that it is still to be told.
	Dropped   int64     // Messages it never got because too many waited.
}

// DeliveryStatus is how far a delivery is.
type DeliveryStatus string

// The values of DeliveryStatus.
const (
	Pending   DeliveryStatus = "PENDING"   // It will be tried, for the first time or again.
	Delivered DeliveryStatus = "DELIVERED" // The receiver said that it has it.
	Failed    DeliveryStatus = "FAILED"    // It will not be tried again by itself.
)

// Delivery is a message to one webhook.
type Delivery struct {
	ID      int64
	Message string
	Status  DeliveryStatus
	Created core.Time
	Due     core.Time // Of the next attempt, when it is PENDING; 0 is at once.
	Tried   []Attempt // The newest, oldest first.
}

// AddWebhook adds a webhook and returns its id, or ErrTooManyWebhooks.
func (j *Journal) AddWebhook(w *Webhook) (id int64, err error) {
	refused := error(nil)
	err = j.change(func(c *conn) error {
		n, err := c.int("SELECT count(*) FROM webhook WHERE removed = 0")
		if err != nil {
			return err
		}
		if n >= WebhooksMax {
			refused = ErrTooManyWebhooks
			return nil
		}
		err = c.exec("INSERT INTO webhook (url, name, secret, created) VALUES (?, ?, ?, ?)", w.URL,
			w.Name, w.Secret, int64(w.Created))
		if err == nil {
			id, err = c.int("SELECT last_insert_rowid()")
		}
		return err
	})
	return id, errors.Join(err, refused)
}

// Webhooks returns all webhooks in the order in which they were added.
func (j *Journal) Webhooks(ctx context.Context) (list []Webhook, err error) {
	err = j.reading(ctx, func(ctx context.Context, c *conn) error {
		list, err = readWebhooks(ctx, c, "removed = 0")
		return err
	})
	return list, err
}

// Webhook finds a webhook, or returns ErrNoWebhook.
func (j *Journal) Webhook(ctx context.Context, id int64) (w Webhook, err error) {
	err = j.reading(ctx, func(ctx context.Context, c *conn) error {
		w, err = readWebhook(ctx, c, id)
		return err
	})
	return w, err
}

func readWebhook(ctx context.Context, c *conn, id int64) (w Webhook, err error) {
	list, err := readWebhooks(ctx, c, "removed = 0 AND id = ?", id)
	switch {
	case err != nil:
		return w, err
	case len(list) == 0:
		return w, ErrNoWebhook
	}
	return list[0], nil
}

func readWebhooks(ctx context.Context, c *conn, where string, args ...driver.Value,
) (list []Webhook, err error) {
	err = c.query(ctx, `SELECT id, created, disabled, waiting, dropped, url, name, secret FROM webhook
		WHERE `+where+" ORDER BY id", func(row []driver.Value) error {
		var n [5]int64
		if err := wholes(row[:5], n[:]); err != nil {
			return err
		}
		w := Webhook{
			ID: n[0], Created: core.Time(n[1]), Disabled: core.Time(n[2]), Waiting: n[3], Dropped: n[4],
		}
		var ok1, ok2, ok3 bool
		w.URL, ok1 = row[5].(string)
		w.Name, ok2 = row[6].(string)
		w.Secret, ok3 = row[7].([]byte)
		if !ok1 || !ok2 || !ok3 {
			return fmt.Errorf("%w: webhook %d is not what was stored", ErrDamaged, w.ID)
		}
		list = append(list, w)
		return nil
	}, args...)
	return list, err
}

// RemoveWebhook removes a webhook, or returns ErrNoWebhook. Nothing is delivered to it any more;
// its deliveries are deleted by and by.
func (j *Journal) RemoveWebhook(id int64) error {
	refused := error(nil)
	err := j.change(func(c *conn) error {
		err := c.exec("UPDATE webhook SET removed = 1 WHERE id = ? AND removed = 0", id)
		if err != nil {
			return err
		}
		n, err := c.int("SELECT changes()")
		if n == 0 {
			refused = ErrNoWebhook
		}
		return err
	})
	if err == nil {
		j.outbox.signal()
	}
	return errors.Join(err, refused)
}

// Deliveries returns deliveries to a webhook with an id above after, in ascending order, at most
// limit; those of one status only unless it is empty. It returns ErrNoWebhook for an unknown one.
func (j *Journal) Deliveries(ctx context.Context, webhook int64, status DeliveryStatus, after int64,
	limit int,
) (list []Delivery, err error) {
	err = j.reading(ctx, func(ctx context.Context, c *conn) error {
		if _, err := readWebhook(ctx, c, webhook); err != nil {
			return err
		}
		list, err = readDeliveries(ctx, c, `d.webhook_id = ? AND d.id > ? AND (d.status = ? OR ? = '')
			ORDER BY d.id LIMIT ?`, webhook, after, string(status), string(status), int64(limit))
		return err
	})
	return list, err
}

func readDeliveries(ctx context.Context, c *conn, where string, args ...driver.Value,
) (list []Delivery, err error) {
	err = c.query(ctx, `SELECT d.id, d.created, coalesce(d.due, 0), d.status, m.id
		FROM hook_delivery AS d JOIN hook_message AS m ON m.seq = d.message_seq WHERE `+where,
		func(row []driver.Value) error {
			var n [3]int64
			err := wholes(row[:3], n[:])
			list = append(list, Delivery{
				ID: n[0], Created: core.Time(n[1]), Due: core.Time(n[2]),
				Status: DeliveryStatus(fmt.Sprint(row[3])), Message: fmt.Sprint(row[4]),
			})
			return err
		}, args...)
	for i := 0; i < len(list) && err == nil; i++ {
		list[i].Tried, err = readAttempts(ctx, c, list[i].ID)
	}
	return list, err
}

func readAttempts(ctx context.Context, c *conn, delivery int64) (list []Attempt, err error) {
	err = c.query(ctx, `SELECT number, time, took, status, error FROM hook_attempt
		WHERE delivery_id = ? ORDER BY number`, func(row []driver.Value) error {
		var n [4]int64
		err := wholes(row[:4], n[:])
		list = append(list, Attempt{
			Number: int(n[0]), Time: core.Time(n[1]), Took: time.Duration(n[2]) * time.Microsecond,
			Status: int(n[3]), Error: fmt.Sprint(row[4]),
		})
		return err
	}, delivery)
	return list, err
}

// Redeliver has a message delivered once more, at once and with all its retries, and returns the
// delivery as it stands then. One that is PENDING is only tried sooner. It may refuse with
// ErrNoWebhook, ErrNoDelivery, ErrWebhookDisabled or ErrTooManyDeliveries.
func (j *Journal) Redeliver(webhook, delivery int64) (d Delivery, err error) {
	refused := error(nil)
	err = j.change(func(c *conn) error {
		w, err := readWebhook(context.Background(), c, webhook)
		if errors.Is(err, ErrNoWebhook) {
			refused = err
			return nil
		}
		state, failed := deliveryState(c, delivery)
		switch err = errors.Join(err, failed); {
		case err != nil:
		case state.webhook != webhook:
			refused = ErrNoDelivery
		case w.Disabled != 0:
			refused = ErrWebhookDisabled
		case state.status != Pending && w.Waiting >= j.outbox.most:
			refused = ErrTooManyDeliveries
		default:
			d, err = redeliver(c, delivery, state)
		}
		return err
	})
	if err == nil && refused == nil {
		j.outbox.signal()
	}
	return d, errors.Join(err, refused)
}

func redeliver(c *conn, id int64, state stateOfDelivery) (d Delivery, err error) {
	err = c.exec("UPDATE hook_delivery SET status = ?, due = 0, failures = 0 WHERE id = ?",
		string(Pending), id)
	if err == nil && state.status != Pending {
		err = c.exec("UPDATE webhook SET waiting = waiting + 1, finished = finished - 1 WHERE id = ?",
			state.webhook)
	}
	if err != nil {
		return d, err
	}
	list, err := readDeliveries(context.Background(), c, "d.id = ?", id)
	if err == nil {
		d = list[0]
	}
	return d, err
}

package webhook

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tradingengine/core"
	"tradingengine/httpd"
	"tradingengine/persist"
)

// Hooks are the webhooks of a journal in the words of HTTP. Any goroutine may use it.
type Hooks struct {
	Journal      *persist.Journal
	AllowPrivate bool
}

var _ httpd.Webhooks = (*Hooks)(nil)

// refusals are what HTTP calls what the journal refuses.
var refusals = []struct{ journal, http error }{
	{persist.ErrNoWebhook, httpd.ErrWebhookUnknown},
	{persist.ErrNoDelivery, httpd.ErrDeliveryUnknown},
	{persist.ErrTooManyWebhooks, httpd.ErrWebhooksFull},
	{persist.ErrWebhookDisabled, httpd.ErrWebhookDisabled},
	{persist.ErrTooManyDeliveries, httpd.ErrWebhookFull},
}

func refused(err error) error {
	for _, r := range refusals {
		if errors.Is(err, r.journal) {
			return r.http
		}
	}
	if persist.IsPassing(err) || errors.Is(err, persist.ErrStorageFailed) {
		return httpd.ErrWebhookJournal
	}
	return err
}

// Add implements httpd.Webhooks.
func (h *Hooks) Add(url, name string) (httpd.Webhook, string, error) {
	if _, err := parseTarget(url, h.AllowPrivate); err != nil {
		return httpd.Webhook{}, "", fmt.Errorf("%w: %s", httpd.ErrWebhookURL,
			strings.TrimPrefix(err.Error(), ErrURL.Error()+": "))
	}
	w := persist.Webhook{URL: url, Name: name, Secret: newSecret(), Created: core.Now()}
	id, err := h.Journal.AddWebhook(&w)
	w.ID = id
	return shown(&w), secretText(w.Secret), refused(err)
}

// shown is a webhook without its secret.
func shown(w *persist.Webhook) httpd.Webhook {
	return httpd.Webhook{
		ID: w.ID, URL: w.URL, Name: w.Name, Enabled: w.Disabled == 0, Created: w.Created,
		Waiting: w.Waiting, Dropped: w.Dropped,
	}
}

// List implements httpd.Webhooks.
func (h *Hooks) List(ctx context.Context) ([]httpd.Webhook, error) {
	rows, err := h.Journal.Webhooks(ctx)
	list := make([]httpd.Webhook, len(rows))
	for i := range rows {
		list[i] = shown(&rows[i])
	}
	return list, refused(err)
}

// Find implements httpd.Webhooks.
func (h *Hooks) Find(ctx context.Context, id int64) (httpd.Webhook, error) {
	w, err := h.Journal.Webhook(ctx, id)
	return shown(&w), refused(err)
}

// Remove implements httpd.Webhooks.
func (h *Hooks) Remove(id int64) error { return refused(h.Journal.RemoveWebhook(id)) }

// Deliveries implements httpd.Webhooks.
func (h *Hooks) Deliveries(ctx context.Context, id int64, status string, after int64, limit int,
) ([]httpd.Delivery, error) {
	rows, err := h.Journal.Deliveries(ctx, id, persist.DeliveryStatus(status), after, limit)
	list := make([]httpd.Delivery, len(rows))
	for i := range rows {
		list[i] = told(&rows[i])
	}
	return list, refused(err)
}

// Redeliver implements httpd.Webhooks.
func (h *Hooks) Redeliver(id, delivery int64) (httpd.Delivery, error) {
	d, err := h.Journal.Redeliver(id, delivery)
	return told(&d), refused(err)
}

func told(d *persist.Delivery) httpd.Delivery {
	t := httpd.Delivery{
		ID: d.ID, Message: d.Message, Status: string(d.Status), Created: d.Created, Next: d.Due,
	}
	for _, a := range d.Tried {
		t.Attempts = append(t.Attempts, httpd.DeliveryAttempt{
			Number: a.Number, Time: a.Time, Micros: a.Took.Microseconds(), Status: a.Status,
			Reason: a.Error,
		})
	}
	return t
}

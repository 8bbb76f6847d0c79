package httpd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

// Webhooks is who is told of what happens, and how telling them went. Its methods are called from
// many goroutines. What they refuse is one of the errors below, or wraps it.
type Webhooks interface {
	// Add adds a webhook. secret is what its receiver verifies signatures with.
	Add(url, name string) (w Webhook, secret string, err error)
	// List returns all of them, oldest first.
	List(ctx context.Context) ([]Webhook, error)
	Find(ctx context.Context, id int64) (Webhook, error)
	Remove(id int64) error
	// Deliveries returns messages for a webhook in ascending order of id, those with an id above
	// after, at most limit; of one status only, unless it is empty.
	Deliveries(ctx context.Context, id int64, status string, after int64, limit int,
	) ([]Delivery, error)
	// Redeliver has a message sent again, and returns it as it stands then.
	Redeliver(id, delivery int64) (Delivery, error)
}

// What Webhooks refuses. ErrWebhookURL is wrapped by an error that says what is wrong; the text of
// the others is for clients.
var (
	ErrWebhookURL      = errors.New("webhook URL")
	ErrWebhookUnknown  = errors.New("there is no such webhook")
	ErrDeliveryUnknown = errors.New("there is no such delivery to this webhook")
	ErrWebhooksFull    = errors.New("there are as many webhooks as there may be; delete one first")
	ErrWebhookDisabled = errors.New("the webhook is disabled, because it answered that it is gone; " +
		"add it again")
	ErrWebhookFull    = errors.New("too many messages wait for this webhook")
	ErrWebhookJournal = errors.New("the file of money cannot be written at the moment")
)

// Webhook is a receiver of messages.
type Webhook struct {
	ID        int64
	URL, Name string
	Enabled   bool
	Created   core.Time
	Waiting   int64 // Messages still to be delivered.
	Dropped   int64 // Messages that were not kept for it because too many waited.
}

// Delivery is a message for one webhook.
type Delivery struct {
	ID       int64
	Message  string // The header webhook-id.
	Status   string // PENDING, DELIVERED or FAILED.
	Created  core.Time
	Next     core.Time // When it is tried next, while it is PENDING; 0 is at once.
	Attempts []DeliveryAttempt
}

// DeliveryAttempt is how an attempt went.
type DeliveryAttempt struct {
	Number int // From 1.
	Time   core.Time
	Micros int64  // How long it took.
	Status int    // Of the answer; 0 without one.
	Reason string // Why there was none, or why it does not count.
}

// Faults of webhooks.
var (
	badURL          = fault{400, "BAD_URL", "Bad URL", 0}
	unknownWebhook  = fault{404, "UNKNOWN_WEBHOOK", "Unknown webhook", 0}
	unknownDelivery = fault{404, "UNKNOWN_DELIVERY", "Unknown delivery", 0}
	tooManyWebhooks = fault{409, "TOO_MANY_WEBHOOKS", "Too many webhooks", 0}
	webhookDisabled = fault{409, "WEBHOOK_DISABLED", "Webhook disabled", 0}
	webhookFull     = fault{409, "TOO_MANY_DELIVERIES", "Too many deliveries", 0}
)

var webhookFaults = []struct {
	err   error
	fault fault
}{
	{ErrWebhookURL, badURL},
	{ErrWebhookUnknown, unknownWebhook},
	{ErrDeliveryUnknown, unknownDelivery},
	{ErrWebhooksFull, tooManyWebhooks},
	{ErrWebhookDisabled, webhookDisabled},
	{ErrWebhookFull, webhookFull},
	{ErrWebhookJournal, journalDown},
}

// webhookProblem says what a client is told of an error of Webhooks. All that is not refused is a
// matter of storage.
func webhookProblem(err error) error {
	for _, f := range webhookFaults {
		if errors.Is(err, f.err) {
			return f.fault.because(withoutPrefix(err, f.err))
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errHistory, err)
	}
	return nil
}

var (
	webhookFields      = []string{"url", "name"}
	deliveryParameters = []string{"status", "limit", "cursor"}
)

const (
	webhookNameMax   = 100 // Characters.
	deliveryLimit    = 100
	deliveryLimitMax = 500
)

// webhookRoutes are the routes of webhooks.
func (s *Server) webhookRoutes() []*route {
	const (
		webhooks = "/api/webhooks"
		one      = webhooks + "/{webhookId}"
		all      = one + "/deliveries"
	)
	line := func(method, path string, handle handler) *route {
		return &route{method: method, path: path, handle: handle, access: forAdmins}
	}
	return []*route{
		line(get, webhooks, s.getWebhooks),
		line(post, webhooks, s.postWebhook),
		line(get, one, s.getWebhook),
		line(remove, one, s.deleteWebhook),
		line(get, all, s.getDeliveries),
		line(post, all+"/{deliveryId}/redeliver", s.postRedeliver),
	}
}

// getWebhooks answers with all webhooks.
func (s *Server) getWebhooks(ctx *fasthttp.RequestCtx) error {
	wait, stop := s.historyDeadline()
	defer stop()
	list, err := s.opts.Webhooks.List(wait)
	if err != nil {
		return webhookProblem(err)
	}
	dst := append(takeBody(ctx), listOpen...)
	for i := range list {
		dst = append(append(list[i].append(dst), '}'), ",\n"...)
	}
	giveBody(ctx, jsonType, closeList(dst, 0))
	return nil
}

// getWebhook answers with one webhook.
func (s *Server) getWebhook(ctx *fasthttp.RequestCtx) error {
	id, err := pathID(ctx, 2, unknownWebhook)
	if err != nil {
		return err
	}
	wait, stop := s.historyDeadline()
	defer stop()
	w, err := s.opts.Webhooks.Find(wait, id)
	if err != nil {
		return webhookProblem(err)
	}
	giveBody(ctx, jsonType, append(w.append(takeBody(ctx)), '}', '\n'))
	return nil
}

// postWebhook adds a webhook. Its secret is told here and never again.
func (s *Server) postWebhook(ctx *fasthttp.RequestCtx) error {
	o := readBody(ctx, webhookFields)
	o.need(webhookFields...)
	url, name := o.text("url"), o.text("name")
	if n := utf8.RuneCountInString(name); o.err == nil && (n == 0 || n > webhookNameMax) {
		o.fail(badField, `"name" must have 1 to %d characters`, webhookNameMax)
	}
	if o.err != nil {
		return o.err
	}
	w, secret, err := s.opts.Webhooks.Add(url, name)
	if err != nil {
		return webhookProblem(err)
	}
	ctx.SetStatusCode(http.StatusCreated)
	dst := appendString(append(w.append(takeBody(ctx)), `,"secret":`...), secret)
	giveBody(ctx, jsonType, append(dst, '}', '\n'))
	return nil
}

// deleteWebhook removes a webhook with all that waits for it.
func (s *Server) deleteWebhook(ctx *fasthttp.RequestCtx) error {
	id, err := pathID(ctx, 2, unknownWebhook)
	if err == nil {
		err = webhookProblem(s.opts.Webhooks.Remove(id))
	}
	if err == nil {
		ctx.SetStatusCode(http.StatusNoContent)
	}
	return err
}

// getDeliveries answers with messages for a webhook and the attempts to deliver them.
func (s *Server) getDeliveries(ctx *fasthttp.RequestCtx) error {
	q := newQuery(ctx, deliveryParameters)
	words := []string{"", "PENDING", "DELIVERED", "FAILED"}
	status := words[q.choice("status", words...)]
	limit, cursor := q.limit(deliveryLimit, deliveryLimitMax), q.cursor()
	id, err := pathID(ctx, 2, unknownWebhook)
	if err = errors.Join(err, q.err); err != nil {
		return err
	}
	wait, stop := s.historyDeadline()
	defer stop()
	list, err := s.opts.Webhooks.Deliveries(wait, id, status, int64(cursor), limit)
	if err != nil {
		return webhookProblem(err)
	}
	dst := append(takeBody(ctx), listOpen...)
	for i := range list {
		dst = append(list[i].append(dst), ",\n"...)
	}
	giveBody(ctx, jsonType, closeList(dst, 0))
	return nil
}

// postRedeliver has a message sent once more, with the id it had.
func (s *Server) postRedeliver(ctx *fasthttp.RequestCtx) error {
	id, err := pathID(ctx, 2, unknownWebhook)
	delivery, err2 := pathID(ctx, 4, unknownDelivery)
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	d, err := s.opts.Webhooks.Redeliver(id, delivery)
	if err != nil {
		return webhookProblem(err)
	}
	ctx.SetStatusCode(http.StatusAccepted)
	giveBody(ctx, jsonType, append(d.append(takeBody(ctx)), '\n'))
	return nil
}

// historyDeadline bounds a read of what is stored.
func (s *Server) historyDeadline() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), s.opts.Limits.ReadHistory)
}

// append leaves the object open, for what is told once.
func (w *Webhook) append(dst []byte) []byte {
	dst = appendInt(dst, `{"id":`, w.ID)
	dst = appendString(append(dst, `,"url":`...), w.URL)
	dst = appendString(append(dst, `,"name":`...), w.Name)
	dst = strconv.AppendBool(append(dst, `,"enabled":`...), w.Enabled)
	dst = w.Created.Append(append(dst, `,"createdAt":"`...))
	dst = appendInt(dst, `","waiting":`, w.Waiting)
	return appendInt(dst, `,"dropped":`, w.Dropped)
}

func (d *Delivery) append(dst []byte) []byte {
	dst = appendInt(dst, `{"id":`, d.ID)
	dst = appendString(append(dst, `,"messageId":`...), d.Message)
	dst = appendString(append(dst, `,"status":`...), d.Status)
	dst = d.Created.Append(append(dst, `,"createdAt":"`...))
	dst = append(dst, '"')
	if d.Next != 0 {
		dst = append(d.Next.Append(append(dst, `,"nextAttemptAt":"`...)), '"')
	}
	dst = append(dst, `,"attempts":[`...)
	for i := range d.Attempts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = d.Attempts[i].append(dst)
	}
	return append(dst, "]}"...)
}

func (a *DeliveryAttempt) append(dst []byte) []byte {
	dst = appendInt(dst, `{"number":`, int64(a.Number))
	dst = a.Time.Append(append(dst, `,"time":"`...))
	dst = appendInt(dst, `","durationMicros":`, a.Micros)
	if a.Status != 0 {
		dst = appendInt(dst, `,"status":`, int64(a.Status))
	}
	if a.Reason != "" {
		dst = appendString(append(dst, `,"reason":`...), a.Reason)
	}
	return append(dst, '}')
}

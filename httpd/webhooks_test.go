package httpd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tradingengine/core"
)

const hookStart = 1_700_000_000 * core.Time(core.Second)

// hookBook is Webhooks in memory, for tests of the routes alone.
type hookBook struct {
	hooks      []Webhook
	deliveries []Delivery // All of webhook 1.
	failure    error      // What every method returns.
}

func (b *hookBook) Add(url, name string) (w Webhook, secret string, err error) {
	if err := b.failure; err != nil {
		return w, "", err
	}
	if !strings.HasPrefix(url, "https://") {
		return w, "", fmt.Errorf("%w: it must begin with https://", ErrWebhookURL)
	}
	w = Webhook{
		ID: int64(len(b.hooks) + 1), URL: url, Name: name, Enabled: true, Created: hookStart,
		Waiting: 2, Dropped: 1,
	}
	b.hooks = append(b.hooks, w)
	return w, "whsec_AAAA", nil
}

func (b *hookBook) List(context.Context) ([]Webhook, error) { return b.hooks, b.failure }

func (b *hookBook) Find(_ context.Context, id int64) (Webhook, error) {
	for _, w := range b.hooks {
		if w.ID == id && b.failure == nil {
			return w, nil
		}
	}
	if b.failure != nil {
		return Webhook{}, b.failure
	}
	return Webhook{}, ErrWebhookUnknown
}

func (b *hookBook) Remove(id int64) error {
	if _, err := b.Find(context.Background(), id); err != nil {
		return err
	}
	b.hooks = slices.DeleteFunc(b.hooks, func(w Webhook) bool { return w.ID == id })
	return nil
}

func (b *hookBook) Deliveries(ctx context.Context, id int64, status string, after int64, limit int,
) (list []Delivery, err error) {
	_, err = b.Find(ctx, id)
	for _, d := range b.deliveries {
		if d.ID > after && len(list) < limit && (status == "" || status == d.Status) {
			list = append(list, d)
		}
	}
	return list, err
}

func (b *hookBook) Redeliver(id, delivery int64) (d Delivery, err error) {
	if _, err = b.Find(context.Background(), id); err != nil {
		return d, err
	}
	for _, d := range b.deliveries {
		if d.ID == delivery {
			d.Status = "PENDING"
			return d, nil
		}
	}
	return d, ErrDeliveryUnknown
}

// TestWebhookRoutes: what clients see, and each refusal.
func TestWebhookRoutes(t *testing.T) {
	b := &hookBook{deliveries: []Delivery{
		{
			ID: 1, Message: "0a", Status: "DELIVERED", Created: hookStart, Attempts: []DeliveryAttempt{
				{Number: 1, Time: hookStart, Micros: 15_000_000, Reason: `no "answer"`},
				{Number: 2, Time: hookStart + core.Second, Micros: 900, Status: 200},
			},
		},
		{ID: 2, Message: "0b", Status: "PENDING", Created: hookStart, Next: hookStart + core.Minute},
		{ID: 3, Message: "0c", Status: "PENDING", Created: hookStart},
	}}
	m := newTestMarket(t, marketOptions{server: func(o *Options) { o.Webhooks = b }})
	f := func(status int, method, path, body, want string) {
		t.Helper()
		if got := m.ask(status, method, "/api/webhooks"+path, body); !strings.Contains(got, want) ||
			want == "" && got != "" {
			t.Errorf("%s %s %s: got %s, want %s", method, path, body, got, want)
		}
	}
	start := `"` + string(hookStart.Append(nil)) + `"`
	one := `{"id":1,"url":"https://a.example/?k=\"","name":"ops","enabled":true,"createdAt":` + start +
		`,"waiting":2,"dropped":1`
	f(200, "GET", "", "", "[]\n")
	f(201, "POST", "", `{"url":"https://a.example/?k=\"","name":"ops"}`,
		one+`,"secret":"whsec_AAAA"}`+"\n")
	f(200, "GET", "", "", "[\n"+one+"}\n]\n")
	f(200, "GET", "/1", "", one+"}\n")

	f(400, "POST", "", ``, `"code":"EMPTY_BODY"`)
	f(400, "POST", "", `{"url":`, `"code":"BAD_JSON"`)
	f(400, "POST", "", `["https://a.example/"]`, `"code":"BAD_FIELD"`)
	f(400, "POST", "", `{"url":"https://a.example/"}`, `"code":"MISSING_FIELD"`)
	f(400, "POST", "", `{"name":"ops"}`, `"code":"MISSING_FIELD"`)
	f(400, "POST", "", `{"url":"https://a.example/","name":"ops","secret":"x"}`,
		`"code":"UNKNOWN_FIELD"`)
	f(400, "POST", "", `{"url":"https://a.example/","url":"https://b.example/","name":"x"}`,
		`"code":"DUPLICATE_FIELD"`)
	f(400, "POST", "", `{"url":7,"name":"ops"}`, `"code":"BAD_FIELD"`)
	f(400, "POST", "", `{"url":"https://a.example/","name":""}`, `"code":"BAD_FIELD"`)
	f(400, "POST", "", `{"url":"https://a.example/","name":"`+strings.Repeat("é", 101)+`"}`,
		`"code":"BAD_FIELD"`)
	f(400, "POST", "", `{"url":"http://a.example/","name":"ops"}`,
		`"code":"BAD_URL","detail":"it must begin with https://"`)

	first := `{"id":1,"messageId":"0a","status":"DELIVERED","createdAt":` + start + `,"attempts":[` +
		`{"number":1,"time":` + start + `,"durationMicros":15000000,"reason":"no \"answer\""},` +
		`{"number":2,"time":"` + string((hookStart + core.Second).Append(nil)) +
		`","durationMicros":900,"status":200}]}`
	second := `{"id":2,"messageId":"0b","status":"PENDING","createdAt":` + start +
		`,"nextAttemptAt":"` + string((hookStart + core.Minute).Append(nil)) + `","attempts":[]}`
	f(200, "GET", "/1/deliveries", "", "[\n"+first+",\n"+second+",\n"+`{"id":3,`)
	f(200, "GET", "/1/deliveries?limit=1&cursor=1", "", "[\n"+second+"\n]\n")
	f(200, "GET", "/1/deliveries?status=DELIVERED", "", "[\n"+first+"\n]\n")
	f(200, "GET", "/1/deliveries?status=FAILED", "", "[]\n")
	f(400, "GET", "/1/deliveries?status=LOST", "", `"code":"BAD_PARAMETER"`)
	f(400, "GET", "/1/deliveries?limit=501", "", `"code":"BAD_PARAMETER"`)
	f(400, "GET", "/1/deliveries?cursor=-1", "", `"code":"BAD_PARAMETER"`)
	f(202, "POST", "/1/deliveries/1/redeliver", "", `{"id":1,"messageId":"0a","status":"PENDING"`)

	for _, path := range []string{"/2", "/x", "/01", "/9223372036854775808", "/2/deliveries"} {
		f(404, "GET", path, "", `"code":"UNKNOWN_WEBHOOK"`)
	}
	f(404, "POST", "/2/deliveries/1/redeliver", "", `"code":"UNKNOWN_WEBHOOK"`)
	f(404, "POST", "/1/deliveries/4/redeliver", "", `"code":"UNKNOWN_DELIVERY"`)
	f(404, "POST", "/1/deliveries/x/redeliver", "", `"code":"UNKNOWN_DELIVERY"`)
	f(404, "DELETE", "/2", "", `"code":"UNKNOWN_WEBHOOK"`)
	f(405, "PATCH", "/1", "", `"code":"METHOD_NOT_ALLOWED"`)
	f(405, "GET", "/1/deliveries/1/redeliver", "", `"code":"METHOD_NOT_ALLOWED"`)

	for _, e := range []struct {
		err    error
		status int
		code   string
	}{
		{ErrWebhooksFull, 409, "TOO_MANY_WEBHOOKS"},
		{ErrWebhookDisabled, 409, "WEBHOOK_DISABLED"},
		{ErrWebhookFull, 409, "TOO_MANY_DELIVERIES"},
		{ErrWebhookJournal, 503, "JOURNAL_DOWN"},
		{errors.New("the disk broke"), 503, "STORAGE_FAILED"},
	} {
		b.failure = e.err
		code := `"code":"` + e.code + `"`
		f(e.status, "POST", "", `{"url":"https://a.example/","name":"ops"}`, code)
		f(e.status, "POST", "/1/deliveries/1/redeliver", "", code)
		f(e.status, "GET", "", "", code)
		f(e.status, "GET", "/1/deliveries", "", code)
		f(e.status, "DELETE", "/1", "", code)
	}
	b.failure = nil
	f(204, "DELETE", "/1", "", "")
	f(200, "GET", "", "", "[]\n")
}

package webhook

import (
	"errors"
	"log/slog"
	"testing"

	"tradingengine/core"
	"tradingengine/httpd"
	"tradingengine/persist"
)

// openJournal opens the file of money of an empty directory.
func openJournal(t *testing.T) *persist.Journal {
	t.Helper()
	symbols, err := core.NewRegistry(core.DefaultSymbols())
	if err != nil {
		t.Fatal(err)
	}
	s, err := persist.Open(persist.Options{
		Dir: t.TempDir(), Symbols: symbols, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	j, err := s.OpenJournal()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(j.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	return j
}

// TestHooks: what HTTP is told of the webhooks of a real file.
func TestHooks(t *testing.T) {
	h := &Hooks{Journal: openJournal(t)}
	w, secret, err := h.Add("https://a.example/", "ops")
	if err != nil || w.ID != 1 || !w.Enabled || w.Created == 0 || len(secret) != len("whsec_")+44 {
		t.Fatalf("%+v, %q, %v", w, secret, err)
	}
	if found, err := h.Find(t.Context(), 1); err != nil || found != w {
		t.Errorf("found %+v, %v; want %+v", found, err, w)
	}
	if list, err := h.List(t.Context()); err != nil || len(list) != 1 || list[0] != w {
		t.Errorf("listed %+v, %v", list, err)
	}
	if list, err := h.Deliveries(t.Context(), 1, "", 0, 9); err != nil || len(list) != 0 {
		t.Errorf("deliveries %+v, %v", list, err)
	}
	f := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	_, _, err = h.Add("http://127.0.0.1/", "ops")
	f("a private address", err, httpd.ErrWebhookURL)
	if want := httpd.ErrWebhookURL.Error() + ": " + errPrivate.Error(); err.Error() != want {
		t.Errorf("a private address: %v, want %s", err, want)
	}
	_, err = h.Find(t.Context(), 2)
	f("find", err, httpd.ErrWebhookUnknown)
	_, err = h.Deliveries(t.Context(), 2, "", 0, 9)
	f("deliveries", err, httpd.ErrWebhookUnknown)
	_, err = h.Redeliver(1, 1)
	f("redeliver", err, httpd.ErrDeliveryUnknown)
	f("remove", h.Remove(2), httpd.ErrWebhookUnknown)
	for range persist.WebhooksMax - 1 {
		if _, _, err := h.Add("https://b.example/", "more"); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err = h.Add("https://b.example/", "one too many")
	f("add", err, httpd.ErrWebhooksFull)
	f("remove", h.Remove(1), nil)
	_, err = h.Find(t.Context(), 1)
	f("removed", err, httpd.ErrWebhookUnknown)
}

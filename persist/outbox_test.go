package persist

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"tradingengine/core"
)

// put puts a message into the outbox in a transaction of its own.
func put(t testing.TB, j *Journal, id string) {
	t.Helper()
	err := j.change(func(c *conn) error {
		return j.enqueueHooks(c, id, []byte(`{"id":"`+id+`"}`), testStart)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func addHook(t testing.TB, j *Journal, name string) int64 {
	t.Helper()
	id, err := j.AddWebhook(&Webhook{
		URL: "https://" + name + ".example/", Name: name, Secret: []byte(name), Created: testStart,
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// due lists what is to be delivered, as webhook:message.
func due(t testing.TB, j *Journal, now core.Time, each int) (list []string, next core.Time) {
	t.Helper()
	rows, next, err := j.Due(t.Context(), now, each)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range rows {
		if string(d.Body) != `{"id":"`+d.Message+`"}` || len(d.Secret) == 0 || d.URL == "" {
			t.Errorf("delivery %+v", d)
		}
		list = append(list, fmt.Sprint(d.Webhook, ":", d.Message))
	}
	return list, next
}

func wantDue(t testing.TB, j *Journal, now core.Time, each int, want ...string) (next core.Time) {
	t.Helper()
	got, next := due(t, j, now, each)
	if !slices.Equal(got, want) {
		t.Errorf("due: %v, want %v", got, want)
	}
	return next
}

// TestOutboxTellsEachWebhookOnce repeats messages, adds webhooks between them, and opens the file
// again.
func TestOutboxTellsEachWebhookOnce(t *testing.T) {
	dir := t.TempDir()
	s, j, _ := openTestJournal(t, dir)
	put(t, j, "nobody")
	a := addHook(t, j, "a")
	put(t, j, "one")
	put(t, j, "one")
	b := addHook(t, j, "b")
	put(t, j, "one")
	put(t, j, "two")
	err := errors.New("the commit failed")
	failed := j.transact(func(c *conn) error {
		return errors.Join(err, j.enqueueHooks(c, "undone", nil, testStart))
	})
	if !errors.Is(failed, err) {
		t.Fatal(failed)
	}
	want := []string{
		fmt.Sprint(a, ":one"), fmt.Sprint(a, ":two"), fmt.Sprint(b, ":two"),
	}
	wantDue(t, j, testStart, 9, want...)
	wantDue(t, j, testStart, 1, want[0], want[2])
	if err := errors.Join(j.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	_, j, _ = openTestJournal(t, dir)
	wantDue(t, j, testStart, 9, want...)
}

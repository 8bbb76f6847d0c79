package persist

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tradingengine/core"
)

// put puts messages into the outbox in one transaction.
func put(t testing.TB, j *Journal, ids ...string) {
	t.Helper()
	err := j.change(func(c *conn) error {
		for _, id := range ids {
			err := j.enqueueHooks(c, id, []byte(`{"id":"`+id+`"}`), testStart)
			if err != nil {
				return err
			}
		}
		return nil
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

// attempt records an attempt, and returns the delivery as it stands then.
func attempt(t testing.TB, j *Journal, hook int64, r AttemptResult) Delivery {
	t.Helper()
	if err := j.Record([]AttemptResult{r}); err != nil {
		t.Fatal(err)
	}
	list, err := j.Deliveries(t.Context(), hook, "", r.Delivery-1, 1)
	if err != nil || len(list) != 1 || list[0].ID != r.Delivery {
		t.Fatalf("delivery %d: %+v, %v", r.Delivery, list, err)
	}
	return list[0]
}

// sweepAll sweeps until there is nothing more, and returns in how many steps.
func sweepAll(t testing.TB, j *Journal, now core.Time) (steps int) {
	t.Helper()
	for {
		more, err := j.Sweep(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return steps
		}
		steps++
	}
}

// closeAndVerify ends a test with a look at the whole file.
func closeAndVerify(t *testing.T, s *Store, j *Journal) {
	t.Helper()
	if err := errors.Join(j.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, s.opts.Dir)
}

// TestOutboxTellsEachWebhookOnce repeats messages, adds webhooks between them, and opens the file
// again.
//
// It was seen to find a message that is told again when it is repeated.
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

// TestOutboxAttempts: what each outcome of an attempt makes of a delivery, and its being asked for
// again.
//
// It was seen to find messages for a disabled webhook, attempts that are kept for ever, and a
// redelivery that goes on counting failures.
func TestOutboxAttempts(t *testing.T) {
	s, j, _ := openTestJournal(t, t.TempDir())
	hook := addHook(t, j, "a")
	other := addHook(t, j, "b")
	put(t, j, "one")
	list, err := j.Deliveries(t.Context(), hook, Pending, 0, 9)
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	id := list[0].ID
	f := func(r AttemptResult, want string) {
		t.Helper()
		r.Delivery = id
		d := attempt(t, j, hook, r)
		w, err := j.Webhook(t.Context(), hook)
		got := fmt.Sprint(d.Status, " due ", int64(d.Due), ", ", len(d.Tried), " attempts, waiting ",
			w.Waiting, ", disabled ", int64(w.Disabled))
		if got != want || err != nil {
			t.Errorf("%+v: %s, %v; want %s", r, got, err, want)
		}
	}
	at := Attempt{Time: testStart, Took: 3 * time.Millisecond, Status: 503}
	f(AttemptResult{Attempt: at, Next: testStart + 5}, fmt.Sprintf(
		"PENDING due %d, 1 attempts, waiting 1, disabled 0", testStart+5))
	if next := wantDue(t, j, testStart, 9, fmt.Sprint(other, ":one")); next != testStart+5 {
		t.Errorf("next at %d", next)
	}
	wantDue(t, j, testStart+5, 9, fmt.Sprint(hook, ":one"), fmt.Sprint(other, ":one"))
	f(AttemptResult{Attempt: Attempt{Error: "no answer"}},
		"FAILED due 0, 2 attempts, waiting 0, disabled 0")
	f(AttemptResult{Attempt: at, Next: testStart + 9},
		"FAILED due 0, 3 attempts, waiting 0, disabled 0")
	again := func(want error) {
		t.Helper()
		d, err := j.Redeliver(hook, id)
		if !errors.Is(err, want) || want == nil && (d.ID != id || d.Status != Pending || d.Due != 0) {
			t.Errorf("redeliver: %+v, %v; want %v", d, err, want)
		}
	}
	again(nil)
	again(nil)
	rows, _, err := j.Due(t.Context(), testStart, 9)
	if err != nil || len(rows) != 2 || rows[0].Failures != 0 {
		t.Errorf("due: %+v, %v; want no failures", rows, err)
	}
	f(AttemptResult{Attempt: Attempt{Status: 200}, Delivered: true},
		"DELIVERED due 0, 4 attempts, waiting 0, disabled 0")
	for range attemptsKept {
		again(nil)
		attempt(t, j, hook, AttemptResult{Delivery: id, Attempt: at, Next: testStart + 7})
	}
	f(AttemptResult{Attempt: Attempt{Time: 77, Status: 410}, Gone: true},
		"FAILED due 0, 20 attempts, waiting 0, disabled 77")
	again(ErrWebhookDisabled)
	last, err := j.Deliveries(t.Context(), hook, Failed, 0, 9)
	if err != nil || len(last) != 1 {
		t.Fatalf("%+v, %v", last, err)
	}
	want := Attempt{Number: 24, Time: testStart, Took: 3 * time.Millisecond, Status: 503}
	if got := last[0].Tried; got[0].Number != 6 || got[18] != want || got[19].Number != 25 {
		t.Errorf("attempts %+v", got)
	}
	if _, err := j.Redeliver(other, id); !errors.Is(err, ErrNoDelivery) {
		t.Errorf("of another webhook: %v", err)
	}
	if _, err := j.Redeliver(9, id); !errors.Is(err, ErrNoWebhook) {
		t.Errorf("of no webhook: %v", err)
	}
	put(t, j, "two")
	wantDue(t, j, testStart, 9, fmt.Sprint(other, ":one"), fmt.Sprint(other, ":two"))
	if w, err := j.Webhook(t.Context(), hook); err != nil || w.Waiting != 0 {
		t.Errorf("%+v, %v; want nothing to wait for a disabled one", w, err)
	}
	closeAndVerify(t, s, j)
}

// TestOutboxFull: as many webhooks as there may be, and as many messages for one.
//
// It was seen to find a bound that is not kept, one that is not counted, and messages for a webhook
// that was removed.
func TestOutboxFull(t *testing.T) {
	s, j, _ := openTestJournal(t, t.TempDir())
	j.outbox.most = 2
	full := addHook(t, j, "full")
	put(t, j, "one")
	put(t, j, "two")
	put(t, j, "three")
	put(t, j, "three")
	later := addHook(t, j, "later")
	put(t, j, "four")
	check := func(hook, waiting, dropped int64) {
		t.Helper()
		w, err := j.Webhook(t.Context(), hook)
		if err != nil || w.Waiting != waiting || w.Dropped != dropped {
			t.Errorf("%+v, %v; want %d waiting, %d dropped", w, err, waiting, dropped)
		}
	}
	check(full, 2, 3) // A message that found room nowhere is not remembered either.
	check(later, 1, 0)
	attempt(t, j, full, AttemptResult{Delivery: 1, Attempt: Attempt{Status: 200}, Delivered: true})
	put(t, j, "five")
	check(full, 2, 3)
	if _, err := j.Redeliver(full, 1); !errors.Is(err, ErrTooManyDeliveries) {
		t.Errorf("redeliver: %v", err)
	}
	if _, err := j.Redeliver(full, 2); err != nil {
		t.Errorf("redeliver what waits: %v", err)
	}
	for i := range WebhooksMax - 2 {
		addHook(t, j, fmt.Sprint("more", i))
	}
	id, err := j.AddWebhook(&Webhook{URL: "u", Secret: []byte{1}})
	if !errors.Is(err, ErrTooManyWebhooks) {
		t.Errorf("one more: %d, %v", id, err)
	}
	if err := j.RemoveWebhook(later); err != nil {
		t.Fatal(err)
	}
	put(t, j, "after the removal")
	err = j.readConn(t.Context(), func(c *conn) error {
		list, err := readWebhooks(t.Context(), c, "id = ?", later)
		if err == nil && (list[0].Waiting != 2 || list[0].Dropped != 0) {
			t.Errorf("removed: %+v, want the 2 of before to wait", list[0])
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if n := sweepAll(t, j, testStart); n != 3 { // What waited and is given up, its rows, itself.
		t.Errorf("%d steps to remove what waited before", n)
	}
	addHook(t, j, "in its place")
	if list, err := j.Webhooks(t.Context()); err != nil || len(list) != WebhooksMax ||
		list[1].Name != "more0" || list[WebhooksMax-1].ID != WebhooksMax+1 {
		t.Errorf("%d webhooks, %v", len(list), err)
	}
	closeAndVerify(t, s, j)
}

// TestOutboxSweep: what is removed, disabled, old or too much goes, in small steps, and no more.
//
// It was seen to find a sweep that takes what waits, one that leaves messages of nobody, and one
// that takes what is young.
func TestOutboxSweep(t *testing.T) {
	s, j, _ := openTestJournal(t, t.TempDir())
	j.outbox.finishedMost = 300
	removed, disabled := addHook(t, j, "removed"), addHook(t, j, "disabled")
	busy, quiet := addHook(t, j, "busy"), addHook(t, j, "quiet")
	const messages = 500
	var ids []string
	for i := range messages {
		ids = append(ids, fmt.Sprint(i))
	}
	put(t, j, ids...)
	if n := sweepAll(t, j, testStart+core.Hour); n != 0 {
		t.Errorf("%d steps with nothing to do", n)
	}
	var results []AttemptResult
	for i := range int64(messages) {
		// Of the rows, four a message, each webhook has every fourth.
		if i%10 == 0 {
			results = append(results, AttemptResult{Delivery: 4*i + 1, Delivered: true})
		}
		if i < 450 {
			results = append(results, AttemptResult{Delivery: 4*i + 3, Delivered: true})
		}
		if i%50 == 49 {
			results = append(results, AttemptResult{Delivery: 4*i + 4})
		}
	}
	results = append(results, AttemptResult{Delivery: 2, Attempt: Attempt{Time: 5}, Gone: true})
	if err := j.Record(results); err != nil {
		t.Fatal(err)
	}
	if err := j.RemoveWebhook(removed); err != nil {
		t.Fatal(err)
	}
	if err := j.RemoveWebhook(removed); !errors.Is(err, ErrNoWebhook) {
		t.Errorf("removed twice: %v", err)
	}
	count := func(hook int64, status string) int64 {
		t.Helper()
		var n int64
		err := j.readConn(t.Context(), func(c *conn) (err error) {
			n, err = c.int("SELECT count(*) FROM hook_delivery WHERE webhook_id = ? AND status = ?", hook,
				status)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	steps := sweepAll(t, j, testStart+core.Hour)
	for _, f := range []struct {
		hook      int64
		status    string
		remaining int64
	}{
		{removed, "PENDING", 0},
		{removed, "DELIVERED", 0},
		{removed, "FAILED", 0},
		{disabled, "PENDING", 0},
		{disabled, "FAILED", 300},
		{busy, "PENDING", 50},
		{busy, "DELIVERED", 300},
		{quiet, "FAILED", 10},
		{quiet, "PENDING", 490},
	} {
		if got := count(f.hook, f.status); got != f.remaining {
			t.Errorf("webhook %d: %d %s, want %d", f.hook, got, f.status, f.remaining)
		}
	}
	// removed: 450 given up in 3, 500 deleted in 3, itself; disabled: 499 given up in 3, 200 deleted
	// in 1; busy: 150 in 1.
	if steps != 12 {
		t.Errorf("%d steps", steps)
	}
	if got := count(busy, "DELIVERED"); got != 300 {
		t.Errorf("%d delivered to the busy one", got)
	}
	sweepAll(t, j, testStart+finishedFor+1)
	if left := count(busy, "DELIVERED") + count(quiet, "FAILED"); left != 0 {
		t.Errorf("%d old ones are left", left)
	}
	if n := count(quiet, "PENDING"); n != 490 {
		t.Errorf("%d still wait, want 490", n)
	}
	closeAndVerify(t, s, j)
}

// TestOutboxStorageFails: nothing touches a file that cannot be trusted any more.
func TestOutboxStorageFails(t *testing.T) {
	_, j, _ := openTestJournal(t, t.TempDir())
	hook := addHook(t, j, "a")
	err := j.change(func(*conn) error { return errors.New("odd") })
	if !errors.Is(err, ErrStorageFailed) {
		t.Errorf("%v, want %v", err, ErrStorageFailed)
	}
	for _, err := range []error{
		j.Record([]AttemptResult{{Delivery: 1}}), j.RemoveWebhook(hook),
		func() error { _, err := j.AddWebhook(&Webhook{}); return err }(),
		func() error { _, err := j.Redeliver(hook, 1); return err }(),
	} {
		if !errors.Is(err, ErrStorageFailed) {
			t.Errorf("%v, want %v", err, ErrStorageFailed)
		}
	}
}

// TestVerifyFindsInOutbox changes one thing in a good outbox at a time.
func TestVerifyFindsInOutbox(t *testing.T) {
	s, j, _ := openTestJournal(t, t.TempDir())
	hook := addHook(t, j, "a")
	put(t, j, "one", "two")
	attempt(t, j, hook, AttemptResult{Delivery: 1, Delivered: true})
	closeAndVerify(t, s, j)
	good := readFile(t, j.path)
	f := func(statement, want string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), TradingFile)
		writeFile(t, path, good)
		c, err := openConn(path, "mode=rw")
		if err != nil {
			t.Fatal(err)
		}
		v := &verifier{VerifyResult: &VerifyResult{}, conn: c, file: path}
		err = errors.Join(c.script(statement), verifyOutbox(t.Context(), v), c.close())
		if err != nil || v.Wrong != 1 || !strings.Contains(v.Faults[0], want) {
			t.Errorf("%s: %v, found %q, want %q", statement, err, v.Faults, want)
		}
	}
	f("UPDATE webhook SET waiting = 3 WHERE id = 1", "counts of webhook 1")
	f("UPDATE webhook SET finished = 3 WHERE id = 1", "counts of webhook 1")
	f("DELETE FROM webhook; DELETE FROM hook_delivery WHERE id = 2; DELETE FROM hook_message "+
		"WHERE id = 'two'", "delivery 1 is of a webhook")
	f("UPDATE hook_delivery SET due = NULL WHERE id = 2", "the status of delivery 2")
	f("UPDATE hook_delivery SET status = 'LOST' WHERE id = 1", "the status of delivery 1")
	f("UPDATE hook_attempt SET number = 2 WHERE delivery_id = 1", "attempts of delivery 1")
	f("DELETE FROM hook_message WHERE id = 'one'", "delivery 1 is of a webhook or message")
	f("INSERT INTO hook_message VALUES (9, 'x', '', 0)", "message 9 is for nobody")
}

package blackbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// receiver is a webhook's other side. It verifies every message with the secret it was given.
type receiver struct {
	t      *testing.T
	url    string
	secret string
	got    chan told // Messages as they come.

	mu    sync.Mutex
	stall bool // Answer nothing.
}

// told is a message that was verified.
type told struct {
	id   string
	body struct {
		Type string
		Data struct{ Kind, Title, Severity string }
	}
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{t: t, got: make(chan told, 64)}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	r.url = s.URL + "/in"
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	m := told{id: q.Header.Get("webhook-id")}
	if err == nil {
		err = json.Unmarshal(body, &m.body)
	}
	r.mu.Lock()
	stall, secret := r.stall, r.secret
	r.mu.Unlock()
	key, err2 := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", m.id, q.Header.Get("webhook-timestamp"), body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	if err != nil || err2 != nil || q.Header.Get("webhook-signature") != want {
		r.t.Errorf("got %v %s; %v, %v, want the signature %s", q.Header, body, err, err2, want)
	}
	r.got <- m
	if stall {
		<-q.Context().Done() // The sender is gone.
	}
}

func (r *receiver) stalls(yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stall = yes
}

// next waits for a message whose title contains a text; others are passed over.
func (r *receiver) next(title string) told {
	r.t.Helper()
	for limit := time.After(30 * time.Second); ; {
		select {
		case m := <-r.got:
			if strings.Contains(m.body.Data.Title, title) {
				return m
			}
		case <-limit:
			r.t.Fatalf("no message of %q came", title)
		}
	}
}

// TestWebhookTellsOfAFullQueue fills the queue of a real server, which its own check finds, the desk
// fires, and a receiver is told; kills the server while the receiver has not answered; and finds
// that the next run tells it once more, as the same message, and never again.
//
// It was seen to find a commit that wakes nobody, and an attempt that is recorded before its end.
func TestWebhookTellsOfAFullQueue(t *testing.T) {
	r, dir := receive(t), t.TempDir()
	args := []string{"-feed", "none", "-data", "d", "-queue", "1", "-flush-interval", "2s"}
	refusing := start(t, dir, args...)
	refusing.send(400, "POST", "/api/webhooks", fmt.Sprintf(`{"url":%q,"name":"test"}`, r.url))
	if code := refusing.stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	args = append(args, "-webhook-allow-private")
	s := start(t, dir, args...)
	var added struct{ Secret string }
	answer := s.send(201, "POST", "/api/webhooks", fmt.Sprintf(`{"url":%q,"name":"test"}`, r.url))
	if err := json.Unmarshal([]byte(answer), &added); err != nil {
		t.Fatal(err)
	}
	r.secret = added.Secret
	r.stalls(true)
	var quotes strings.Builder
	for i := range 50 {
		fmt.Fprintf(&quotes, `{"symbol":"EURUSD","bid":1.1%d000,"ask":1.1%d010}`+"\n", i%2, i%2)
	}
	s.post("/ticks?ack=accept", "application/x-ndjson", quotes.String(), 202)
	first := r.next("queue: ")
	if first.body.Type != "alert" || first.body.Data.Kind != "SYSTEM" ||
		first.body.Data.Severity != "HIGH" {
		t.Errorf("told %+v", first)
	}
	if fires := s.get("/api/alerts", 200); !strings.Contains(fires, first.id) {
		t.Errorf("no fire %s in %s", first.id, fires)
	}
	if log := s.log(); !strings.Contains(log, "queue: ") {
		t.Error("the log does not tell of the queue")
	}
	s.kill()
	r.stalls(false)
	s = start(t, dir, args...)
	if again := r.next("queue: "); again.id != first.id {
		t.Errorf("told of %s, then of %s", first.id, again.id)
	}
	s.until(20*time.Second, "the delivery is recorded", func() bool {
		return strings.Contains(s.get("/api/webhooks/1/deliveries?status=DELIVERED", 200), first.id)
	})
	if list := s.get("/api/webhooks/1/deliveries?status=DELIVERED", 200); !strings.Contains(list,
		`"attempts":[{"number":1,`) || strings.Contains(list, `"number":2`) {
		t.Errorf("deliveries: %s", list)
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for len(r.got) > 0 {
		if m := <-r.got; m.id == first.id {
			t.Errorf("told a third time: %+v", m)
		}
	}
}

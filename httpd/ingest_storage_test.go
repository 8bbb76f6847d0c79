package httpd

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tradingengine/core"
)

// TestIngestWaitsForCommit holds the storage back and looks at what a waiting sender gets.
func TestIngestWaitsForCommit(t *testing.T) {
	m := newTestMarket(t, marketOptions{server: func(o *Options) {
		o.Limits.CommitTimeout = 300 * time.Millisecond
	}})
	m.storage.held.Store(true)
	quote := quoteLines("EURUSD", testNow-core.Second, 0, 1)
	a := m.do("POST", "/ticks", quote, "Content-Type", ndjsonType)
	if a.status != 503 || !strings.Contains(a.body, `"code":"STORAGE_TIMEOUT"`) ||
		!strings.Contains(a.body, "unknown") || strings.Contains(a.body, "committed\":") {
		t.Errorf("held: got %d %s", a.status, a.body)
	}
	a = m.do("POST", "/ticks?ack=accept", quote, "Content-Type", ndjsonType)
	want := `{"received":1,"rejected":0,"errors":[],"committed":false}` + "\n"
	if a.status != 202 || a.body != want {
		t.Errorf("accept: got %d %s, want 202 %s", a.status, a.body, want)
	}
	m.storage.held.Store(false)
	if a := m.post(quote); !strings.Contains(a.body, `"received":1,`) {
		t.Errorf("after: %s", a.body)
	}
}

func TestIngestStorageLost(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	m.storage.loses.Store(true)
	a := m.do("POST", "/ticks", quoteLines("EURUSD", testNow-core.Minute, core.Second, 3)+"x\n",
		"Content-Type", ndjsonType)
	want := `{"type":"about:blank","title":"Ticks lost","status":503,"code":"STORAGE_LOST",` +
		`"detail":"ticks of this request were overwritten in memory before they could be stored",` +
		`"received":4,"stored":3,"throttled":0,"rejected":1,"errors":[{"line":4,"code":"BAD_LINE",` +
		`"detail":"not a JSON object"}],"committed":false,"lost":3}` + "\n"
	if a.status != 503 || a.body != want {
		t.Errorf("got %d %s\nwant %s", a.status, a.body, want)
	}
}

func TestIngestStorageFailed(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	m.storage.held.Store(true)
	waiting := make(chan answer)
	quote := quoteLines("EURUSD", testNow-core.Second, 0, 1)
	go func() {
		a, err := m.try("POST", "/ticks", quote, "Content-Type", ndjsonType)
		if err != nil {
			t.Error(err)
		}
		waiting <- a
	}()
	for m.engine.Stats().Received == 0 {
		time.Sleep(time.Millisecond) // Until the sender waits; the test's own deadline bounds it.
	}
	m.engine.StorageFailed(errors.New("fsync /secret/place: input/output error"))
	f := func(a answer) {
		t.Helper()
		want := `"code":"STORAGE_FAILED","detail":"storage has failed, so nothing can be ` +
			`acknowledged any more"}`
		if a.status != 503 || !strings.Contains(a.body, want) || strings.Contains(a.body, "secret") {
			t.Errorf("got %d %s", a.status, a.body)
		}
	}
	f(<-waiting)
	f(m.do("POST", "/ticks", quote, "Content-Type", ndjsonType))
	f(m.do("POST", "/ticks?ack=accept", quote, "Content-Type", ndjsonType))
	if got := m.engine.Stats().Received; got != 1 {
		t.Errorf("%d quotes received, want 1", got)
	}
	if !strings.Contains(m.log.String(), "/secret/place") {
		t.Error("the reason is not in the log")
	}
}

// TestIngestInboxFull fills the inbox of an engine that applies nothing for now.
func TestIngestInboxFull(t *testing.T) {
	begin := make(chan struct{})
	m := newTestMarket(t, marketOptions{
		begin: begin, engine: func(o *core.Options) { o.Inbox = 4 * core.BatchMax },
	})
	post := func(n int) answer {
		return m.do("POST", "/ticks?ack=accept", quoteLines("EURUSD", testNow-core.Hour, core.Second, n),
			"Content-Type", ndjsonType)
	}
	f := func(a answer, status int, retry, want string) {
		t.Helper()
		if a.status != status || a.header.Get("Retry-After") != retry || !strings.Contains(a.body, want) {
			t.Errorf("got %d %s %v\nwant %d %s", a.status, a.body, a.header, status, want)
		}
	}
	f(post(3000), 202, "", `"received":3000`)
	f(post(2000), 503, "1", `"code":"INBOX_FULL","detail":"the engine takes no more quotes at the `+
		`moment; nothing of this request was taken"}`)
	f(post(5000), 413, "", `"code":"TOO_MANY_QUOTES"`)
	f(post(1000), 202, "", `"received":1000`)
	close(begin)
	m.post(quoteLines("GBPUSD", testNow, 0, 1))
	if got := m.engine.Stats(); got.Received != 4001 {
		t.Errorf("%d quotes received, want 4001", got.Received)
	}
}

func TestIngestShuttingDown(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	m.engine.Close()
	a := m.do("POST", "/ticks", quoteLines("EURUSD", testNow, 0, 1), "Content-Type", ndjsonType)
	if a.status != 503 || !strings.Contains(a.body, `"code":"SHUTTING_DOWN"`) ||
		a.header.Get("Retry-After") == "" {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

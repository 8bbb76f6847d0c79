package httpd

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tradingengine/core"
)

func zip(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	check(t, errors.Join(err, w.Close()))
	return b.String()
}

func TestIngestGzip(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	lines := quoteLines("EURUSD", testNow-core.Minute, core.Second, 3)
	packed := zip(t, lines)
	f := func(body string, status int, want string) {
		t.Helper()
		a := m.do("POST", "/ticks", body, "Content-Type", ndjsonType, "Content-Encoding", "gzip")
		if a.status != status || !strings.Contains(a.body, want) {
			t.Errorf("got %d %s, want %d with %s", a.status, a.body, status, want)
		}
	}
	f(packed[:len(packed)-1], 400,
		`"code":"BAD_GZIP","detail":"the body is broken gzip: it ends too early"`)
	f(packed[:len(packed)/2], 400, `"code":"BAD_GZIP"`)
	f(packed[:5], 400, `"code":"BAD_GZIP","detail":"the body is not gzip: it ends too early"`)
	f(packed+"rest", 400, `"code":"BAD_GZIP"`)
	f(packed[:len(packed)-5]+"\x00"+packed[len(packed)-4:], 400, `"code":"BAD_GZIP"`)
	f(zip(t, ""), 400, `"code":"EMPTY_BODY"`)
	f(zip(t, strings.Repeat(" ", 4<<20)+" "), 413, `"code":"BODY_TOO_LARGE"`)
	f(zip(t, lines+strings.Repeat("\n", 4<<20-len(lines))), 200, `"received":3,"stored":3`)
	f(packed+zip(t, lines), 200, `"received":6`) // Two members are one body.
	if got := m.engine.Stats(); got.Received != 9 {
		t.Errorf("%d quotes received, want 9", got.Received)
	}
}

// TestIngestTooLarge sends more than 4 MiB in every way. The answer must arrive although the server
// does not want the body.
func TestIngestTooLarge(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	large := strings.Repeat(strings.Repeat(" ", 1023)+"\n", 4<<10+1)
	f := func(name string, send func() (*http.Response, error)) {
		t.Helper()
		r, err := send()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		body, err := io.ReadAll(r.Body)
		check(t, errors.Join(err, r.Body.Close()))
		want := `"code":"BODY_TOO_LARGE","detail":"a body may have at most 4194304 bytes for POST`
		if r.StatusCode != 413 || !strings.Contains(string(body), want) {
			t.Errorf("%s: got %d %s", name, r.StatusCode, body)
		}
	}
	post := func(body io.Reader, headers ...string) (*http.Response, error) {
		r, err := http.NewRequest("POST", m.url+"/ticks", body)
		check(t, err)
		r.Header.Set("Content-Type", ndjsonType)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return m.client.Do(r)
	}
	f("length", func() (*http.Response, error) { return post(strings.NewReader(large)) })
	f("chunked", func() (*http.Response, error) {
		return post(io.MultiReader(strings.NewReader(large)))
	})
	f("expect", func() (*http.Response, error) {
		return post(strings.NewReader(large), "Expect", "100-continue")
	})
	most := quoteLines("EURUSD", testNow-core.Minute, core.Second, 1)
	most += strings.Repeat("\n", 4<<20-len(most))
	if a := m.do("POST", "/ticks", most, "Content-Type", ndjsonType); a.status != 200 {
		t.Errorf("4 MiB: got %d %s", a.status, a.body)
	}
	if a := m.do("POST", "/ohlc", strings.Repeat("x", 16<<10+1)); a.status != 413 ||
		!strings.Contains(a.body, "16384 bytes for anything else") {
		t.Errorf("other route: got %d %s", a.status, a.body)
	}
	if got := m.engine.Stats(); got.Received != 1 {
		t.Errorf("%d quotes received, want 1", got.Received)
	}
}

// TestIngestRefusalsChangeNothing looks at engine and sources after requests that are refused whole.
func TestIngestRefusalsChangeNothing(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	sources := m.engine.Sources().Len()
	const quote = `{"symbol":"EURUSD","bid":1.08,"ask":1.09,"lp":"NEW"}`
	f := func(status int, path, body string, headers ...string) {
		t.Helper()
		if a := m.do("POST", path, body, headers...); a.status != status ||
			a.header.Get("Content-Type") != problemJSONType {
			t.Errorf("POST %s %q: got %d %s, want %d", path, body, a.status, a.body, status)
		}
	}
	f(400, "/ticks", "["+quote, "Content-Type", jsonType)
	f(400, "/ticks", "["+quote+",]", "Content-Type", jsonType)
	f(400, "/ticks", quote+quote, "Content-Type", jsonType)
	f(400, "/ticks", "", "Content-Type", ndjsonType)
	f(400, "/ticks", "EURUSD,1.08,1.09\n", "Content-Type", "text/csv")
	f(400, "/ticks?ack=no", quote, "Content-Type", jsonType)
	f(415, "/ticks", quote, "Content-Type", "text/plain")
	f(403, "/ticks", quote, "Content-Type", jsonType, "Origin", "http://example.com")
	f(403, "/ticks", quote, "Content-Type", jsonType, "Origin", "null")
	f(404, "/tick", quote, "Content-Type", jsonType)
	f(405, "/ohlc", quote, "Content-Type", jsonType)
	if s := m.engine.Stats(); s.Received != 0 || s.Stored != 0 {
		t.Errorf("after refusals: %+v", s)
	}
	if _, ok := m.engine.Live(eurusd); ok || m.engine.Sources().Len() != sources {
		t.Error("a refused request left a price or a source")
	}
}

func TestIngestOrigin(t *testing.T) {
	m := newTestMarket(t, marketOptions{server: func(o *Options) {
		o.Origins = []string{"https://desk.example:8443"}
	}})
	f := func(origin string, status int) {
		t.Helper()
		a := m.do("POST", "/ticks", "[]", "Content-Type", jsonType, "Origin", origin)
		if a.status != status {
			t.Errorf("Origin %q: got %d %s, want %d", origin, a.status, a.body, status)
		}
	}
	f("http://localhost:7999", 200)
	f("http://LOCALHOST", 200)
	f("https://127.0.0.1:1", 200)
	f("http://127.8.8.8", 200)
	f("http://[::1]:7999", 200)
	f("https://desk.example:8443", 200)
	f("https://desk.example", 403)
	f("http://localhost.evil.example", 403)
	f("http://127.0.0.1.evil.example", 403)
	f("file://localhost", 403)
	f("http://10.0.0.1", 403)
	f("::", 403)
}

func TestIngestSimulated(t *testing.T) {
	m := newTestMarket(t, marketOptions{server: func(o *Options) {
		o.Config.Feed, o.Config.Simulated = "simulator", true
	}})
	a := m.do("POST", "/ticks", "not even a quote")
	want := `{"type":"about:blank","title":"The feed is simulated","status":409,` +
		`"code":"FEED_SIMULATED","detail":"quotes are simulated here and never mixed with real ones; ` +
		`start the server with -feed none to post quotes"}` + "\n"
	if a.status != 409 || a.body != want {
		t.Errorf("got %d %s\nwant %s", a.status, a.body, want)
	}
	if a := m.get("/api/config"); !strings.Contains(a.body, `"feed":"simulator","simulated":true}`) {
		t.Errorf("config: %s", a.body)
	}
}

// TestIngestRecorded posts to a server whose time is that of the quotes: none is too far ahead.
func TestIngestRecorded(t *testing.T) {
	m := newTestMarket(t, marketOptions{server: func(o *Options) { o.Config.Recorded = true }})
	a := m.post(quoteLines("EURUSD", testNow+core.Hour, core.Second, 2))
	if !strings.Contains(a.body, `"stored":2`) {
		t.Errorf("got %s", a.body)
	}
}

// TestIngestTogether lets many senders post at once and adds up what they were told.
func TestIngestTogether(t *testing.T) {
	m := newTestMarket(t, marketOptions{engine: func(o *core.Options) { o.Shards = 2 }})
	symbols := []string{"EURUSD", "GBPUSD", "NZDUSD", "AUDUSD"}
	var mu sync.Mutex
	var stored, throttled, rejected int64
	var senders sync.WaitGroup
	for k := range 4 {
		senders.Go(func() {
			for i := range 30 {
				var b strings.Builder
				for n := range 50 {
					price := 108_000 + (i*7+n/5*3)%50
					fmt.Fprintf(&b, `{"symbol":%q,"bid":1.%05d,"ask":1.%05d}`+"\n", symbols[(k+n)%4],
						price-100_000, price-100_000+1-2*(n%17/16))
				}
				a, err := m.try("POST", "/ticks", b.String(), "Content-Type", ndjsonType)
				if err != nil || a.status != 200 {
					t.Errorf("%v %d %s", err, a.status, a.body)
					return
				}
				var r, s, th, re int64
				_, err = fmt.Sscanf(a.body,
					`{"received":%d,"stored":%d,"throttled":%d,"rejected":%d,`, &r, &s, &th, &re)
				if err != nil || r != 50 || r != s+th+re {
					t.Errorf("answer %s: %v", a.body, err)
				}
				mu.Lock()
				stored, throttled, rejected = stored+s, throttled+th, rejected+re
				mu.Unlock()
			}
		})
	}
	senders.Wait()
	s := m.engine.Stats()
	got := fmt.Sprint(s.Received, s.Stored, s.Throttled, s.RejectedTotal())
	if want := fmt.Sprint(6000, stored, throttled, rejected); got != want {
		t.Errorf("received, stored, throttled, rejected: engine %s, answers %s", got, want)
	}
	if rejected == 0 || throttled == 0 {
		t.Errorf("throttled %d rejected %d: nothing was compared", throttled, rejected)
	}
}

package httpd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

// TestHead asks every route with HEAD and compares with GET.
func TestHead(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	m.post(quoteLines("EURUSD", testNow-core.Minute, core.Second, 3))
	for _, path := range []string{
		"/health", "/health/live", "/health/ready", "/health/detail", "/api/config", "/api/symbols",
		"/api/quotes", "/ticks?symbol=EURUSD", "/ohlc?symbol=EURUSD", "/ticks?symbol=NO", "/nowhere",
	} {
		g, h := m.get(path), m.do("HEAD", path, "")
		if h.status != g.status || h.body != "" ||
			h.header.Get("Content-Length") != fmt.Sprint(len(g.body)) ||
			h.header.Get("Content-Type") != g.header.Get("Content-Type") {
			t.Errorf("HEAD %s: got %d %v, want %d with %d bytes", path, h.status, h.header, g.status,
				len(g.body))
		}
	}
}

func TestCommonHeaders(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	f := func(path, name, want string) {
		t.Helper()
		if got := m.get(path).header.Get(name); got != want {
			t.Errorf("GET %s: %s is %q, want %q", path, name, got, want)
		}
	}
	for _, path := range []string{"/health", "/ticks?symbol=EURUSD", "/nowhere"} {
		f(path, "X-Content-Type-Options", "nosniff")
		f(path, "Cache-Control", "no-store")
		f(path, "Server", "")
	}
	if got := m.do("DELETE", "/ticks", "").header.Get("Allow"); got != "GET, HEAD, POST" {
		t.Errorf("Allow is %q", got)
	}
}

// TestHandlerPanics replaces a handler by one that panics: the client gets 500, the log the reason,
// and the server lives.
func TestHandlerPanics(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	m.server.endpoints["/api/config"].routes[0].handle = func(ctx *fasthttp.RequestCtx) error {
		ctx.SetBodyString("half an answer")
		panic("index out of range in /secret/place.go")
	}
	a := m.get("/api/config")
	want := `{"type":"about:blank","title":"Internal error","status":500,"code":"INTERNAL",` +
		`"detail":"the server could not answer; its log says why"}` + "\n"
	if a.status != 500 || a.body != want {
		t.Errorf("got %d %s\nwant %s", a.status, a.body, want)
	}
	log := m.log.String()
	if !strings.Contains(log, "/secret/place.go") || !strings.Contains(log, "stack") {
		t.Errorf("log: %s", log)
	}
	if a := m.get("/health"); a.body != "OK" {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
}

func TestHistoryFails(t *testing.T) {
	m := newTestMarket(t, marketOptions{ticks: 60})
	m.postTicks(testNow-core.Hour, 100)
	m.server.ticks[eurusd].lines.keep = 16
	f := func(err error, path, code string) {
		t.Helper()
		m.storage.broken.Store(&err)
		a := m.get(path)
		if a.status != 503 || !strings.Contains(a.body, `"code":"`+code+`"`) ||
			strings.Contains(a.body, "secret") {
			t.Errorf("GET %s: got %d %s, want 503 %s", path, a.status, a.body, code)
		}
	}
	disk := errors.New("/secret/market.db: disk image is malformed")
	f(disk, "/ticks?symbol=EURUSD", "STORAGE_FAILED")
	f(disk, "/ohlc?symbol=EURUSD&to=0", "STORAGE_FAILED")
	f(disk, "/ohlc?symbol=EURUSD&timeframe=1d&align=utc&to=0", "STORAGE_FAILED")
	late := fmt.Errorf("cannot read: %w", context.DeadlineExceeded)
	f(late, "/ticks?symbol=EURUSD&from=0", "STORAGE_TIMEOUT")
	if a := m.get("/ticks?symbol=EURUSD&limit=10"); a.status != 200 {
		t.Errorf("from memory: %d %s", a.status, a.body)
	}
	if !strings.Contains(m.log.String(), "malformed") {
		t.Error("the reason is not in the log")
	}
}

// raw sends bytes on a connection of its own and returns the first answer.
func (m *testMarket) raw(text string) (*http.Response, string, error) {
	c, err := net.Dial("tcp", m.addr)
	check(m.t, err)
	defer c.Close()
	check(m.t, c.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(c, text)
	check(m.t, err)
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, "", err
	}
	body, err := io.ReadAll(r.Body)
	return r, string(body), errors.Join(err, r.Body.Close())
}

// TestBadRequests sends what no client library would.
func TestBadRequests(t *testing.T) {
	m := newTestMarket(t, marketOptions{server: func(o *Options) {
		o.Limits.ReadTimeout = 150 * time.Millisecond
	}})
	f := func(name, text string, status int, code string) {
		t.Helper()
		r, body, err := m.raw(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if r.StatusCode != status || !strings.Contains(body, `"code":"`+code+`"`) ||
			r.Header.Get("Content-Type") != problemJSONType {
			t.Errorf("%s: got %d %s, want %d %s", name, r.StatusCode, body, status, code)
		}
	}
	const host = " HTTP/1.1\r\nHost: x\r\n"
	long := strings.Repeat("x", 17<<10)
	f("nonsense", "\x16\x03\x01\x02\x00\r\n\r\n", 400, "BAD_REQUEST")
	f("no host", "GET /health HTTP/1.1\r\n\r\n", 400, "BAD_REQUEST")
	f("large header", "GET /health"+host+"X: "+long+"\r\n\r\n", 431, "HEADERS_TOO_LARGE")
	f("long path", "GET /"+long+host+"\r\n", 431, "HEADERS_TOO_LARGE")
	f("slow header", "GET /health HTTP/1.1\r\nHos", 408, "REQUEST_TIMEOUT")
	body := func(name, headers, body string, status int, code string) {
		t.Helper()
		f(name, "POST /ticks"+host+headers+"\r\n\r\n"+body, status, code)
	}
	body("short body", "Content-Length: 10", "{", 408, "REQUEST_TIMEOUT")
	body("two lengths", "Content-Length: 2\r\nContent-Length: 3", "[] ", 400, "BAD_REQUEST")
	body("bad length", "Content-Length: -2", "[]", 400, "BAD_REQUEST")
	body("bad chunk", "Transfer-Encoding: chunked", "zz\r\n", 400, "BAD_REQUEST")
	body("huge length", "Content-Length: 999999999999", "", 413, "BODY_TOO_LARGE")
	if a := m.get("/health"); a.body != "OK" {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
}

// TestTooManyConnections opens one more than there may be, and another when one was closed.
func TestTooManyConnections(t *testing.T) {
	m := newTestMarket(t, marketOptions{server: func(o *Options) { o.Limits.Connections = 2 }})
	const request = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
	hold := func() net.Conn {
		c, err := net.Dial("tcp", m.addr)
		check(t, err)
		_, err = io.WriteString(c, request)
		check(t, err)
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		check(t, err)
		check(t, r.Body.Close())
		return c
	}
	first, second := hold(), hold()
	c, err := net.Dial("tcp", m.addr)
	check(t, err)
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	check(t, err)
	body, err := io.ReadAll(r.Body)
	check(t, errors.Join(err, r.Body.Close(), c.Close()))
	if r.StatusCode != 503 || !strings.Contains(string(body), `"code":"TOO_MANY_CONNECTIONS"`) ||
		r.Header.Get("Retry-After") != "1" {
		t.Errorf("got %d %s %v", r.StatusCode, body, r.Header)
	}
	check(t, first.Close())
	for m.server.connections.Load() > 1 {
		time.Sleep(time.Millisecond) // Until the server has seen that; the test's deadline bounds it.
	}
	third := hold()
	check(t, errors.Join(second.Close(), third.Close()))
	if got := m.server.turnedAway.Load(); got != 1 {
		t.Errorf("%d turned away, want 1", got)
	}
}

// TestShutdownDrains stops the server while a sender waits for its commit: the sender is answered.
func TestShutdownDrains(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	m.storage.held.Store(true)
	answered := make(chan answer, 1)
	go func() {
		a, err := m.try("POST", "/ticks", quoteLines("EURUSD", testNow, 0, 1), "Content-Type", ndjsonType)
		if err != nil {
			t.Error(err)
		}
		answered <- a
	}()
	for m.engine.Stats().Received == 0 {
		time.Sleep(time.Millisecond) // Until the sender waits; the test's own deadline bounds it.
	}
	down := make(chan struct{})
	go func() { m.shut(); close(down) }()
	for { // Until nobody listens any more.
		c, err := net.Dial("tcp", m.addr)
		if err != nil {
			break
		}
		check(t, c.Close())
	}
	select {
	case <-down:
		t.Error("the server is down while a request waits")
	default:
	}
	m.storage.held.Store(false)
	if a := <-answered; a.status != 200 || !strings.Contains(a.body, `"committed":true`) {
		t.Errorf("got %d %s", a.status, a.body)
	}
	<-down
}

func TestShutdownGivesUp(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	c, err := net.Dial("tcp", m.addr)
	check(t, err)
	_, err = io.WriteString(c, "GET /health HTTP/1.1\r\n") // Under way, and never finished.
	check(t, err)
	for m.server.connections.Load() == 0 {
		time.Sleep(time.Millisecond) // Until the server has it; the test's own deadline bounds it.
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := m.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a deadline", err)
	}
	check(t, c.Close())
}

func TestListenLocalhost(t *testing.T) {
	listeners, err := Listen("localhost:0")
	check(t, err)
	port := listeners[0].Addr().(*net.TCPAddr).Port
	for _, l := range listeners {
		a := l.Addr().(*net.TCPAddr)
		if !a.IP.IsLoopback() || a.Port != port {
			t.Errorf("listens on %v, want loopback port %d", a, port)
		}
	}
	if l, err := Listen(fmt.Sprintf("localhost:%d", port)); err == nil {
		t.Errorf("listens twice on port %d: %v", port, l)
	}
	if _, err := Listen("7999"); err == nil {
		t.Error("an address without a colon was taken")
	}
	for _, l := range listeners {
		check(t, l.Close())
	}
}

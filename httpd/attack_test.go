package httpd

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// exchange sends bytes on a connection of its own and returns the status of every answer until the
// server closes it. A refusal that leaves the connection open is an error.
func (m *testMarket) exchange(text string) (statuses []int, bodies string) {
	m.t.Helper()
	c, err := net.Dial("tcp", m.addr)
	check(m.t, err)
	defer func() { check(m.t, c.Close()) }()
	check(m.t, c.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(c, text)
	check(m.t, err)
	_ = c.(*net.TCPConn).CloseWrite() // The server may have closed it already.
	r := bufio.NewReader(c)
	for {
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			return statuses, bodies
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			m.t.Errorf("%q: %v", text, err)
		}
		statuses, bodies = append(statuses, answer.StatusCode), bodies+string(body)
		if answer.StatusCode == 400 && !answer.Close {
			m.t.Errorf("%q: the connection stays open", text)
		}
	}
}

// TestAmbiguousRequests sends requests whose end, or path, two programs can see differently, and a
// second request behind each. A refused one ends its connection, so that nothing that was smuggled
// behind it is ever taken for a request.
//
// It was seen to find Content-Length beside Transfer-Encoding, the coding identity, folded headers,
// bare line feeds and blanks in names to be accepted, and paths to be resolved before they were
// looked up.
func TestAmbiguousRequests(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	const second = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
	f := func(request string, want ...int) {
		t.Helper()
		if got, bodies := m.exchange(request + second); !slices.Equal(got, want) {
			t.Errorf("%q: got %v %s, want %v", request, got, bodies, want)
		}
	}
	headers := func(lines string, want ...int) {
		t.Helper()
		f("GET /health HTTP/1.1\r\nHost: x\r\n"+lines+"\r\n\r\n", want...)
	}
	post := func(lines, body string, want ...int) {
		t.Helper()
		f("POST /ticks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+lines+
			"\r\n\r\n"+body, want...)
	}
	const chunked, end = "Transfer-Encoding: chunked", "0\r\n\r\n"
	post("Content-Length: 5\r\n"+chunked, end, 400)
	post(chunked+"\r\nContent-Length: 5", end, 400)
	post(chunked+"\r\ncontent-LENGTH:5", end, 400)
	post("Transfer-Encoding : chunked\r\nContent-Length: 5", end, 400)
	post("Transfer-Encoding: identity", "", 400)
	post("Transfer-Encoding: identity\r\nContent-Length: 0", "", 400)
	post("Transfer-Encoding: xchunked", end, 400)
	post("Transfer-Encoding: gzip, chunked", end, 400)
	post("Transfer-Encoding: chunked, chunked", end, 400)
	post("Transfer-Encoding:\x0bchunked", end, 400)
	post(chunked+"\r\n"+chunked, end, 400)
	post("Content-Length: 2\r\nContent-Length: 2", "[]", 400)
	post("Content-Length: 2, 2", "[]", 400)
	for _, n := range []string{"+2", "0x2", "", "-2", "2 2", "99999999999999999999"} {
		post("Content-Length: "+n, "[]", 400)
	}
	post("Content-Length: 2", "[]", 200, 200)
	post(chunked, "2\r\n[]\r\n0\r\n\r\n", 200, 200)
	post(chunked, "2;a=b\r\n[]\r\n0\r\nX: y\r\n\r\n", 200, 200)
	post(chunked, "2\n[]\r\n0\r\n\r\n", 400)
	post(chunked, "2;a\nb\r\n[]\r\n0\r\n\r\n", 400)
	post(chunked, "2\r\n[]XX0\r\n\r\n", 400)
	for _, n := range []string{"-2", "0x2", "ffffffffffffffff", "", " 2"} {
		post(chunked, n+"\r\n[]\r\n0\r\n\r\n", 400)
	}
	f("POST /ticks HTTP/1.0\r\nHost: x\r\n"+chunked+"\r\n\r\n"+end, 400)

	headers("X: a\r\n b", 400)
	headers("X: a\r\n\tContent-Length: 5", 400)
	headers("X: a\nY: b", 400)
	headers("X: a\rY: b", 400)
	headers("X: a\x00b", 400)
	headers("X\x00: a", 400)
	headers("X Y: a", 400)
	headers(": a", 400)
	headers("nothing", 400)
	headers("Host: y", 400)
	headers("X: a\tb", 200, 200)
	f("GET /health HTTP/1.1\nHost: x\n\n", 400)
	for _, line := range []string{
		"GET /health\x00 HTTP/1.1", "GET  /health HTTP/1.1", "GET /health  HTTP/1.1", "GET /health",
		"GET /health HTTP/1.1 ", "GET health HTTP/1.1", "GET \\health HTTP/1.1", " GET /health HTTP/1.1",
		"GET /health HTTP/1.1.1", "G\x00T /health HTTP/1.1",
	} {
		f(line+"\r\nHost: x\r\n\r\n", 400)
	}
	f("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400)
}

// TestPathTricks: only a path that is written as in the table is one of the table.
func TestPathTricks(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	f := func(method, path string, status int) {
		t.Helper()
		request := method + " " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"
		if got, bodies := m.exchange(request); len(got) != 1 || got[0] != status ||
			strings.Contains(bodies, "root:") {
			t.Errorf("%s %s: got %v %s, want %d", method, path, got, bodies, status)
		}
	}
	for _, path := range []string{
		"/..//health", "//health", "/./health", "/x/../health", "/%68ealth", "/health%2flive",
		"/health%2Flive", "/%2e%2e/health", "/web/%2e%2e/health", "/web/../health", "/health/", "/health;x",
		"/health%00", "/web/..%2f..%2f..%2fetc/passwd", "/web/..\\..\\etc\\passwd", "/%", "/%zz",
		"/ticks%3Fsymbol=EURUSD", "/web/" + strings.Repeat("../", 50) + "etc/passwd", "/HEALTH",
	} {
		f("GET", path, 404)
	}
	f("GET", "/health", 200)
	f("GET", "/health?x=/../", 200)
	f("GET", "http://x/health", 200)
	f("GET", "http://x/../health", 404)
	f("OPTIONS", "*", 404)
	f("CONNECT", "x:80", 404)
	for _, method := range []string{"PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "get", "M-SEARCH"} {
		f(method, "/health", 405)
	}
}

// TestPipelining sends many requests before it reads an answer; they come in order.
func TestPipelining(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	const n = 500
	var requests strings.Builder
	want := make([]int, n)
	for i := range want {
		path := []string{"/health", "/nowhere", "/ticks?symbol=NO", "/api/config"}[i%4]
		want[i] = []int{200, 404, 404, 200}[i%4]
		fmt.Fprintf(&requests, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
	}
	if got, _ := m.exchange(requests.String()); !slices.Equal(got, want) {
		t.Errorf("got %d answers %v", len(got), got)
	}
	f := func(request string, answers int) {
		t.Helper()
		if got, _ := m.exchange(request + request); len(got) != answers || got[0] != 200 {
			t.Errorf("twice %q: got %v, want %d answers", request, got, answers)
		}
	}
	f("GET /health HTTP/1.0\r\n\r\n", 1)
	f("GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 2)
	f("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 1)
	f("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 2)
}

// TestDribble lets many clients send their requests a byte at a time: headers, a body, a body in
// chunks. Each is told in time, whatever it still sends, and the server answers others meanwhile.
//
// It was seen to fail without a time to receive a request in.
func TestDribble(t *testing.T) {
	const patience = 500 * time.Millisecond
	m := newTestMarket(t, marketOptions{server: func(o *Options) {
		o.Limits.ReadTimeout, o.Limits.Bodies = patience, 1<<30
	}})
	const clients = 150
	const head = "POST /ticks HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
	starts := []string{
		"GET /health HTTP/1.1\r\nX: ", head + "Content-Length: 1000000\r\n\r\n",
		head + "Transfer-Encoding: chunked\r\n\r\nfff\r\n",
	}
	type end struct {
		status int
		after  time.Duration
	}
	ends := make(chan end, clients)
	for i := range clients {
		go func() {
			status, after := m.dribble(starts[i%len(starts)])
			ends <- end{status, after}
		}()
	}
	for left := clients; left > 0; {
		select {
		case e := <-ends:
			left--
			if e.status != 408 || e.after < patience {
				t.Errorf("a client that dribbles got %d after %v", e.status, e.after)
			}
		default:
			if a := m.get("/health"); a.status != 200 {
				t.Fatalf("meanwhile: %d %s", a.status, a.body)
			}
		}
	}
	m.until("no connection is left but ours", func() bool { return m.server.connections.Load() <= 1 })
}

// dribble begins a request, goes on byte by byte and returns how that ended.
func (m *testMarket) dribble(start string) (status int, after time.Duration) {
	begin := time.Now()
	c, err := net.Dial("tcp", m.addr)
	if err != nil {
		m.t.Error(err)
		return 0, 0
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, start); err != nil {
		m.t.Error(err)
	}
	go func() {
		for {
			if _, err := io.WriteString(c, "x"); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		m.t.Error(err)
		return 0, 0
	}
	return r.StatusCode, time.Since(begin)
}

package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func serve(t *testing.T, handler http.HandlerFunc) (*httptest.Server, Options) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server, Options{Address: server.Listener.Addr().String(), Timeout: 5 * time.Second}
}

func open(t *testing.T, opts Options) *Conn {
	t.Helper()
	c := New(opts)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

func TestGetAndPostOnOneConnection(t *testing.T) {
	peers := make(map[string]bool)
	_, opts := serve(t, func(w http.ResponseWriter, r *http.Request) {
		peers[r.RemoteAddr] = true
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s [%s]",
			r.Method, r.URL, r.Host, r.Header.Get("Content-Type"), body)
	})
	c := open(t, opts)
	for range 3 {
		answer, err := c.Get(AppendGet(nil, "engine", "/ohlc?symbol=EURUSD"))
		if err != nil || answer.Status != 200 {
			t.Fatalf("get: %v, status %d", err, answer.Status)
		}
		if got, want := string(answer.Body), "GET /ohlc?symbol=EURUSD engine  []"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		body := []byte("symbol,bid,ask\n")
		head := AppendPostHead(nil, "engine", "/ticks", "text/csv", len(body))
		if answer, err = c.Post(head, body); err != nil {
			t.Fatalf("post: %v", err)
		}
		want := "POST /ticks engine text/csv [symbol,bid,ask\n]"
		if got := string(answer.Body); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if len(peers) != 1 {
		t.Errorf("used %d connections, want 1", len(peers))
	}
}

func TestLongAnswersOfUnknownLength(t *testing.T) {
	long := strings.Repeat("0123456789", 30_000)
	_, opts := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		fmt.Fprint(w, long)
	})
	c := open(t, opts)
	for range 2 {
		answer, err := c.Get(AppendGet(nil, "engine", "/ticks"))
		if err != nil || string(answer.Body) != long {
			t.Fatalf("got %d bytes, %v; want %d", len(answer.Body), err, len(long))
		}
	}
}

func TestRetryAfter(t *testing.T) {
	_, opts := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	answer, err := open(t, opts).Get(AppendGet(nil, "engine", "/"))
	if err != nil || answer.Status != 503 || answer.RetryAfter != 2*time.Second {
		t.Errorf("got %+v, %v; want 503 and 2 s", answer, err)
	}
}

func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	_, opts := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	opts.Timeout = 20 * time.Millisecond
	_, err := open(t, opts).Get(AppendGet(nil, "engine", "/"))
	if !errors.Is(err, ErrTimeout) {
		t.Errorf("got %v, want a timeout", err)
	}
}

// An idle connection that the server closed must not count as a failed GET; a POST that may have
// been read must not be sent twice.
func TestConnectionClosedByServer(t *testing.T) {
	var requests atomic.Int64
	server, opts := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		fmt.Fprint(w, "OK")
	})
	c := open(t, opts)
	get := AppendGet(nil, "engine", "/health")
	if _, err := c.Get(get); err != nil {
		t.Fatalf("first get: %v", err)
	}
	server.CloseClientConnections()
	if answer, err := c.Get(get); err != nil || string(answer.Body) != "OK" {
		t.Errorf("get after close: %q, %v", answer.Body, err)
	}
	server.CloseClientConnections()
	body := []byte("x")
	head := AppendPostHead(nil, "engine", "/ticks", "text/csv", len(body))
	if _, err := c.Post(head, body); err == nil {
		t.Error("post on a closed connection succeeded: it was sent again")
	}
	if _, err := c.Post(head, body); err != nil {
		t.Errorf("post after the failure: %v, want a new connection", err)
	}
	if got := requests.Load(); got != 3 {
		t.Errorf("the server saw %d requests, want 3", got)
	}
}

func TestNothingListens(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = open(t, Options{Address: address}).Get(AppendGet(nil, "engine", "/"))
	if err == nil || !strings.Contains(err.Error(), address) {
		t.Errorf("got %v, want an error that names %s", err, address)
	}
}

func TestServerThatCloses(t *testing.T) {
	peers := make(map[string]bool)
	_, opts := serve(t, func(w http.ResponseWriter, r *http.Request) {
		peers[r.RemoteAddr] = true
		w.Header().Set("Connection", "close")
		fmt.Fprint(w, "OK")
	})
	c := open(t, opts)
	for range 3 {
		if _, err := c.Get(AppendGet(nil, "engine", "/")); err != nil {
			t.Fatal(err)
		}
	}
	if len(peers) != 3 {
		t.Errorf("used %d connections, want 3", len(peers))
	}
}

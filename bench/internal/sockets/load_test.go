package sockets

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
)

// tooSlow is the close code for a session that does not keep up.
const tooSlow = 4008

// serve opens every session with the given talk, then waits for the reader to leave.
func serve(t *testing.T, talk func(*websocket.Conn)) (LoadOptions, *sync.WaitGroup) {
	t.Helper()
	return serveNumbered(t, func(_ int64, conn *websocket.Conn) { talk(conn) })
}

// serveNumbered also tells talk the how manieth session it is.
func serveNumbered(t *testing.T, talk func(int64, *websocket.Conn)) (LoadOptions, *sync.WaitGroup) {
	t.Helper()
	var sessions sync.WaitGroup
	var opened atomic.Int64
	upgrader := websocket.Upgrader{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number := opened.Add(1)
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		sessions.Add(1)
		defer sessions.Done()
		talk(number, conn)
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				polite := websocket.IsCloseError(err, websocket.CloseNormalClosure, tooSlow)
				if !polite && !errors.Is(err, net.ErrClosed) { // Unless talk closed it.
					t.Errorf("the session ended with %v, want a close message", err)
				}
				_ = conn.Close()
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	return LoadOptions{Address: s.Listener.Addr().String()}, &sessions
}

func say(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		t.Error(err)
	}
}

func tickAt(at time.Time) string {
	return fmt.Sprintf(`{"type":"tick","symbol":"EURUSD","bid":1.08234,"ask":1.08236,`+
		`"spread":0.00002,"timestamp":%d,"lp":"SIM"}`, at.UnixMilli())
}

func chainedTick(symbol string, at time.Time, micros, prev int64) string {
	return fmt.Sprintf(`{"type":"tick","symbol":%q,"bid":1.08234,"ask":1.08236,"spread":0.00002,`+
		`"timestamp":%d,"lp":"SIM","time":%d,"prev":%d}`, symbol, at.UnixMilli(), micros, prev)
}

// await waits until the load has seen so many messages.
func await(t *testing.T, l *Load, messages int64) Totals {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		if got := l.Totals(); got.Messages >= messages {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %+v, want %d messages", l.Totals(), messages)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestReadersCountWhatArrives(t *testing.T) {
	opts, sessions := serve(t, func(conn *websocket.Conn) {
		say(t, conn, tickAt(time.Now().Add(-time.Hour)))
		// Stamped ahead: the reader may open its session only after all this is sent.
		for range 1000 {
			say(t, conn, tickAt(time.Now().Add(time.Minute)))
		}
		say(t, conn, `{"type":"gap","symbol":"USDJPY","from":1,"to":2,"skipped":7}`)
		say(t, conn, `{"type":"heartbeat","time":1}`)
		say(t, conn, tickAt(time.Now().Add(time.Minute))+strings.Repeat(" ", 100_000))
	})
	opts.Sessions = 5
	l := NewLoad(opts)
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, l, 5*1004)
	l.Close()
	got := l.Totals()
	if got.Sessions != 5 || got.Ticks != 5*1002 || got.Snapshot != 5 || got.Messages != 5*1004 {
		t.Errorf("got %+v, want 1002 ticks in each of 5 sessions, one of a snapshot", got)
	}
	if got.Gaps != 5 || got.Skipped != 35 || got.Failures() != 0 || len(got.Samples) != 0 {
		t.Errorf("got %+v, want 5 gaps of 7 and no failure", got)
	}
	if got.Age.Max > 10_000 {
		t.Errorf("the snapshot has an age: %+v", got.Age)
	}
	sessions.Wait()
}

func TestAgeIsMeasured(t *testing.T) {
	opened := make(chan struct{})
	opts, _ := serve(t, func(conn *websocket.Conn) {
		<-opened
		stamped := tickAt(time.Now())
		time.Sleep(60 * time.Millisecond)
		say(t, conn, stamped)
	})
	opts.Sessions = 1
	l := NewLoad(opts)
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(opened)
	await(t, l, 1)
	l.Close()
	if got := l.Totals().Age; got.P50 < 60 || got.P50 > 5000 {
		t.Errorf("got an age of %v ms, want at least 60", got.P50)
	}
}

func TestBadMessagesAreCounted(t *testing.T) {
	opts, _ := serve(t, func(conn *websocket.Conn) {
		say(t, conn, `{"type":"tick","symbol":"EURUSD","timestamp":5}`)
		say(t, conn, `{"symbol":"EURUSD"}`)
		say(t, conn, `{"type":"error","code":"BAD_MESSAGE","detail":"no"}`)
		if err := conn.WriteMessage(websocket.BinaryMessage, []byte(tickAt(time.Now()))); err != nil {
			t.Error(err)
		}
	})
	opts.Sessions = 1
	l := NewLoad(opts)
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, l, 4)
	l.Close()
	got := l.Totals()
	if got.Bad != 3 || got.Errors != 1 || got.Disconnected != 0 || got.Failures() != 4 {
		t.Errorf("got %+v, want 3 bad messages and an error", got)
	}
	if len(got.Samples) != 4 || !strings.Contains(got.Samples[2], "BAD_MESSAGE: no") {
		t.Errorf("got samples %q", got.Samples)
	}
}

func TestDisconnectionIsAFailure(t *testing.T) {
	opts, _ := serve(t, func(conn *websocket.Conn) {
		err := conn.WriteMessage(websocket.CloseMessage,
			websocket.FormatCloseMessage(tooSlow, "too slow"))
		if err != nil {
			t.Error(err)
		}
	})
	opts.Sessions = 2
	l := NewLoad(opts)
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.running.Wait()
	got := l.Totals()
	if got.Disconnected != 2 || len(got.Samples) != 2 || !strings.Contains(got.Samples[0], "4008") {
		t.Errorf("got %+v, want two sessions closed with 4008", got)
	}
	l.Close()
}

func TestNoWebSocketThere(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	l := NewLoad(LoadOptions{Address: s.Listener.Addr().String(), Sessions: 3})
	err := l.Open(t.Context())
	if err == nil || !strings.Contains(err.Error(), "session 1 of 3") ||
		!strings.Contains(err.Error(), "404") {
		t.Errorf("got %v, want the session and the status", err)
	}
}

var messageSink message

// At a million deliveries a second a message may cost the generator no more than some 100 ns, or
// it measures itself.
func BenchmarkParse(b *testing.B) {
	at := time.Now()
	text := []byte(chainedTick("EURUSD", at, at.UnixMicro(), at.UnixMicro()-1))
	b.ReportAllocs()
	for b.Loop() {
		m, _, err := parse(text)
		if err != nil {
			b.Fatal(err)
		}
		messageSink = m
	}
}

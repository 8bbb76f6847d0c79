package sockets

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
)

const patience = 20 * time.Second

// until waits for a condition that must come true.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("gave up waiting until %s", what)
		}
	}
}

// subscribed reads what every good and slow session says first.
func subscribed(t *testing.T, conn *websocket.Conn) bool {
	t.Helper()
	_, text, err := conn.ReadMessage()
	if err != nil || string(text) != `{"type":"subscribe","channel":"ticks"}` {
		t.Errorf("got %q, %v, want a subscription to ticks", text, err)
		return false
	}
	say(t, conn, `{"type":"subscribed","channel":"ticks","symbols":["EURUSD","USDJPY"]}`)
	return true
}

// Seen to fail on a reader that does not look at prev, on one that follows all symbols as one, and
// on one that takes ticks without a time for good.
func TestReadersFollowTheChain(t *testing.T) {
	ahead := time.Now().Add(time.Minute)
	at := ahead.UnixMicro()
	opts, _ := serve(t, func(conn *websocket.Conn) {
		say(t, conn, tickAt(ahead)) // Of the stream before the subscription.
		if !subscribed(t, conn) {
			return
		}
		say(t, conn, chainedTick("EURUSD", ahead, at, at-500))
		say(t, conn, chainedTick("USDJPY", ahead, at+1, 0))
		say(t, conn, chainedTick("EURUSD", ahead, at+2, at))
		say(t, conn, chainedTick("EURUSD", ahead, at+4, at+3)) // One is missing.
		say(t, conn, chainedTick("USDJPY", ahead, at+5, at+1))
		say(t, conn, tickAt(ahead))
	})
	opts.Sessions = 2
	l := NewLoad(opts)
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, l, 2*8)
	l.Close()
	got := l.Totals()
	if got.Broken != 2 || got.Ticks != 2*7 || got.Bad != 2 || got.Gaps != 0 {
		t.Errorf("got %+v, want one break and one tick without a time in each session", got)
	}
	if !strings.Contains(strings.Join(got.Samples, "\n"), "tick of EURUSD") {
		t.Errorf("got samples %q", got.Samples)
	}
}

// A slow session takes no more than its rate, gets a gap, and is judged by the good one beside it.
// Seen to fail on a connection that reads what there is, and where slow sessions are taken for good
// ones.
func TestSlowReaders(t *testing.T) {
	const rate = 100_000
	ahead := time.Now().Add(time.Minute)
	at := ahead.UnixMicro()
	opts, _ := serveNumbered(t, func(session int64, conn *websocket.Conn) {
		slow := session == 2
		if !subscribed(t, conn) {
			return
		}
		for i := range int64(100) {
			if slow && i == 50 {
				say(t, conn, fmt.Sprintf(`{"type":"gap","symbol":"EURUSD","from":%d,"to":%d,`+
					`"skipped":50,"channel":"ticks"}`, at+49, at+99))
				break
			}
			say(t, conn, chainedTick("EURUSD", ahead, at+i, at+i-1))
		}
		if slow {
			say(t, conn, strings.Repeat(" ", 60_000)+`{"type":"heartbeat","time":1}`)
		}
	})
	opts.Sessions, opts.Slow, opts.SlowBytes = 1, 1, rate
	start := time.Now()
	l := NewLoad(opts)
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, l, 101)
	until(t, "the slow session has its heartbeat", func() bool { return l.Slow().Messages == 53 })
	took := time.Since(start)
	l.Close()
	good, slow := l.Totals(), l.Slow()
	if most := rate*took.Seconds() + rate/10; float64(slow.Bytes) > most {
		t.Errorf("%d bytes in %s, want at most %.0f", slow.Bytes, took, most)
	}
	if good.Ticks != 100 || good.Gaps != 0 || slow.Ticks != 50 || slow.Gaps != 1 ||
		slow.Skipped != 50 || slow.Broken != 0 || slow.Disconnected != 0 {
		t.Errorf("got good %+v, slow %+v", good, slow)
	}
	if off, compared := l.Misjudged(); off != 0 || !compared {
		t.Errorf("the gap is off by %d, compared %v", off, compared)
	}
}

// Stuck sessions learn how they ended without reading. Seen to fail on a session that reads, on one
// that never looks, and on one that takes its own end for the engine's.
func TestStuckReaders(t *testing.T) {
	opts, _ := serveNumbered(t, func(session int64, conn *websocket.Conn) {
		say(t, conn, tickAt(time.Now()))
		switch session {
		case 1:
			if err := conn.WriteMessage(websocket.CloseMessage,
				websocket.FormatCloseMessage(tooSlow, "nothing taken")); err != nil {
				t.Error(err)
			}
		case 2:
			if err := conn.NetConn().(*net.TCPConn).SetLinger(0); err != nil {
				t.Error(err)
			}
		default:
			return
		}
		_ = conn.NetConn().Close()
	})
	opts.Stuck = 3
	l := NewLoad(opts)
	l.pulse = 20 * time.Millisecond
	if err := l.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "two sessions are closed", func() bool { return l.Stuck().Closed == 2 })
	l.Close()
	got := l.Stuck()
	if got.Sessions != 3 || got.Closed != 2 || got.Codes[tooSlow] != 1 || got.Codes[0] != 1 {
		t.Errorf("got %+v, want one closed with 4008 and one reset of three", got)
	}
	if got.LivedMin <= 0 || got.LivedP50 < got.LivedMin || got.LivedMax < got.LivedP50 {
		t.Errorf("got %+v, want how long they lived", got)
	}
}

// Closing a session must not wait until its bytes are paid for. Seen to fail on a connection that
// waits all the same.
func TestClosingWakesASlowReader(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	c := &slowConn{
		Conn: ours, perSecond: 1, next: time.Now().Add(time.Hour), hurry: make(chan struct{}),
	}
	read := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		read <- err
	}()
	if err := c.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-read:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v, want that the deadline has passed", err)
		}
	case <-time.After(patience):
		t.Error("the reader waits for its hour")
	}
}

package httpd

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// inBubble runs a test with a piped market in a bubble, where time passes only when everybody waits
// and no goroutine may be left at the end.
func inBubble(t *testing.T, o streamMarketOptions, f func(t *testing.T, m *streamMarket)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := newPipedMarket(t, o)
		defer m.stop()
		f(t, m)
	})
}

// TestSessionHeartbeat: one after each five seconds without a message, and none while there are
// messages.
func TestSessionHeartbeat(t *testing.T) {
	o := streamMarketOptions{hub: func(o *hubOptions) { o.silence = time.Hour }}
	inBubble(t, o, func(t *testing.T, m *streamMarket) {
		c := m.pipe()
		start := time.Now()
		for i := range 3 {
			if got := c.message(); got.Type != "heartbeat" || got.Time == 0 {
				t.Fatalf("got %+v", got)
			}
			want := time.Duration(i+1) * 5 * time.Second
			if took := time.Since(start); took != want {
				t.Fatalf("heartbeat %d after %v, want %v", i+1, took, want)
			}
		}
		at := testNow
		for i := range 10 {
			time.Sleep(4 * time.Second)
			at += 1000
			bid := 108_000 + 10*(i%2)
			m.quotes(m.quote("EURUSD", coreP(bid), coreP(bid+2), at))
			if got := c.message(); got.Type != "tick" {
				t.Fatalf("got %+v", got)
			}
		}
		last := time.Now()
		if got := c.message(); got.Type != "heartbeat" || time.Since(last).Round(time.Second) !=
			5*time.Second {
			t.Fatalf("got %+v after %v", got, time.Since(last))
		}
		if c.pings != 6 {
			t.Errorf("%d pings in a minute, want 6", c.pings)
		}
		c.close()
	})
}

// TestSessionSilence: a client that never says anything is closed after 30 s, one that answers
// pings is not.
func TestSessionSilence(t *testing.T) {
	inBubble(t, streamMarketOptions{}, func(t *testing.T, m *streamMarket) {
		start := time.Now()
		c := m.pipe()
		for {
			kind, payload, err := c.frame()
			check(t, err)
			if kind == frameClose {
				if payload != "\x0f\xa9nothing heard" {
					t.Errorf("closed with %q", payload)
				}
				break
			}
		}
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("closed after %v", took)
		}
		c.expectEnd()
		if took := time.Since(start); took != 31*time.Second {
			t.Errorf("ended after %v", took)
		}

		start = time.Now()
		c = m.pipe()
		for time.Since(start) < 2*time.Minute {
			kind, _, err := c.frame()
			check(t, err)
			if kind == framePing {
				c.sendFrames(clientFrame(frameFinal|framePong, ""))
			}
		}
		c.close()
		if got := m.hub.stats(); got.Silent != 1 || got.Sessions != 0 || got.Opened != 2 {
			t.Errorf("stats %+v", got)
		}
	})
}

// TestSessionSilenceWithinMessage: bytes that trickle in are no sign of life before the message is
// whole.
func TestSessionSilenceWithinMessage(t *testing.T) {
	inBubble(t, streamMarketOptions{}, func(t *testing.T, m *streamMarket) {
		start := time.Now()
		c := m.pipe()
		trickled := make(chan struct{})
		go func() {
			defer close(trickled)
			frame := clientFrame(frameFinal|frameText, strings.Repeat("x", 100))
			for i := range len(frame) {
				if _, err := io.WriteString(c.conn, frame[i:i+1]); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		for {
			kind, _, err := c.frame()
			check(t, err)
			if kind == frameClose {
				break
			}
		}
		if took := time.Since(start); took != 30*time.Second {
			t.Errorf("closed after %v", took)
		}
		c.close()
		<-trickled
	})
}

// TestSessionSlow: a client that takes nothing is gone within nine seconds, one that takes a little
// now and then stays.
func TestSessionSlow(t *testing.T) {
	o := streamMarketOptions{hub: func(o *hubOptions) { o.silence = time.Hour }}
	inBubble(t, o, func(t *testing.T, m *streamMarket) {
		m.apply(m.quote("EURUSD", 108_000, 108_002, testNow))
		start := time.Now()
		c := m.pipe()
		<-c.ended
		if took := time.Since(start); took < 8*time.Second || took > 9*time.Second {
			t.Errorf("a client that takes nothing is closed after %v", took)
		}
		if got := m.hub.stats(); got.Slow != 1 || got.Sessions != 0 {
			t.Errorf("stats %+v", got)
		}
		check(t, c.conn.Close())

		c = m.pipe()
		var b [1]byte
		for range 60 { // A byte each 8 s: half a frame in all.
			time.Sleep(8 * time.Second)
			_, err := io.ReadFull(c.conn, b[:])
			check(t, err)
		}
		if got := m.hub.stats(); got.Slow != 1 || got.Sessions != 1 {
			t.Errorf("stats %+v", got)
		}
		c.close()
	})
}

// TestSessionSlowSaysWhy: when no frame is half sent, the reason is tried.
func TestSessionSlowSaysWhy(t *testing.T) {
	inBubble(t, streamMarketOptions{}, func(t *testing.T, m *streamMarket) {
		m.apply(m.quote("EURUSD", 108_000, 108_002, testNow))
		c := m.pipe()
		time.Sleep(8600 * time.Millisecond) // Given up just now, and the close frame is offered.
		c.expectFrame(frameClose, "\x0f\xa8too slow")
		c.expectEnd()
		if got := m.hub.stats(); got.Slow != 1 {
			t.Errorf("stats %+v", got)
		}
	})
}

// TestSessionClosing goes through what clients do wrong, and through an orderly end.
func TestSessionClosing(t *testing.T) {
	inBubble(t, streamMarketOptions{}, func(t *testing.T, m *streamMarket) {
		f := func(name, frames, want string) {
			t.Helper()
			c := m.pipe()
			c.sendFrames(frames)
			kind, payload, err := c.frame()
			if err != nil || kind != frameClose || payload != want {
				t.Fatalf("%s: frame of kind %d: %q, %v; want close %q", name, kind, payload, err, want)
			}
			c.sendFrames(clientFrame(frameFinal|frameClose, ""))
			c.expectEnd()
		}
		f("not masked", "\x81\x00", "\x03\xeaa client's frame is not masked")
		f("too big", clientFrame(frameFinal|frameText, strings.Repeat(" ", 16<<10+1))[:20],
			"\x03\xf1a message is longer than 16384 bytes")
		f("not UTF-8", clientFrame(frameFinal|frameText, "\xff"), "\x03\xeftext is not UTF-8")

		f = func(name, frames, want string) {
			t.Helper()
			start := time.Now()
			c := m.pipe()
			c.sendFrames(clientFrame(frameFinal|frameClose, frames))
			c.expectFrame(frameClose, want)
			c.expectEnd()
			if took := time.Since(start); took != 0 {
				t.Errorf("%s: the connection ended after %v", name, took)
			}
		}
		f("normal", "\x03\xe8bye", "\x03\xe8")
		f("no code", "", "")
		f("own code", "\x0f\xa0", "\x0f\xa0")
		f("half a code", "\x03", "\x03\xeaa close code has two bytes")
		f("reserved code", "\x03\xed", "\x03\xeano such close code")
		f("unknown code", "\x00\x01", "\x03\xeano such close code")
		f("reason not UTF-8", "\x03\xe8\xff", "\x03\xefa close reason is not UTF-8")
		if got := m.hub.stats(); got.Broken != 3 || got.Sessions != 0 {
			t.Errorf("stats %+v", got)
		}
	})
}

// TestSessionRefusedLingers: a client that sends on after a fault is read for a second and no
// longer, and never answered.
func TestSessionRefusedLingers(t *testing.T) {
	inBubble(t, streamMarketOptions{}, func(t *testing.T, m *streamMarket) {
		c := m.pipe()
		c.sendFrames("\x81\x00")
		c.expectFrame(frameClose, "\x03\xeaa client's frame is not masked")
		start := time.Now()
		for {
			if _, err := io.WriteString(c.conn, "noise"); err != nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(start); took > 1100*time.Millisecond || took < 900*time.Millisecond {
			t.Errorf("read for %v", took)
		}
		<-c.ended
	})
}

// TestSessionPings: control pings are answered, the last of several at least, and JSON pings in
// order.
func TestSessionPings(t *testing.T) {
	inBubble(t, streamMarketOptions{}, func(t *testing.T, m *streamMarket) {
		c := m.pipe()
		c.sendFrames(clientFrame(frameFinal|framePing, "hello"))
		c.expectFrame(framePong, "hello")
		c.sendFrames(clientFrame(frameFinal|framePing, "a") + clientFrame(frameFinal|framePing, "b"))
		for {
			kind, payload, err := c.frame()
			check(t, err)
			if kind != framePong {
				t.Fatalf("frame of kind %d: %q", kind, payload)
			}
			if payload == "b" {
				break
			}
		}
		c.send(`{"type":"ping","timestamp":1}`)
		c.send(`{"type":"ping"}`)
		c.expect(`{"type":"pong","timestamp":1}`, `{"type":"pong"}`)
		c.sendFrames(clientFrame(frameFinal|frameBinary, `{"type":"ping"}`))
		c.expect(`{"type":"error","code":"BAD_MESSAGE","detail":"messages are text, not binary"}`)
		c.close()
	})
}

// TestSessionFloodIsNotRead: a client that asks and does not read is not listened to any more
// before its answers pile up, and is closed as slow.
func TestSessionFloodIsNotRead(t *testing.T) {
	inBubble(t, streamMarketOptions{}, func(t *testing.T, m *streamMarket) {
		c := m.pipe()
		start := time.Now()
		sent := 0
		var err error
		for ; err == nil; sent++ {
			_, err = io.WriteString(c.conn, clientFrame(frameFinal|frameText, `{"type":"ping"}`))
		}
		if !errors.Is(err, io.ErrClosedPipe) || sent > 100 {
			t.Errorf("%d messages were taken, then %v", sent, err)
		}
		if took := time.Since(start); took < 8*time.Second || took > 9*time.Second {
			t.Errorf("closed after %v", took)
		}
		<-c.ended
	})
}

// TestShutdownMessage: every client gets what was published, the message, and the code; a client
// that does not answer is not waited for long.
func TestShutdownMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newPipedMarket(t, streamMarketOptions{})
		polite, rude := m.pipe(), m.pipe()
		time.Sleep(time.Millisecond)
		m.apply(m.quote("EURUSD", 108_000, 108_002, testNow))
		stopped := make(chan struct{})
		start := time.Now()
		go func() {
			m.stop()
			close(stopped)
		}()
		for _, c := range []*pipeClient{polite, rude} {
			if got := c.message(); got.Type != "tick" {
				t.Errorf("got %+v", got)
			}
			c.expect(`{"type":"shutdown"}`)
			c.expectFrame(frameClose, "\x03\xe9shutdown")
		}
		polite.sendFrames(clientFrame(frameFinal|frameClose, "\x03\xe9"))
		polite.expectEnd()
		if took := time.Since(start); took > 10*time.Millisecond {
			t.Errorf("a client that answers is closed after %v", took)
		}
		rude.expectEnd()
		<-stopped
		if took := time.Since(start); took < time.Second || took > 1100*time.Millisecond {
			t.Errorf("shut down after %v", took)
		}
		if err := m.hub.checkRoom(false); err == nil {
			t.Error("new sessions are taken after the end")
		}
	})
}

// TestShutdownDeadline: sessions that cannot be told are cut off when the time is over.
func TestShutdownDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newPipedMarket(t, streamMarketOptions{})
		m.apply(m.quote("EURUSD", 108_000, 108_002, testNow))
		c := m.pipe() // Never reads.
		time.Sleep(time.Millisecond)
		ctx, done := testTimeout(3 * time.Second)
		defer done()
		start := time.Now()
		if err := m.hub.shutdown(ctx); !errors.Is(err, ctx.Err()) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("shut down after %v", took)
		}
		<-c.ended
		m.stop()
	})
}

// TestSessionsTooMany: whoever comes when there are as many sessions as may be is told so.
func TestSessionsTooMany(t *testing.T) {
	o := streamMarketOptions{hub: func(o *hubOptions) { o.sessions = 1 }}
	inBubble(t, o, func(_ *testing.T, m *streamMarket) {
		c := m.pipe()
		time.Sleep(time.Millisecond)
		late := m.pipe()
		late.expectFrame(frameClose, "\x03\xf5no more sessions")
		late.expectEnd()
		c.close()
	})
}

// TestHubEndsFirst: when the hub's context ends, its sessions end too.
func TestHubEndsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := makeStreamMarket(t, streamMarketOptions{})
		stop := m.run()
		c := m.pipe()
		time.Sleep(time.Millisecond)
		stop()
		c.expectEnd()
		c = m.pipe()
		c.expectFrame(frameText, streamShutdown)
		c.expectFrame(frameClose, "\x03\xe9shutdown")
		c.expectEnd()
	})
}

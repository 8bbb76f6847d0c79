package httpd

import (
	"net"
	"strings"
	"testing"

	"tradingengine/core"
)

// panicsLogged counts the lines of the log about panics of a goroutine.
func panicsLogged(log *logText, goroutine string) int {
	return strings.Count(log.String(), "goroutine="+goroutine)
}

// TestHubPanics: after a panic of the hub, be it in what a session wants or in a pass over the
// market, all sessions end, the next ones get everything, and nothing is left of those before.
func TestHubPanics(t *testing.T) {
	m := newStreamMarket(t, streamMarketOptions{})
	at, bid := testNow, core.Price(108_000)
	tick := func() {
		at, bid = at+core.Millisecond, bid+100
		m.apply(m.quote("EURUSD", bid, bid+2, at))
	}
	f := func(n int, plant func()) {
		t.Helper()
		c, other := m.dial("?symbols=EURUSD"), m.dial("?symbols=USDJPY")
		c.send(`{"type":"subscribe","channel":"ticks","symbols":["EURUSD"],"since":0}`)
		c.send(`{"type":"subscribe","channel":"quotes","symbols":["EURUSD"],"maxRateHz":100}`)
		c.send(`{"type":"subscribe","channel":"bars:1m","symbols":["EURUSD"]}`)
		tick()
		for seen := map[string]bool{}; !seen["tick"] || !seen["quote"] || !seen["bar"]; {
			msg := c.message()
			if seen[msg.Type] = true; msg.Type == "heartbeat" {
				t.Fatalf("only %v came", seen)
			}
		}
		other.send(`{"type":"ping"}`)
		other.expect(`{"type":"pong"}`)
		m.hub.do(plant)
		tick()
		for _, c := range []*streamClient{c, other} {
			for text, err := c.tryNext(); err == nil; text, err = c.tryNext() {
				if strings.Contains(text, "heartbeat") {
					t.Fatal("the session goes on")
				}
			}
		}
		m.until("both are gone", func() bool { return m.hub.stats().Sessions == 0 })
		if got := panicsLogged(m.log, "hub"); got != n || m.hub.stats().Panics != int64(n) {
			t.Errorf("%d panics are logged, %d counted; want %d", got, m.hub.stats().Panics, n)
		}
		m.hub.do(func() {
			if len(m.hub.logs) > 0 || len(m.hub.quotes.active) > 0 || !m.hub.quotes.wanted.IsZero() {
				t.Error("the hub still knows of streams")
			}
		})
	}
	f(1, func() { panic("planted") })
	f(2, func() { m.hub.ticks.symbols[m.id("EURUSD")].legacy = []logPlace{{}} })
	f(3, func() { m.hub.quotes.rates[0].symbols[m.id("EURUSD")].logs = []logPlace{{}} })
	c := m.dial("?symbols=EURUSD")
	c.next()
	c.nothing(m)
}

// faultyStream is a session whose reader panics at a message.
type faultyStream struct{ streaming }

func (faultyStream) take(*session, byte, []byte) { panic("planted") }

// TestSessionPanics: a panic of a session's reader or writer ends that session.
func TestSessionPanics(t *testing.T) {
	m := newStreamMarket(t, streamMarketOptions{})
	good := m.dial("")
	f := func(who string, p purpose, plant func(s *session)) {
		t.Helper()
		client, server := net.Pipe()
		s := m.hub.open(server, p, &anybody)
		go s.run()
		c := &pipeClient{t: t, conn: client, r: newPipeReader(client), ended: make(chan struct{})}
		c.send(`{"type":"ping"}`)
		plant(s)
		for _, text, err := c.frame(); err == nil; _, text, err = c.frame() {
			if strings.Contains(text, "heartbeat") {
				t.Fatal("the session goes on")
			}
		}
		m.until("it is gone", func() bool { return m.hub.stats().Sessions == 1 })
		if got := panicsLogged(m.log, who); got != 1 {
			t.Errorf("%s: %d panics are logged", who, got)
		}
		check(t, client.Close())
	}
	all := streaming{m.hub, allStreamSymbols(m.engine.Symbols().Len())}
	f("reader", faultyStream{all}, func(*session) {})
	f("writer", all, func(s *session) { s.push(nil) })
	m.apply(m.quote("EURUSD", 108_000, 108_002, testNow))
	if got := good.message(); got.Type != "tick" {
		t.Errorf("afterwards: %s", got)
	}
}

// faultyConn panics when it is taken out of fasthttp's hands.
type faultyConn struct{ net.Conn }

func (faultyConn) UnsafeConn() net.Conn { panic("planted") }

// TestHandshakePanics: what runs between request and session ends its connection alone.
func TestHandshakePanics(t *testing.T) {
	m := newStreamMarket(t, streamMarketOptions{})
	client, server := net.Pipe()
	m.hub.begin(faultyConn{server}, streaming{m.hub, nil}, &anybody)
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
	if got := panicsLogged(m.log, "handshake"); got != 1 {
		t.Errorf("%d panics are logged", got)
	}
	m.dial("").nothing(m)
}

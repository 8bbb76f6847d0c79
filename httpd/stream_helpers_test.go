package httpd

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

// streamMarket is an engine, a storage stand-in and a hub behind a loopback port.
type streamMarket struct {
	t       testing.TB
	engine  *core.Engine
	storage *standIn
	hub     *hub
	addr    string
	clock   atomic.Int64 // What the engine takes for now.
	log     *logText
	stop    func() // Ends the hub and the server; called at the end of the test.
}

type streamMarketOptions struct {
	symbols []core.Symbol
	engine  func(*core.Options)
	hub     func(*hubOptions)
	restore map[string]*core.SymbolState
}

func newStreamMarket(t testing.TB, o streamMarketOptions) *streamMarket {
	t.Helper()
	m := &streamMarket{t: t, log: &logText{}}
	m.clock.Store(int64(testNow))
	m.newEngine(o)
	ho := hubOptions{engine: m.engine, history: m.storage, log: slog.New(m.log.handler())}
	ho.fail = (&Server{log: ho.log}).fail
	if o.hub != nil {
		o.hub(&ho)
	}
	m.hub = newHub(ho)
	m.serve()
	return m
}

func (m *streamMarket) newEngine(o streamMarketOptions) {
	if o.symbols == nil {
		o.symbols = core.DefaultSymbols()
	}
	registry, err := core.NewRegistry(o.symbols)
	check(m.t, err)
	sources, err := core.NewSources([]string{"SIM"})
	check(m.t, err)
	eo := core.Options{
		Symbols: registry, Sources: sources, Throttle: core.DefaultThreshold,
		Now: func() core.Time { return core.Time(m.clock.Load()) },
	}
	if o.engine != nil {
		o.engine(&eo)
	}
	m.engine, err = core.New(eo)
	check(m.t, err)
	m.storage = newStandIn(m.engine)
	for name, state := range o.restore {
		id, err := registry.Find(name)
		check(m.t, err)
		check(m.t, m.engine.Restore(id, state))
		m.storage.ticks[id] = append(m.storage.ticks[id], state.Ticks...)
		_, m.storage.taken[id] = m.engine.TickSpan(id)
		for f := range core.Frames {
			m.storage.bars[id][f] = append(m.storage.bars[id][f], state.Bars[f]...)
			_, m.storage.closed[id][f] = m.engine.BarSpan(id, core.Frame(f))
		}
	}
}

func (m *streamMarket) serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(m.t, err)
	m.addr = listener.Addr().String()
	server := &fasthttp.Server{Handler: m.hub.serve, Logger: connectionLog{m.hub.opts.log}}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { m.engine.Run(context.Background()) })
	running.Go(func() { m.storage.run(ctx) })
	running.Go(func() { m.hub.run(ctx) })
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	var once sync.Once
	m.stop = func() {
		once.Do(func() {
			m.engine.Close()
			end, done := context.WithTimeout(context.Background(), 20*time.Second)
			defer done()
			check(m.t, m.hub.shutdown(end))
			check(m.t, server.ShutdownWithContext(end))
			check(m.t, <-served)
			cancel()
			running.Wait()
		})
	}
	m.t.Cleanup(m.stop)
}

// quotes sends quotes as one submission and does not wait for what becomes of them.
func (m *streamMarket) quotes(quotes ...core.Quote) {
	m.t.Helper()
	check(m.t, m.trySend(quotes))
}

func (m *streamMarket) trySend(quotes []core.Quote) error {
	s := m.engine.Begin(core.Time(m.clock.Load()))
	defer s.Release()
	for _, q := range quotes {
		s.Add(q)
	}
	return s.Send(context.Background(), false)
}

// apply sends quotes and waits until the engine has taken them.
func (m *streamMarket) apply(quotes ...core.Quote) {
	m.t.Helper()
	before := m.engine.Stats().Received
	m.quotes(quotes...)
	m.until("the quotes are taken", func() bool {
		return m.engine.Stats().Received >= before+int64(len(quotes))
	})
}

// until waits for something that other goroutines bring about.
func (m *streamMarket) until(what string, done func() bool) {
	m.t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(end) {
			m.t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func (m *streamMarket) id(name string) core.SymbolID {
	id, err := m.engine.Symbols().Find(name)
	check(m.t, err)
	return id
}

// quote makes a quote of a symbol; at 0 it has the time of its batch.
func (m *streamMarket) quote(name string, bid, ask core.Price, at core.Time) core.Quote {
	return core.Quote{Symbol: m.id(name), Bid: bid, Ask: ask, Time: at, Source: 1}
}

// streamClient is a client as the library has it.
type streamClient struct {
	t    testing.TB
	conn *websocket.Conn
}

// dial opens a stream; query is empty or begins with a question mark.
func (m *streamMarket) dial(query string) *streamClient {
	m.t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws://"+m.addr+"/ws"+query, nil)
	check(m.t, err)
	c := &streamClient{m.t, conn}
	m.t.Cleanup(func() { _ = conn.Close() })
	return c
}

func (c *streamClient) send(text string) {
	c.t.Helper()
	check(c.t, c.conn.WriteMessage(websocket.TextMessage, []byte(text)))
}

// next returns the next message.
func (c *streamClient) next() string {
	c.t.Helper()
	text, err := c.tryNext()
	check(c.t, err)
	return text
}

func (c *streamClient) tryNext() (string, error) {
	err := c.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	if err != nil {
		return "", err
	}
	_, text, err := c.conn.ReadMessage()
	return string(text), err
}

// expect reads as many messages as are wanted and compares them.
func (c *streamClient) expect(want ...string) {
	c.t.Helper()
	for i, w := range want {
		if got := c.next(); got != w {
			c.t.Fatalf("message %d is\n%s\nwant\n%s", i, got, w)
		}
	}
}

// nothing makes sure that no message is on its way, by having a ping answered.
func (c *streamClient) nothing() {
	c.t.Helper()
	c.send(`{"type":"ping","timestamp":424242}`)
	c.expect(`{"type":"pong","timestamp":424242}`)
}

// expectClose reads until the server closes, and checks with which code.
func (c *streamClient) expectClose(code int) {
	c.t.Helper()
	for {
		_, err := c.tryNext()
		if err == nil {
			continue
		}
		var closed *websocket.CloseError
		if !errors.As(err, &closed) || closed.Code != code {
			c.t.Fatalf("closed with %v; want %d", err, code)
		}
		return
	}
}

// streamMessage is any message of the server.
type streamMessage struct {
	Type      string
	Symbol    string
	Channel   string
	Symbols   []string
	Timeframe string
	Time      core.Time
	Prev      core.Time
	Timestamp int64
	From, To  core.Time
	Last      core.Time
	Skipped   int64
	Count     int64
	Volume    int64
	Complete  bool
	Code      string
	Detail    string

	Bid, Ask, Spread         json.Number
	BidHigh, BidLow, BidOpen json.Number
	AskHigh, AskLow, AskOpen json.Number
	MidHigh, MidLow          json.Number
	Open, High, Low, Close   json.Number
	MaxRateHz                json.Number
	LP                       string
}

func parseStreamMessage(t testing.TB, text string) (m streamMessage) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	if err := d.Decode(&m); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m
}

// message reads the next message and takes it apart.
func (c *streamClient) message() streamMessage {
	c.t.Helper()
	return parseStreamMessage(c.t, c.next())
}

// answerHandshake does a server's part of the handshake on a bare connection.
func answerHandshake(conn net.Conn) error {
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return err
	}
	const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	sum := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + magic))
	_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Accept: "+
		base64.StdEncoding.EncodeToString(sum[:])+"\r\n\r\n")
	return err
}

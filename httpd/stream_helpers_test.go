package httpd

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"log/slog"
	"math"
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
	m := makeStreamMarket(t, o)
	m.serve()
	return m
}

// newPipedMarket is for tests in a synctest bubble: clients connect by pipes, which hold no bytes,
// so that a client that does not read stops its session at once.
func newPipedMarket(t testing.TB, o streamMarketOptions) *streamMarket {
	t.Helper()
	m := makeStreamMarket(t, o)
	running := m.run()
	m.stop = func() {
		m.engine.Close()
		end, done := context.WithTimeout(context.Background(), 20*time.Second)
		defer done()
		check(m.t, m.hub.shutdown(end))
		running()
	}
	return m
}

func makeStreamMarket(t testing.TB, o streamMarketOptions) *streamMarket {
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
	return m
}

// run starts engine, storage and hub, and returns what ends them.
func (m *streamMarket) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { m.engine.Run(context.Background()) })
	running.Go(func() { m.storage.run(ctx) })
	running.Go(func() { m.hub.run(ctx) })
	return func() {
		m.engine.Close()
		cancel()
		running.Wait()
	}
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
	server := &fasthttp.Server{
		Handler: m.hub.serve, Logger: connectionLog{m.hub.opts.log}, KeepHijackedConns: true,
	}
	running := m.run()
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
			running()
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

// storedTicks returns all ticks of a symbol that were committed.
func (m *streamMarket) storedTicks(name string) []core.Tick {
	m.t.Helper()
	ticks, err := m.storage.Ticks(context.Background(), m.id(name), 0, math.MaxInt64, math.MaxInt,
		false, nil)
	check(m.t, err)
	return ticks
}

// storedBars returns all closed bars of a symbol that were committed.
func (m *streamMarket) storedBars(name string, f core.Frame) []core.Bar {
	m.t.Helper()
	bars, err := m.storage.Bars(context.Background(), m.id(name), f, 0, math.MaxInt64, math.MaxInt,
		false, nil)
	check(m.t, err)
	return bars
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

// nothing makes sure that no message is on its way: the hub has seen all that the engine has, and
// the session writes what is published between two answers.
func (c *streamClient) nothing(m *streamMarket) {
	c.t.Helper()
	m.hub.do(func() { m.hub.pass(time.Now()) })
	for _, n := range []string{"1", "2"} {
		c.send(`{"type":"ping","timestamp":` + n + `}`)
		c.expect(`{"type":"pong","timestamp":` + n + `}`)
	}
}

// streamMessage is any message of the server.
type streamMessage struct {
	text      string
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
		t.Errorf("%s: %v", text, err)
	}
	m.text = text
	return m
}

func (m streamMessage) String() string { return m.text }

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

// pipeClient is a client that sees frames.
type pipeClient struct {
	t     testing.TB
	conn  net.Conn
	r     *bufio.Reader
	pings int
	ended chan struct{} // Closed when the session has ended.
}

func newPipeReader(conn net.Conn) *bufio.Reader { return bufio.NewReaderSize(conn, 16) }

// pipe opens a session over a pipe.
func (m *streamMarket) pipe(symbols ...string) *pipeClient {
	client, server := net.Pipe()
	c := &pipeClient{m.t, client, newPipeReader(client), 0, make(chan struct{})}
	set := allStreamSymbols(m.engine.Symbols().Len())
	if len(symbols) > 0 {
		set = newStreamSymbols(m.engine.Symbols().Len())
	}
	for _, name := range symbols {
		set.add(m.id(name))
	}
	go func() {
		defer close(c.ended)
		if s := m.hub.open(server, streaming{m.hub, set}, &anybody); s != nil {
			s.run()
		}
	}()
	return c
}

// frame reads one frame.
func (c *pipeClient) frame() (kind byte, payload string, err error) {
	var b [10]byte
	if _, err := io.ReadFull(c.r, b[:2]); err != nil {
		return 0, "", err
	}
	kind = b[0] & 0x0F
	n := uint64(b[1])
	switch n {
	case 126:
		_, err = io.ReadFull(c.r, b[:2])
		n = uint64(binary.BigEndian.Uint16(b[:2]))
	case 127:
		_, err = io.ReadFull(c.r, b[:8])
		n = binary.BigEndian.Uint64(b[:8])
	}
	if err != nil {
		return 0, "", err
	}
	text := make([]byte, n)
	_, err = io.ReadFull(c.r, text)
	return kind, string(text), err
}

// next returns the next message, counting the pings before it.
func (c *pipeClient) next() string {
	c.t.Helper()
	for {
		kind, text, err := c.frame()
		check(c.t, err)
		switch kind {
		case frameText:
			return text
		case framePing:
			c.pings++
		default:
			c.t.Fatalf("frame of kind %d: %q", kind, text)
		}
	}
}

func (c *pipeClient) message() streamMessage {
	c.t.Helper()
	return parseStreamMessage(c.t, c.next())
}

func (c *pipeClient) expect(want ...string) {
	c.t.Helper()
	for i, w := range want {
		if got := c.next(); got != w {
			c.t.Fatalf("message %d is\n%s\nwant\n%s", i, got, w)
		}
	}
}

// expectFrame reads one frame and compares it.
func (c *pipeClient) expectFrame(kind byte, payload string) {
	c.t.Helper()
	k, p, err := c.frame()
	if err != nil || k != kind || p != payload {
		c.t.Fatalf("frame of kind %d: %q, %v; want kind %d: %q", k, p, err, kind, payload)
	}
}

// expectEnd makes sure that the connection ends here.
func (c *pipeClient) expectEnd() {
	c.t.Helper()
	if k, p, err := c.frame(); err == nil {
		c.t.Fatalf("frame of kind %d: %q; want the end", k, p)
	}
	<-c.ended
}

func (c *pipeClient) send(text string) {
	c.t.Helper()
	c.sendFrames(clientFrame(frameFinal|frameText, text))
}

func (c *pipeClient) sendFrames(frames string) {
	c.t.Helper()
	_, err := io.WriteString(c.conn, frames)
	check(c.t, err)
}

// close ends the connection without a word and waits for the session to notice.
func (c *pipeClient) close() {
	check(c.t, c.conn.Close())
	<-c.ended
}

func coreP(n int) core.Price { return core.Price(n) }

func testTimeout(d time.Duration) (context.Context, func()) {
	return context.WithTimeout(context.Background(), d)
}

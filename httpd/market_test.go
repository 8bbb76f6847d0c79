package httpd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradingengine/core"
	"tradingengine/core/desk"
)

// testNow is when the tests happen unless they say otherwise: a Monday, shortly before 14:00 UTC.
var testNow = mustTime("2026-01-19T13:59:30Z")

func mustTime(s string) core.Time {
	t, err := core.ParseTime(s)
	if err != nil {
		panic(err)
	}
	return t
}

// testMarket is a whole server on a loopback port: engine, storage stand-in and HTTP.
type testMarket struct {
	t       testing.TB
	engine  *core.Engine
	storage *standIn
	desk    *desk.Desk // Nil unless marketOptions.desk.
	journal *memoryJournal
	server  *Server
	url     string
	addr    string
	client  *http.Client
	clock   atomic.Int64 // What engine and server take for now.
	log     *logText

	shut func()
}

// marketOptions change what newTestMarket makes.
type marketOptions struct {
	ticks, bars int // In memory; 0 for the engine's default.
	engine      func(*core.Options)
	server      func(*Options)
	hub         func(*hubOptions)
	symbols     []core.Symbol
	desk        bool // There is trading; account 1 has 5,000 USD.
	deskOptions func(*desk.Options)
	tradeLimit  int           // Orders and positions of an account; 0 for the default.
	clientsMax  int           // Closed orders whose client ids the machine knows; 0 for the default.
	begin       chan struct{} // The engine applies nothing until this is closed; nil for at once.
}

func newTestMarket(t testing.TB, o marketOptions) *testMarket {
	t.Helper()
	m := makeTestMarket(t, o)
	m.start(o.begin)
	return m
}

// makeTestMarket makes a market that does not run.
func makeTestMarket(t testing.TB, o marketOptions) *testMarket {
	t.Helper()
	m := &testMarket{t: t, log: &logText{}}
	m.clock.Store(int64(testNow))
	now := func() core.Time { return core.Time(m.clock.Load()) }
	if o.symbols == nil {
		o.symbols = core.DefaultSymbols()
	}
	registry, err := core.NewRegistry(o.symbols)
	check(t, err)
	sources, err := core.NewSources([]string{"SIM"})
	check(t, err)
	eo := core.Options{
		Symbols: registry, Sources: sources, Throttle: core.DefaultThreshold, Ticks: o.ticks,
		Bars: o.bars, Now: now, InboxWait: 50 * time.Millisecond,
	}
	if o.engine != nil {
		o.engine(&eo)
	}
	m.engine, err = core.New(eo)
	check(t, err)
	m.storage = newStandIn(m.engine)
	so := Options{
		Engine: m.engine, History: m.storage, Now: now, Log: slog.New(m.log.handler()),
		Config: Config{
			BrokerName: "Test Broker", Version: "1.2.3", MaxTicksPerSymbol: 50_000,
			Throttle: core.DefaultThreshold, BatchSize: 500, FlushInterval: time.Second,
			QueueCapacity: 10_000, Feed: "none",
		},
	}
	if o.desk {
		m.addDesk(&so, &o)
	}
	if o.server != nil {
		o.server(&so)
	}
	m.server, err = New(so)
	check(t, err)
	if o.hub != nil {
		o.hub(&m.server.hub.opts)
	}
	return m
}

// start runs everything until the test ends.
func (m *testMarket) start(begin chan struct{}) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(m.t, err)
	m.addr = listener.Addr().String()
	m.url = "http://" + m.addr
	m.client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}
	var running sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	running.Go(func() {
		if begin != nil {
			<-begin
		}
		m.engine.Run(context.Background())
		if m.desk != nil {
			m.desk.Close()
		}
	})
	if m.desk != nil {
		running.Go(func() { check(m.t, m.desk.Run()) })
	}
	running.Go(func() { m.storage.run(ctx) })
	served := make(chan error, 1)
	go func() { served <- m.server.Serve(listener) }()
	var once sync.Once
	m.shut = func() {
		once.Do(func() {
			m.client.CloseIdleConnections()
			end, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			check(m.t, m.server.Shutdown(end))
			check(m.t, <-served)
			m.engine.Close()
			stop()
			running.Wait()
		})
	}
	m.t.Cleanup(m.shut)
}

// answer is what came back for a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request. Headers are pairs of name and value.
func (m *testMarket) do(method, path, body string, headers ...string) answer {
	m.t.Helper()
	a, err := m.try(method, path, body, headers...)
	check(m.t, err)
	return a
}

func (m *testMarket) try(method, path, body string, headers ...string) (answer, error) {
	request, err := http.NewRequest(method, m.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := m.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(text)},
		errors.Join(err, response.Body.Close())
}

func (m *testMarket) get(path string) answer { m.t.Helper(); return m.do("GET", path, "") }

// post sends NDJSON and expects it to be taken.
func (m *testMarket) post(lines string) answer {
	m.t.Helper()
	a := m.do("POST", "/ticks", lines, "Content-Type", ndjsonType)
	if a.status != 200 {
		m.t.Fatalf("POST /ticks: %d %s", a.status, a.body)
	}
	return a
}

// quoteLines is n quotes of a symbol as NDJSON, step apart from start on; each moves the mid far
// enough to be stored.
func quoteLines(symbol string, start, step core.Time, n int) string {
	var b strings.Builder
	for i := range n {
		bid := 108_000 + 10*(i%7) + 3*(i%2)
		fmt.Fprintf(&b, `{"symbol":%q,"bid":1.%05d,"ask":1.%05d,"time":%d}`+"\n", symbol,
			bid-100_000, bid-100_000+2, start+core.Time(i)*step)
	}
	return b.String()
}

// dial opens a connection for the rest of the test.
func dial(t testing.TB, addr string) net.Conn {
	c, err := net.Dial("tcp", addr)
	check(t, err)
	t.Cleanup(func() { check(t, c.Close()) })
	return c
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// logText keeps what was logged.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logText) handler() slog.Handler { return slog.NewTextHandler(l, nil) }

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
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradingengine/core"
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
	symbols     []core.Symbol
}

func newTestMarket(t testing.TB, o marketOptions) *testMarket {
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
	if o.server != nil {
		o.server(&so)
	}
	m.server, err = New(so)
	check(t, err)
	m.start()
	return m
}

// start runs everything until the test ends.
func (m *testMarket) start() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(m.t, err)
	m.addr = listener.Addr().String()
	m.url = "http://" + m.addr
	m.client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{}}
	var running sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	running.Go(func() { m.engine.Run(context.Background()) })
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

// standIn commits to slices what a storage writer would commit to a file, and is the naive History.
type standIn struct {
	engine  *core.Engine
	held    atomic.Bool // Commit nothing for now.
	loses   atomic.Bool // Say that ticks of the next commits were lost.
	forgets bool        // Keep nothing; set before the first quote.
	reads   atomic.Int64
	broken  atomic.Pointer[error] // What reads return.

	mu     sync.Mutex
	ticks  [][]core.Tick
	bars   [][core.Frames][]core.Bar
	taken  []uint64
	closed [][core.Frames]uint64
}

func newStandIn(e *core.Engine) *standIn {
	n := e.Symbols().Len()
	s := &standIn{
		engine: e, ticks: make([][]core.Tick, n), bars: make([][core.Frames][]core.Bar, n),
		taken: make([]uint64, n), closed: make([][core.Frames]uint64, n),
	}
	return s
}

// run commits whenever the engine signals, and now and then, until ctx ends.
func (s *standIn) run(ctx context.Context) {
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.engine.StorageSignal():
		case <-ticker.C:
		}
		if !s.held.Load() {
			s.commit()
		}
	}
}

func (s *standIn) commit() {
	s.mu.Lock()
	defer s.mu.Unlock()
	marks := s.engine.Applied(nil)
	var lost []core.LostTicks
	var cut core.Cut
	for _, id := range s.engine.TakeDirty(nil) {
		s.engine.Cut(id, &cut)
		from := s.taken[id]
		if s.forgets {
			s.engine.Taken(id, &cut, int64(cut.Head-from), 0)
			s.taken[id] = cut.Head
			continue
		}
		ticks := make([]core.Tick, cut.Head-from)
		first, n := s.engine.ReadTicks(id, from, ticks)
		if first != from || uint64(n) != cut.Head-from {
			panic(fmt.Sprintf("stand-in was lapped: ticks from %d, want %d", first, from))
		}
		if s.loses.Load() && n > 0 {
			lost = append(lost, core.LostTicks{Symbol: id, From: from, To: cut.Head})
			s.engine.Taken(id, &cut, 0, int64(n))
		} else {
			s.ticks[id] = append(s.ticks[id], ticks...)
			s.engine.Taken(id, &cut, int64(n), 0)
		}
		s.taken[id] = cut.Head
		for f := range core.Frames {
			bars := make([]core.Bar, cut.Closed[f]-s.closed[id][f])
			first, n := s.engine.ReadBars(id, core.Frame(f), s.closed[id][f], bars)
			if n != len(bars) || first != s.closed[id][f] {
				panic(fmt.Sprintf("stand-in was lapped: bars from %d, want %d", first, s.closed[id][f]))
			}
			s.bars[id][f] = append(s.bars[id][f], bars...)
			s.closed[id][f] = cut.Closed[f]
		}
	}
	s.engine.Committed(marks, lost)
}

// naive takes the window out of a slice, with no cleverness.
func naive[T any](all []T, timeOf func(*T) core.Time, from, to core.Time, limit int,
	newest bool,
) []T {
	var in []T
	for i := range all {
		if t := timeOf(&all[i]); from <= t && t <= to {
			in = append(in, all[i])
		}
	}
	if len(in) > limit && newest {
		return in[len(in)-limit:]
	}
	return in[:min(len(in), limit)]
}

func tickTime(t *core.Tick) core.Time { return t.Time }
func barTime(b *core.Bar) core.Time   { return b.Time }

func (s *standIn) read() (func(), error) {
	s.reads.Add(1)
	if err := s.broken.Load(); err != nil {
		return nil, *err
	}
	s.mu.Lock()
	return s.mu.Unlock, nil
}

func (s *standIn) Ticks(_ context.Context, id core.SymbolID, from, to core.Time, limit int,
	newest bool, dst []core.Tick,
) ([]core.Tick, error) {
	unlock, err := s.read()
	if err != nil {
		return dst, err
	}
	defer unlock()
	if from != timeMin {
		from++
	}
	return append(dst, naive(s.ticks[id], tickTime, from, to, limit, newest)...), nil
}

func (s *standIn) Bars(_ context.Context, id core.SymbolID, f core.Frame, from, to core.Time,
	limit int, newest bool, dst []core.Bar,
) ([]core.Bar, error) {
	unlock, err := s.read()
	if err != nil {
		return dst, err
	}
	defer unlock()
	return append(dst, naive(s.bars[id][f], barTime, from, to, limit, newest)...), nil
}

// allTicks returns a copy of everything committed.
func (s *standIn) allTicks(id core.SymbolID) []core.Tick {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ticks[id])
}

package persist

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tradingengine/core"
)

// testStart is a Monday morning.
const testStart = core.Time(1_768_810_000_000_000)

// market is an engine with its store and writer, as a server wires them.
type market struct {
	t      testing.TB
	engine *core.Engine
	store  *Store
	writer *Writer
	clock  *atomic.Int64 // What the engine takes for the time of day.

	engineDone chan struct{}
	writerDone chan error
	stopWriter context.CancelFunc
	stopped    sync.Once
	err        error
}

type marketOptions struct {
	Store  Options
	Engine core.Options
	Writer WriterOptions
	Load   LoadOptions
	Before func(*Writer) // Called before anything runs.
	Ready  func(*market) // The same.
}

// startMarket opens a directory, loads it and runs engine and writer until stop, or the test's end.
func startMarket(t testing.TB, opts marketOptions) *market {
	t.Helper()
	m, err := tryMarket(t, opts)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// tryMarket is startMarket where the disk may fail.
func tryMarket(t testing.TB, opts marketOptions) (*market, error) {
	t.Helper()
	if opts.Store.Symbols == nil {
		opts.Store.Symbols = testRegistry(t)
	}
	m := &market{
		t: t, clock: new(atomic.Int64),
		engineDone: make(chan struct{}), writerDone: make(chan error, 1),
	}
	m.clock.Store(int64(testStart))
	var err error
	if m.store, err = Open(opts.Store); err != nil {
		return nil, err
	}
	opts.Engine.Symbols, opts.Engine.Sources = opts.Store.Symbols, m.store.Sources()
	if opts.Engine.Now == nil {
		opts.Engine.Now = func() core.Time { return core.Time(m.clock.Load()) }
	}
	if opts.Engine.Throttle == 0 {
		opts.Engine.Throttle = core.DefaultThreshold
	}
	if m.engine, err = core.New(opts.Engine); err != nil {
		t.Fatal(err)
	}
	if opts.Load == (LoadOptions{}) {
		opts.Load = LoadOptions{Ticks: 50_000, Bars: 5_000}
	}
	if _, err := m.store.Load(t.Context(), m.engine, opts.Load); err != nil {
		return nil, errors.Join(err, m.store.Close())
	}
	m.writer = m.store.NewWriter(opts.Writer)
	if opts.Before != nil {
		opts.Before(m.writer)
	}
	if opts.Ready != nil {
		opts.Ready(m)
	}
	var ctx context.Context
	ctx, m.stopWriter = context.WithCancel(context.Background())
	go func() { m.engine.Run(context.Background()); close(m.engineDone) }()
	go func() { m.writerDone <- m.writer.Run(ctx, m.engine) }()
	t.Cleanup(func() { m.end() })
	return m, nil
}

// end stops engine, writer and store in the order of a server.
func (m *market) end() error {
	m.stopped.Do(func() {
		m.engine.Close()
		<-m.engineDone
		m.stopWriter()
		m.err = errors.Join(<-m.writerDone, m.store.Close())
	})
	return m.err
}

// stop ends a market that must end well.
func (m *market) stop() {
	m.t.Helper()
	if err := m.end(); err != nil {
		m.t.Fatalf("stop: %v", err)
	}
}

// send sends quotes as one submission of history and waits until they are committed.
func (m *market) send(quotes []core.Quote) (*core.Outcome, int64, error) {
	s := m.engine.Begin(testStart)
	s.History()
	for _, q := range quotes {
		s.Add(q)
	}
	if err := s.Send(context.Background(), true); err != nil {
		s.Release()
		return nil, 0, err
	}
	o, lost, err := s.Wait(context.Background())
	outcome := *o
	s.Release()
	return &outcome, lost, err
}

// mustSend is send where nothing may go wrong.
func (m *market) mustSend(quotes []core.Quote) *core.Outcome {
	m.t.Helper()
	o, _, err := m.send(quotes)
	if err != nil {
		m.t.Fatal(err)
	}
	return o
}

func (m *market) source(name string) core.SourceID {
	m.t.Helper()
	id, err := m.store.Sources().Register(name)
	if err != nil {
		m.t.Fatal(err)
	}
	return id
}

// walk makes up the quotes of one symbol: prices that wander, times that pause now and then for
// minutes, hours or days, so that bars of all frames close.
type walk struct {
	random *rand.Rand
	quote  core.Quote
}

func newWalk(seed uint64, symbol core.SymbolID, source core.SourceID, from core.Time) *walk {
	return &walk{
		random: rand.New(rand.NewPCG(seed, 1)),
		quote:  core.Quote{Symbol: symbol, Source: source, Time: from, Bid: 108_000, Ask: 108_002},
	}
}

// next returns the next n quotes, numbered.
func (w *walk) next(n int) []core.Quote {
	quotes := make([]core.Quote, n)
	for i := range quotes {
		q := &w.quote
		q.Seq++
		q.Time += core.Time(w.random.Int64N(2_000_000))
		switch pause := w.random.IntN(2_000); {
		case pause == 0:
			q.Time += 30 * core.Hour
		case pause < 20:
			q.Time += 40 * core.Minute
		}
		q.Bid += core.Price(w.random.IntN(5) - 2)
		q.Ask = q.Bid + core.Price(w.random.IntN(4))
		quotes[i] = *q
	}
	return quotes
}

// stateText writes down everything an engine knows of its symbols, exactly.
func stateText(e *core.Engine) string {
	var text strings.Builder
	for i := range e.Symbols().Len() {
		symbolText(&text, e, core.SymbolID(i))
	}
	return text.String()
}

func symbolText(text *strings.Builder, e *core.Engine, id core.SymbolID) {
	live, ok := e.Live(id)
	fmt.Fprintf(text, "%s live %v %v\n", e.Symbols().Symbol(id).Name, live, ok)
	for _, t := range engineTicks(e, id) {
		fmt.Fprintf(text, "tick %v\n", t)
	}
	for f := range core.Frames {
		for _, b := range engineBars(e, id, core.Frame(f)) {
			fmt.Fprintf(text, "%s %v\n", core.Frame(f), b)
		}
		forming, _ := e.Forming(id, core.Frame(f))
		fmt.Fprintf(text, "%s forming %v\n", core.Frame(f), forming)
	}
	var cut core.Cut
	e.Cut(id, &cut)
	fmt.Fprintf(text, "clocked %v seqs %v\n", cut.Clocked, cut.Numbered)
}

// engineTicks returns the stored ticks of a symbol in memory.
func engineTicks(e *core.Engine, id core.SymbolID) []core.Tick {
	oldest, head := e.TickSpan(id)
	ticks := make([]core.Tick, head-oldest)
	_, n := e.ReadTicks(id, oldest, ticks)
	return ticks[:n]
}

// engineBars returns the closed bars of a symbol and frame in memory.
func engineBars(e *core.Engine, id core.SymbolID, f core.Frame) []core.Bar {
	oldest, head := e.BarSpan(id, f)
	bars := make([]core.Bar, head-oldest)
	_, n := e.ReadBars(id, f, oldest, bars)
	return bars[:n]
}

// diff reports the first line in which two texts differ.
func diff(t testing.TB, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		var gl, wl string
		if i < len(g) {
			gl = g[i]
		}
		if i < len(w) {
			wl = w[i]
		}
		if gl != wl {
			t.Errorf("%s: line %d of %d and %d:\ngot  %s\nwant %s", what, i+1, len(g), len(w), gl, wl)
			return
		}
	}
}

// lines writes items down, one a line.
func lines[T any](items []T) string {
	var text strings.Builder
	for _, item := range items {
		fmt.Fprintln(&text, item)
	}
	return text.String()
}

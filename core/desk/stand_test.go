package desk

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/trading"
)

// memory is a journal whose file is memory. A test may hold its commits, or have them fail.
type memory struct {
	mu      sync.Mutex
	gate    chan struct{} // Full while a commit runs, or a test holds commits.
	events  []trading.Event
	fires   []alert.FireChange
	kept    map[Key]Kept
	commits int
	fault   error
}

func (m *memory) Commit(events []trading.Event, answers []Kept, alerts *alert.Changes) error {
	m.hold()
	defer m.release()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault != nil {
		return m.fault
	}
	if len(events) > 0 && events[0].Seq != uint64(len(m.events))+1 {
		return errors.New("events are not dense")
	}
	m.commits++
	m.events = append(m.events, events...)
	m.fires = append(m.fires, alerts.Fires...)
	for _, k := range answers {
		if _, twice := m.kept[k.Key]; twice {
			return errors.New("a key was kept twice")
		}
		m.kept[k.Key] = k
	}
	return nil
}

// hold has commits wait until release. A mutex would not do: a bubble takes those who wait for one
// for working.
func (m *memory) hold()    { m.gate <- struct{}{} }
func (m *memory) release() { <-m.gate }

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = err
}

func (m *memory) Answer(_ context.Context, key Key) (Kept, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, found := m.kept[key]
	return k, found, nil
}

func (m *memory) Events(
	_ context.Context, all bool, account trading.AccountID, since uint64, limit int,
) (list []trading.Event, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events {
		if e.Seq > since && (all || e.Account == account) && len(list) < limit {
			list = append(list, e)
		}
	}
	return list, nil
}

// stand is a desk that runs over an engine, a machine and a journal in memory.
type stand struct {
	*Desk
	t       testing.TB
	engine  *core.Engine
	machine *trading.Machine
	memory  *memory
	shards  sync.WaitGroup
	running sync.WaitGroup
	err     error // What Run returned.
}

// newStand makes one; start starts it. A memory with events is replayed.
func newStand(t testing.TB, opts Options, engine core.Options, m *memory) *stand {
	t.Helper()
	registry, err := core.NewRegistry(core.DefaultSymbols())
	if err != nil {
		t.Fatal(err)
	}
	engine.Symbols = registry
	if engine.Sources, err = core.NewSources([]string{"SIM"}); err != nil {
		t.Fatal(err)
	}
	s := &stand{t: t, memory: m}
	if s.engine, err = core.New(engine); err != nil {
		t.Fatal(err)
	}
	if s.machine, err = trading.New(trading.Options{Symbols: registry}); err != nil {
		t.Fatal(err)
	}
	if m.kept == nil {
		m.kept, m.gate = map[Key]Kept{}, make(chan struct{}, 1)
	}
	for _, e := range m.events {
		if err := s.machine.Replay(e); err != nil {
			t.Fatal(err)
		}
	}
	opts.Engine, opts.Machine, opts.Journal, opts.History = s.engine, s.machine, m, m
	if opts.Open == nil {
		opts.Open = openDemo
	}
	if s.Desk, err = New(opts); err != nil {
		t.Fatal(err)
	}
	for key := range m.kept {
		s.Remember(key)
	}
	return s
}

func openDemo(m *trading.Machine, now core.Time) error {
	usd, _ := trading.ParseCurrency("USD")
	_, err := m.OpenAccount(now, trading.Settings{Currency: usd}, 500_000_00)
	return err
}

func (s *stand) start() *stand {
	s.shards.Go(func() { s.engine.Run(context.Background()) })
	s.running.Go(func() { s.err = s.Run() })
	return s
}

// stop ends everything in the order of the data.
func (s *stand) stop() {
	s.engine.Close()
	s.shards.Wait()
	s.Close()
	s.running.Wait()
}

// newTest is a stand in a bubble whose time starts on a Monday noon of New York, with nothing held.
func bubble(t *testing.T, opts Options, engine core.Options, f func(s *stand)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(core.Time(1_768_842_000_000_000)) // 2026-01-19T17:00:00Z
		s := newStand(t, opts, engine, &memory{}).start()
		synctest.Wait()
		f(s)
		s.stop()
	})
}

// quote sends quotes of a symbol, in points, that came now and waits until they are applied.
func (s *stand) quote(name string, bid, ask core.Price) {
	s.t.Helper()
	s.send(name, bid, ask, false).Release()
	synctest.Wait()
}

func (s *stand) send(name string, bid, ask core.Price, wait bool) *core.Submission {
	s.t.Helper()
	q := s.engine.Begin(core.Now())
	q.Add(core.Quote{Symbol: s.symbol(name), Bid: bid, Ask: ask})
	if err := q.Send(context.Background(), wait); err != nil {
		s.t.Fatal(err)
	}
	return q
}

func (s *stand) symbol(name string) core.SymbolID {
	s.t.Helper()
	id, err := s.engine.Symbols().Find(name)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// order is a command that places an order of 0.1 lots for account 1. Its answer is a new slice
// each time, so that a repeated answer can be told from a second one.
func (s *stand) order(r trading.OrderRequest, keys ...Key) *Command {
	r.Account, r.Volume = 1, trading.Lot/10
	return &Command{
		Keys: keys, Account: 1, Symbols: []core.SymbolID{r.Symbol},
		Apply: func(m *trading.Machine, now core.Time) Answer {
			result, err := m.Place(now, r)
			switch {
			case err != nil:
				return Answer{Status: 404}
			case result.Refusal != nil:
				return Answer{Status: 422, Body: []byte(result.Refusal.Code.String())}
			}
			return Answer{Status: 201, Body: trading.AppendOrder(nil, s.engine.Symbols(), &result.Order)}
		},
	}
}

func (s *stand) buy(name string, keys ...Key) *Command {
	return s.order(trading.OrderRequest{
		Symbol: s.symbol(name), Side: trading.Buy, Type: trading.Market,
	}, keys...)
}

// sellStop is a pending order.
func (s *stand) sellStop(name string, price core.Price, keys ...Key) *Command {
	return s.order(trading.OrderRequest{
		Symbol: s.symbol(name), Side: trading.Sell, Type: trading.Stop, Price: price,
	}, keys...)
}

// must has a command done that is expected to end at once, with a status.
func (s *stand) must(c *Command, status int) Answer {
	s.t.Helper()
	a, err := s.Do(context.Background(), c)
	if err != nil || a.Status != status {
		s.t.Fatalf("status %d %s, %v; want %d", a.Status, a.Body, err, status)
	}
	return a
}

// later has a command done in the background.
type later struct {
	answer Answer
	err    error
	over   bool
}

func (s *stand) later(c *Command) *later {
	l := &later{}
	go func() {
		l.answer, l.err = s.Do(context.Background(), c)
		l.over = true
	}()
	synctest.Wait()
	return l
}

// types are the types of the events that are committed.
func (s *stand) types() (list []string) {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	for i := range s.memory.events {
		list = append(list, s.memory.events[i].Type.String())
	}
	return list
}

func (s *stand) count(eventType string) (n int) {
	for _, name := range s.types() {
		if name == eventType {
			n++
		}
	}
	return n
}

func (s *stand) wantTypes(want ...string) {
	s.t.Helper()
	if got := s.types(); !slices.Equal(got, want) {
		s.t.Errorf("events %v; want %v", got, want)
	}
}

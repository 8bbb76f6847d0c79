package feed

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tradingengine/core"
)

// runSimulator runs a simulator for a while.
func runSimulator(t *testing.T, opts SimulatorOptions, span time.Duration) *Simulator {
	t.Helper()
	s, err := NewSimulator(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), span)
	defer cancel()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSimulatorFeedsAnEngine(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		time.Sleep(10 * time.Hour) // To London's morning of the bubble's first day, a Saturday.
		m := startMarket(t, core.Options{})
		s := runSimulator(t, SimulatorOptions{Engine: m.engine}, time.Minute)
		now := core.Now()
		m.stop()
		stats := m.checkSums(t)
		if stats.Received != s.Sent() || s.Sent() < 3000 || stats.RejectedTotal() != 0 {
			t.Errorf("sent %d, received %d, rejected %d; want some 7,000, all of them, 0", s.Sent(),
				stats.Received, stats.RejectedTotal())
		}
		if stats.Late != 0 || stats.Lost != 0 || stats.Committed != stats.Stored || s.Dropped() != 0 {
			t.Errorf("got %+v, dropped %d; want nothing late, lost, pending or dropped", stats, s.Dropped())
		}
		if share := float64(stats.Throttled) / float64(stats.Received); share < 0.42 || share > 0.58 {
			t.Errorf("the engine throttled %.3f, want 0.42 to 0.58", share)
		}
		for id := range m.engine.Symbols().Len() {
			live, ok := m.engine.Live(core.SymbolID(id))
			if name := m.engine.Symbols().Symbol(core.SymbolID(id)).Name; !ok ||
				live.Time > now || live.Time < now-10*core.Second {
				t.Errorf("%s: live quote of %s at %s", name, live.Time, now)
			}
			ticks := m.store.stored(core.SymbolID(id))
			if source := m.engine.Sources().Name(ticks[0].Source); source != "SIM" {
				t.Errorf("got lp %q, want SIM", source)
			}
		}
	})
}

func TestSimulatorGoesOnAfterARestart(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		m := startMarket(t, core.Options{})
		runSimulator(t, SimulatorOptions{Engine: m.engine}, 5*time.Minute)
		synctest.Wait()
		before := liveMids(m.engine)
		time.Sleep(time.Hour)
		runSimulator(t, SimulatorOptions{Engine: m.engine}, 1500*time.Millisecond)
		synctest.Wait()
		for id, mid := range liveMids(m.engine) {
			if name := m.engine.Symbols().Symbol(core.SymbolID(id)).Name; jumped(before[id], mid) {
				t.Errorf("%s: mid %d before the restart, %d after", name, before[id], mid)
			}
		}
		if s := m.checkSums(t); s.RejectedTotal() != 0 {
			t.Errorf("got %d rejected", s.RejectedTotal())
		}
	})
}

// TestSimulatorAndTheClock: the clock is set back by an hour, later the machine sleeps.
func TestSimulatorAndTheClock(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var offset atomic.Int64
		now := func() core.Time { return core.Now() + core.Time(offset.Load()) }
		m := startMarket(t, core.Options{Now: now})
		s, err := NewSimulator(SimulatorOptions{Engine: m.engine, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() {
			if err := s.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		check := func(what string, span time.Duration) {
			t.Helper()
			before := s.Sent()
			time.Sleep(span)
			sent, stats := s.Sent()-before, m.engine.Stats()
			if perSecond := float64(sent) / span.Seconds(); perSecond < 30 || perSecond > 800 {
				t.Errorf("%s: %.0f quotes/s, want about 100", what, perSecond)
			}
			if stats.RejectedTotal() != 0 {
				t.Errorf("%s: %d rejected", what, stats.RejectedTotal())
			}
		}
		check("at first", 20*time.Second)
		offset.Add(-int64(core.Hour))
		check("an hour back", 20*time.Second)
		offset.Add(int64(9 * core.Hour))
		check("eight hours on", 20*time.Second)
		cancel()
		running.Wait()
		synctest.Wait()
		m.checkSums(t)
	})
}

func TestSimulatorDropsWhatFindsNoRoom(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		sources, _ := core.NewSources(nil)
		e, err := core.New(core.Options{
			Symbols: defaultRegistry(t), Sources: sources, Inbox: 4 * core.BatchMax,
			InboxWait: 10 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		s := runSimulator(t, SimulatorOptions{
			Engine: e, Rate: 2000, Log: slog.New(slog.NewTextHandler(&log, nil)),
		}, 35*time.Second)
		if s.Dropped() == 0 || s.Sent() == 0 || s.Sent() > 4*core.BatchMax {
			t.Errorf("sent %d, dropped %d; want what the inbox holds, and the rest", s.Sent(), s.Dropped())
		}
		if n := strings.Count(log.String(), "level=WARN"); n < 2 || n > 4 {
			t.Errorf("got %d warnings in half a minute, want one every ten seconds:\n%s", n, &log)
		}
	})
}

func TestSimulatorEndsWithTheEngine(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		m := startMarket(t, core.Options{})
		s, err := NewSimulator(SimulatorOptions{Engine: m.engine})
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, m.engine.Close)
		if err := s.Run(context.Background()); err != nil {
			t.Errorf("got %v, want nil", err)
		}
		if s.Sent() == 0 {
			t.Error("nothing was sent before the engine closed")
		}
	})
}

func TestSimulatorOptions(t *testing.T) {
	m := startMarket(t, core.Options{})
	f := func(opts SimulatorOptions) {
		t.Helper()
		if _, err := NewSimulator(opts); !errors.Is(err, ErrOptions) {
			t.Errorf("got %v, want %v", err, ErrOptions)
		}
	}
	f(SimulatorOptions{})
	f(SimulatorOptions{Engine: m.engine, Rate: -5})
	f(SimulatorOptions{Engine: m.engine, Rate: 1e9})
}

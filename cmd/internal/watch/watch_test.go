package watch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/httpd"
)

// stand is a watch whose clock and check are the test's.
type stand struct {
	*Watch
	clock  time.Time
	result httpd.CheckResult
	told   []string
	deaf   bool // Nothing is taken.
}

func newStand(t *testing.T, advisory bool, symbols *Symbols) *stand {
	t.Helper()
	s := &stand{clock: time.Unix(1_768_830_000, 0)}
	begun := s.clock
	s.Watch = New(Options{
		Checks: []httpd.Check{{
			Name: "memory", Advisory: advisory, Run: func() httpd.CheckResult { return s.result },
		}},
		Symbols: symbols,
		Tell: func(g alert.Reading) bool {
			if !s.deaf {
				s.told = append(s.told, fmt.Sprintf("%d %d %s|%s|%s|%s|%v",
					int(s.clock.Sub(begun).Seconds()), g.Level, g.Check, g.Title, g.Value, g.Limit, g.LogOnly))
			}
			return !s.deaf
		},
		Now: func() time.Time { return s.clock },
	})
	return s
}

// pass looks once a second with a result of the check.
func (s *stand) pass(seconds int, r httpd.CheckResult) {
	s.result = r
	for range seconds {
		s.Look()
		s.clock = s.clock.Add(every)
	}
}

func (s *stand) want(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(s.told, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(s.told, "\n"), strings.Join(want, "\n"))
	}
	s.told = nil
}

var (
	well = httpd.CheckResult{OK: true, Value: int64(100), Limit: 1500}
	warm = httpd.CheckResult{
		Value: int64(1501), Limit: 1500, Level: httpd.Warning, Reason: "1501 bytes are\n  resident",
	}
	hot = httpd.CheckResult{
		Value: 1801.25, Limit: 1800, Level: httpd.Critical, Reason: "1801 bytes are resident",
	}
)

const (
	toldWell = " 0 memory|memory is well again|100|1500|false"
	toldWarm = " 1 memory|memory: 1501 bytes are resident|1501|1500|false"
	toldHot  = " 2 memory|memory: 1801 bytes are resident|1801.25|1800|false"
)

// TestWatchTells: what is worse at once, what is better after a while, and nothing twice.
//
// It was seen to find a calm that is not begun anew, one that counts for what is worse, and a check
// that is told at every look.
func TestWatchTells(t *testing.T) {
	s := newStand(t, true, nil)
	s.pass(60, well)
	s.want(t, "30"+toldWell) // What an earlier run told may be open.
	s.pass(10, warm)
	s.pass(10, hot)
	s.want(t, "60"+toldWarm, "70"+toldHot)
	s.pass(29, well) // From 80 on.
	s.pass(1, hot)
	s.pass(29, well)
	s.pass(1, hot)
	s.want(t)
	s.pass(40, warm) // From 140 on.
	s.want(t, "170"+toldWarm)
	s.pass(40, well) // From 180 on.
	s.want(t, "210"+toldWell)
	s.pass(1, hot)
	s.want(t, "220"+toldHot)
}

// TestWatchBegins: what is bad when the server starts is told at once.
func TestWatchBegins(t *testing.T) {
	s := newStand(t, true, nil)
	s.pass(5, warm)
	s.want(t, "0"+toldWarm)
	s = newStand(t, false, nil)
	s.pass(5, warm)
	s.want(t, "0"+strings.Replace(toldWarm, " 1 ", " 2 ", 1)) // Nobody can do without this check.
}

// TestWatchTellsAgain: what a busy desk does not take is told by a later look, as it is then.
//
// It was seen to find a reading that is lost.
func TestWatchTellsAgain(t *testing.T) {
	s := newStand(t, true, nil)
	s.deaf = true
	s.pass(5, warm)
	s.pass(5, hot)
	s.deaf = false
	s.pass(5, hot)
	s.want(t, "10"+toldHot)
}

// TestWatchSymbols sends quotes that are all stored, nearly all throttled, of both kinds, and too
// few, to a real engine.
//
// It was seen to find a share since the start and one of too few quotes.
func TestWatchSymbols(t *testing.T) {
	e, send := startEngine(t)
	s := newStand(t, true, NewSymbols(e))
	s.pass(40, well)
	s.told = nil
	send("EURUSD", 1000, 0)   // None but the first moves.
	send("GBPUSD", 1000, 100) // All do.
	send("USDJPY", 499, 0)
	send("AUDUSD", 1000, 100, 0)
	s.pass(6, well)
	const name = "throttle "
	held := func(symbol string, percent, limit int) string {
		return fmt.Sprintf(" 1 %s%s|%s%s: the throttle held back %d %% of the last 1000 quotes|%d|%d|true",
			name, symbol, name, symbol, percent, percent, limit)
	}
	s.want(t, "40"+held("EURUSD", 99, 80), "40"+held("GBPUSD", 0, 10))
	s.pass(70, well)
	s.want(t,
		"100 0 throttle EURUSD|throttle EURUSD is well again|0|10|true",
		"100 0 throttle GBPUSD|throttle GBPUSD is well again|0|10|true")
}

// TestWatchTellsFewAtOnce: many symbols do not fill the desk's inbox at a time.
func TestWatchTellsFewAtOnce(t *testing.T) {
	list := make([]core.Symbol, 100)
	for i := range list {
		list[i] = core.NewSymbol(fmt.Sprintf("S%02d", i))
	}
	symbols, err1 := core.NewRegistry(list)
	sources, err2 := core.NewSources(nil)
	e, err3 := core.New(core.Options{Symbols: symbols, Sources: sources})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	s := newStand(t, true, NewSymbols(e))
	s.pass(30, well)
	for _, want := range []int{tellsMax, 2 * tellsMax, 3 * tellsMax, 101, 101} {
		s.pass(1, well)
		if len(s.told) != want {
			t.Errorf("%d readings were told by now, want %d", len(s.told), want)
		}
	}
}

// startEngine runs an engine until the test ends. send sends so many quotes of a symbol, each by
// one of the steps, in turn, above the one before, and returns when they are applied.
func startEngine(t *testing.T,
) (e *core.Engine, send func(symbol string, n int, steps ...core.Price)) {
	t.Helper()
	symbols, err1 := core.NewRegistry(core.DefaultSymbols())
	sources, err2 := core.NewSources([]string{"API"})
	e, err3 := core.New(core.Options{
		Symbols: symbols, Sources: sources, Throttle: core.DefaultThreshold, Ticks: 1 << 12,
	})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { e.Run(context.Background()) })
	t.Cleanup(func() {
		e.Close()
		running.Wait()
	})
	arrival, sent := core.Now(), int64(0)
	prices := map[string]core.Price{}
	return e, func(symbol string, n int, steps ...core.Price) {
		t.Helper()
		id, err := symbols.Find(symbol)
		if err != nil {
			t.Fatal(err)
		}
		request := e.Begin(arrival)
		for i := range n {
			price := max(prices[symbol], 100_000) + steps[i%len(steps)]
			prices[symbol] = price
			request.Add(core.Quote{
				Line: int32(i + 1), Symbol: id, Bid: price, Ask: price + 10, Source: 1,
			})
		}
		if err := request.Send(context.Background(), false); err != nil {
			t.Fatal(err)
		}
		request.Release()
		sent += int64(n)
		for end := time.Now().Add(20 * time.Second); e.Stats().Received < sent; {
			if time.Now().After(end) {
				t.Fatal("the quotes are not applied")
			}
			time.Sleep(time.Millisecond)
		}
	}
}

package feed

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"tradingengine/core"
)

func utc(year int, month time.Month, day, hour, minute int) core.Time {
	return core.TimeOf(time.Date(year, month, day, hour, minute, 0, 0, time.UTC))
}

// tuesday is an ordinary working day.
var tuesday = utc(2026, 1, 20, 0, 0)

func newTestModel(t *testing.T, opts ModelOptions) *Model {
	t.Helper()
	if opts.Symbols == nil {
		opts.Symbols = defaultRegistry(t)
	}
	if opts.Start == 0 {
		opts.Start = tuesday
	}
	m, err := NewModel(opts)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// stepTo calls each with the model's quotes up to a time.
func stepTo(m *Model, until core.Time, each func(q *core.Quote)) {
	var batch []core.Quote
	for now := m.Time(); now < until; {
		now = min(now+core.Second, until)
		batch = m.Step(now, batch[:0])
		for i := range batch {
			each(&batch[i])
		}
	}
}

// jumped tells a move of more than a few basis points from one quote to the next. Half a point of
// jitter may come on either side of the bounded move.
func jumped(last, mid core.Mid) bool {
	return math.Abs(float64(mid-last)) > jumpMax*float64(last)+2.5
}

// naiveThrottle is the 0.001 % rule as the documents put it.
type naiveThrottle struct {
	last           map[core.SymbolID]int64
	quotes, passed map[core.SymbolID]int
}

func newNaiveThrottle() *naiveThrottle {
	return &naiveThrottle{
		map[core.SymbolID]int64{}, map[core.SymbolID]int{}, map[core.SymbolID]int{},
	}
}

func (n *naiveThrottle) take(q *core.Quote) {
	n.quotes[q.Symbol]++
	mid := int64(q.Bid + q.Ask)
	move := mid - n.last[q.Symbol]
	if move < 0 {
		move = -move
	}
	if move*100_000 >= n.last[q.Symbol] {
		n.last[q.Symbol] = mid
		n.passed[q.Symbol]++
	}
}

// check tells whether the dropped share is within bounds, over all and for each symbol.
func (n *naiveThrottle) check(t *testing.T, symbols *core.Registry) {
	t.Helper()
	quotes, passed := 0, 0
	for id, all := range n.quotes {
		quotes += all
		passed += n.passed[id]
		share := 1 - float64(n.passed[id])/float64(all)
		if all >= 500 && (share < 0.35 || share > 0.65) {
			t.Errorf("%s: %.3f of %d quotes dropped, want 0.35 to 0.65", symbols.Symbol(id).Name, share,
				all)
		}
	}
	share := 1 - float64(passed)/float64(quotes)
	if share < 0.42 || share > 0.58 {
		t.Errorf("all: %.3f of %d quotes dropped, want 0.42 to 0.58", share, quotes)
	}
	t.Logf("%.3f of %d quotes dropped", share, quotes)
}

func TestThrottleShare(t *testing.T) {
	f := func(name string, rate float64, seed uint64, start, span core.Time) {
		t.Run(name, func(t *testing.T) {
			m := newTestModel(t, ModelOptions{Rate: rate, Seed: seed, Start: start})
			n := newNaiveThrottle()
			stepTo(m, start+span, n.take)
			n.check(t, m.opts.Symbols)
		})
	}
	f("asia", 200, 1, tuesday+3*core.Hour, 10*core.Minute)
	f("london and new york", 200, 2, tuesday+14*core.Hour, 10*core.Minute)
	f("rollover", 200, 3, tuesday+22*core.Hour-5*core.Minute, 10*core.Minute)
	f("weekend", 200, 4, utc(2026, 1, 24, 12, 0), 10*core.Minute)
	f("a day of few quotes", 4, 5, tuesday, 6*core.Hour)
	f("two minutes of many", 2000, 6, tuesday+10*core.Hour, 2*core.Minute)
	f("a flood", 50_000, 7, tuesday+10*core.Hour, 4*core.Second)
}

func TestEverySymbolIsQuoted(t *testing.T) {
	f := func(rate float64, more ...string) {
		m := newTestModel(t, ModelOptions{Symbols: defaultRegistry(t, more...), Rate: rate})
		last := make([]core.Time, m.opts.Symbols.Len())
		for i := range last {
			last[i] = tuesday
		}
		end := tuesday + 20*core.Minute
		check := func(id core.SymbolID, t1 core.Time) {
			if gap := t1 - last[id]; gap > 10*core.Second {
				t.Errorf("rate %g: %s was not quoted for %d ms", rate, m.opts.Symbols.Symbol(id).Name,
					gap/core.Millisecond)
			}
			last[id] = t1
		}
		stepTo(m, end, func(q *core.Quote) { check(q.Symbol, q.Time) })
		for id := range last {
			check(core.SymbolID(id), end)
		}
	}
	f(0.001)
	f(2)
	f(200, "XAUUSD", "CHFJPY", "EURCHF", "USDTRY", "WIDGET")
}

func TestSameSeedSameQuotes(t *testing.T) {
	quotes := func(seed uint64, step core.Time) []core.Quote {
		m := newTestModel(t, ModelOptions{Seed: seed, Source: 3})
		var all []core.Quote
		for now := tuesday; now < tuesday+2*core.Minute; {
			now = min(now+step, tuesday+2*core.Minute)
			all = m.Step(now, all)
		}
		return all
	}
	a, b, c := quotes(1, 25*core.Millisecond), quotes(1, 7*core.Second), quotes(2, core.Second)
	if len(a) == 0 || !slices.Equal(a, b) {
		t.Errorf("the same seed gave %d and %d quotes, or different ones", len(a), len(b))
	}
	if slices.Equal(a, c) {
		t.Error("another seed gave the same quotes")
	}
	if a[0].Source != 3 {
		t.Errorf("got source %d, want 3", a[0].Source)
	}
}

// TestMonthStaysSane looks at every quote of a month: prices near where they began, in order, not
// crossed, without jumps.
func TestMonthStaysSane(t *testing.T) {
	m := newTestModel(t, ModelOptions{Rate: 0.2, Silence: 8 * core.Minute})
	symbols := m.opts.Symbols
	start, last := map[core.SymbolID]core.Mid{}, map[core.SymbolID]core.Mid{}
	var newest core.Time
	quotes := 0
	stepTo(m, tuesday+30*day, func(q *core.Quote) {
		quotes++
		mid := core.MidOf(q.Bid, q.Ask)
		name := symbols.Symbol(q.Symbol).Name
		if q.Bid <= 0 || q.Ask <= q.Bid {
			t.Fatalf("%s: bid %d, ask %d", name, q.Bid, q.Ask)
		}
		if q.Time < newest || q.Time <= tuesday {
			t.Fatalf("%s: time %s after %s", name, q.Time, newest)
		}
		newest = q.Time
		if start[q.Symbol] == 0 {
			start[q.Symbol], last[q.Symbol] = mid, mid
		}
		most := 0.08
		if symbols.Symbol(q.Symbol).Session == core.Session24x7 {
			most = 0.4
		}
		if moved := float64(mid)/float64(start[q.Symbol]) - 1; math.Abs(moved) > most {
			t.Fatalf("%s moved by %.1f %% in %d days", name, 100*moved, (q.Time-tuesday)/day)
		}
		if jumped(last[q.Symbol], mid) {
			t.Fatalf("%s jumped from %d to %d", name, last[q.Symbol], mid)
		}
		last[q.Symbol] = mid
	})
	if quotes < 30*24*7*symbols.Len() {
		t.Errorf("got %d quotes, want every symbol many times an hour", quotes)
	}
}

func TestSkip(t *testing.T) {
	m := newTestModel(t, ModelOptions{})
	mids := map[core.SymbolID]core.Mid{}
	stepTo(m, tuesday+core.Minute, func(q *core.Quote) { mids[q.Symbol] = core.MidOf(q.Bid, q.Ask) })
	for _, to := range []core.Time{tuesday + 9*core.Hour, tuesday - 3*core.Hour} {
		m.Skip(to)
		seen := map[core.SymbolID]bool{}
		stepTo(m, to+2*core.Second, func(q *core.Quote) {
			seen[q.Symbol] = true
			if q.Time <= to || q.Time > to+2*core.Second {
				t.Fatalf("quote at %s after a skip to %s", q.Time, to)
			}
			mid, last := core.MidOf(q.Bid, q.Ask), mids[q.Symbol]
			if jumped(last, mid) {
				t.Errorf("mid %d after %d", mid, last)
			}
			mids[q.Symbol] = mid
		})
		if len(seen) != m.opts.Symbols.Len() {
			t.Errorf("%d symbols were quoted after the skip, want all", len(seen))
		}
	}
}

func TestModelOptions(t *testing.T) {
	none, _ := core.NewRegistry(nil)
	f := func(opts ModelOptions) {
		t.Helper()
		if _, err := NewModel(opts); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: got %v, want %v", opts, err, ErrOptions)
		}
	}
	f(ModelOptions{Start: tuesday})
	f(ModelOptions{Start: tuesday, Symbols: none})
	f(ModelOptions{Symbols: defaultRegistry(t)})
	f(ModelOptions{Symbols: defaultRegistry(t), Start: tuesday, Rate: -1})
	f(ModelOptions{Symbols: defaultRegistry(t), Start: tuesday, Rate: math.NaN()})
	f(ModelOptions{Symbols: defaultRegistry(t), Start: tuesday, Rate: 2 * RateMax})
	f(ModelOptions{Symbols: defaultRegistry(t), Start: tuesday, Silence: 1})
}

// BenchmarkModel is what a simulated quote costs before the engine sees it. A regression takes time
// from the engine under a fast simulator, and makes the history of an empty database slower.
func BenchmarkModel(b *testing.B) {
	m, err := NewModel(ModelOptions{Symbols: defaultRegistry(b), Start: tuesday, Rate: 1000})
	if err != nil {
		b.Fatal(err)
	}
	var batch []core.Quote
	b.ReportAllocs()
	b.ResetTimer()
	for now, n := tuesday, 0; n < b.N; n += len(batch) {
		now += core.Second
		batch = m.Step(now, batch[:0])
	}
}

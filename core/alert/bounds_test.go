package alert

import (
	"errors"
	"testing"

	"tradingengine/core"
)

const testTime core.Time = 1_768_842_000_000_000 // A Monday noon of New York.

func newTestBook(t testing.TB, options Options) *Book {
	t.Helper()
	options.Symbols = testSymbols(t)
	b, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	b.Load(testTime, &Stored{})
	return b
}

func mustCreate(t testing.TB, b *Book, r Rule) Rule {
	t.Helper()
	r.HasSymbol, r.Enabled = r.Kind.OfSymbol(), true
	r, err := b.Create(testTime, r)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestBounds: what happens when there is no more room, and that it is counted.
func TestBounds(t *testing.T) {
	b := newTestBook(t, Options{RulesMax: 6, WindowsMax: 2, FiresMax: 2})
	refused := func(r Rule, code string) {
		t.Helper()
		var refusal *Refusal
		if _, err := b.Create(testTime, r); !errors.As(err, &refusal) || refusal.Code != code {
			t.Errorf("got %v; want %s", err, code)
		}
	}
	move := Rule{Kind: PriceMove, HasSymbol: true, Threshold: 100, Window: 5, Enabled: true}
	first := mustCreate(t, b, move)
	move.Window = 6
	second := mustCreate(t, b, move)
	mustCreate(t, b, move)
	move.Window = 7
	refused(move, CodeManyWindows)
	first.Window = 7
	if _, err := b.Change(testTime, first); err != nil {
		t.Errorf("a rule that gives its window up cannot have another: %v", err)
	}
	second.Window = 8
	if _, err := b.Change(testTime, second); err == nil {
		t.Error("a rule whose window is needed got a third one")
	}
	for level := int64(100); level < 103; level++ {
		mustCreate(t, b, Rule{Kind: PriceAbove, Threshold: level})
	}
	refused(Rule{Kind: PriceAbove, HasSymbol: true, Threshold: 1}, CodeManyRules)

	b.Quote(testTime, Quote{Time: testTime, Bid: 200, Ask: 201})
	var c Changes
	b.Take(&c)
	open := 0
	for _, f := range c.Fires {
		if f.New {
			open++
		} else if f.Status == Resolved && f.Seq == 1 {
			open--
		}
	}
	counts := b.Counts()
	if open != 2 || counts.Open != 2 || counts.Crowded != 1 || counts.Fires != 3 || counts.Refused != 3 {
		t.Errorf("%d open, counted are %+v", open, counts)
	}
}

// TestExtremesAreBounded: a price that only rises fills the queue of lows with one entry a step.
func TestExtremesAreBounded(t *testing.T) {
	w := &window{seconds: 10}
	for i := range core.Time(50_000) {
		w.take(testTime+i*core.Millisecond, 1000+int64(i), nil)
	}
	if w.lows.count != windowSteps || len(w.lows.ring) > 2*windowSteps || w.highs.count != 1 {
		t.Errorf("%d and %d prices in %d slots", w.lows.count, w.highs.count, len(w.lows.ring))
	}
}

// TestRecentIsBounded: only the newest ids are known.
func TestRecentIsBounded(t *testing.T) {
	s := newRecent()
	id := func(n int) FireID { return FireID{byte(n), byte(n >> 8), byte(n >> 16)} }
	for n := range RecentMax + 5 {
		s.add(id(n))
	}
	if len(s.known) != RecentMax || s.has(id(4)) || !s.has(id(5)) || !s.has(id(RecentMax+4)) {
		t.Errorf("%d ids are known", len(s.known))
	}
}

// tenThousand is a book with as many rules of a symbol, of which the quotes of the benchmarks fire
// none: levels of all prices on both sides, and with kinds of 5 spreads and twelve windows, too.
func tenThousand(t testing.TB, kinds int64) *Book {
	b := newTestBook(t, Options{})
	for i := range int64(10_000) {
		r := Rule{Kind: Kind(1 + i%kinds), Frequency: EveryCross}
		switch r.Kind {
		case PriceAbove:
			r.Threshold, r.Price = 111_000+i, Side(1+i/5%3)
		case PriceBelow:
			r.Threshold, r.Price = 109_000-i, Side(1+i/5%3)
		case PriceCross:
			r.Threshold, r.Price = 111_000+i, Side(1+i/5%3)
		case PriceMove:
			r.Threshold, r.Window, r.Price = 100_000+i, 60*(1+i/5%4), Side(1+i/5%3)
		case SpreadAbove:
			r.Threshold, r.Window = 100+i, 5
		}
		mustCreate(t, b, r)
	}
	return b
}

// walk is a quote of a walk that stays between the levels.
func walk(i int) Quote {
	price := core.Price(110_000 + (i*7919)%400 - 200)
	return Quote{Time: testTime + core.Time(i)*20_000, Bid: price, Ask: price + 10}
}

// TestNoAllocations gives quotes to a book with 10,000 rules, none of which fires.
func TestNoAllocations(t *testing.T) {
	b := tenThousand(t, 5)
	i := 0
	quote := func() {
		i++
		q := walk(i)
		b.Quote(q.Time, q)
	}
	for range 40_000 { // The queues of windows find their size.
		quote()
	}
	fires := b.Counts().Fires
	if n := testing.AllocsPerRun(20_000, quote); n != 0 {
		t.Errorf("%v allocations for a quote", n)
	}
	if b.Counts().Fires != fires || fires != 0 {
		t.Errorf("%d rules fired", b.Counts().Fires)
	}
}

// BenchmarkQuote is a quote that fires nothing. With 10,000 levels of its symbol it must stay well
// below 200 ns, as with one: it is on the way of every quote of the symbol. Each different window
// of PRICE_MOVE costs some 25 ns more.
func BenchmarkQuote(b *testing.B) {
	for _, c := range []struct {
		name  string
		kinds int64
	}{{"1 rule", 0}, {"10,000 levels", 3}, {"10,000 rules, 12 windows", 5}} {
		b.Run(c.name, func(b *testing.B) {
			book := newTestBook(b, Options{})
			mustCreate(b, book, Rule{Kind: PriceAbove, Threshold: 200_000})
			if c.kinds > 0 {
				book = tenThousand(b, c.kinds)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				q := walk(i + 1)
				book.Quote(q.Time, q)
			}
		})
	}
}

package feed

import (
	"math"
	"slices"
	"testing"

	"tradingengine/core"
)

func TestCrossesFollowTheirLegs(t *testing.T) {
	m := newTestModel(t, ModelOptions{Start: tuesday + 6*core.Hour, Rate: 100})
	symbols := m.opts.Symbols
	const minutes = 180
	logs := make([][minutes]float64, symbols.Len())
	stepTo(m, m.Time()+minutes*core.Minute-1, func(q *core.Quote) {
		minute := (q.Time - tuesday - 6*core.Hour) / core.Minute
		logs[q.Symbol][minute] = math.Log(float64(q.Bid + q.Ask))
	})
	returns := func(name string, sign float64) []float64 {
		l := logs[idOf(t, symbols, name)]
		r := make([]float64, minutes-1)
		for i := range r {
			r[i] = sign * (l[i+1] - l[i])
		}
		return r
	}
	f := func(cross, base string, baseSign float64, quote string, quoteSign float64) {
		got, want := returns(cross, 1), returns(base, baseSign)
		for i, r := range returns(quote, quoteSign) {
			want[i] -= r
		}
		if c := correlation(got, want); c < 0.9 {
			t.Errorf("%s follows %s and %s with a correlation of %.3f, want above 0.9", cross, base,
				quote, c)
		}
	}
	f("EURGBP", "EURUSD", 1, "GBPUSD", 1)
	f("EURJPY", "EURUSD", 1, "USDJPY", -1)
	f("GBPJPY", "GBPUSD", 1, "USDJPY", -1)
	f("AUDJPY", "AUDUSD", 1, "USDJPY", -1)
	f("AUDCAD", "AUDUSD", 1, "USDCAD", -1)
	f("AUDCHF", "AUDUSD", 1, "USDCHF", -1)
	f("AUDNZD", "AUDUSD", 1, "NZDUSD", 1)
	if c := correlation(returns("EURUSD", 1), returns("GBPUSD", 1)); c < 0.2 {
		t.Errorf("EURUSD and GBPUSD correlate by %.3f, want them to share the dollar's moves", c)
	}
}

func correlation(a, b []float64) float64 {
	var ma, mb, ab, aa, bb float64
	for i := range a {
		ma += a[i] / float64(len(a))
		mb += b[i] / float64(len(a))
	}
	for i := range a {
		ab += (a[i] - ma) * (b[i] - mb)
		aa += (a[i] - ma) * (a[i] - ma)
		bb += (b[i] - mb) * (b[i] - mb)
	}
	return ab / math.Sqrt(aa*bb)
}

func TestUsualPrices(t *testing.T) {
	symbols := defaultRegistry(t, "XAUUSD", "CHFJPY", "EURCHF", "USDTRY", "US30", "WIDGET", "DOGEUSD")
	m := newTestModel(t, ModelOptions{Symbols: symbols})
	mids := make([]float64, symbols.Len())
	stepTo(m, tuesday+10*core.Second, func(q *core.Quote) {
		mids[q.Symbol] = float64(q.Bid+q.Ask) / 2 / float64(core.Pow10(symbols.Symbol(q.Symbol).Digits))
	})
	f := func(name string, want float64) {
		if got := mids[idOf(t, symbols, name)]; math.Abs(got/want-1) > 0.01 {
			t.Errorf("%s: got %g, want about %g", name, got, want)
		}
	}
	// As recorded in January 2026.
	f("EURUSD", 1.1637)
	f("GBPUSD", 1.3418)
	f("AUDUSD", 0.6709)
	f("USDCHF", 0.7968)
	f("EURJPY", 183.80)
	f("GBPJPY", 211.90)
	f("EURGBP", 0.8674)
	f("AUDCAD", 0.9307)
	f("CHFJPY", 198.17)
	f("EURCHF", 0.9275)
	f("XAUUSD", 4670)
	f("BTCUSD", 93_000)
	f("US30", 49_300)
	f("WIDGET", 100)
}

func TestOddSymbols(t *testing.T) {
	symbol := func(name, base, quote string, digits int) core.Symbol {
		s := core.NewSymbol(name)
		s.Base, s.Quote, s.Digits = base, quote, digits
		return s
	}
	symbols, err := core.NewRegistry([]core.Symbol{
		symbol("JPYUSD", "JPY", "USD", 0), symbol("BTCIDR", "BTC", "XIR", 8),
		symbol("EURUSD", "EUR", "USD", 1), symbol("USDUSD", "USD", "USD", 5),
		symbol("BTCKRW", "BTC", "KRW", 8),
	})
	if err != nil {
		t.Fatal(err)
	}
	m := newTestModel(t, ModelOptions{Symbols: symbols})
	seen := map[core.SymbolID]bool{}
	stepTo(m, tuesday+core.Minute, func(q *core.Quote) {
		seen[q.Symbol] = true
		if core.CheckPrices(q.Bid, q.Ask) != core.RejectNone || q.Ask > core.PriceMax {
			t.Fatalf("%s: bid %d, ask %d", symbols.Symbol(q.Symbol).Name, q.Bid, q.Ask)
		}
	})
	if len(seen) != symbols.Len() {
		t.Errorf("%d of %d symbols were quoted", len(seen), symbols.Len())
	}
}

func TestModelGoesOnFromPrices(t *testing.T) {
	first := newTestModel(t, ModelOptions{Seed: 8})
	mids := make([]core.Mid, first.opts.Symbols.Len())
	stepTo(first, tuesday+core.Hour, func(q *core.Quote) { mids[q.Symbol] = core.MidOf(q.Bid, q.Ask) })
	mids[idOf(t, first.opts.Symbols, "XRPUSD")] = 0 // Has no price yet.
	last := slices.Clone(mids)
	second := newTestModel(t, ModelOptions{Seed: 9, Start: tuesday + core.Hour, Mids: mids})
	stepTo(second, tuesday+core.Hour+10*core.Second, func(q *core.Quote) {
		mid := core.MidOf(q.Bid, q.Ask)
		if before := last[q.Symbol]; before > 0 && jumped(before, mid) {
			t.Errorf("%s: mid %d after %d", first.opts.Symbols.Symbol(q.Symbol).Name, mid, before)
		}
		last[q.Symbol] = mid
	})
	if got := float64(last[idOf(t, first.opts.Symbols, "XRPUSD")]) / 2e5; math.Abs(got/1.97-1) > 0.01 {
		t.Errorf("XRPUSD without a price begins at %g, want about 1.97", got)
	}
}

// TestCrossOffItsLegs starts EURGBP at a price that EURUSD and GBPUSD do not give: it stays there
// for the moment and comes back to its legs in hours.
func TestCrossOffItsLegs(t *testing.T) {
	symbols := defaultRegistry(t)
	base, quote := idOf(t, symbols, "EURUSD"), idOf(t, symbols, "GBPUSD")
	cross := idOf(t, symbols, "EURGBP")
	mids := make([]core.Mid, symbols.Len())
	mids[base], mids[quote], mids[cross] = 2*116_370, 2*134_180, 2*87_250 // 0.6 % above.
	m := newTestModel(t, ModelOptions{Symbols: symbols, Mids: mids, Rate: 20})
	apart := func() float64 {
		return float64(mids[cross])/2e5/(float64(mids[base])/float64(mids[quote])) - 1
	}
	follow := func(q *core.Quote) { mids[q.Symbol] = core.MidOf(q.Bid, q.Ask) }
	stepTo(m, tuesday+core.Minute, follow)
	if got := apart(); math.Abs(got-60*basis) > 8*basis {
		t.Errorf("after a minute the cross is %.1f basis points off, want still about 60", got/basis)
	}
	stepTo(m, tuesday+4*core.Hour, follow)
	if got := apart(); math.Abs(got) > 3*basis {
		t.Errorf("after hours the cross is %.1f basis points off, want hardly any", got/basis)
	}
	var widest float64
	fair := func(id core.SymbolID) float64 { return m.fair(&m.instruments[id]) }
	stepTo(m, tuesday+5*core.Hour, func(*core.Quote) {
		off := fair(cross) / 2e5 / (fair(base) / fair(quote)) * math.Exp(-m.instruments[cross].residual)
		widest = max(widest, math.Abs(off-1))
	})
	if widest < 0.02*basis || widest > basis {
		t.Errorf("the cross strays %.3f basis points from its legs, want a little", widest/basis)
	}
}

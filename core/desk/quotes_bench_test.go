package desk

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/trading"
)

// BenchmarkQuotePath sends the same quotes, in turns and in batches of 500 over 21 symbols, to an
// engine whose desk has nothing open, and to one where one symbol, or ten, have a position and
// 400 pending orders that do not fire. It measures until all are applied and the desk has taken
// what was handed over. Both figures are of one run, so their ratio means something on a busy
// machine, too: it says what trading costs a market where it happens. Quotes of symbols that nobody
// trades must cost what they cost without a desk. Figures are medians of slices of 10,000.
func BenchmarkQuotePath(b *testing.B) {
	for _, traded := range []int{0, 1, 10} {
		b.Run(fmt.Sprint("traded=", traded), func(b *testing.B) {
			idle, busy := newQuotePath(b, 0), newQuotePath(b, traded)
			defer idle.stop()
			defer busy.stop()
			comparePaths(b, "traded", idle, busy)
		})
	}
}

// comparePaths sends quotes to both in turns.
func comparePaths(b *testing.B, what string, idle, busy *quotePath) {
	const slice = 10_000
	idle.run(slice)
	busy.run(slice)
	var without, with []time.Duration
	b.ResetTimer()
	for left := b.N; left > 0; left -= slice {
		with = append(with, busy.run(slice))
		without = append(without, idle.run(slice), idle.run(slice))
		with = append(with, busy.run(slice))
	}
	before, after := median(without), median(with)
	b.ReportMetric(float64(before)/slice, "ns/quote-un"+what)
	b.ReportMetric(float64(after)/slice, "ns/quote-"+what)
	b.ReportMetric(float64(after)/float64(before), "ratio")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkQuotePathAlerts is the same beside 10,000 rules of alerts that do not fire: all of one
// symbol, or spread over all 21, so that every quote is handed over and looked at.
func BenchmarkQuotePathAlerts(b *testing.B) {
	for _, watched := range []int{1, 21} {
		b.Run(fmt.Sprint("watched=", watched), func(b *testing.B) {
			idle, busy := newQuotePath(b, 0), newQuotePath(b, 0)
			defer idle.stop()
			defer busy.stop()
			busy.addRules(watched, 10_000)
			comparePaths(b, "watched", idle, busy)
		})
	}
}

// addRules adds rules far from the price.
func (p *quotePath) addRules(symbols, rules int) {
	for i := range rules {
		p.must(p.rule(alert.Rule{
			Kind: alert.PriceAbove, Symbol: core.SymbolID(i % symbols), HasSymbol: true,
			Threshold: 200_000 + int64(i),
		}), 201)
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// quotePath is a stand whose clock begins on a Monday.
type quotePath struct {
	*stand
	now  func() core.Time
	sent int64
}

func newQuotePath(b *testing.B, traded int) *quotePath {
	begun := time.Now()
	p := &quotePath{now: func() core.Time {
		return core.Time(1_768_842_000_000_000) + core.Time(time.Since(begun).Microseconds())
	}}
	p.stand = newStand(b, Options{Now: p.now}, core.Options{
		Throttle: core.DefaultThreshold, Now: p.now,
	}, &memory{}).start()
	p.run(21)
	for id := range core.SymbolID(traded) {
		name := p.engine.Symbols().Symbol(id).Name
		p.must(p.buy(name), 201)
		_, err := p.Do(context.Background(), &Command{
			Account: 1, Symbols: []core.SymbolID{id},
			Apply: func(m *trading.Machine, now core.Time) Answer {
				for i := range core.Price(400) {
					r := trading.OrderRequest{
						Account: 1, Symbol: id, Side: trading.Sell, Type: trading.Stop,
						Volume: trading.Lot / 100, Price: 90_000 - i,
					}
					if result, err := m.Place(now, r); err != nil || result.Refusal != nil {
						return Answer{Status: 422, Body: []byte(fmt.Sprint(err, result.Refusal))}
					}
				}
				return Answer{Status: 201}
			},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return p
}

// run sends quotes and returns how long it took until all of them had been applied. They move by
// less than the throttle lets pass: there is no storage here.
func (p *quotePath) run(n int) time.Duration {
	start := time.Now()
	symbols := p.engine.Symbols().Len()
	for n > 0 {
		batch := min(n, 500)
		s := p.engine.Begin(p.now())
		for range batch {
			p.sent++
			bid := core.Price(100_000)
			s.Add(core.Quote{
				Symbol: core.SymbolID(p.sent % int64(symbols)), Bid: bid,
				Ask: bid + 2 + core.Price(p.sent/int64(symbols)%2),
			})
		}
		if err := s.Send(context.Background(), false); err != nil {
			p.t.Fatal(err)
		}
		s.Release()
		n -= batch
	}
	for p.engine.Stats().Received < p.sent || p.engine.Stats().Queued > 0 || p.handing() {
		runtime.Gosched()
	}
	return time.Since(start)
}

// handing reports whether the desk has still to take what was handed over.
func (p *quotePath) handing() bool {
	quotes, messages := p.engine.Watcher().Queued()
	return quotes+messages > 0
}

package trading

import (
	"fmt"
	"testing"

	"tradingengine/core"
)

// BenchmarkQuoteWithPendingOrders: a quote that fires none of 10,000 orders must not cost more than
// one that could fire none of ten; a regression here slows every quote of an active symbol.
func BenchmarkQuoteWithPendingOrders(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			d := newDesk(b)
			a := d.account("USD", "1000000")
			d.quote("EURUSD", "1.10000", "1.10010")
			for i := range n {
				r := d.request(a, "BUY 0.01 EURUSD LIMIT price=1.00000")
				r.Price -= core.Price(i)
				if i%2 == 1 {
					r.Type, r.Price = Stop, r.Price+20_000+2*core.Price(i)
				}
				d.Place(d.clock, r)
			}
			d.journal = d.Take(d.journal)
			q := d.LastQuote(d.id("EURUSD"))
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				q.Time++
				q.Bid = 110_000 + core.Price(i&7)
				q.Ask = q.Bid + 10
				d.Quote(q.Time, q)
			}
		})
	}
}

// BenchmarkQuoteWithPositions values positions at a quote: of one account, of an account each, and as
// many as one account may have. Each is valued by itself, because equity is the sum of what each
// would post. A regression here limits how many positions a desk can carry at a rate of quotes.
func BenchmarkQuoteWithPositions(b *testing.B) {
	for _, symbol := range []string{"EURUSD", "EURJPY"} {
		for _, n := range [][2]int{{1, 1000}, {1000, 1000}, {1, 10_000}} {
			accounts, positions := n[0], n[1]
			b.Run(fmt.Sprintf("%s/%d of %d", symbol, positions, accounts), func(b *testing.B) {
				d := newDesk(b)
				d.quote("USDJPY", "150.000", "150.010")
				d.quote("EURJPY", "165.000", "165.010")
				d.quote("EURUSD", "1.10000", "1.10010")
				for i := range positions {
					if i < accounts {
						d.OpenAccount(d.clock, Settings{Currency: usd}, 100_000_000)
					}
					d.Place(d.clock, d.request(AccountID(i%accounts+1), "BUY 0.10 "+symbol))
				}
				d.journal = d.Take(d.journal)
				q := d.LastQuote(d.id(symbol))
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					q.Time++
					q.Bid ^= 1
					d.Quote(q.Time, q)
				}
			})
		}
	}
}

// BenchmarkMarketOrder is a market order and its close, with all events and their journal form.
func BenchmarkMarketOrder(b *testing.B) {
	for _, encode := range []bool{false, true} {
		b.Run(fmt.Sprintf("journal=%v", encode), func(b *testing.B) {
			d := newDesk(b)
			a := d.account("USD", "1000000")
			d.quote("EURUSD", "1.10000", "1.10010")
			r := d.request(a, "BUY 0.10 EURUSD sl=1.09000 tp=1.20000")
			var events []Event
			var text []byte
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N / 2 {
				result, _ := d.Place(d.clock, r)
				d.ClosePosition(d.clock, result.Order.Position, 0)
				events = d.Take(events[:0])
				for i := range events {
					if encode {
						text = AppendData(text[:0], d.symbols, &events[i])
					}
				}
			}
		})
	}
}

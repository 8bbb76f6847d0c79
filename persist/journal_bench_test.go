package persist

import (
	"fmt"
	"testing"

	"tradingengine/core/trading"
)

// BenchmarkJournal commits market orders, each of three events with an answer or without, in groups
// as large as the orders that wait while a commit runs. What an operation takes bounds the orders a
// second of a server; a regression here is one for every client that trades.
func BenchmarkJournal(b *testing.B) {
	for _, size := range []int{1, 50, 1000} {
		for _, keys := range []bool{false, true} {
			b.Run(fmt.Sprint("group=", size, "/keys=", keys), func(b *testing.B) {
				s, j, _ := openTestJournal(b, b.TempDir())
				book := newBook(b, s.opts.Symbols, 1)
				var answers []Answer
				for n := 0; n < b.N; n += size {
					b.StopTimer()
					answers = answers[:0]
					for i := range size {
						order(b, book, i%2 == 0)
						if keys {
							answers = append(answers, Answer{
								Scope: "order:1", Key: fmt.Sprint("ea-42-", n+i), Status: 201,
								Body: make([]byte, 400),
							})
						}
					}
					events := book.Take(nil)
					b.StartTimer()
					if err := j.Commit(events, answers, nil); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// order opens a position, or closes the oldest one.
func order(b *testing.B, book *book, open bool) {
	book.now++
	book.Quote(book.now, trading.Quote{Time: book.now, Bid: book.price, Ask: book.price + 10})
	var err error
	if open {
		_, err = book.Place(book.now, trading.OrderRequest{
			Account: 1, Side: trading.Buy, Type: trading.Market, Volume: trading.Lot / 100,
		})
	} else {
		_, err = book.ClosePosition(book.now, book.AppendPositions(nil, 1)[0].ID, 0)
	}
	if err != nil {
		b.Fatal(err)
	}
}

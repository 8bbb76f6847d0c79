package persist

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// book is a machine that trades at random, and all its events.
type book struct {
	*trading.Machine
	t      testing.TB
	random *rand.Rand
	now    core.Time
	price  core.Price
	events []trading.Event
	taken  int // Events that were committed.
}

// newBook opens two accounts. symbol 0 of the registry is EURUSD.
func newBook(t testing.TB, symbols *core.Registry, seed uint64) *book {
	t.Helper()
	m, err := trading.New(trading.Options{Symbols: symbols})
	if err != nil {
		t.Fatal(err)
	}
	b := &book{
		Machine: m, t: t, random: rand.New(rand.NewPCG(seed, 1)), now: testStart, price: 110_000,
	}
	for _, name := range []string{"USD", "EUR"} {
		currency, _ := trading.ParseCurrency(name)
		s := trading.Settings{Currency: currency}
		if _, err := m.OpenAccount(b.now, s, 1_000_000_00); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// step makes a quote and some command.
func (b *book) step() {
	b.now += core.Time(1+b.random.IntN(20)) * core.Second
	b.price += core.Price(b.random.IntN(41) - 20)
	b.Quote(b.now, trading.Quote{Time: b.now, Bid: b.price, Ask: b.price + 10})
	account := trading.AccountID(1 + b.random.IntN(2))
	request := trading.OrderRequest{
		Account: account, Side: trading.Buy, Type: trading.Market, Volume: trading.Lot / 10,
	}
	if b.random.IntN(2) == 0 {
		request.Side = trading.Sell
	}
	switch b.random.IntN(6) {
	case 0:
		request.Type, request.Price = trading.Limit, b.price-core.Price(b.random.IntN(30))
	case 1:
		request.Volume = 0 // Refused.
	case 2:
		if open := b.AppendPositions(nil, account); len(open) > 0 {
			if _, err := b.ClosePosition(b.now, open[0].ID, 0); err != nil {
				b.t.Fatal(err)
			}
			return
		}
	case 3:
		if open := b.AppendOrders(nil, account); len(open) > 0 {
			if _, err := b.Cancel(b.now, open[0].ID); err != nil {
				b.t.Fatal(err)
			}
			return
		}
	case 4:
		err := b.Transfer(b.now, account, trading.Deposit, trading.Money(1+b.random.IntN(1000)), "more")
		if err != nil {
			b.t.Fatal(err)
		}
		return
	}
	if _, err := b.Place(b.now, request); err != nil {
		b.t.Fatal(err)
	}
}

// next takes the events of n steps.
func (b *book) next(n int) []trading.Event {
	for range n {
		b.step()
	}
	b.events = b.Take(b.events)
	list := b.events[b.taken:]
	b.taken = len(b.events)
	return list
}

// openTestJournal opens a directory, and replays what is there into a new machine.
func openTestJournal(t testing.TB, dir string) (*Store, *Journal, *trading.Machine) {
	t.Helper()
	s := openStore(t, Options{Dir: dir})
	j, err := s.OpenJournal()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	m, err := trading.New(trading.Options{Symbols: s.opts.Symbols})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Replay(t.Context(), m.Replay); err != nil {
		t.Fatal(err)
	}
	return s, j, m
}

// printEvents are lines to compare.
func printEvents(symbols *core.Registry, events []trading.Event) (list []string) {
	for i := range events {
		list = append(list, string(trading.AppendEvent(nil, symbols, &events[i])))
	}
	return list
}

func printOrder(symbols *core.Registry, seq uint64, o *trading.Order) string {
	return fmt.Sprint(seq, " ", string(trading.AppendOrder(nil, symbols, o)))
}

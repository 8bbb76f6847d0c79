package desk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// tape is what happens to one symbol: orders that wait, then quotes that fire them.
type tape struct {
	symbol   core.SymbolID
	requests []trading.OrderRequest
	quotes   []core.Quote // Some are impossible.
}

const tapeBase core.Price = 100_000

// newTape makes quotes of a random walk in which prices are touched by one quote alone.
func newTape(random *rand.Rand, symbol core.SymbolID, from core.Time, quotes int) *tape {
	p := &tape{symbol: symbol}
	for _, account := range []trading.AccountID{1, 2} {
		for range 4 {
			p.addOrders(random, account)
		}
	}
	bid := tapeBase
	for i := range quotes {
		bid = max(bid+core.Price(random.IntN(81)-40), tapeBase/2)
		q := core.Quote{Symbol: symbol, Bid: bid, Time: from + core.Time(i+1)*core.Millisecond}
		switch {
		case i == 0:
			q.Bid = tapeBase
		case random.IntN(20) == 0:
			q.Bid += core.Price(random.IntN(1001) - 500)
		}
		q.Ask = q.Bid + 1 + core.Price(random.IntN(5))
		if i > 0 && random.IntN(50) == 0 {
			q.Bid, q.Ask = q.Ask, q.Bid
		}
		p.quotes = append(p.quotes, q)
	}
	return p
}

// addOrders adds an order of each type and side at random distances.
func (p *tape) addOrders(random *rand.Rand, account trading.AccountID) {
	for _, side := range []trading.Side{trading.Buy, trading.Sell} {
		sign := core.Price(1)
		if side == trading.Sell {
			sign = -1
		}
		away := func(most int) core.Price { return sign * core.Price(50+random.IntN(most)) }
		trail := trading.Trailing{Distance: int64(50 + random.IntN(400))}
		add := func(r trading.OrderRequest) {
			r.Account, r.Symbol, r.Side, r.Volume = account, p.symbol, side, trading.Lot/10
			p.requests = append(p.requests, r)
		}
		limit := tapeBase - away(1000)
		add(trading.OrderRequest{
			Type: trading.Limit, Price: limit, StopLoss: limit - away(400), TakeProfit: limit + away(400),
		})
		add(trading.OrderRequest{Type: trading.Stop, Price: tapeBase + away(1000), Trailing: trail})
		stop := tapeBase + away(1000)
		add(trading.OrderRequest{Type: trading.StopLimit, Price: stop, LimitPrice: stop - sign*20})
		add(trading.OrderRequest{Type: trading.TrailingStop, Trailing: trail})
		add(trading.OrderRequest{Type: trading.Market, Trailing: trail, TakeProfit: tapeBase + away(2000)})
	}
}

// possible are the quotes that an engine takes.
func (p *tape) possible() []core.Quote {
	return slices.DeleteFunc(slices.Clone(p.quotes), func(q core.Quote) bool { return q.Ask < q.Bid })
}

// openThree opens two accounts for the orders of tapes, and one for those sent between quotes.
func openThree(m *trading.Machine, now core.Time) error {
	usd, _ := trading.ParseCurrency("USD")
	for range 3 {
		if _, err := m.OpenAccount(now, trading.Settings{Currency: usd}, 1e11); err != nil {
			return err
		}
	}
	return nil
}

// fills are the trades of the accounts of tapes in the order of each account and symbol. What is
// numbered over all symbols is left out.
func fills(t *testing.T, events []trading.Event) map[string][]string {
	t.Helper()
	lists := map[string][]string{}
	for _, e := range events {
		if d, ok := e.Data.(*trading.FillData); ok && e.Account < 3 {
			key := fmt.Sprintf("account %d, symbol %d", e.Account, d.Symbol)
			lists[key] = append(lists[key], fmt.Sprint(d.Cause, d.Rule, d.Entry, d.Type, d.Side, d.Volume,
				d.Price, d.Quote))
		}
	}
	return lists
}

// alone is what a machine does that gets every quote by itself, symbol after symbol.
func alone(t *testing.T, s *stand, tapes []*tape) map[string][]string {
	t.Helper()
	m, err := trading.New(trading.Options{Symbols: s.engine.Symbols()})
	if err != nil {
		t.Fatal(err)
	}
	now := core.Now()
	if err := openThree(m, now); err != nil {
		t.Fatal(err)
	}
	give := func(q core.Quote) {
		m.Quote(now, trading.Quote{Symbol: q.Symbol, Time: q.Time, Bid: q.Bid, Ask: q.Ask})
	}
	for _, p := range tapes {
		give(p.quotes[0])
		for _, r := range p.requests {
			if result, err := m.Place(now, r); err != nil || result.Refusal != nil {
				t.Fatalf("%+v: %v, %+v", r, err, result.Refusal)
			}
		}
	}
	for _, p := range tapes {
		for _, q := range p.possible()[1:] {
			give(q)
		}
	}
	return fills(t, m.Take(nil))
}

// TestEveryQuoteActs has three senders spread random quotes over three shards, in batches of any
// size, among them quotes that are refused, while storage and the journal commit. The orders and
// stops of two accounts fill at the same quotes as in a machine that is given the quotes one by
// one. A third account sends orders between acknowledged quotes: each fills at the newest of them.
//
// It was seen to find a desk that takes of a batch, or of a symbol's quotes in a row, only the last,
// a shard that drops a hand-over when there is no room, and symbols that are not watched.
func TestEveryQuoteActs(t *testing.T) {
	quotes := 3000
	if testing.Short() {
		quotes = 1000
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 6))
	opts := core.Options{Shards: 3, Watched: 1024, Messages: 8}
	bubble(t, Options{Open: openThree}, opts, func(s *stand) {
		var tapes []*tape
		for _, name := range []string{"EURUSD", "GBPUSD", "AUDUSD", "NZDUSD", "BTCUSD", "ETHUSD"} {
			p := newTape(random, s.symbol(name), core.Now(), quotes)
			tapes = append(tapes, p)
			s.playBatch(p.quotes[:1], false)
			synctest.Wait()
			for _, r := range p.requests {
				s.must(s.placing(r), 201)
			}
		}
		var senders sync.WaitGroup
		for i := range 3 {
			random := rand.New(rand.NewPCG(seed, uint64(10+i)))
			senders.Go(func() { s.play(random, tapes[2*i:2*i+2]) })
		}
		over := make(chan struct{})
		go s.storage(over)
		senders.Wait()
		close(over)
		synctest.Wait()
		compareFills(t, fills(t, s.memory.events), alone(t, s, tapes))
	})
	if t.Failed() {
		t.Logf("seed %d", seed)
	}
}

func compareFills(t *testing.T, got, want map[string][]string) {
	t.Helper()
	total := 0
	for key, list := range want {
		total += len(list)
		for i := range max(len(list), len(got[key])) {
			if i >= len(list) || i >= len(got[key]) || list[i] != got[key][i] {
				t.Errorf("%s: fill %d of %d and %d is not the same\ngot  %v\nwant %v", key, i,
					len(got[key]), len(list), got[key][i:min(i+1, len(got[key]))],
					list[i:min(i+1, len(list))])
				break
			}
		}
	}
	if len(got) != 12 || total < 500 {
		t.Errorf("%d lists, %d fills: the test did not press", len(got), total)
	}
}

// play sends the quotes of two symbols, each in order, in batches of both.
func (s *stand) play(random *rand.Rand, tapes []*tape) {
	next := [2]int{1, 1} // The first was sent.
	for next[0] < len(tapes[0].quotes) || next[1] < len(tapes[1].quotes) {
		var batch []core.Quote
		for range 1 + random.IntN(200) {
			if i := random.IntN(2); next[i] < len(tapes[i].quotes) {
				batch = append(batch, tapes[i].quotes[next[i]])
				next[i]++
			}
		}
		wait := random.IntN(4) == 0
		s.playBatch(batch, wait)
		if wait {
			for i, p := range tapes {
				s.tradeAt(p, next[i])
			}
		}
	}
}

// playBatch sends quotes, and waits until they are acknowledged when that is wanted.
func (s *stand) playBatch(batch []core.Quote, wait bool) {
	sent := s.engine.Begin(core.Now())
	sent.History()
	for _, q := range batch {
		sent.Add(q)
	}
	err := sent.Send(context.Background(), wait)
	if err == nil && wait {
		_, _, err = sent.Wait(context.Background())
	}
	if err != nil {
		s.t.Error(err)
	}
	sent.Release()
}

// tradeAt has account 3 buy when n quotes of a tape are acknowledged and no more are sent.
func (s *stand) tradeAt(p *tape, n int) {
	want := (&tape{quotes: p.quotes[:n]}).possible()
	newest := want[len(want)-1]
	answer, err := s.Do(context.Background(), s.placing(trading.OrderRequest{
		Account: 3, Symbol: p.symbol, Side: trading.Buy, Type: trading.Market, Volume: trading.Lot / 100,
	}))
	if err != nil || answer.Status != 201 {
		s.t.Errorf("%+v, %v", answer, err)
		return
	}
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	for i := answer.Seq; i > 0; i-- {
		if d, ok := s.memory.events[i-1].Data.(*trading.FillData); ok {
			if d.Quote.Time != newest.Time || d.Price != newest.Ask {
				s.t.Errorf("filled at %+v after %+v was acknowledged", d.Quote, newest)
			}
			return
		}
	}
}

// placing is a command that places an order as it is.
func (s *stand) placing(r trading.OrderRequest) *Command {
	return &Command{
		Account: r.Account, Symbols: []core.SymbolID{r.Symbol},
		Apply: func(m *trading.Machine, now core.Time) Answer {
			if result, err := m.Place(now, r); err != nil || result.Refusal != nil {
				return Answer{Status: 422, Body: fmt.Append(nil, result.Refusal)}
			}
			return Answer{Status: 201}
		},
	}
}

// storage acknowledges what is applied, all the time.
func (s *stand) storage(over <-chan struct{}) {
	for {
		select {
		case <-over:
			return
		case <-time.After(time.Millisecond):
			s.engine.Committed(s.engine.Applied(nil), nil)
		}
	}
}

package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tradingengine/core"
	"tradingengine/core/trading"
)

func sleepUntil(t core.Time) { time.Sleep(time.Duration(t-core.Now()) * time.Microsecond) }

// TestAnswersWaitForTheCommit holds a commit: neither the command's answer nor that of a read that
// saw its effect leaves before it.
//
// It was seen to find answers that leave before the commit, and reads that do not wait.
func TestAnswersWaitForTheCommit(t *testing.T) {
	bubble(t, Options{}, core.Options{}, func(s *stand) {
		s.quote("EURUSD", 110_000, 110_002)
		s.memory.hold()
		placed := s.later(s.buy("EURUSD"))
		var positions int
		var read error
		seen := false
		go func() {
			read = s.Read(context.Background(), &Query{Look: func(m *trading.Machine, _ core.Time) {
				positions = len(m.AppendPositions(nil, 1))
			}})
			seen = true
		}()
		synctest.Wait()
		if placed.over || seen || s.Committed() != 2 {
			t.Errorf("answered %v, read %v before the commit", placed.over, seen)
		}
		s.memory.release()
		synctest.Wait()
		if !placed.over || placed.answer.Status != 201 || placed.answer.Seq != 5 || placed.err != nil {
			t.Errorf("got %+v after the commit", placed)
		}
		if !seen || read != nil || positions != 1 {
			t.Errorf("read %v, %v, %d positions", seen, read, positions)
		}
		s.wantTypes("ACCOUNT_OPENED", "TRANSFER", "ORDER_PLACED", "ORDER_FILLED", "POSITION_OPENED")
	})
}

// TestCommandsShareTransactions has many callers: those that come while a commit runs share the
// next.
func TestCommandsShareTransactions(t *testing.T) {
	bubble(t, Options{}, core.Options{}, func(s *stand) {
		s.quote("EURUSD", 110_000, 110_002)
		s.memory.hold()
		var all []*later
		for range 100 {
			all = append(all, s.later(s.buy("EURUSD")))
		}
		s.memory.release()
		synctest.Wait()
		for _, l := range all {
			if !l.over || l.err != nil {
				t.Fatalf("got %+v", l)
			}
		}
		if stats := s.Stats(); stats.Commits != 3 || stats.Events != 302 || stats.Committed != 302 {
			t.Errorf("%+v; want the first order in one commit and the others in another", stats)
		}
	})
}

// TestAcknowledgedQuotesWaitForTheirEffect fires a stop by an acknowledged quote: its sender is let
// go when the fill is committed, and at once when a quote did nothing.
//
// It was seen to find marks that are told when their commit begins.
func TestAcknowledgedQuotesWaitForTheirEffect(t *testing.T) {
	bubble(t, Options{}, core.Options{Shards: 2}, func(s *stand) {
		s.quote("EURUSD", 110_000, 110_002)
		s.must(s.sellStop("EURUSD", 109_000), 201)
		f := func(bid core.Price, waits bool) {
			t.Helper()
			sent := s.send("EURUSD", bid, bid+2, true)
			over := false
			go func() {
				if _, _, err := sent.Wait(context.Background()); err != nil {
					t.Error(err)
				}
				over = true
			}()
			synctest.Wait()
			s.engine.Committed(s.engine.Applied(nil), nil) // All that storage does here.
			synctest.Wait()
			if over == waits {
				t.Errorf("bid %d: acknowledged %v while the journal is held", bid, over)
			}
			if waits {
				s.memory.release()
				synctest.Wait()
				s.memory.hold()
			}
			if !over {
				t.Errorf("bid %d: not acknowledged", bid)
			}
			sent.Release()
		}
		s.memory.hold()
		f(109_500, false)
		f(108_990, true) // Not 109,000: the stop fills at the quote.
		f(108_000, false)
		s.memory.release()
		s.wantTypes("ACCOUNT_OPENED", "TRANSFER", "ORDER_PLACED", "ORDER_FILLED", "POSITION_OPENED")
		d := s.memory.events[3].Data.(*trading.FillData)
		if d.Price != 108_990 || d.Quote.Bid != 108_990 {
			t.Errorf("filled at %d", d.Price)
		}
	})
}

// TestPricesAreLent has a command use the live price of a symbol that nobody watches, and of those
// that convert it; afterwards exactly the active symbols are watched.
func TestPricesAreLent(t *testing.T) {
	bubble(t, Options{}, core.Options{}, func(s *stand) {
		watched := func(want ...string) {
			t.Helper()
			var got []string
			_ = s.Read(context.Background(), &Query{Look: func(*trading.Machine, core.Time) {
				for id, use := range s.market.uses {
					if use != 0 {
						got = append(got, s.engine.Symbols().Symbol(core.SymbolID(id)).Name)
					}
				}
			}})
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("watched are %v; want %v", got, want)
			}
		}
		handed := func() int64 { return s.engine.Stats().Handed }
		if a := s.must(s.buy("EURJPY"), 422); string(a.Body) != "NO_PRICE" {
			t.Errorf("without a price: %s", a.Body)
		}
		s.quote("EURJPY", 160_000, 160_010)
		if a := s.must(s.buy("EURJPY"), 422); string(a.Body) != "CONVERSION_RATE_UNAVAILABLE" {
			t.Errorf("without a rate: %s", a.Body)
		}
		watched()
		s.quote("USDJPY", 150_000, 150_010)
		if handed() != 0 {
			t.Errorf("%d quotes of symbols that nobody watches were handed over", handed())
		}
		s.must(s.buy("EURJPY"), 201)
		watched("EURJPY", "USDJPY")
		s.quote("EURJPY", 160_020, 160_030)
		s.quote("GBPUSD", 130_000, 130_002)
		if handed() != 1 || s.Stats().Quotes != 1 {
			t.Errorf("%d quotes handed over, %d taken; want 1", handed(), s.Stats().Quotes)
		}
		s.must(&Command{Apply: func(m *trading.Machine, now core.Time) Answer {
			if _, err := m.ClosePositions(now, trading.BulkClose{Account: 1}); err != nil {
				t.Error(err)
			}
			return Answer{Status: 200}
		}}, 200)
		watched()
		s.quote("EURJPY", 160_100, 160_110)
		if handed() != 1 {
			t.Errorf("%d quotes handed over after the close", handed())
		}
	})
}

// TestStartTakesTheNewerPrice starts with a journal whose price is older than the market's: what
// happened meanwhile fires nothing, the next quote does.
func TestStartTakesTheNewerPrice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		sleepUntil(core.Time(1_768_842_000_000_000))
		s := newStand(t, Options{}, core.Options{}, m).start()
		s.quote("EURUSD", 110_000, 110_002)
		s.must(s.buy("EURUSD"), 201)
		s.must(s.sellStop("EURUSD", 109_000), 201)
		s.stop()
		hash := s.machine.Hash()

		time.Sleep(time.Minute)
		s = newStand(t, Options{}, core.Options{}, m)
		if s.machine.Hash() != hash {
			t.Error("the replayed state differs")
		}
		now := core.Now()
		state := core.SymbolState{Ticks: []core.Tick{{Time: now, Bid: 108_000, Ask: 108_002, Source: 1}}}
		if err := s.engine.Restore(s.symbol("EURUSD"), &state); err != nil {
			t.Fatal(err)
		}
		s.start()
		var price core.Price
		look := &Query{Look: func(m *trading.Machine, _ core.Time) {
			price = m.AppendPositions(nil, 1)[0].CurrentPrice
		}}
		if err := s.Read(context.Background(), look); err != nil || price != 108_000 {
			t.Errorf("the price is %d, %v; want the market's 108000", price, err)
		}
		if n := s.count("ORDER_FILLED"); n != 1 {
			t.Errorf("%d fills before the first quote", n)
		}
		time.Sleep(time.Second / 2)
		s.quote("EURUSD", 108_100, 108_102)
		if n := s.count("ORDER_FILLED"); n != 2 {
			t.Errorf("%d fills after it; want 2", n)
		}
		s.stop()
	})
}

// TestClockPostsSwaps has the clock pass 17:00 New York while no quote comes.
func TestClockPostsSwaps(t *testing.T) {
	bubble(t, Options{}, core.Options{}, func(s *stand) {
		s.quote("EURUSD", 110_000, 110_002)
		s.must(s.buy("EURUSD"), 201)
		sleepUntil(core.Time(1_768_842_000_000_000) + 5*core.Hour - core.Second/2)
		synctest.Wait()
		if n := s.count("SWAP"); n != 0 {
			t.Errorf("%d swaps before 17:00", n)
		}
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		if n := s.count("SWAP"); n != 1 {
			t.Errorf("%d swaps after 17:00; want 1", n)
		}
	})
}

// TestQuotesAreTheClock takes trading time from quotes of any symbol: an order expires when another
// symbol's quote is late enough, and never by our clock.
func TestQuotesAreTheClock(t *testing.T) {
	bubble(t, Options{QuoteClock: true}, core.Options{}, func(s *stand) {
		start := core.Time(1_700_000_000_000_000)
		at := func(name string, t core.Time) {
			q := s.engine.Begin(core.Now())
			q.History()
			q.Add(core.Quote{Symbol: s.symbol(name), Bid: 110_000, Ask: 110_002, Time: t})
			if err := q.Send(context.Background(), false); err != nil {
				s.t.Fatal(err)
			}
			q.Release()
			synctest.Wait()
		}
		at("EURUSD", start)
		s.must(s.order(trading.OrderRequest{
			Symbol: s.symbol("EURUSD"), Side: trading.Sell, Type: trading.Stop, Price: 109_000,
			TimeInForce: trading.GTD, ExpireAt: start + 10*core.Second,
		}), 201)
		at("GBPUSD", start+9*core.Second)
		time.Sleep(time.Hour)
		if n := s.count("ORDER_EXPIRED"); n != 0 {
			t.Error("the order expired by our clock")
		}
		at("GBPUSD", start+10*core.Second)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := s.count("ORDER_EXPIRED"); n != 1 {
			t.Errorf("%d orders expired; want 1", n)
		}
		if last := s.memory.events[len(s.memory.events)-1]; last.Time != start+10*core.Second {
			t.Errorf("at %s", last.Time)
		}
	})
}

// TestEndDrains closes a desk with commands waiting: all of them are done and committed.
func TestEndDrains(t *testing.T) {
	bubble(t, Options{}, core.Options{}, func(s *stand) {
		s.quote("EURUSD", 110_000, 110_002)
		s.memory.hold()
		var all []*later
		for range 20 {
			all = append(all, s.later(s.buy("EURUSD")))
		}
		go func() {
			time.Sleep(time.Second)
			s.memory.release()
		}()
		s.stop()
		synctest.Wait()
		for i, l := range all {
			if !l.over || l.err != nil || l.answer.Status != 201 {
				t.Errorf("command %d: %+v", i, l)
			}
		}
		if s.err != nil || s.count("POSITION_OPENED") != 20 {
			t.Errorf("%v, %d positions committed", s.err, s.count("POSITION_OPENED"))
		}
		_, err := s.Do(context.Background(), s.buy("EURUSD"))
		if !errors.Is(err, ErrStopped) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// TestOptionsAreChecked refuses what cannot work.
func TestOptionsAreChecked(t *testing.T) {
	s := newStand(t, Options{}, core.Options{}, &memory{})
	for i, o := range []Options{
		{},
		{Engine: s.engine, Machine: s.machine, Journal: s.memory, History: s.memory, Behind: -1},
	} {
		if d, err := New(o); err == nil {
			t.Error(fmt.Sprint(i), d)
		}
	}
}

package desk

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/trading"
)

// rule is a command that adds a rule; its answer is 201, or 422 with the code.
func (s *stand) rule(r alert.Rule, keys ...Key) *Command {
	r.Enabled = true
	return &Command{
		Keys: keys, Account: trading.AccountID(r.Account),
		Alerts: func(b *alert.Book, now core.Time) Answer {
			if _, err := b.Create(now, r); err != nil {
				return Answer{Status: 422, Body: []byte(err.Error())}
			}
			return Answer{Status: 201}
		},
	}
}

func (s *stand) priceAbove(name string, level int64) alert.Rule {
	return alert.Rule{
		Kind: alert.PriceAbove, Symbol: s.symbol(name), HasSymbol: true, Threshold: level,
		Channels: alert.AllChannels,
	}
}

// wantFires compares the titles of the fires that are committed, and what subscribers are given.
func (s *stand) wantFires(want ...string) {
	s.t.Helper()
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	var got, told []string
	for _, f := range s.memory.fires {
		got = append(got, f.Status.String()+" "+f.Title)
	}
	changes, _, _ := s.Alerts(nil, 0, 1000)
	for _, f := range changes {
		told = append(told, f.Status.String()+" "+f.Title)
	}
	if !slices.Equal(got, want) || !slices.Equal(told, want) {
		s.t.Errorf("committed %q, told %q; want %q", got, told, want)
	}
}

// TestAlertsOfPrices: a symbol is handed over while a rule needs it; what a quote fires is committed
// before the quote is acknowledged, and nobody is told before.
//
// It was seen to find a desk that commits nothing but events, and a symbol that stays watched.
func TestAlertsOfPrices(t *testing.T) {
	bubble(t, Options{}, core.Options{}, func(s *stand) {
		id := s.symbol("GBPUSD")
		s.must(s.rule(s.priceAbove("GBPUSD", 134_000)), 201)
		if s.market.uses[id] != forAlerts {
			t.Fatalf("the symbol of a rule is handed over for %d", s.market.uses[id])
		}
		s.quote("GBPUSD", 133_990, 133_999)
		s.memory.hold()
		q := s.send("GBPUSD", 134_001, 134_009, true)
		acknowledged := false
		go func() {
			_, _, err := q.Wait(context.Background())
			acknowledged = err == nil
			q.Release()
		}()
		synctest.Wait()
		s.engine.Committed(s.engine.Applied(nil), nil)
		synctest.Wait()
		if s.wantFires(); acknowledged {
			t.Error("a quote is acknowledged whose fire is not committed")
		}
		s.memory.release()
		synctest.Wait()
		if !acknowledged {
			t.Error("a quote is not acknowledged whose fire is committed")
		}
		s.wantFires("FIRED GBPUSD bid 1.34001 at or above 1.34000")
		if n := s.Stats().Alerts; n.Rules != 2 || n.Open != 1 || n.Fires != 1 {
			t.Errorf("counted are %+v", n)
		}
		if s.market.uses[id] != 0 {
			t.Error("a symbol that no rule needs is handed over")
		}
	})
}

// TestAlertsOfAccounts: what a quote or a command does to an account fires its rules, and so do the
// events of its orders. A rule whose threshold is reached already fires at once.
//
// It was seen to find a desk that looks at accounts only after a batch of quotes.
func TestAlertsOfAccounts(t *testing.T) {
	bubble(t, Options{}, core.Options{}, func(s *stand) {
		s.quote("EURUSD", 110_000, 110_010)
		s.must(s.rule(alert.Rule{Kind: alert.OrderEvent, Account: 1, Frequency: alert.EveryCross}), 201)
		s.must(s.rule(alert.Rule{Kind: alert.PnLBelow, Account: 1, Threshold: -100_00}), 201)
		s.must(s.rule(alert.Rule{Kind: alert.EquityBelow, Account: 1, Threshold: 600_000_00}), 201)
		s.must(s.buy("EURUSD"), 201)
		s.quote("EURUSD", 109_020, 109_030)
		s.quote("EURUSD", 109_000, 109_010)
		s.must(s.rule(alert.Rule{Kind: alert.PnLBelow, Account: 1, Threshold: -150_00}), 201)
		q := s.engine.Begin(core.Now())
		for _, bid := range []core.Price{108_000, 110_000} {
			q.Add(core.Quote{Symbol: s.symbol("EURUSD"), Bid: bid, Ask: bid + 10})
		}
		if err := q.Send(context.Background(), false); err != nil {
			t.Fatal(err)
		}
		q.Release()
		synctest.Wait()
		s.wantFires(
			"FIRED account 1 equity 500000.00 at or below 600000.00",
			"FIRED order 1 BUY EURUSD filled at 1.10010",
			"FIRED account 1 unrealized P/L -101.00 at or below -100.00",
			"FIRED account 1 unrealized P/L -201.00 at or below -150.00")
		for i, f := range s.memory.fires {
			c := f.Cause
			if (c.Event != 0) != (i == 1) || (c.Quote != 0) != (i > 1) || (c.Since != 0) != (i == 0) {
				t.Errorf("the cause of %q is %+v", f.Title, c)
			}
		}
	})
}

// TestAlertsOfTheServer: a reading that is bad fires once, and resolves when it is good again.
func TestAlertsOfTheServer(t *testing.T) {
	bubble(t, Options{}, core.Options{}, func(s *stand) {
		for _, level := range []alert.Level{alert.OK, alert.Warning, alert.Warning, alert.OK} {
			if !s.Tell(alert.Reading{Check: "memory", Level: level, Title: "memory"}) {
				t.Fatal("not taken")
			}
			synctest.Wait()
		}
		s.wantFires("FIRED memory", "RESOLVED memory")
	})
}

// TestAlertsOnce: a key makes one rule, also one that leaves no event of trading behind.
func TestAlertsOnce(t *testing.T) {
	bubble(t, Options{}, core.Options{}, func(s *stand) {
		key := Key{"key", "one"}
		s.must(s.rule(s.priceAbove("EURUSD", 1), key), 201)
		if a := s.must(s.rule(s.priceAbove("EURUSD", 1), key), 201); !a.Repeated {
			t.Error("a rule was made twice for one key")
		}
		rules := 0
		_ = s.Read(context.Background(), &Query{Alerts: func(b *alert.Book, _ core.Time) {
			rules = len(b.AppendRules(nil, alert.BuiltIn, 10))
		}})
		if rules != 1 || len(s.memory.kept) != 1 {
			t.Errorf("%d rules, %d answers; want 1 of each", rules, len(s.memory.kept))
		}
	})
}

// TestAlertsClock: the clock wakes what is snoozed and finds a feed that is silent.
func TestAlertsClock(t *testing.T) {
	bubble(t, Options{}, core.Options{}, func(s *stand) {
		s.quote("EURUSD", 110_000, 110_010)
		s.must(s.rule(alert.Rule{
			Kind: alert.FeedStale, Symbol: s.symbol("EURUSD"), HasSymbol: true, Window: 5,
		}), 201)
		time.Sleep(4500 * time.Millisecond)
		synctest.Wait()
		s.wantFires()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		s.wantFires("FIRED EURUSD without a quote for 5 s")
		s.must(&Command{Alerts: func(b *alert.Book, now core.Time) Answer {
			if _, err := b.Snooze(now, s.memory.fires[0].ID, now+core.Minute); err != nil {
				t.Error(err)
			}
			return Answer{Status: 200}
		}}, 200)
		time.Sleep(61 * time.Second)
		synctest.Wait()
		s.wantFires("FIRED EURUSD without a quote for 5 s", "SNOOZED EURUSD without a quote for 5 s",
			"FIRED EURUSD without a quote for 5 s")
	})
}

// TestAlertsBehind: while the journal is down fires gather no longer than other changes may.
func TestAlertsBehind(t *testing.T) {
	bubble(t, Options{BehindMax: 20}, core.Options{}, func(s *stand) {
		for range 30 {
			s.must(s.rule(s.priceAbove("EURUSD", 110_000)), 201)
		}
		s.memory.fail(ErrPassing)
		s.quote("EURUSD", 110_000, 110_010)
		if s.Failed() == nil {
			t.Error("the desk goes on with 60 uncommitted changes of at most 20")
		}
	})
}

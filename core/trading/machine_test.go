package trading

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"tradingengine/core"
)

// TestNotFound: accounts and ids that do not exist are plain errors and no events.
func TestNotFound(t *testing.T) {
	d := newDesk(t)
	a := d.account("USD", "1000")
	before := d.Head()
	f := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("got %v; want %v", err, want)
		}
	}
	_, err := d.Place(d.clock, OrderRequest{Account: a + 1})
	f(err, ErrUnknownAccount)
	_, err = d.PlaceBatch(d.clock, []OrderRequest{{}})
	f(err, ErrUnknownAccount)
	_, err = d.Preview(d.clock, OrderRequest{})
	f(err, ErrUnknownAccount)
	_, err = d.Summary(0)
	f(err, ErrUnknownAccount)
	f(d.Transfer(d.clock, -1, Deposit, 1, ""), ErrUnknownAccount)
	f(d.PatchAccount(d.clock, 2, AccountPatch{}), ErrUnknownAccount)
	_, err = d.ClosePositions(d.clock, BulkClose{Account: 7})
	f(err, ErrUnknownAccount)
	_, err = d.Cancel(d.clock, 1)
	f(err, ErrUnknownOrder)
	_, err = d.Amend(d.clock, 1, Amendment{})
	f(err, ErrUnknownOrder)
	_, err = d.ClosePosition(d.clock, 1, 0)
	f(err, ErrUnknownPosition)
	_, err = d.CloseBy(d.clock, 1, 2)
	f(err, ErrUnknownPosition)
	_, err = d.ModifyPosition(d.clock, 1, PositionPatch{})
	f(err, ErrUnknownPosition)
	if d.Head() != before {
		t.Errorf("%d events", d.Head()-before)
	}
}

// TestQuotesGoForward: a quote that is not later than the last of its symbol changes nothing, also
// after a restart, where the newest quote of the events is the floor.
func TestQuotesGoForward(t *testing.T) {
	d := newDesk(t)
	a := d.account("USD", "1000")
	d.quote("EURUSD", "1.10000", "1.10010")
	d.place(a, "BUY 0.01 EURUSD sl=1.09000")
	q := d.LastQuote(d.id("EURUSD"))
	f := func() {
		t.Helper()
		for _, age := range []core.Time{0, 1, core.Hour} {
			low := Quote{q.Symbol, q.Time - age, 100, 110}
			if d.Quote(d.clock, low) || d.SetQuote(low) {
				t.Errorf("a quote %d before the last was taken", age)
			}
		}
		if got := d.LastQuote(q.Symbol); got != q {
			t.Errorf("the live quote is %v; want %v", got, q)
		}
	}
	f()
	d.restart()
	f()
	if !d.SetQuote(Quote{q.Symbol, q.Time + 1, 100, 110}) {
		t.Error("a later price was not set")
	}
	d.step()
	if d.count(OrderFilled) != 1 {
		t.Error("setting a price fired a stop")
	}
	d.clock++
	d.Quote(d.clock, Quote{q.Symbol, q.Time + 2, 100, 110})
	d.step()
	if d.count(OrderFilled) != 2 {
		t.Error("the quote after it fired none")
	}
}

// TestDayOrderAfterRestart: a DAY order placed before trading time has moved on ends at the next
// 17:00, not at the last one, whose swaps are tried again.
func TestDayOrderAfterRestart(t *testing.T) {
	d := newDesk(t)
	a := d.account("USD", "1000")
	d.quote("EURUSD", "1.10000", "1.10010")
	d.place(a, "BUY 0.01 EURUSD")
	d.restart()
	o := d.place(a, "BUY 0.01 EURUSD LIMIT price=1.09000 DAY")
	if want := d.at("2026-01-19T22:00:00Z"); o.ExpireAt != want {
		t.Errorf("expires %v; want %v", o.ExpireAt, want)
	}
	d.clock = d.Now() + core.Second
	d.Advance(d.clock)
	d.step()
	if n := d.count(OrderExpired); n != 0 {
		t.Errorf("%d orders expired a second later", n)
	}
	d.clock = o.ExpireAt
	d.Advance(d.clock)
	d.step()
	if n := d.count(OrderExpired); n != 1 {
		t.Errorf("%d orders expired at 17:00", n)
	}
	d.checkReplay()
}

// TestMovesJoin: successive moves of one stop between two takes are one event, and the fold of the
// events is the state all the same.
func TestMovesJoin(t *testing.T) {
	d := newDesk(t)
	a := d.account("USD", "10000")
	b := d.account("USD", "10000")
	d.quote("EURUSD", "1.10000", "1.10010")
	d.place(a, "BUY 0.10 EURUSD trail=100")
	d.place(a, "BUY 0.10 EURUSD trail=50")
	d.place(b, "BUY 0.10 EURUSD trail=100")
	d.place(b, "SELL 0.10 EURUSD TRAILING_STOP trail=70")
	moves := func(n int) {
		for i := range core.Price(n) {
			d.clock++
			bid := d.LastQuote(d.id("EURUSD")).Bid + 1 + i
			d.Quote(d.clock, Quote{d.id("EURUSD"), d.clock, bid, bid + 10})
		}
	}
	moves(5)
	if n := d.Waiting(); n != 4 {
		t.Errorf("%d events for the moves of four stops", n)
	}
	d.Place(d.clock, d.request(b, "BUY 0.10 EURUSD"))
	before := d.Waiting()
	moves(3) // Those of b may not go before its order.
	if n := d.Waiting() - before; n != 2 {
		t.Errorf("%d events for the moves after an order; want 2", n)
	}
	d.checkReplay()
	moves(2)
	if n := d.Waiting(); n != 4 {
		t.Errorf("%d events after a take; want 4", n)
	}
	d.checkReplay()
}

// TestActivity: a symbol is active while it has positions or pending orders, or converts or bridges
// one that has.
func TestActivity(t *testing.T) {
	d := newDesk(t)
	usd, chf := d.account("USD", "10000"), d.account("CHF", "10000")
	want := func(text string) {
		t.Helper()
		changed := d.TakeActivity(nil)
		var got []string
		for _, id := range changed {
			sign := "-"
			if d.Active(id) {
				sign = "+"
			}
			got = append(got, sign+d.symbols.Symbol(id).Name)
		}
		if strings.Join(got, " ") != text {
			t.Errorf("changed %v; want %s", got, text)
		}
	}
	for _, q := range []string{"EURJPY 165.000", "USDJPY 150.000", "USDCHF 0.80000"} {
		name, price, _ := strings.Cut(q, " ")
		d.quote(name, price, price)
	}
	needs := d.AppendNeeds(nil, chf, d.id("EURJPY"))
	if len(needs) != 3 || needs[0] != d.id("EURJPY") || needs[1] != d.id("USDJPY") ||
		needs[2] != d.id("USDCHF") {
		t.Errorf("EURJPY of an account in CHF needs %v", needs)
	}
	want("")
	d.place(usd, "BUY 0.01 EURJPY")
	want("+EURJPY +USDJPY")
	o := d.place(chf, "BUY 0.01 EURJPY LIMIT price=100.000")
	want("+USDCHF")
	if _, err := d.ClosePosition(d.clock, 1, 0); err != nil {
		t.Fatal(err)
	}
	want("")
	if _, err := d.Cancel(d.clock, o.ID); err != nil {
		t.Fatal(err)
	}
	want("-EURJPY -USDJPY -USDCHF")
	d.place(usd, "BUY 0.01 USDJPY")
	if _, err := d.ClosePosition(d.clock, 2, 0); err != nil {
		t.Fatal(err)
	}
	want("")
}

// TestUnpriced: after a restart a position may have no rate. It counts for nothing, nothing is
// opened or withdrawn meanwhile, no stop-out happens, its stop waits, and a swap is posted when the
// rate comes.
func TestUnpriced(t *testing.T) {
	d := newDesk(t, func(s *core.Symbol) { s.SwapLong = -10_000_000 })
	a := d.account("USD", "500", func(s *Settings) { s.Leverage = 500 })
	d.quote("USDJPY", "150.000", "150.000")
	d.quote("EURJPY", "165.000", "165.000")
	d.place(a, "BUY 1.00 EURJPY sl=160.000")
	d.restart()
	s, _ := d.Summary(a)
	if s.Unpriced != 1 || s.Equity != 50_000 || s.Margin != 0 {
		t.Errorf("unpriced %d, equity %d, margin %d", s.Unpriced, s.Equity, s.Margin)
	}
	if got := refusalCode(d.Transfer(d.clock, a, Withdraw, 1, "")); got != "CONVERSION_RATE_UNAVAILABLE" {
		t.Errorf("withdrawal: %s", got)
	}
	d.refused(a, "BUY 0.01 EURJPY", "CONVERSION_RATE_UNAVAILABLE")
	d.quote("EURUSD", "1.10000", "1.10010")
	d.refused(a, "BUY 0.01 EURUSD", "CONVERSION_RATE_UNAVAILABLE")
	d.quote("EURJPY", "150.000", "150.000")
	d.clock = d.at("2026-01-19T22:00:00Z")
	d.Advance(d.clock)
	d.step()
	if n := d.count(OrderFilled) + d.count(StopOut) + d.count(SwapPosted); n != 1 {
		t.Errorf("%d events without a rate; want the first fill alone", n)
	}
	d.quote("USDJPY", "150.000", "150.000")
	if d.count(SwapPosted) != 1 {
		t.Errorf("%d swaps when the rate came", d.count(SwapPosted))
	}
	d.quote("EURJPY", "150.000", "150.010")
	if f := d.last(OrderFilled).Data.(*FillData); f.Position != 1 || f.Entry != Out {
		t.Errorf("the last fill is %+v", f)
	}
	d.checkReplay()
}

// TestReplayAnywhere: the fold of a journal hashes the same with any number of threads, and a
// journal with a hole, a swapped event or another prev is refused.
func TestReplayAnywhere(t *testing.T) {
	c := newComparison(t, 11)
	for range 3000 {
		c.step()
	}
	c.journal = c.Take(c.journal)
	want := c.Hash()
	for _, n := range []int{1, 2, 4} {
		old := runtime.GOMAXPROCS(n)
		if got := refold(t, c.symbols, c.journal).Hash(); got != want {
			t.Errorf("with %d threads the hash is %x; want %x", n, got, want)
		}
		runtime.GOMAXPROCS(old)
	}
	f := func(name string, change func([]Event) []Event) {
		t.Helper()
		journal := change(append([]Event(nil), c.journal...))
		m, _ := New(Options{Symbols: c.symbols})
		var err error
		for i := 0; i < len(journal) && err == nil; i++ {
			err = m.Replay(journal[i])
		}
		if !errors.Is(err, ErrJournal) {
			t.Errorf("%s: %v; want %v", name, err, ErrJournal)
		}
	}
	f("a hole", func(j []Event) []Event { return append(j[:50:50], j[51:]...) })
	f("two swapped", func(j []Event) []Event { j[60], j[61] = j[61], j[60]; return j })
	f("another prev", func(j []Event) []Event { j[70].Prev++; return j })
	f("another balance", func(j []Event) []Event {
		d := *j[1].Data.(*TransferData)
		d.Posting.Balance++
		j[1].Data = &d
		return j
	})
}

// TestQuotesDoNotAllocate: a quote that fires nothing allocates nothing, with positions, pending
// orders and trailing stops waiting.
func TestQuotesDoNotAllocate(t *testing.T) {
	d := newDesk(t)
	a := d.account("USD", "100000")
	d.quote("USDJPY", "150.000", "150.010")
	d.quote("EURJPY", "165.000", "165.010")
	for range 20 {
		d.place(a, "BUY 0.01 EURJPY sl=160.000 tp=170.000 trail=9000")
		d.place(a, "SELL 0.01 EURJPY LIMIT price=170.000")
	}
	q := d.LastQuote(d.id("EURJPY"))
	got := testing.AllocsPerRun(1000, func() {
		q.Time++
		q.Bid ^= 1
		d.Quote(q.Time, q)
	})
	if got != 0 {
		t.Errorf("%v allocations a quote", got)
	}
	if d.Waiting() != 0 {
		t.Errorf("%d events", d.Waiting())
	}
}

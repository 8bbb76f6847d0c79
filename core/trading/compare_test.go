package trading

import (
	"flag"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tradingengine/core"
)

var long = flag.Bool("long", false, "full counts of long runs")

func ratio(n *big.Int, d int64) *big.Rat {
	return new(big.Rat).SetFrac(n, big.NewInt(d))
}

// TestNaive sends the same random commands and quotes to the machine and to naive and compares all
// they show after each; at times the machine is made anew from its journal. A million steps with
// -long. Planted bugs it was seen to find: a gain
// converted at the buying side, halves rounded up, a share of a cost whose rest was rounded too, a
// triple day that was not, an OCO order that stayed, a margin that ignored a changed leverage or
// the other hedged side, exposures not valued when a rate moved, a stop-out that closed too much,
// stops fired outside the session, a trailing stop that moved back, one that missed a single point,
// a bound or trading state not looked at when an order fired, credit withdrawn or never used up, a
// balance lifted too early, margin asked for both of a pair, a flag that the journal lost, amended
// levels, expiries and settings that were not taken over, a triggered limit that an amendment did
// not fill, a ClientID done twice, and after a restart prices that valued nothing, closed weekdays
// and swaps of a 17:00 that was skipped.
func TestNaive(t *testing.T) {
	runs, steps := 3, 35_000
	switch {
	case *long:
		runs, steps = 10, 100_000
	case testing.Short():
		runs, steps = 1, 10_000
	}
	for run := range runs {
		seed := uint64(run + 1)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			c := newComparison(t, seed)
			for range steps {
				c.step()
				c.compare()
				if t.Failed() {
					t.Fatalf("step %d: %s", c.steps, strings.Join(c.recent, "\n"))
				}
			}
			c.checkReplay()
			c.report()
		})
	}
}

// comparison drives both with random inputs.
type comparison struct {
	*desk
	naive   *naive
	random  *rand.Rand
	steps   int
	recent  []string // The newest inputs, for a failure.
	traded  []core.SymbolID
	mid     map[core.SymbolID]core.Price
	start   map[core.SymbolID]core.Price
	named   []OrderRequest // Those with a ClientID.
	results map[string]int
}

func newComparison(t *testing.T, seed uint64) *comparison {
	d := newDesk(t, func(s *core.Symbol) {
		switch s.Name {
		case "EURUSD":
			s.Commission = 3_500_000
		case "USDJPY":
			s.SwapLong, s.SwapShort = 12_345_678, -23_456_789
		case "BTCUSD":
			s.SwapLong, s.LotMin = -777_000_000, 30_000
		}
	})
	c := &comparison{
		desk: d, naive: newNaive(d.symbols), random: rand.New(rand.NewPCG(seed, 7)),
		mid: map[core.SymbolID]core.Price{}, start: map[core.SymbolID]core.Price{},
		results: map[string]int{},
	}
	for _, q := range []string{
		"EURUSD 110000", "USDJPY 150000", "EURJPY 165000", "BTCUSD 5000000", "USDCHF 80000",
		"EURGBP 85000", "GBPUSD 129000",
	} {
		name, price, _ := strings.Cut(q, " ")
		id := d.id(name)
		c.traded = append(c.traded, id)
		n, _ := strconv.ParseInt(price, 10, 64)
		c.mid[id], c.start[id] = core.Price(n), core.Price(n)
		c.clock++
		c.quoteBoth(id)
	}
	policies := []StopOutPolicy{LargestLoss, SmartPartial, CloseAll}
	for i, currency := range []string{"USD", "JPY", "CHF", "EUR", "USD"} {
		s := Settings{MarginMode: Hedging, Leverage: []int64{100, 30, 500}[i%3]}
		s.Currency, _ = ParseCurrency(currency)
		s.HedgedMargin = HedgedMargin(1 + i%3)
		s.StopOutPolicy = policies[(i+1)%3]
		s.KeepNegative = i == 3
		if i%2 == 1 {
			s.MarginMode = Netting
		}
		s.TradingState = Active
		deposit := Money(150_000)
		if _, err := c.OpenAccount(c.clock, s, deposit); err != nil {
			t.Fatal(err)
		}
		c.naive.openAccount(s, int64(deposit))
	}
	return c
}

func (c *comparison) chance(percent int) bool { return c.random.IntN(100) < percent }

// quoteBoth sends the next quote of a symbol to both.
func (c *comparison) quoteBoth(id core.SymbolID) {
	spread := core.Price(c.random.Int64N(4)) * c.unitOf(id)
	q := Quote{id, c.clock, c.mid[id], c.mid[id] + spread}
	c.note("quote %v", q)
	c.Quote(c.clock, q)
	c.naive.quote(c.clock, q)
}

func (c *comparison) note(format string, args ...any) {
	if len(c.recent) == 12 {
		c.recent = c.recent[1:]
	}
	c.recent = append(c.recent, fmt.Sprintf("%v: ", c.clock)+fmt.Sprintf(format, args...))
}

// step makes one random input.
func (c *comparison) step() {
	c.steps++
	switch n := c.random.IntN(1000); {
	case n < 2:
		c.clock += core.Time(c.random.Int64N(int64(30 * core.Hour)))
	case n < 8:
		c.clock += core.Time(c.random.Int64N(int64(30 * core.Minute)))
	default:
		c.clock += 1 + core.Time(c.random.Int64N(int64(2*core.Second)))
	}
	if c.random.IntN(3000) == 0 {
		c.restart()
		return
	}
	switch n := c.random.IntN(100); {
	case n < 60:
		id := c.traded[c.random.IntN(len(c.traded))]
		c.move(id)
		c.quoteBoth(id)
	case n < 80:
		c.placeOne()
	default:
		c.other()
	}
}

// restart goes on with a machine made from the journal, and tells it the prices, as a start does.
// Time stands still between the last event before it and the first orders after it.
func (c *comparison) restart() {
	c.transferOne(1 + c.random.IntN(c.Accounts()))
	c.note("restart")
	c.journal = c.Take(c.journal)
	m, err := New(c.options)
	for i := 0; i < len(c.journal) && err == nil; i++ {
		err = m.Replay(c.journal[i])
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.Machine = m
	for _, id := range c.traded {
		c.SetQuote(c.naive.quotes[id])
	}
	for range 5 {
		c.placeOne()
	}
}

// unitOf is the step of all random prices of a symbol, so that levels are often met exactly.
func (c *comparison) unitOf(id core.SymbolID) core.Price { return max(5, c.start[id]/20_000) }

// move walks a price around where it began; now and then it jumps.
func (c *comparison) move(id core.SymbolID) {
	n := c.random.Int64N(17) - 8
	if c.chance(3) {
		n = c.random.Int64N(401) - 200
	}
	p := c.mid[id] + core.Price(n)*c.unitOf(id)
	if low, high := c.start[id]*2/3, c.start[id]*3/2; p < low || p > high {
		p = c.start[id]
	}
	if c.chance(20) {
		p += core.Price(c.random.Int64N(3) - 1) // A point may matter.
	}
	c.mid[id] = p
}

// same wants both to have answered the same.
func (c *comparison) same(got, want string) {
	c.t.Helper()
	c.results[got]++
	if got != want {
		c.t.Errorf("the machine answered %q, naive %q", got, want)
	}
}

// compare wants all that both show to be the same. What follows from prices is compared at every
// third step: naive computes each value from nothing, which takes longer than all the rest.
func (c *comparison) compare() {
	c.t.Helper()
	c.journal = c.Take(c.journal)
	if err := c.CheckInvariants(); err != nil {
		c.t.Error(err)
	}
	values := c.steps%3 == 0
	got, want := c.shown(values), c.naive.shown(values)
	if got != want {
		c.t.Errorf("the machine has\n%s\nnaive has\n%s", got, want)
	}
}

// shown prints the state that both have, but for closed orders.
func (c *comparison) shown(values bool) string {
	var w strings.Builder
	for id := range c.Accounts() {
		s, _ := c.Summary(AccountID(id + 1))
		fmt.Fprintln(&w, s.ID, s.Balance, s.Credit, s.MarginCall)
		if values {
			fmt.Fprintln(&w, s.Equity, s.Margin)
		}
	}
	for _, o := range c.AppendOrders(nil, 0) {
		fmt.Fprintln(&w, "order", o.ID, o.Status == Triggered, o.Price, o.LimitPrice, o.StopLoss,
			o.TakeProfit, o.Trailing, o.TimeInForce, o.ExpireAt, o.Linked)
	}
	for _, p := range c.AppendPositions(nil, 0) {
		fmt.Fprintln(&w, "position", p.ID, p.Volume, decimal(p.Cost), p.StopLoss, p.TakeProfit,
			p.Trailing)
		if values {
			fmt.Fprintln(&w, p.PnL)
		}
	}
	for _, h := range c.Houses() {
		fmt.Fprintln(&w, h.Currency, h.House, h.Fees, h.Swap, h.Funding)
	}
	fmt.Fprintln(&w, c.lastOrder, c.lastPosition)
	return w.String()
}

func decimal(w Wide) string { return string(w.appendDecimal(nil, 0)) }

func (n *naive) shown(values bool) string {
	var w strings.Builder
	var used []Currency
	for _, a := range n.accounts {
		fmt.Fprintln(&w, a.id, a.balance, a.credit, a.call)
		if values {
			fmt.Fprintln(&w, n.equity(a), n.used(a))
		}
		sum := int64(0)
		for _, line := range a.lines {
			sum += line
		}
		if sum != a.balance {
			fmt.Fprintln(&w, "naive itself is wrong: lines add up to", sum)
		}
		if !slices.Contains(used, a.Currency) {
			used = append(used, a.Currency)
		}
	}
	for _, o := range n.orders {
		fmt.Fprintln(&w, "order", o.id, o.triggered, o.Price, o.LimitPrice, o.StopLoss, o.TakeProfit,
			o.Trailing, o.TimeInForce, o.ExpireAt, o.linked)
	}
	for _, p := range n.positions {
		fmt.Fprintln(&w, "position", p.id, p.volume, p.cost, p.sl, p.tp, p.trail)
		if values {
			fmt.Fprintln(&w, n.floating(p))
		}
	}
	for _, c := range used {
		fmt.Fprintln(&w, c, n.houses[House][c], n.houses[Fees][c], n.houses[SwapPot][c],
			n.houses[Funding][c])
	}
	fmt.Fprintln(&w, n.lastOrder, n.lastPosition)
	return w.String()
}

// report wants the run to have met what it is for.
func (c *comparison) report() {
	for _, want := range []string{
		"FILLED", "INSUFFICIENT_MARGIN", "PRICE_STALE", "MARKET_CLOSED", "WRONG_SIDE", "LIST_REFUSED",
		"TRADING_HALTED", "BOUNDS_VIOLATION", "NOT_FILLED", "NOTHING_TO_REDUCE", "CLOSE_BY",
		"INSUFFICIENT_FUNDS", "CLIENT_REQUEST", "DUPLICATE_CLIENT_ORDER_ID", "EXPIRED",
		"PRICE_NOT_ALLOWED",
	} {
		if c.results[want] == 0 {
			c.t.Errorf("no %s in %d steps", want, c.steps)
		}
	}
	for _, want := range []EventType{
		OrderTriggered, OrderExpired, OrderAmended, PositionChanged, SwapPosted, MarginCalled,
		MarginCallEnded, StopOut, BalanceAdjusted,
	} {
		if c.count(want) == 0 {
			c.t.Errorf("no %v in %d steps", want, c.steps)
		}
	}
}

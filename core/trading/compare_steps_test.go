package trading

import (
	"errors"
	"fmt"

	"tradingengine/core"
)

// answer is the code of a result: why it was refused or ended, or that it filled.
func answer(r Result, err error) string {
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		return refusal.Code.String()
	case err != nil:
		return "unknown"
	case r.Refusal != nil:
		return r.Refusal.Code.String()
	case r.Order.Status == Filled:
		return "FILLED"
	default:
		return r.Order.Code.String()
	}
}

// placeOne places an order, a pair or a batch.
func (c *comparison) placeOne() {
	account := AccountID(1 + c.random.IntN(c.Accounts()))
	if n := len(c.named); n > 0 && c.chance(3) { // As it was sent once.
		r := c.named[c.random.IntN(n)]
		c.note("again %+v", r)
		c.same(answer(c.Place(c.clock, r)), c.naive.place(c.clock, r))
		return
	}
	if !c.chance(20) {
		r := c.randomOrder(account)
		if r.ClientID != "" {
			c.named = append(c.named, r)
		}
		c.note("place %+v", r)
		c.same(answer(c.Place(c.clock, r)), c.naive.place(c.clock, r))
		return
	}
	pair := c.chance(50)
	list := []OrderRequest{c.randomOrder(account), c.randomOrder(account)}
	if pair && c.chance(20) {
		for i := range list { // Both limits are reached.
			r := &list[i]
			r.Type, r.TimeInForce, r.StopLoss, r.TakeProfit, r.LimitPrice = Limit, 0, 0, 0, 0
			r.Price, r.Volume = c.mid[r.Symbol]+c.away(r.Symbol, 3-2*int(r.Side)), 1_000_000
		}
	} else if pair && c.chance(80) {
		for i := range list {
			list[i].Type = Stop
			list[i].TimeInForce, list[i].StopLoss, list[i].TakeProfit = 0, 0, 0
			list[i].Price = c.mid[list[i].Symbol] + c.away(list[i].Symbol, 1-2*(int(list[i].Side)-1))
			list[i].LimitPrice = 0
		}
	}
	c.note("list, pair %v: %+v", pair, list)
	var results []Result
	var err error
	if pair {
		results, err = c.PlaceOCO(c.clock, list[0], list[1])
	} else {
		results, err = c.PlaceBatch(c.clock, list)
	}
	for i, want := range c.naive.placeList(c.clock, append([]OrderRequest(nil), list...), pair) {
		c.same(answer(results[i], err), want)
	}
}

// away is a distance from the market in a direction.
func (c *comparison) away(id core.SymbolID, direction int) core.Price {
	return core.Price(direction) * core.Price(1+c.random.Int64N(30)) * c.unitOf(id)
}

// randomOrder makes an order that is mostly sensible.
func (c *comparison) randomOrder(account AccountID) OrderRequest {
	id := c.traded[c.random.IntN(5)]
	volumes := []Volume{10_000, 20_000, 50_000, 100_000, 300_000, 1_000_000, 2_000_000}
	r := OrderRequest{
		Account: account, Symbol: id, Side: Side(1 + c.random.IntN(2)), ReduceOnly: c.chance(20),
		Type: OrderType(1 + c.random.IntN(5)), Volume: volumes[c.random.IntN(len(volumes))],
	}
	if c.chance(40) {
		r.Type = Market
	}
	if c.chance(2) {
		r.Volume = 0
	}
	up := 3 - 2*int(r.Side) // 1 for a buy.
	market := c.mid[id]
	switch r.Type {
	case Limit:
		r.Price = market + c.away(id, -up)
		r.TimeInForce = []TimeInForce{0, GTC, GTD, DAY, IOC, FOK}[c.random.IntN(6)]
	case Stop, StopLimit:
		r.Price = market + c.away(id, up)
		r.TimeInForce = []TimeInForce{0, GTC, GTD, DAY}[c.random.IntN(4)]
	case TrailingStop:
		r.Trailing = c.randomTrailing(id, -up)
	}
	if r.Type == StopLimit {
		r.LimitPrice = r.Price + c.away(id, 1-2*c.random.IntN(2))
	}
	if r.Type != Market && c.chance(10) {
		r.Price = market + c.away(id, up) // Perhaps on the wrong side.
	}
	if r.TimeInForce == GTD {
		r.ExpireAt = c.clock + core.Time(c.random.Int64N(int64(20*core.Minute))) - core.Minute
	}
	from := market
	if r.Price != 0 {
		from = r.Price
	}
	if c.chance(30) {
		r.StopLoss = from + c.away(id, -up)
	}
	if c.chance(30) {
		r.TakeProfit = from + c.away(id, up)
	}
	if r.Type != TrailingStop && c.chance(15) {
		r.Trailing = c.randomTrailing(id, up)
	}
	if c.chance(15) {
		r.ClientID = fmt.Sprint("ea-", c.random.IntN(2000))
	}
	if c.chance(10) {
		r.PriceBound = from + c.away(id, 1-2*c.random.IntN(2))
	}
	return r
}

// randomTrailing makes a trailing stop; direction is where its activation lies.
func (c *comparison) randomTrailing(id core.SymbolID, direction int) Trailing {
	t := Trailing{Distance: int64(c.away(id, 1)), Unit: Points}
	if c.chance(40) {
		t.Distance, t.Unit = 1+c.random.Int64N(40), BasisPoints
	}
	if c.chance(40) {
		t.Activation = c.mid[id] + c.away(id, direction)
	}
	return t
}

// other makes an input that is no quote and no new order.
func (c *comparison) other() {
	account := 1 + c.random.IntN(c.Accounts())
	order, position := c.anyOrder(), c.anyPosition()
	switch n := c.random.IntN(100); {
	case n < 15:
		c.note("cancel %d", order)
		c.same(answer(c.Cancel(c.clock, OrderID(order))), c.naive.cancel(c.clock, order))
	case n < 30:
		c.amendOne(order)
	case n < 55:
		volume := []Volume{0, 10_000, 20_000, 50_000, 5_000}[c.random.IntN(5)]
		if volume == 5_000 && c.chance(70) {
			volume = 0
		}
		c.note("close %d %d", position, volume)
		c.same(answer(c.ClosePosition(c.clock, PositionID(position), volume)),
			c.naive.closePosition(c.clock, position, int64(volume)))
	case n < 65:
		with := c.opposite(position)
		c.note("close %d by %d", position, with)
		c.same(answer(c.CloseBy(c.clock, PositionID(position), PositionID(with))),
			c.naive.closeBy(c.clock, position, with))
	case n < 75:
		c.modifyOne(position)
	case n < 80:
		filter := CloseFilter(1 + c.random.IntN(3))
		c.note("close all %d %v", account, filter)
		got, err := c.ClosePositions(c.clock, BulkClose{Account: AccountID(account), Filter: filter})
		for i, want := range c.naive.closeAll(c.clock, int64(account), filter) {
			c.same(answer(got[i], err), want)
		}
	case n < 90:
		c.transferOne(account)
	case n < 93:
		c.setOne(account)
	case n < 96:
		c.patchOne(account)
	default:
		c.note("advance")
		c.Advance(c.clock)
		c.naive.time(c.clock)
		c.naive.end()
	}
}

func (c *comparison) amendOne(id int64) {
	o := c.naive.order(id)
	if o == nil {
		return
	}
	up := 3 - 2*int(o.Side)
	anywhere := func() Change[core.Price] {
		return To(c.mid[o.Symbol] + c.away(o.Symbol, 1-2*c.random.IntN(2)))
	}
	var a Amendment
	if c.chance(60) {
		a.Price = anywhere()
	}
	if o.Type == StopLimit && c.chance(50) || c.chance(2) {
		a.LimitPrice = anywhere()
	}
	a.StopLoss, a.TakeProfit = c.randomLevel(o.Symbol, -up), c.randomLevel(o.Symbol, up)
	if c.chance(20) {
		a.Trailing = To(c.randomTrailing(o.Symbol, -up))
	} else if c.chance(5) {
		a.Trailing = To(Trailing{})
	}
	if c.chance(20) {
		a.ExpireAt = To(c.clock + core.Time(c.random.Int64N(int64(20*core.Minute))) - core.Minute)
	} else if c.chance(5) {
		a.ExpireAt = To[core.Time](0)
	}
	c.note("amend %d %+v", id, a)
	c.same(answer(c.Amend(c.clock, OrderID(id), a)), c.naive.amend(c.clock, id, a))
}

// randomLevel is a change of a stop or profit, or none.
func (c *comparison) randomLevel(id core.SymbolID, direction int) (level Change[core.Price]) {
	switch n := c.random.IntN(100); {
	case n < 10:
		level = To[core.Price](0)
	case n < 45:
		level = To(c.mid[id] + c.away(id, direction))
	}
	return level
}

func (c *comparison) modifyOne(id int64) {
	p := c.naive.position(id)
	if p == nil {
		return
	}
	up := 3 - 2*int(p.side)
	patch := PositionPatch{
		StopLoss: c.randomLevel(p.symbol, -up), TakeProfit: c.randomLevel(p.symbol, up),
	}
	if c.chance(40) {
		patch.Trailing = To(c.randomTrailing(p.symbol, up))
	} else if c.chance(10) {
		patch.Trailing = To(Trailing{})
	}
	c.note("modify %d %+v", id, patch)
	_, err := c.ModifyPosition(c.clock, PositionID(id), patch)
	c.same(answer(Result{}, err), c.naive.modify(c.clock, id, patch))
}

func (c *comparison) transferOne(account int) {
	kind, amount := Deposit, Money(30_000)
	a := c.naive.accounts[account-1]
	switch {
	case a.balance > 150_000:
		kind, amount = Withdraw, Money(a.balance-80_000)
	case a.credit < 50_000 && c.chance(10):
		kind, amount = Credit, []Money{1_000, 20_000, 50_000}[c.random.IntN(3)]
	case c.chance(30):
		kind, amount = Withdraw, Money(1+c.random.Int64N(400_000))
	}
	c.note("transfer %d %v %d", account, kind, amount)
	err := c.Transfer(c.clock, AccountID(account), kind, amount, "")
	c.same(answer(Result{}, err), c.naive.transfer(c.clock, int64(account), kind, int64(amount)))
}

// setOne changes a trading state, mostly back to active.
func (c *comparison) setOne(account int) {
	state := Active
	if c.naive.state == Active && c.chance(50) {
		state = []TradingState{Reducing, Halted}[c.random.IntN(2)]
	}
	for _, a := range c.naive.accounts {
		if a.TradingState != Active && c.naive.state == Active {
			account, state = int(a.id), Active // Not for long.
		}
	}
	id := AccountID(account)
	switch {
	case c.naive.state != Active || c.chance(20):
		c.note("all %v", state)
		c.SetTradingState(c.clock, state)
		c.naive.setState(c.clock, 0, state)
	default:
		c.note("account %d %v", account, state)
		c.PatchAccount(c.clock, id, AccountPatch{TradingState: To(state)})
		c.naive.setState(c.clock, int64(account), state)
	}
}

// patchOne changes another setting.
func (c *comparison) patchOne(account int) {
	var p AccountPatch
	switch n := c.random.IntN(3); c.random.IntN(5) {
	case 0:
		p.StopOutPolicy = To(StopOutPolicy(1 + n))
	case 1:
		p.HedgedMargin = To(HedgedMargin(1 + n))
	case 2:
		p.KeepNegative = To(n == 0)
	default:
		p.Leverage = To([]int64{30, 100, 500}[n])
	}
	c.note("account %d %+v", account, p)
	c.PatchAccount(c.clock, AccountID(account), p)
	c.naive.patch(c.clock, int64(account), p)
}

func (c *comparison) anyOrder() int64 {
	if n := len(c.naive.orders); n > 0 {
		return c.naive.orders[c.random.IntN(n)].id
	}
	return 0
}

func (c *comparison) anyPosition() int64 {
	if n := len(c.naive.positions); n > 0 {
		return c.naive.positions[c.random.IntN(n)].id
	}
	return 0
}

// opposite finds a position that can close another, or mostly any other.
func (c *comparison) opposite(id int64) int64 {
	p := c.naive.position(id)
	for _, other := range c.naive.positions {
		if p != nil && other.account == p.account && other.symbol == p.symbol &&
			other.side != p.side {
			return other.id
		}
	}
	if c.chance(20) {
		return c.anyPosition()
	}
	return 0
}

package trading

import (
	"fmt"

	"tradingengine/core"
)

// stale is how old the quote of a symbol may be when an order is placed.
const stale = 30 * core.Second

// trial is an account as it would be after the orders checked so far. It lets a list be checked as
// a whole before anything is done.
type trial struct {
	account           *account
	equity, used      Money
	orders, positions int
	deltas            []delta

	// What the order checked last needs; for previews and refusals.
	required, available, commission, spread Money
	before, after                           Money // Used margin.
}

// delta is an exposure's volume in a trial.
type delta struct {
	exposure    *exposure
	long, short Volume
}

func (t *trial) start(a *account) {
	*t = trial{
		account: a, equity: a.equity(), used: a.used, orders: len(a.orders),
		positions: len(a.positions), deltas: t.deltas[:0],
		before: a.used, after: a.used, available: a.free(),
	}
}

// volumes returns the volumes of an exposure in the trial, for change.
func (t *trial) volumes(x *exposure) *delta {
	for i := range t.deltas {
		if t.deltas[i].exposure == x {
			return &t.deltas[i]
		}
	}
	t.deltas = append(t.deltas, delta{x, x.long, x.short})
	return &t.deltas[len(t.deltas)-1]
}

// check returns why an order cannot be placed, or nil, and counts it in the trial.
func (m *Machine) check(t *trial, r *OrderRequest) *Refusal {
	x := m.exposure(t.account, r.Symbol)
	d := t.volumes(x)
	if refusal := checkForm(r, x.market.symbol); refusal != nil {
		return refusal
	}
	if refusal := m.checkState(t.account, d, r); refusal != nil {
		return refusal
	}
	if refusal := m.checkMarket(x.market); refusal != nil {
		return refusal
	}
	if refusal := m.checkPrices(r, x.market); refusal != nil {
		return refusal
	}
	switch {
	case r.TimeInForce == GTD && r.ExpireAt <= m.now:
		return &Refusal{Code: CodeExpired, Detail: "expireAt is not ahead"}
	case r.TimeInForce != GTD && r.ExpireAt != 0:
		return &Refusal{Code: CodeTimeInForce, Detail: "only GTD orders have an expireAt"}
	}
	if t.orders++; r.Type != Market && t.orders > m.options.OrdersMax {
		return &Refusal{
			Code:   CodeTooManyOrders,
			Detail: fmt.Sprintf("the account has %d open orders, as many as it may", m.options.OrdersMax),
		}
	}
	q := &x.market.quote
	if r.Type == Market || r.Type == Limit && reached(r.Side, r.Price, q) {
		return m.checkFill(t, d, r, q)
	}
	return nil
}

// checkForm checks what can be told from an order and its symbol alone.
func checkForm(r *OrderRequest, s *core.Symbol) *Refusal {
	if refusal := checkVolume(r.Volume, s); refusal != nil {
		return refusal
	}
	if r.Volume > Volume(s.LotMax) {
		return &Refusal{
			Code: CodeVolumeMax, Detail: "volume above " + text(Volume(s.LotMax)) + " lots",
		}
	}
	pending := r.Type != Market
	if r.Price < 0 || r.LimitPrice < 0 || r.PriceBound < 0 || r.StopLoss < 0 || r.TakeProfit < 0 {
		return &Refusal{Code: CodeWrongSide, Detail: "a price is not above 0"}
	}
	if pending && r.Price == 0 && r.Type != TrailingStop {
		return &Refusal{Code: CodePriceMissing, Detail: r.Type.String() + " orders need a price"}
	}
	if (r.Type == StopLimit) != (r.LimitPrice != 0) {
		if r.LimitPrice == 0 {
			return &Refusal{Code: CodePriceMissing, Detail: "STOP_LIMIT orders need a limitPrice"}
		}
		return &Refusal{Code: CodePriceNotAllowed, Detail: "only STOP_LIMIT orders have a limitPrice"}
	}
	if !pending && r.Price != 0 {
		return &Refusal{
			Code: CodePriceNotAllowed, Detail: "MARKET orders have no price; use priceBound",
		}
	}
	atOnce := r.TimeInForce == IOC || r.TimeInForce == FOK
	if !pending && !atOnce || atOnce && pending && r.Type != Limit {
		return &Refusal{
			Code: CodeTimeInForce, Detail: r.Type.String() + " orders cannot be " + r.TimeInForce.String(),
		}
	}
	return checkTrailing(r.Trailing, r.Type == TrailingStop, s)
}

// checkVolume checks the least lot and the step.
func checkVolume(v Volume, s *core.Symbol) *Refusal {
	if v < Volume(s.LotMin) {
		return &Refusal{
			Code: CodeVolumeMin, Detail: "volume below " + text(Volume(s.LotMin)) + " lots",
		}
	}
	if v%Volume(s.LotStep) != 0 {
		return &Refusal{
			Code: CodeVolumeStep, Detail: "volume is no multiple of " + text(Volume(s.LotStep)) + " lots",
		}
	}
	return nil
}

func text(v Volume) string { return string(AppendVolume(nil, v)) }

func checkTrailing(t Trailing, needed bool, s *core.Symbol) *Refusal {
	if t == (Trailing{}) && !needed {
		return nil
	}
	switch {
	case t.Distance <= 0 || t.Distance > int64(core.PriceMax) || t.Activation < 0:
		return &Refusal{Code: CodeTrailing, Detail: "a trailing distance must be above 0"}
	case t.Unit == BasisPoints && t.Distance >= bps:
		return &Refusal{Code: CodeTrailing, Detail: "a trailing distance must be below 100 %"}
	case t.Unit == Points && t.Distance < s.StopLevel:
		return &Refusal{
			Code:   CodeStopLevel,
			Detail: fmt.Sprintf("a stop must stay %d points away from the price", s.StopLevel),
		}
	}
	return nil
}

// checkState checks the trading state: of the account and of the server, whichever is stricter.
func (m *Machine) checkState(a *account, d *delta, r *OrderRequest) *Refusal {
	state := max(a.TradingState, m.state)
	opposite := d.short
	if r.Side == Sell {
		opposite = d.long
	}
	reduces := r.ReduceOnly || a.MarginMode == Netting && r.Volume <= opposite
	if state == Active || state == Reducing && reduces {
		return nil
	}
	return halted(state)
}

func halted(s TradingState) *Refusal {
	if s == Halted {
		return &Refusal{Code: CodeTradingHalted, Detail: "trading is halted; orders can be cancelled"}
	}
	return &Refusal{Code: CodeTradingHalted, Detail: "positions can only be reduced now"}
}

// checkMarket checks that a symbol trades and has a fresh price.
func (m *Machine) checkMarket(k *market) *Refusal {
	switch {
	case !m.open(k):
		return &Refusal{Code: CodeMarketClosed, Detail: k.symbol.Name + " does not trade now"}
	case !k.priced():
		return &Refusal{Code: CodeNoPrice, Detail: k.symbol.Name + " has no price yet"}
	case m.now-k.quote.Time > stale:
		return &Refusal{
			Code: CodePriceStale,
			Detail: fmt.Sprintf("the newest quote of %s is %d s old", k.symbol.Name,
				(m.now-k.quote.Time)/core.Second),
		}
	}
	return nil
}

// checkPrices checks that all prices of an order are on the right side of the market, and stops
// outside the stop level.
func (m *Machine) checkPrices(r *OrderRequest, k *market) *Refusal {
	q := &k.quote
	open := q.price(r.Side)
	bid, ask := q.Bid, q.Ask
	waits := r.Type != Market && !(r.Type == Limit && reached(r.Side, r.Price, q))
	if waits && r.Price != 0 {
		if refusal := checkTrigger(r, k.symbol, open); refusal != nil {
			return refusal
		}
		// What a pending order opens is measured from where it will open.
		bid, ask = r.Price, r.Price
		if r.Type == StopLimit {
			bid, ask = r.LimitPrice, r.LimitPrice
		}
	}
	bound := r.PriceBound
	if !waits && bound != 0 && (r.Side == Buy && open > bound || r.Side == Sell && open < bound) {
		return &Refusal{Code: CodeBoundsViolation, Detail: "the price is beyond priceBound"}
	}
	return checkStops(r.Side, r.StopLoss, r.TakeProfit, bid, ask, k.symbol)
}

// checkTrigger checks the price of a pending order that the market has not reached. open is the
// price at which the order would fill now.
func checkTrigger(r *OrderRequest, s *core.Symbol, open core.Price) *Refusal {
	away := r.Price - open // Above 0 on the right side of a stop.
	if r.Side == Sell {
		away = -away
	}
	if r.Type == Limit {
		away = -away
	} else if away <= 0 {
		return &Refusal{
			Code: CodeWrongSide, Detail: "the price has passed the stop already",
		}
	}
	return tooNear(int64(away), s)
}

func tooNear(away int64, s *core.Symbol) *Refusal {
	if away >= s.StopLevel {
		return nil
	}
	return &Refusal{
		Code:   CodeStopLevel,
		Detail: fmt.Sprintf("the price is %d points away; %d are the least", away, s.StopLevel),
	}
}

// checkStops checks the levels of a position of a side at a bid and ask: it would close at the bid
// of a long and the ask of a short.
func checkStops(side Side, sl, tp, bid, ask core.Price, s *core.Symbol) *Refusal {
	price, sign := bid, int64(1)
	if side == Sell {
		price, sign = ask, -1
	}
	for i, level := range [...]core.Price{sl, tp} {
		if level == 0 {
			continue
		}
		away := sign * int64(price-level)
		name := "stopLoss"
		if i == 1 {
			away, name = -away, "takeProfit"
		}
		if away <= 0 {
			return &Refusal{Code: CodeWrongSide, Detail: name + " is on the wrong side of the price"}
		}
		if refusal := tooNear(away, s); refusal != nil {
			return refusal
		}
	}
	return nil
}

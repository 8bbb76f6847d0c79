package trading

import "tradingengine/core"

func (r *reader) accountData() *AccountData {
	d := &AccountData{}
	s := &d.Settings
	s.Currency = r.currency()
	s.Leverage = r.int("leverage")
	s.MarginMode = MarginMode(r.word("marginMode", marginModes))
	s.HedgedMargin = HedgedMargin(r.word("hedgedMargin", hedgedMargins))
	s.StopOutPolicy = StopOutPolicy(r.word("stopOutPolicy", stopOutPolicies))
	s.KeepNegative = !r.bool("negativeBalanceProtection")
	s.TradingState = TradingState(r.word("tradingState", tradingStates))
	if r.fault == "" && s.check() != nil {
		r.fail("sensible settings")
	}
	return d
}

func (r *reader) transferData() *TransferData {
	d := &TransferData{}
	d.Transfer = TransferType(r.word("transfer", transferTypes))
	d.Currency = r.currency()
	d.Amount = r.money("amount", d.Currency)
	d.CreditAfter = r.money("credit", d.Currency)
	if r.peek("reference") {
		d.Reference = string(r.text("reference"))
	}
	d.Posting = r.posting()
	return d
}

// posting reads a posting, if there is one. Counter account and reference follow from the rest.
func (r *reader) posting() (p Posting) {
	if !r.has("posting") {
		return p
	}
	r.expect('{')
	p.Type = PostingType(r.word("type", postingTypes))
	p.Currency = r.currency()
	p.Amount = r.money("amount", p.Currency)
	r.text("counterAccount")
	p.Balance = r.money("balanceAfter", p.Currency)
	r.text("reference")
	r.expect('}')
	return p
}

func (r *reader) trailing(id core.SymbolID) (t Trailing) {
	if !r.has("trailing") {
		return t
	}
	r.expect('{')
	t.Distance = r.int("distance")
	t.Unit = Unit(r.word("unit", units))
	t.Activation = r.level("activation", id)
	t.Active = r.bool("active")
	r.expect('}')
	return t
}

func (r *reader) order() (o Order) {
	r.expect('{')
	o.ID = OrderID(r.int("id"))
	o.Account = AccountID(r.int("accountId"))
	if r.peek("clientOrderId") {
		o.ClientID = string(r.text("clientOrderId"))
		o.Fingerprint = r.hex("fingerprint")
	}
	o.Symbol = r.symbol()
	o.Side = Side(r.word("side", sides))
	o.Type = OrderType(r.word("type", orderTypes))
	o.Status = Status(r.word("status", statuses))
	o.Volume = r.volume("volume")
	o.Price = r.level("price", o.Symbol)
	o.LimitPrice = r.level("limitPrice", o.Symbol)
	o.PriceBound = r.level("priceBound", o.Symbol)
	o.TimeInForce = TimeInForce(r.word("timeInForce", timesInForce))
	if r.peek("expireAt") {
		o.ExpireAt = r.time("expireAt")
	}
	o.ReduceOnly = r.bool("reduceOnly")
	o.StopLoss = r.level("stopLoss", o.Symbol)
	o.TakeProfit = r.level("takeProfit", o.Symbol)
	o.Trailing = r.trailing(o.Symbol)
	o.Cause = Cause(r.word("cause", causes))
	if r.peek("code") {
		o.Code = Code(r.word("code", codes[:]))
	}
	if r.peek("linkedOrderId") {
		o.Linked = OrderID(r.int("linkedOrderId"))
	}
	if r.peek("positionId") {
		o.Position = PositionID(r.int("positionId"))
	}
	o.PlacedAt = r.time("placedAt")
	if r.peek("filledVolume") {
		o.Filled = r.volume("filledVolume")
		o.FillPrice = r.price("fillPrice", o.Symbol)
	}
	r.expect('}')
	return o
}

func (r *reader) orderData() *OrderData {
	d := &OrderData{}
	if r.need("order") {
		d.Order = r.order()
	}
	d.Cause = Cause(r.word("cause", causes))
	d.Quote = r.quote()
	if r.peek("detail") {
		d.Detail = string(r.text("detail"))
	}
	if r.peek("currency") {
		d.Currency = r.currency()
		d.Required = r.money("required", d.Currency)
		d.Available = r.money("available", d.Currency)
	}
	return d
}

func (r *reader) fillData() *FillData {
	d := &FillData{}
	d.Order = OrderID(r.int("orderId"))
	d.Position = PositionID(r.int("positionId"))
	if r.peek("clientOrderId") {
		d.ClientID = string(r.text("clientOrderId"))
	}
	d.Symbol = r.symbol()
	d.Side = Side(r.word("side", sides))
	d.Type = OrderType(r.word("type", orderTypes))
	d.Cause = Cause(r.word("cause", causes))
	d.Entry = Entry(r.word("entry", entries))
	d.Rule = Rule(r.word("rule", rules))
	d.Volume = r.volume("volume")
	d.Price = r.price("price", d.Symbol)
	d.Done = r.bool("done")
	d.Quote = r.quote()
	d.Rate = r.rate()
	d.Currency = r.currency()
	d.PnL = r.money("realizedPnL", d.Currency)
	d.Commission = r.money("commission", d.Currency)
	d.Posting = r.posting()
	return d
}

func (r *reader) position() (p Position) {
	r.expect('{')
	p.ID = PositionID(r.int("id"))
	p.Account = AccountID(r.int("accountId"))
	p.Symbol = r.symbol()
	p.Side = Side(r.word("side", sides))
	p.Volume = r.volume("volume")
	p.Cost = mulWide(int64(r.price("openPrice", p.Symbol)), int64(p.Volume))
	if r.has("cost") {
		cost, ok := parseWide(r.token(), r.symbols.Symbol(p.Symbol).Digits+6)
		if !ok {
			r.fail("a cost")
		}
		p.Cost = cost
	}
	p.OpenTime = r.time("openTime")
	p.StopLoss = r.level("stopLoss", p.Symbol)
	p.TakeProfit = r.level("takeProfit", p.Symbol)
	p.Trailing = r.trailing(p.Symbol)
	p.Order = OrderID(r.int("orderId"))
	if r.peek("swapTime") {
		p.SwapTime = r.time("swapTime")
	}
	p.Currency = r.currency()
	p.Swap = r.money("swap", p.Currency)
	p.Commission = r.money("commission", p.Currency)
	p.Realized = r.money("realizedPnL", p.Currency)
	r.expect('}')
	if r.fault == "" && (p.Volume <= 0 || p.Cost.sign() <= 0 || !p.openPriceFits()) {
		r.fail("a position that was paid for")
	}
	return p
}

// openPriceFits reports whether the cost is one that prices can make.
func (p *Position) openPriceFits() bool {
	n, ok := scale(p.Cost, 1, 1, uint64(p.Volume), 1, halfEven)
	return ok && n <= int64(core.PriceMax)
}

func (r *reader) positionData() *PositionData {
	d := &PositionData{}
	if r.need("position") {
		d.Position = r.position()
	}
	d.Cause = Cause(r.word("cause", causes))
	if r.peek("orderId") {
		d.Order = OrderID(r.int("orderId"))
		d.Price = r.price("price", d.Position.Symbol)
	}
	d.Quote = r.quote()
	return d
}

func (r *reader) swapData() *SwapData {
	d := &SwapData{}
	d.Position = PositionID(r.int("positionId"))
	d.Symbol = r.symbol()
	r.text("date")
	d.Rollover = r.time("rollover")
	d.Days = r.int("days")
	d.Points = core.Micro(r.decimal("points", 6))
	d.Volume = r.volume("volume")
	d.Rate = r.rate()
	d.Quote = r.quote()
	d.Currency = r.currency()
	d.Amount = r.money("amount", d.Currency)
	d.Posting = r.posting()
	return d
}

func (r *reader) commissionData() *CommissionData {
	d := &CommissionData{}
	d.Order = OrderID(r.int("orderId"))
	d.Position = PositionID(r.int("positionId"))
	d.Symbol = r.symbol()
	d.Volume = r.volume("volume")
	d.PerLot = core.Micro(r.decimal("perLot", 6))
	d.Posting = r.posting()
	return d
}

// adjustmentData: journals from before credit was used up do not name it.
func (r *reader) adjustmentData() *AdjustmentData {
	d := &AdjustmentData{Posting: r.posting()}
	if d.Posting.Type != 0 && r.peek("creditUsed") {
		d.CreditUsed = r.money("creditUsed", d.Posting.Currency)
	}
	return d
}

// marginData skips the level, which follows from equity and margin.
func (r *reader) marginData() *MarginData {
	d := &MarginData{}
	d.Currency = r.currency()
	d.Equity = r.money("equity", d.Currency)
	d.Margin = r.money("margin", d.Currency)
	if d.Margin < 0 {
		r.fail("a margin")
	}
	if r.has("marginLevel") {
		r.token()
	}
	d.Policy = StopOutPolicy(r.word("stopOutPolicy", stopOutPolicies))
	d.Quote = r.quote()
	return d
}

func (r *reader) stateData() *StateData {
	d := &StateData{}
	d.State = TradingState(r.word("state", tradingStates))
	d.Previous = TradingState(r.word("previous", tradingStates))
	return d
}

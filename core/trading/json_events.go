package trading

import "strconv"

func (w *writer) settings(s *Settings) {
	w.word("currency", s.Currency.String())
	w.int("leverage", s.Leverage)
	w.word("marginMode", s.MarginMode.String())
	w.word("hedgedMargin", s.HedgedMargin.String())
	w.word("stopOutPolicy", s.StopOutPolicy.String())
	w.bool("negativeBalanceProtection", !s.KeepNegative)
	w.word("tradingState", s.TradingState.String())
}

func (w *writer) transfer(e *Event, d *TransferData) {
	w.word("transfer", d.Transfer.String())
	w.word("currency", d.Currency.String())
	w.money("amount", d.Amount, d.Currency)
	w.money("credit", d.CreditAfter, d.Currency)
	if d.Reference != "" {
		w.text("reference", d.Reference)
	}
	w.posting(e, d.Posting)
}

func (w *writer) order(o *Order) {
	w.open()
	w.int("id", int64(o.ID))
	w.int("accountId", int64(o.Account))
	if o.ClientID != "" {
		w.text("clientOrderId", o.ClientID)
		w.fingerprint(o.Fingerprint)
	}
	w.symbol(o.Symbol)
	w.word("side", o.Side.String())
	w.word("type", o.Type.String())
	w.word("status", o.Status.String())
	w.volume("volume", o.Volume)
	w.level("price", o.Price, o.Symbol)
	w.level("limitPrice", o.LimitPrice, o.Symbol)
	w.level("priceBound", o.PriceBound, o.Symbol)
	w.word("timeInForce", o.TimeInForce.String())
	if o.ExpireAt != 0 {
		w.time("expireAt", o.ExpireAt)
	}
	w.bool("reduceOnly", o.ReduceOnly)
	w.level("stopLoss", o.StopLoss, o.Symbol)
	w.level("takeProfit", o.TakeProfit, o.Symbol)
	w.trailing(&o.Trailing, o.Symbol)
	w.word("cause", o.Cause.String())
	if o.Code != CodeNone {
		w.word("code", o.Code.String())
	}
	if o.Linked != 0 {
		w.int("linkedOrderId", int64(o.Linked))
	}
	if o.Position != 0 {
		w.int("positionId", int64(o.Position))
	}
	w.time("placedAt", o.PlacedAt)
	if o.Filled != 0 {
		w.volume("filledVolume", o.Filled)
		w.price("fillPrice", o.FillPrice, o.Symbol)
	}
	w.close()
}

func (w *writer) fingerprint(n uint64) {
	if !w.public {
		w.key("fingerprint")
		w.dst = append(strconv.AppendUint(append(w.dst, '"'), n, 16), '"')
	}
}

func (w *writer) orderData(d *OrderData) {
	w.key("order")
	w.order(&d.Order)
	w.word("cause", d.Cause.String())
	w.quote(&d.Quote)
	if d.Detail != "" {
		w.text("detail", d.Detail)
	}
	if d.Currency != 0 && (!w.public || d.Order.Code.HasAmounts()) {
		w.word("currency", d.Currency.String())
		w.money("required", d.Required, d.Currency)
		w.money("available", d.Available, d.Currency)
	}
}

func (w *writer) fill(e *Event, d *FillData) {
	w.int("orderId", int64(d.Order))
	w.int("positionId", int64(d.Position))
	if d.ClientID != "" {
		w.text("clientOrderId", d.ClientID)
	}
	w.symbol(d.Symbol)
	w.word("side", d.Side.String())
	w.word("type", d.Type.String())
	w.word("cause", d.Cause.String())
	w.word("entry", d.Entry.String())
	w.word("rule", d.Rule.String())
	w.volume("volume", d.Volume)
	w.price("price", d.Price, d.Symbol)
	w.bool("done", d.Done)
	w.quote(&d.Quote)
	w.rate(d.Rate)
	w.word("currency", d.Currency.String())
	w.money("realizedPnL", d.PnL, d.Currency)
	w.money("commission", d.Commission, d.Currency)
	w.posting(e, d.Posting)
}

// position prints the fields of a position. The exact cost is there when the open price is rounded.
func (w *writer) position(p *Position) {
	w.int("id", int64(p.ID))
	w.int("accountId", int64(p.Account))
	w.symbol(p.Symbol)
	w.word("side", p.Side.String())
	w.volume("volume", p.Volume)
	open := p.OpenPrice()
	w.price("openPrice", open, p.Symbol)
	if p.Cost != mulWide(int64(open), int64(p.Volume)) {
		w.key("cost")
		w.dst = p.Cost.appendDecimal(w.dst, w.symbols.Symbol(p.Symbol).Digits+6)
	}
	w.time("openTime", p.OpenTime)
	w.level("stopLoss", p.StopLoss, p.Symbol)
	w.level("takeProfit", p.TakeProfit, p.Symbol)
	w.trailing(&p.Trailing, p.Symbol)
	w.int("orderId", int64(p.Order))
	if p.SwapTime != 0 {
		w.time("swapTime", p.SwapTime)
	}
	w.word("currency", p.Currency.String())
	w.money("swap", p.Swap, p.Currency)
	w.money("commission", p.Commission, p.Currency)
	w.money("realizedPnL", p.Realized, p.Currency)
}

func (w *writer) positionData(d *PositionData) {
	w.key("position")
	w.open()
	w.position(&d.Position)
	w.close()
	w.word("cause", d.Cause.String())
	if d.Order != 0 {
		w.int("orderId", int64(d.Order))
		w.price("price", d.Price, d.Position.Symbol)
	}
	w.quote(&d.Quote)
}

func (w *writer) swap(e *Event, d *SwapData) {
	w.int("positionId", int64(d.Position))
	w.symbol(d.Symbol)
	w.key("date")
	w.dst = append(appendDate(append(w.dst, '"'), d.Rollover), '"')
	w.time("rollover", d.Rollover)
	w.int("days", d.Days)
	w.micro("points", d.Points)
	w.volume("volume", d.Volume)
	w.rate(d.Rate)
	w.quote(&d.Quote)
	w.word("currency", d.Currency.String())
	w.money("amount", d.Amount, d.Currency)
	w.posting(e, d.Posting)
}

func (w *writer) margin(d *MarginData) {
	w.word("currency", d.Currency.String())
	w.money("equity", d.Equity, d.Currency)
	w.money("margin", d.Margin, d.Currency)
	if d.Margin > 0 {
		w.key("marginLevel")
		level := levelOf(d.Equity, d.Margin)
		w.dst = AppendMoney(w.dst, Money(level), usd) // Two decimals.
	}
	w.word("stopOutPolicy", d.Policy.String())
	w.quote(&d.Quote)
}

package trading

import (
	"fmt"
	"strings"

	"tradingengine/core"
)

// describe says in a line what an event was: what a trader would want to know of it.
func (s *script) describe(e *Event) string {
	var w strings.Builder
	fmt.Fprint(&w, e.Type)
	amount := func(name string, n Money, c Currency) {
		fmt.Fprintf(&w, " %s%s", name, AppendMoney(nil, n, c))
	}
	switch d := e.Data.(type) {
	case *AccountData:
		o := d.Settings
		fmt.Fprintf(&w, " %d %v %v %v 1:%d %v", e.Account, o.Currency, o.MarginMode, o.HedgedMargin,
			o.Leverage, o.StopOutPolicy)
	case *TransferData:
		fmt.Fprintf(&w, " %v", d.Transfer)
		amount("", d.Amount, d.Currency)
	case *OrderData:
		s.describeOrder(&w, e, d)
	case *FillData:
		fmt.Fprintf(&w, " %d %v %s %s at %s, %v, %v position %d", d.Order, d.Side,
			AppendVolume(nil, d.Volume), s.name(d.Symbol), s.text(d.Symbol, d.Price), d.Rule, d.Entry,
			d.Position)
		if d.Rate.Den != 0 {
			amount("P/L ", d.PnL, d.Currency)
			fmt.Fprintf(&w, " at rate %s", d.Rate.Append(nil))
		}
		if !d.Done {
			fmt.Fprint(&w, ", more follows")
		}
	case *PositionData:
		p := &d.Position
		fmt.Fprintf(&w, " %d %v %s %s from %s", p.ID, p.Side, AppendVolume(nil, p.Volume),
			s.name(p.Symbol), s.text(p.Symbol, p.OpenPrice()))
		s.level(&w, p.Symbol, "sl", p.StopLoss)
		s.level(&w, p.Symbol, "tp", p.TakeProfit)
		fmt.Fprintf(&w, ", %v", d.Cause)
	case *SwapData:
		fmt.Fprintf(&w, " position %d %s %d days", d.Position, appendDate(nil, d.Rollover), d.Days)
		amount("", d.Amount, d.Currency)
	case *CommissionData:
		fmt.Fprintf(&w, " order %d", d.Order)
		amount("", d.Posting.Amount, d.Posting.Currency)
	case *MarginData:
		amount("equity ", d.Equity, d.Currency)
		amount("margin ", d.Margin, d.Currency)
	case *AdjustmentData:
		amount("", d.Posting.Amount, d.Posting.Currency)
		if d.CreditUsed > 0 {
			amount("of it credit ", d.CreditUsed, d.Posting.Currency)
		}
	case *StateData:
		fmt.Fprintf(&w, " %d %v, was %v", e.Account, d.State, d.Previous)
	}
	return w.String()
}

func (s *script) describeOrder(w *strings.Builder, e *Event, d *OrderData) {
	o := &d.Order
	fmt.Fprintf(w, " %d", o.ID)
	if e.Type != OrderCanceled && e.Type != OrderExpired {
		fmt.Fprintf(w, " %v %s %s %v", o.Side, AppendVolume(nil, o.Volume), s.name(o.Symbol), o.Type)
		s.level(w, o.Symbol, "price", o.Price)
		s.level(w, o.Symbol, "limit", o.LimitPrice)
		s.level(w, o.Symbol, "sl", o.StopLoss)
		s.level(w, o.Symbol, "tp", o.TakeProfit)
	}
	if d.Cause != ByClient {
		fmt.Fprintf(w, ", %v", d.Cause)
	}
	if o.Code != CodeNone && o.Code.String() != d.Cause.String() {
		fmt.Fprintf(w, ", %v", o.Code)
	}
	if d.Detail != "" {
		fmt.Fprintf(w, ": %s", d.Detail)
	}
}

func (s *script) name(id core.SymbolID) string { return s.symbols.Symbol(id).Name }

func (s *script) text(id core.SymbolID, p core.Price) string {
	return string(core.AppendPrice(nil, p, s.symbols.Symbol(id).Digits))
}

func (s *script) level(w *strings.Builder, id core.SymbolID, name string, p core.Price) {
	if p != 0 {
		fmt.Fprintf(w, " %s %s", name, s.text(id, p))
	}
}

package httpd

import (
	"context"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// getExplanation answers with what filled, refused or ended an order, or placed it while it waits:
// the quote, the side, the rule and the conversion factor, and all events of the order.
func (s *Server) getExplanation(ctx *fasthttp.RequestCtx) error {
	id, err := s.namedOrder(ctx)
	if err != nil {
		return err
	}
	_, o, err := s.storedOrder(callerOf(ctx), id)
	if err != nil {
		return err
	}
	var events []trading.Event
	err = s.stored(func(wait context.Context) (err error) {
		events, err = s.opts.Trades.OrderEvents(wait, id)
		return err
	})
	if err != nil {
		return err
	}
	giveBody(ctx, jsonType, s.appendExplanation(nil, &o, events))
	return nil
}

func (s *Server) appendExplanation(dst []byte, o *trading.Order, events []trading.Event) []byte {
	symbol := s.symbols.Symbol(o.Symbol)
	dst = appendInt(dst, `{"orderId":`, int64(o.ID))
	dst = append(append(dst, `,"status":"`...), o.Status.String()...)
	dst = append(append(dst, `","symbol":"`...), symbol.Name...)
	dst = append(append(dst, `","side":"`...), o.Side.String()...)
	dst = append(append(dst, `","cause":"`...), o.Cause.String()...)
	dst = append(dst, '"')
	// The newest event that decided something.
	for i := len(events) - 1; i >= 0; i-- {
		if e := &events[i]; e.Type != trading.OrderAmended || i == 0 {
			dst = s.appendDecision(dst, symbol, e)
			break
		}
	}
	dst = append(dst, `,"events":`...)
	start := len(dst)
	dst = append(dst, listOpen...)
	for i := range events {
		dst = append(trading.AppendEvent(dst, s.symbols, &events[i]), ",\n"...)
	}
	dst = closeList(dst, start)
	dst[len(dst)-1] = '}'
	return append(dst, '\n')
}

// appendDecision appends why an event of an order came about.
func (s *Server) appendDecision(dst []byte, symbol *core.Symbol, e *trading.Event) []byte {
	switch d := e.Data.(type) {
	case *trading.FillData:
		dst = append(append(dst, `,"rule":"`...), d.Rule.String()...)
		dst = append(append(dst, `","ruleText":"`...), d.Rule.Text(d.Side)...)
		dst = core.AppendPrice(append(dst, `","fillPrice":`...), d.Price, symbol.Digits)
		if d.Rate.Den != 0 {
			dst = d.Rate.Append(append(dst, `,"conversionRate":`...))
		} else {
			dst = append(dst, `,"conversionRate":null`...)
		}
		return appendQuoteUsed(dst, symbol, &d.Quote)
	case *trading.OrderData:
		if d.Order.Code != trading.CodeNone {
			dst = append(append(dst, `,"code":"`...), d.Order.Code.String()...)
			dst = append(dst, '"')
		}
		if d.Detail != "" {
			dst = appendString(append(dst, `,"detail":`...), d.Detail)
		}
		if d.Order.Code.HasAmounts() {
			dst = trading.AppendMoney(append(dst, `,"required":`...), d.Required, d.Currency)
			dst = trading.AppendMoney(append(dst, `,"available":`...), d.Available, d.Currency)
		}
		return appendQuoteUsed(dst, symbol, &d.Quote)
	}
	return dst
}

func appendQuoteUsed(dst []byte, symbol *core.Symbol, q *trading.Quote) []byte {
	if q.Time == 0 {
		return append(dst, `,"quote":null`...)
	}
	dst = appendInt(dst, `,"quote":{"time":`, int64(q.Time))
	dst = core.AppendPrice(append(dst, `,"bid":`...), q.Bid, symbol.Digits)
	dst = core.AppendPrice(append(dst, `,"ask":`...), q.Ask, symbol.Digits)
	return append(dst, '}')
}

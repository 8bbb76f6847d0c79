package httpd

import (
	"fmt"
	"strings"

	"tradingengine/core/trading"
)

// word reads one of a set of names, in any case; the zero value when it is not given.
func word[T any](o *object, name string, set wordSet[T]) (v T) {
	if _, given := o.value(name); !given {
		return v
	}
	text := o.text(name)
	v, ok := set.parse(strings.ToUpper(text))
	if !ok {
		detail := fmt.Sprintf("%s must be one of %s, not %q", o.quote(name),
			strings.Join(set.names, " "), cutText(text))
		o.fail(badField, "%s", detail)
	}
	return v
}

// wordSet is a closed set of names.
type wordSet[T any] struct {
	parse func(string) (T, bool)
	names []string
}

var (
	sideWords      = wordSet[trading.Side]{trading.ParseSide, []string{"BUY", "SELL"}}
	orderTypeWords = wordSet[trading.OrderType]{trading.ParseOrderType, []string{
		"MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP",
	}}
	timeInForceWords = wordSet[trading.TimeInForce]{trading.ParseTimeInForce, []string{
		"GTC", "GTD", "DAY", "IOC", "FOK",
	}}
	unitWords       = wordSet[trading.Unit]{trading.ParseUnit, []string{"POINTS", "BASIS_POINTS"}}
	marginModeWords = wordSet[trading.MarginMode]{
		trading.ParseMarginMode, []string{"HEDGING", "NETTING"},
	}
	hedgedMarginWords = wordSet[trading.HedgedMargin]{
		trading.ParseHedgedMargin, []string{"MAX", "SUM", "NET"},
	}
	stopOutPolicyWords = wordSet[trading.StopOutPolicy]{trading.ParseStopOutPolicy, []string{
		"LARGEST_LOSS", "SMART_PARTIAL", "ALL",
	}}
	tradingStateWords = wordSet[trading.TradingState]{trading.ParseTradingState, []string{
		"ACTIVE", "REDUCING", "HALTED",
	}}
	transferWords = wordSet[trading.TransferType]{trading.ParseTransferType, []string{
		"DEPOSIT", "WITHDRAW", "CREDIT",
	}}
	closeFilterWords = wordSet[trading.CloseFilter]{trading.ParseCloseFilter, []string{
		"ALL", "WINNERS", "LOSERS",
	}}
	currencyWords = wordSet[trading.Currency]{trading.ParseCurrency, trading.CurrencyNames()}
)

package alert

import (
	"strconv"

	"tradingengine/core"
)

// What a person reads is made when a rule fires.

// title puts the rule's name before a text.
func (r *Rule) title(text string) string {
	if r.Name == "" {
		return text
	}
	return r.Name + ": " + text
}

// describe says what a rule with a meter found, for instance "EURUSD bid 1.10251 at or above
// 1.10250".
func (r *rule) describe(symbols *core.Registry) string {
	value := r.valueText(symbols, 0)
	if r.meter != nil {
		value = r.valueText(symbols, r.meter.value)
	}
	threshold, window := r.thresholdText(symbols), " for "+secondsText(r.Window)+" s"
	price := r.subject(symbols)
	switch r.Kind {
	case PriceAbove:
		return price + " " + value + " at or above " + threshold
	case PriceBelow:
		return price + " " + value + " at or below " + threshold
	case PriceCross:
		way := " upwards"
		if r.State.Side < 0 {
			way = " downwards"
		}
		return price + " " + value + " passed " + threshold + way
	case PriceMove:
		return price + " moved by " + value + " % within " + secondsText(r.Window) + " s"
	case SpreadAbove:
		return price + " spread of " + value + " points, at least " + threshold + window
	case FeedStale:
		return price + " without a quote" + window
	case MarginLevel:
		return price + " margin level " + value + " % at or below " + threshold + " %"
	case EquityBelow:
		return price + " equity " + value + " at or below " + threshold
	case DrawdownAbove:
		return price + " drawdown " + value + " % at or above " + threshold + " %"
	case PnLAbove:
		return price + " unrealized P/L " + value + " at or above " + threshold
	case PnLBelow:
		return price + " unrealized P/L " + value + " at or below " + threshold
	}
	return r.Kind.String()
}

// subject is what a rule is about: EURUSD bid, or account 1.
func (r *rule) subject(symbols *core.Registry) string {
	switch {
	case !r.HasSymbol:
		return "account " + strconv.FormatInt(r.Account, 10)
	case r.Price != 0:
		return symbols.Symbol(r.Symbol).Name + " " + r.Price.String()
	default:
		return symbols.Symbol(r.Symbol).Name
	}
}

// valueText prints a value of the rule's meter.
func (r *rule) valueText(symbols *core.Registry, v int64) string {
	digits := r.Digits(symbols)
	if r.scale() == 2 {
		return string(core.AppendMid(nil, core.Mid(v), digits))
	}
	return string(core.AppendPrice(nil, core.Price(v), digits))
}

func (r *rule) thresholdText(symbols *core.Registry) string {
	return string(core.AppendPrice(nil, core.Price(r.Threshold), r.Digits(symbols)))
}

func secondsText(n int64) string { return strconv.FormatInt(n, 10) }

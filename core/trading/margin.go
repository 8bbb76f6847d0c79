package trading

import (
	"fmt"

	"tradingengine/core"
)

// effect is what a fill does to an exposure.
type effect struct {
	long, short Volume // After it.
	traded      Volume // Less than asked when reduceOnly finds less.
	opened      Volume
}

// effectOf is what a fill of volume v does to volumes d.
func effectOf(mode MarginMode, reduceOnly bool, side Side, v Volume, d *delta) effect {
	e := effect{long: d.long, short: d.short, traded: v}
	same, opposite := &e.long, &e.short
	if side == Sell {
		same, opposite = opposite, same
	}
	cut := Volume(0)
	if reduceOnly || mode == Netting {
		cut = min(v, *opposite)
	}
	*opposite -= cut
	if reduceOnly {
		e.traded = cut
	} else {
		e.opened = v - cut
		*same += e.opened
	}
	return e
}

// checkFill checks that the account can carry a fill at a quote, and counts it in the trial. A fill
// that does not raise used margin is never refused for margin.
func (m *Machine) checkFill(t *trial, d *delta, r *OrderRequest, q *Quote) *Refusal {
	x, a := d.exposure, t.account
	e := effectOf(a.MarginMode, r.ReduceOnly, r.Side, r.Volume, d)
	if e.traded == 0 {
		return &Refusal{Code: CodeNothingToReduce, Detail: "there is no opposite position"}
	}
	if _, _, ok := x.route.factor(mid); !ok {
		return noRate(x)
	}
	before, ok1 := x.marginOf(d.long, d.short)
	after, ok2 := x.marginOf(e.long, e.short)
	notional := mulWide(int64(max(e.long, e.short)), int64(q.Ask))
	num, den, _ := x.route.factor(loss)
	if size := x.worth(notional, num, den, 1); !ok1 || !ok2 || size > MoneyMax {
		return &Refusal{Code: CodeTooLarge, Detail: "the position would be too large to count exactly"}
	}
	// A reversal leaves as many positions as there were.
	if e.opened > 0 && (a.MarginMode == Hedging || d.long+d.short == 0) {
		if t.positions++; t.positions > m.options.PositionsMax {
			return &Refusal{
				Code: CodeTooManyPositions,
				Detail: fmt.Sprintf("the account has %d positions, as many as it may",
					m.options.PositionsMax),
			}
		}
	}
	t.before, t.after = t.used, t.used-before+after
	t.commission = commissionOf(a.Currency, x.market.symbol.Commission, e.traded)
	t.spread = -x.worth(mulWide(-int64(q.Ask-q.Bid), int64(e.opened)), num, den, 1)
	t.required = t.after - t.before + t.commission + t.spread
	t.available = t.equity - t.used
	if t.after > t.before {
		if a.unpriced > 0 {
			return &Refusal{
				Code: CodeConversionRate, Detail: "a position of the account has no price or rate yet",
			}
		}
		if t.required > t.available {
			return &Refusal{
				Code:     CodeInsufficientMargin,
				Detail:   t.shortage(),
				Required: t.required, Available: t.available,
			}
		}
	}
	t.used, t.equity = t.after, t.equity-t.commission-t.spread
	d.long, d.short = e.long, e.short
	return nil
}

func (t *trial) shortage() string {
	c := t.account.Currency
	text := append([]byte(nil), "the order needs "...)
	text = AppendMoney(text, t.required, c)
	text = append(append(text, ' '), c.String()...)
	text = AppendMoney(append(text, ", free are "...), t.available, c)
	return string(text)
}

func noRate(x *exposure) *Refusal {
	return &Refusal{
		Code: CodeConversionRate,
		Detail: "no price converts " + x.market.symbol.Quote + " to " +
			x.account.Currency.String(),
	}
}

// commissionOf is the commission of one side, not below zero, rounded half-even.
func commissionOf(c Currency, perLot core.Micro, v Volume) Money {
	if perLot == 0 {
		return 0
	}
	n, ok := scale(mulWide(int64(perLot), int64(v)), c.minor(), 1, 1_000_000_000_000, 1, halfEven)
	if !ok {
		return moneyLimit
	}
	return Money(n)
}

// checkFired checks again what may have changed since a pending order was placed: the trading
// state and the margin.
func (m *Machine) checkFired(o *order, q *Quote) *Refusal {
	a := o.exposure.account
	t := &m.trial
	t.start(a)
	d := t.volumes(o.exposure)
	if refusal := m.checkState(a, d, &o.OrderRequest); refusal != nil {
		return refusal
	}
	return m.checkFill(t, d, &o.OrderRequest, q)
}

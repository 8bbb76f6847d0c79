package trading

import (
	"cmp"
	"slices"

	"tradingengine/core"
)

// exposure is what one account has in one symbol. Its sums are kept up to date at the live prices,
// so that equity and margin of an account are two additions.
type exposure struct {
	account *account
	market  *market
	route   route
	// money turns points times millionths of a lot into minor units of the account's currency, if
	// the quote currency is the same: contract size and decimals.
	money  Rate
	margin Rate // The same for the margin of bid + ask: with 1/2 and leverage or margin rate.

	positions   []*position // By id.
	long, short Volume
	orders      int // Pending ones.

	priced bool // There is a price and a rate; else pnl and used are 0.
	pnl    Money
	used   Money
}

// exposure returns what an account has in a symbol; it is made when first asked for.
func (m *Machine) exposure(a *account, id core.SymbolID) *exposure {
	i, found := slices.BinarySearchFunc(a.exposures, id, func(x *exposure, id core.SymbolID) int {
		return cmp.Compare(x.market.id, id)
	})
	if found {
		return a.exposures[i]
	}
	k := &m.markets[id]
	x := &exposure{account: a, market: k, route: m.route(k.symbol.Quote, a.Currency)}
	x.money, _ = moneyRate(k.symbol, a.Currency)
	x.setLeverage()
	a.exposures = slices.Insert(a.exposures, i, x)
	return x
}

// moneyRate is contract size · 10^currency digits / (10^6 · 10^6 · 10^symbol digits).
func moneyRate(s *core.Symbol, c Currency) (Rate, bool) {
	contract := rateOf(uint64(s.ContractSize), 1_000_000_000_000)
	r, ok := contract.times(rateOf(c.minor(), uint64(core.Pow10(s.Digits))))
	// What margin and swap multiply the denominator with must still fit.
	return r, ok && r.Den < 1<<42
}

func (x *exposure) setLeverage() {
	s := x.market.symbol
	r := Rate{1, uint64(x.account.Leverage)}
	if s.MarginRate != 1_000_000 {
		r = rateOf(uint64(s.MarginRate), 1_000_000)
	}
	x.margin, _ = x.money.times(Rate{r.Num, 2 * r.Den})
}

// worth returns what amount/div points times millionths of a lot are in the account's currency at
// a rate. What is beyond exact counting is cut, with the right sign.
func (x *exposure) worth(amount Wide, num, den, div uint64) Money {
	n, ok := scale(amount, x.money.Num, num, x.money.Den*div, den, halfEven)
	switch {
	case ok:
		return Money(n)
	case amount.Hi < 0:
		return -moneyLimit
	default:
		return moneyLimit
	}
}

// marginOf returns what long and short volume use at the live mid, rounded up.
func (x *exposure) marginOf(long, short Volume) (Money, bool) {
	v := long + short
	switch {
	case x.account.HedgedMargin == HedgedMax:
		v = max(long, short)
	case x.account.HedgedMargin == HedgedNet:
		v = max(long, short) - min(long, short)
	}
	num, den, ok := x.route.factor(mid)
	if v == 0 {
		return 0, true
	}
	if !ok || !x.market.priced() {
		return 0, false
	}
	prices := mulWide(int64(v), int64(x.market.quote.Bid+x.market.quote.Ask))
	n, ok := scale(prices, x.margin.Num, num, x.margin.Den, den, up)
	return Money(n), ok
}

// gross is what a volume bought or sold at cost gains when it closes at price, in points times
// millionths of a lot.
func gross(side Side, v Volume, cost Wide, price core.Price) Wide {
	if side == Buy {
		return mulWide(int64(price), int64(v)).sub(cost)
	}
	return cost.sub(mulWide(int64(price), int64(v)))
}

// convertAt is the side at which a gross amount converts.
func convertAt(amount Wide) conversion {
	if amount.Hi < 0 {
		return loss
	}
	return gain
}

// gains returns the P/L of a close and the rate that made it. ok is false without a rate.
func (x *exposure) gains(amount Wide) (pnl Money, rate Rate, ok bool) {
	num, den, ok := x.route.factor(convertAt(amount))
	if !ok {
		return 0, Rate{}, false
	}
	return x.worth(amount, num, den, 1), rateOf(num, den), true
}

// reprice values the exposure at the live prices.
func (x *exposure) reprice() {
	x.leave()
	x.revalue()
	x.enter()
}

// revalue values all positions. It stands between leave and enter.
func (x *exposure) revalue() {
	var rates [2]Rate
	x.pnl, x.priced = 0, x.rates(&rates)
	if !x.priced {
		return
	}
	for _, p := range x.positions {
		x.valuePosition(p, &rates)
		x.pnl += p.pnl
	}
}

// rates sets the rates of gains and losses and reports whether there are all prices.
func (x *exposure) rates(rates *[2]Rate) bool {
	all := x.market.priced()
	for _, c := range [...]conversion{gain, loss} {
		num, den, ok := x.route.factor(c)
		rates[c] = Rate{num, den}
		all = all && ok
	}
	return all
}

// valuePosition sets the P/L of a position.
func (x *exposure) valuePosition(p *position, rates *[2]Rate) {
	q := &x.market.quote
	amount := gross(p.Side, p.Volume, p.Cost, q.price(p.Side.Opposite()))
	rate := &rates[convertAt(amount)]
	p.pnl = x.worth(amount, rate.Num, rate.Den, 1)
}

// leave takes the exposure's sums out of the account's, enter puts them in. Between them the
// exposure may change.
func (x *exposure) leave() {
	if len(x.positions) == 0 {
		return
	}
	x.account.pnl -= x.pnl
	x.account.used -= x.used
	if !x.priced {
		x.account.unpriced--
	}
}

func (x *exposure) enter() {
	if len(x.positions) == 0 {
		x.pnl, x.used, x.priced = 0, 0, false
		return
	}
	x.used = 0
	if x.priced {
		var ok bool
		if x.used, ok = x.marginOf(x.long, x.short); !ok {
			x.used = moneyLimit
		}
	}
	if !x.priced {
		x.account.unpriced++
	}
	x.account.pnl += x.pnl
	x.account.used += x.used
}

// volume returns the volume of a side.
func (x *exposure) volume(s Side) *Volume {
	if s == Buy {
		return &x.long
	}
	return &x.short
}

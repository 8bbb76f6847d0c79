package trading

import (
	"math/big"

	"tradingengine/core"
)

func integer(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }

func times(a *big.Rat, more ...*big.Rat) *big.Rat {
	product := new(big.Rat).Set(a)
	for _, b := range more {
		product.Mul(product, b)
	}
	return product
}

func inverse(a *big.Rat) *big.Rat { return new(big.Rat).Inv(a) }

// halves rounds to the nearest whole number, halves to the even one.
func halves(r *big.Rat) *big.Int {
	doubled := new(big.Int).Lsh(r.Num(), 1)
	doubled.Add(doubled, r.Denom())
	q, rest := new(big.Int).DivMod(doubled, new(big.Int).Lsh(r.Denom(), 1), new(big.Int))
	if rest.Sign() == 0 && q.Bit(0) == 1 {
		q.Sub(q, big.NewInt(1))
	}
	return q
}

func upwards(r *big.Rat) int64 {
	q, rest := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		q.Add(q, big.NewInt(1))
	}
	return q.Int64()
}

// ten is 10^n, also for n below 0. Its results are shared and must not be changed.
func ten(n int) *big.Rat { return powers[n+20] }

var powers = func() (p [41]*big.Rat) {
	for n := range 21 {
		whole := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
		p[20+n] = new(big.Rat).SetInt(whole)
		p[20-n] = new(big.Rat).SetFrac(big.NewInt(1), whole)
	}
	return p
}()

// direct is the price of one currency in another at the side that sells it (1), buys it (−1) or at
// mid (0); nil without a price.
func (n *naive) direct(from, to string, side int) *big.Rat {
	for i := range n.symbols.Len() {
		s := n.symbols.Symbol(core.SymbolID(i))
		straight := s.Base == from && s.Quote == to
		if !straight && !(s.Base == to && s.Quote == from) {
			continue
		}
		q, ok := n.quotes[core.SymbolID(i)]
		if !ok {
			return nil
		}
		price := integer(int64(q.Bid))
		if side == 0 {
			price = times(integer(int64(q.Bid+q.Ask)), big.NewRat(1, 2))
		} else if straight != (side == 1) {
			price = integer(int64(q.Ask))
		}
		price = times(price, ten(-s.Digits))
		if straight {
			return price
		}
		return inverse(price)
	}
	return nil
}

func (n *naive) rate(from string, to Currency, side int) *big.Rat {
	if from == to.String() {
		return integer(1)
	}
	if r := n.direct(from, to.String(), side); r != nil {
		return r
	}
	first, second := n.direct(from, "USD", side), n.direct("USD", to.String(), side)
	if first == nil || second == nil {
		return nil
	}
	return times(first, second)
}

// unit is what a point times a millionth of a lot is in minor units, within the quote currency.
func (n *naive) unit(id core.SymbolID, c Currency) *big.Rat {
	key := [2]int{int(id), int(c)}
	if n.units[key] == nil {
		s := n.symbols.Symbol(id)
		n.units[key] = times(integer(int64(s.ContractSize)), ten(c.Digits()-12-s.Digits))
	}
	return n.units[key]
}

// gain is what volume opened for cost posts when it closes at a price.
func (n *naive) gain(p *naivePosition, volume int64, cost *big.Int, price core.Price) int64 {
	amount := new(big.Int).Mul(big.NewInt(int64(price)), big.NewInt(volume))
	amount.Sub(amount, cost)
	if p.side == Sell {
		amount.Neg(amount)
	}
	side := 1
	if amount.Sign() < 0 {
		side = -1
	}
	c := p.account.Currency
	rate := n.rate(n.symbols.Symbol(p.symbol).Quote, c, side)
	return halves(times(new(big.Rat).SetInt(amount), n.unit(p.symbol, c), rate)).Int64()
}

func (n *naive) closePrice(p *naivePosition) core.Price {
	q := n.quotes[p.symbol]
	if p.side == Buy {
		return q.Bid
	}
	return q.Ask
}

func (n *naive) floating(p *naivePosition) int64 {
	return n.gain(p, p.volume, p.cost, n.closePrice(p))
}

func (n *naive) equity(a *naiveAccount) int64 {
	sum := a.balance + a.credit
	for _, p := range n.positions {
		if p.account == a {
			sum += n.floating(p)
		}
	}
	return sum
}

// volumes sums the volumes of each symbol of an account: bought and sold.
func (n *naive) volumes(a *naiveAccount) map[core.SymbolID][2]int64 {
	sums := map[core.SymbolID][2]int64{}
	for _, p := range n.positions {
		if p.account == a {
			v := sums[p.symbol]
			v[p.side-Buy] += p.volume
			sums[p.symbol] = v
		}
	}
	return sums
}

func (n *naive) margin(a *naiveAccount, id core.SymbolID, v [2]int64) int64 {
	counted := max(v[0], v[1])
	switch a.HedgedMargin {
	case HedgedSum:
		counted = v[0] + v[1]
	case HedgedNet:
		counted -= min(v[0], v[1])
	}
	if counted == 0 {
		return 0
	}
	q, s := n.quotes[id], n.symbols.Symbol(id)
	share := inverse(integer(a.Leverage))
	if s.MarginRate != 1_000_000 {
		share = times(integer(int64(s.MarginRate)), ten(-6))
	}
	amount := times(integer(counted), integer(int64(q.Bid+q.Ask)), big.NewRat(1, 2), share)
	return upwards(times(amount, n.unit(id, a.Currency), n.rate(s.Quote, a.Currency, 0)))
}

func (n *naive) used(a *naiveAccount) (sum int64) {
	for id, v := range n.volumes(a) {
		sum += n.margin(a, id, v)
	}
	return sum
}

func (n *naive) commission(a *naiveAccount, id core.SymbolID, volume int64) int64 {
	perLot := n.symbols.Symbol(id).Commission
	return halves(times(integer(int64(perLot)), integer(volume), ten(a.Currency.Digits()-12))).Int64()
}

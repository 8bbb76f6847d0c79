package trading

import (
	"time"

	"tradingengine/core"
)

// advance moves trading time and does what was due since: orders expire, and each 17:00 New York
// posts swaps. Swaps come first: what expires at 17:00 holds no position.
func (m *Machine) advance(now core.Time) {
	m.now = now
	if now >= m.dayEnd {
		m.rollOver(now)
	}
	for m.expiries.Fires(int64(now)) {
		m.fired = m.expiries.AppendFired(m.fired[:0], int64(now))
		sortIDs(m.fired)
		for _, id := range m.fired {
			if o := m.orders[OrderID(id)]; o != nil { // Not ended as the other of a pair.
				m.endOrder(o, OrderExpired, Expired, ending{cause: ByClient, code: CodeExpired})
			}
		}
	}
}

// rollOver passes every 17:00 up to now.
func (m *Machine) rollOver(now core.Time) {
	if m.dayEnd == 0 || len(m.positions) == 0 {
		m.dayEnd = core.D1.Open(now)
	}
	for ; m.dayEnd <= now; m.dayEnd = core.D1.End(m.dayEnd) {
		if !m.swapAll(m.dayEnd) && m.unrolled == 0 {
			m.unrolled = m.dayEnd
		}
	}
	m.weekday = core.Session24x5.Open(now)
}

// retryRollover posts what had no rate before. It runs when a symbol gets its first price.
func (m *Machine) retryRollover() {
	from := m.unrolled
	m.unrolled = 0
	for at := from; at < m.dayEnd; at = core.D1.End(at) {
		if !m.swapAll(at) && m.unrolled == 0 {
			m.unrolled = at
		}
	}
}

// swapAll posts the swaps of one 17:00 New York. It reports false when one had no rate.
func (m *Machine) swapAll(at core.Time) bool {
	all := true
	if swapDays(nil, at) == 0 {
		return true
	}
	for _, a := range m.accounts {
		for _, p := range a.positions {
			all = m.swap(p, at) && all
		}
	}
	return all
}

// swapDays is how many days of swap a 17:00 is worth: 3 on the symbol's triple day, none at the
// weekend, so that a week has 7. Without a symbol it tells weekends alone.
func swapDays(s *core.Symbol, at core.Time) int64 {
	// 17:00 New York is 21:00 or 22:00 UTC, so the day of the week is the same.
	day := at.Std().Weekday()
	switch {
	case day == time.Saturday || day == time.Sunday:
		return 0
	case s != nil && day == s.TripleSwapDay:
		return 3
	default:
		return 1
	}
}

// swap posts one position's swap of one 17:00, once: points · units, in the account's currency.
func (m *Machine) swap(p *position, at core.Time) bool {
	x := p.exposure
	s := x.market.symbol
	points := s.SwapLong
	if p.Side == Sell {
		points = s.SwapShort
	}
	if points == 0 || p.OpenTime >= at || p.SwapTime >= at {
		return true
	}
	days := swapDays(s, at)
	amount := mulWide(int64(points)*days, int64(p.Volume))
	num, den, ok := x.route.factor(convertAt(amount))
	if !ok {
		return false
	}
	n := x.worth(amount, num, den, 1_000_000)
	a := x.account
	d := &SwapData{
		Position: p.ID, Symbol: p.Symbol, Rollover: at, Days: days, Points: points,
		Volume: p.Volume, Rate: rateOf(num, den), Quote: x.market.quote, Currency: a.Currency,
		Amount: n, Posting: a.posting(PostSwap, n),
	}
	m.emit(a.ID, SwapPosted, d)
	m.touch(a)
	return true
}

// posting makes the posting of an amount; none when it is zero.
func (a *account) posting(t PostingType, amount Money) Posting {
	if amount == 0 {
		return Posting{}
	}
	return Posting{Type: t, Currency: a.Currency, Amount: amount, Balance: a.Balance + amount}
}

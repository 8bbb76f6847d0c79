package alert

import (
	"math"
	"slices"

	"tradingengine/core"
)

// Quote takes the next quote of a symbol and does all it causes: rules that it reaches fire in the
// order of their ids. A quote not later than the symbol's last is ignored and reported false.
func (b *Book) Quote(now core.Time, q Quote) bool {
	b.Advance(now)
	k := &b.markets[q.Symbol]
	if q.Time <= k.quote.Time {
		return false
	}
	k.quote, k.arrived = q, b.now
	reached := k.bid.take(int64(q.Bid), b.reached[:0])
	reached = k.ask.take(int64(q.Ask), reached)
	reached = k.mid.take(int64(core.MidOf(q.Bid, q.Ask)), reached)
	reached = k.spread.take(int64(q.Ask-q.Bid), reached)
	for _, w := range k.windows {
		price := int64(q.Bid)
		switch w.price {
		case Ask:
			price = int64(q.Ask)
		case Mid:
			price = int64(core.MidOf(q.Bid, q.Ask))
		}
		reached = w.take(q.Time, price, reached)
	}
	b.reached = reached
	if len(reached) > 0 {
		b.reach(Cause{Symbol: q.Symbol, Quote: q.Time})
	}
	if k.returning > 0 {
		b.endSilence(k)
	}
	return true
}

// Priced reports whether the book has a quote of the symbol since it was last watched.
func (b *Book) Priced(id core.SymbolID) bool { return b.markets[id].quote.Bid != 0 }

// reach has the rules whose level was reached act, by their ids.
func (b *Book) reach(c Cause) {
	slices.Sort(b.reached)
	for _, id := range b.reached {
		if r := b.rules[RuleID(id)]; r.active {
			b.act(r, c)
		}
	}
}

// Values are what an account is worth, in hundredths of a unit of its currency.
type Values struct {
	Account     int64
	Equity, PnL int64
	MarginLevel int64 // In hundredths of a percent; counts when HasLevel.
	HasLevel    bool
	// Transferred is what was paid in, less what was paid out, since the values before.
	Transferred int64
}

// Wants reports whether some rule waits for the values of an account.
func (b *Book) Wants(account int64) bool { return b.accounts[account] != nil }

// TakeAccounts appends the accounts of which Wants may have changed since the last call. Those that
// are wanted should be given their values.
func (b *Book) TakeAccounts(dst []int64) []int64 {
	dst = append(dst, b.asked...)
	b.asked = b.asked[:0]
	return dst
}

// Account takes the values of an account after they changed, and what changed them.
func (b *Book) Account(now core.Time, v Values, c Cause) {
	b.Advance(now)
	a := b.accounts[v.Account]
	if a == nil {
		return
	}
	level := v.MarginLevel
	if !v.HasLevel {
		level = math.MaxInt64 // Nothing is used: no level is as good.
	}
	reached := a.level.take(level, b.reached[:0])
	reached = a.equity.take(v.Equity, reached)
	reached = a.pnl.take(v.PnL, reached)
	if len(a.drawdowns) > 0 {
		reached = a.drawdown.take(a.fall(&v), reached)
	}
	b.reached = reached
	if len(reached) > 0 {
		b.reach(c)
	}
}

// fall returns the drawdown in hundredths of a percent of the highest equity. What is paid in or
// out moves the peak by the same share as the equity, so that it is no gain and no drawdown.
func (a *account) fall(v *Values) int64 {
	before := a.peak
	if old := v.Equity - v.Transferred; v.Transferred != 0 && a.peak > 0 {
		a.peak = v.Equity
		if old > 0 && v.Equity > 0 {
			a.peak = ratio(before, v.Equity, old)
		}
	}
	a.peak = max(a.peak, v.Equity)
	a.peakMoved = a.peakMoved || a.peak != before
	if a.peak <= 0 {
		return 0
	}
	return ratio(a.peak-v.Equity, 100_00, a.peak)
}

// keepPeaks has highest equities stored, which is worth a transaction only now and then.
func (b *Book) keepPeaks() {
	for _, a := range b.tracked {
		if !a.peakMoved {
			continue
		}
		a.peakMoved = false
		for _, r := range a.drawdowns {
			r.State.Peak = a.peak
			b.touch(r)
		}
	}
}

// Event is what happened to an order or an account.
type Event struct {
	Seq       uint64
	Account   int64
	Symbol    core.SymbolID
	HasSymbol bool
	What      Happening
	Title     string // What a person reads.
}

// WantsEvents reports whether some rule waits for events.
func (b *Book) WantsEvents() bool { return len(b.events) > 0 }

// Event takes what happened.
func (b *Book) Event(now core.Time, e Event) {
	b.Advance(now)
	b.reached = b.reached[:0]
	for _, r := range b.events {
		if r.Happenings&e.What != 0 && (r.Account == 0 || r.Account == e.Account) &&
			(!r.HasSymbol || e.HasSymbol && r.Symbol == e.Symbol) {
			b.reached = append(b.reached, int64(r.ID))
		}
	}
	for _, id := range b.reached {
		r := b.rules[RuleID(id)]
		if r.resting(b.now) {
			b.counts.Swallowed++
			continue
		}
		b.fired(r, b.make(r, Fire{
			Title: r.title(e.Title), Symbol: e.Symbol, HasSymbol: e.HasSymbol, Account: e.Account,
			Cause: Cause{Event: e.Seq},
		}))
	}
}

// Advance moves trading time: what is due before anything else happens.
func (b *Book) Advance(now core.Time) {
	if now <= b.now {
		return
	}
	minute := now/core.Minute != b.now/core.Minute
	b.now = now
	for b.expiries.Fires(int64(now)) {
		r := b.rules[RuleID(b.expiries[0].ID)]
		b.leave(r)
		r.State.Status = Expired
		b.touch(r)
	}
	for b.wakes.Fires(int64(now)) {
		at, _ := b.findOpen(uint64(b.wakes[0].ID))
		b.become(b.open[at], Fired, true)
	}
	for b.timers.Fires(int64(now)) {
		b.reached = b.timers.AppendFired(b.reached[:0], int64(now))
		slices.Sort(b.reached)
		for _, id := range b.reached {
			r := b.rules[RuleID(id)]
			b.timers.Remove(&r.timerAt)
			b.due(r)
		}
	}
	if minute {
		b.keepPeaks()
	}
}

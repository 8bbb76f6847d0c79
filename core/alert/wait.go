package alert

import (
	"math"
	"slices"

	"tradingengine/core"
)

// A rule is active while it may still fire. The functions of this file put active rules where
// inputs find them, and take them out.

// enter makes a rule active unless it is disabled, expired, or fired its only time.
func (b *Book) enter(r *rule) {
	s := &r.State
	if !r.Enabled || s.Status == Expired || s.Status == Fired && r.Frequency == Once {
		return
	}
	r.active = true
	if r.ExpireAt != 0 {
		b.expiries.Set(int64(r.ExpireAt), int64(r.ID), &r.expires)
	}
	switch {
	case r.Kind == FeedStale:
		b.enterMarket(r)
		k := &b.markets[r.Symbol]
		k.stale = insertRule(k.stale, r)
		if s.Status == Armed {
			b.waitForSilence(r)
		}
	case r.Kind == OrderEvent:
		b.events = insertRule(b.events, r)
	case r.Kind.OfAccount():
		b.enterAccount(r)
	case r.Kind != System:
		b.enterMarket(r)
		r.meter = b.meterOf(r)
	}
	b.resume(r)
}

// resume has an active rule wait for what its state says.
func (b *Book) resume(r *rule) {
	s := &r.State
	switch {
	case r.Kind == System, r.Kind == OrderEvent:
	case r.Kind == PriceCross:
		r.waitToCross()
	case s.Status == Fired && (r.Frequency == OncePerMinute || s.Back):
		b.wakeAt(r, r.restUntil())
	case r.Kind == FeedStale:
		if s.Status == Fired {
			b.markets[r.Symbol].returning++
		}
	case s.Status == Fired:
		r.waitToReturn()
	default:
		r.waitToFire()
	}
}

func insertRule(list []*rule, r *rule) []*rule {
	at, _ := slices.BinarySearchFunc(list, r.ID, func(r *rule, id RuleID) int {
		return int(r.ID - id)
	})
	return slices.Insert(list, at, r)
}

func deleteRule(list []*rule, r *rule) []*rule {
	return slices.DeleteFunc(list, func(x *rule) bool { return x == r })
}

// leave takes a rule out of all that enter put it into.
func (b *Book) leave(r *rule) {
	if !r.active {
		return
	}
	r.active = false
	b.expiries.Remove(&r.expires)
	b.timers.Remove(&r.timerAt)
	if r.meter != nil {
		r.rest()
		r.meter, r.wide = nil, 0
	}
	switch {
	case r.Kind == OrderEvent:
		b.events = deleteRule(b.events, r)
	case r.Kind.OfAccount():
		b.leaveAccount(r)
	case r.Kind != System:
		b.leaveMarket(r)
	}
}

func (b *Book) enterMarket(r *rule) {
	k := &b.markets[r.Symbol]
	if k.needs == 0 {
		// What was known of the symbol is old: it was not watched.
		k.arrived, k.quote = b.now, Quote{Symbol: r.Symbol}
		for _, m := range []*meter{&k.bid, &k.ask, &k.mid, &k.spread} {
			m.known = false
		}
	}
	k.quote.Time = max(k.quote.Time, r.State.Seen)
	b.need(r.Symbol, 1)
}

func (b *Book) leaveMarket(r *rule) {
	k := &b.markets[r.Symbol]
	if r.Kind == FeedStale {
		k.stale = deleteRule(k.stale, r)
		if r.State.Status == Fired && r.Frequency == EveryCross && !r.State.Back {
			k.returning--
		}
	}
	if w := r.window; w != nil {
		r.window = nil
		if w.rules--; w.rules == 0 {
			k.windows = slices.DeleteFunc(k.windows, func(x *window) bool { return x == w })
		}
	}
	b.need(r.Symbol, -1)
}

// meterOf finds what a rule of a symbol looks at.
func (b *Book) meterOf(r *rule) *meter {
	k := &b.markets[r.Symbol]
	switch {
	case r.Kind == PriceMove:
		w := k.window(r.Price, r.Window)
		if w == nil {
			w = &window{price: r.Price, seconds: r.Window}
			k.windows = append(k.windows, w)
		}
		w.rules++
		r.window = w
		return &w.meter
	case r.Kind == SpreadAbove:
		return &k.spread
	case r.Price == Bid:
		return &k.bid
	case r.Price == Ask:
		return &k.ask
	default:
		return &k.mid
	}
}

// window finds the window of a price and time, nil when there is none.
func (k *market) window(price Side, seconds int64) *window {
	for _, w := range k.windows {
		if w.price == price && w.seconds == seconds {
			return w
		}
	}
	return nil
}

// crowded reports whether a rule needs one window more than the symbol may have, once the rule in
// whose place it comes, if any, has left.
func (b *Book) crowded(r *Rule, old *rule) bool {
	if r.Kind != PriceMove || !r.Enabled {
		return false
	}
	k := &b.markets[r.Symbol]
	windows := len(k.windows)
	if old != nil && old.window != nil && old.window.rules == 1 {
		windows--
	}
	return k.window(r.Price, r.Window) == nil && windows >= b.options.WindowsMax
}

// account is what rules need of an account.
type account struct {
	id                           int64
	level, equity, pnl, drawdown meter
	peak                         int64 // Highest equity; counts while there are drawdowns.
	peakMoved                    bool  // It is higher than what is stored.
	drawdowns                    []*rule
	rules                        int // Active ones.
}

func (b *Book) enterAccount(r *rule) {
	a := b.accounts[r.Account]
	if a == nil {
		a = &account{id: r.Account, peak: math.MinInt64}
		b.accounts[r.Account] = a
		b.tracked = append(b.tracked, a)
		b.asked = append(b.asked, r.Account)
	}
	if a.rules++; r.Kind == DrawdownAbove {
		if r.State.Peak != 0 {
			a.peak = max(a.peak, r.State.Peak)
		}
		a.drawdowns = insertRule(a.drawdowns, r)
	}
	r.account = a
	r.meter = map[Kind]*meter{
		MarginLevel: &a.level, EquityBelow: &a.equity, DrawdownAbove: &a.drawdown,
		PnLAbove: &a.pnl, PnLBelow: &a.pnl,
	}[r.Kind]
}

func (b *Book) leaveAccount(r *rule) {
	a := r.account
	r.account = nil
	if a.drawdowns = deleteRule(a.drawdowns, r); len(a.drawdowns) == 0 {
		a.peak, a.peakMoved = math.MinInt64, false
	}
	if a.rules--; a.rules == 0 {
		delete(b.accounts, a.id)
		b.asked = append(b.asked, a.id)
		b.tracked = slices.DeleteFunc(b.tracked, func(x *account) bool { return x == a })
	}
}

// wakeAt has a rule looked at when trading time reaches t.
func (b *Book) wakeAt(r *rule, t core.Time) { b.timers.Set(int64(t), int64(r.ID), &r.timerAt) }

// restUntil is when a rule that fired may fire again.
func (r *Rule) restUntil() core.Time {
	rest := core.Time(r.Cooldown) * core.Second
	if r.Frequency == OncePerMinute {
		rest = max(rest, core.Minute)
	}
	return r.State.LastAt + rest
}

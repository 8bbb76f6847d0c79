package alert

import "tradingengine/core"

// act does what a rule does when its meter reached the level that it waits for.
func (b *Book) act(r *rule, c Cause) {
	s := &r.State
	switch {
	case r.Kind == PriceCross:
		b.cross(r, c)
	case r.wide != 0: // The spread was narrow again too soon.
		r.wide = 0
		b.timers.Remove(&r.timerAt)
		r.waitToFire()
	case s.Status == Armed && r.Kind == SpreadAbove && r.Window > 0:
		r.wide = c.Quote
		r.wait(false, r.Threshold-1)
		b.wakeAt(r, b.now+core.Time(r.Window)*core.Second)
	case s.Status == Armed:
		b.fireLevel(r, c)
	default:
		b.back(r, c)
	}
}

// cross notes on which side of a PRICE_CROSS rule the price is now.
func (b *Book) cross(r *rule, c Cause) {
	s := &r.State
	side := int8(0)
	switch v, level := r.meter.value, r.Threshold*r.scale(); {
	case v > level:
		side = 1
	case v < level:
		side = -1
	}
	if side == s.Side {
		return // On the level before any side is known.
	}
	first := s.Side == 0
	s.Side, s.Seen = side, max(s.Seen, c.Quote)
	b.touch(r)
	r.waitToCross()
	switch {
	case first:
	case r.resting(b.now):
		b.counts.Swallowed++
	default:
		b.fireLevel(r, c)
	}
}

// resting reports whether a rule fired so shortly before that it must not fire again.
func (r *Rule) resting(now core.Time) bool {
	until := r.restUntil()
	return r.State.LastAt != 0 && until > r.State.LastAt && now < until
}

// fireLevel fires a rule whose value is at or beyond its threshold.
func (b *Book) fireLevel(r *rule, c Cause) {
	b.fired(r, b.make(r, Fire{
		Title: r.title(r.describe(b.options.Symbols)), Symbol: r.Symbol, HasSymbol: r.HasSymbol,
		Account: r.Account, Value: r.valueText(b.options.Symbols, r.meter.value),
		Threshold: r.thresholdText(b.options.Symbols), Cause: c,
	}))
}

// fired notes that a rule fired, and has it wait for what is next. f is nil when the cause had
// fired before.
func (b *Book) fired(r *rule, f *fire) {
	s := &r.State
	s.LastAt = b.now
	if f != nil {
		s.Fires++
		s.Last, s.Seen = f.ID, max(s.Seen, f.Cause.seen(&r.Rule))
	}
	b.touch(r)
	r.wide = 0
	if r.account != nil && r.Kind == DrawdownAbove {
		s.Peak = r.account.peak
	}
	if r.Frequency == Once {
		s.Status = Fired
		b.leave(r)
		return
	}
	if r.Kind == PriceCross || r.Kind == OrderEvent || r.Kind == System {
		return // Armed as before.
	}
	s.Status, s.Back = Fired, false
	switch {
	case r.Frequency == OncePerMinute:
		if r.meter != nil {
			r.rest()
		}
		b.wakeAt(r, r.restUntil())
	case r.Kind == FeedStale:
		b.markets[r.Symbol].returning++
	default:
		r.waitToReturn()
	}
}

// seen is the time of the quote of the rule's own symbol behind a cause, 0 for none.
func (c *Cause) seen(r *Rule) core.Time {
	if r.HasSymbol && c.Symbol == r.Symbol {
		return c.Quote
	}
	return 0
}

// back notes that the value of a rule that fired has returned: it is armed again, once the cooldown
// is over.
func (b *Book) back(r *rule, c Cause) {
	s := &r.State
	s.Seen = max(s.Seen, c.seen(&r.Rule))
	b.touch(r)
	if r.resting(b.now) {
		s.Back = true
		if r.meter != nil {
			r.rest()
		}
		b.wakeAt(r, r.restUntil())
		return
	}
	b.arm(r)
}

// arm has a rule wait to fire again.
func (b *Book) arm(r *rule) {
	r.State.Status, r.State.Back = Armed, false
	b.touch(r)
	if r.Kind == FeedStale {
		b.waitForSilence(r)
	} else {
		r.waitToFire()
	}
}

// due does what a rule has its timer for.
func (b *Book) due(r *rule) {
	switch {
	case r.wide != 0:
		b.fireLevel(r, Cause{Symbol: r.Symbol, Quote: r.wide})
	case r.State.Status == Fired:
		b.arm(r)
	case r.Kind == FeedStale:
		b.silence(r)
	}
}

// waitForSilence has a FEED_STALE rule looked at when its window may be over.
func (b *Book) waitForSilence(r *rule) {
	b.wakeAt(r, b.silentSince(r)+core.Time(r.Window)*core.Second)
}

// silentSince is since when there is no quote though there should be: not before the symbol was
// watched or its session opened, which is when the week does.
func (b *Book) silentSince(r *rule) core.Time {
	since := max(b.markets[r.Symbol].arrived, r.CreatedAt)
	if b.options.Symbols.Symbol(r.Symbol).Session == core.Session24x7 {
		return since
	}
	return max(since, core.W1.Open(b.now))
}

// silence fires a FEED_STALE rule whose symbol is silent, or has it wait on.
func (b *Book) silence(r *rule) {
	if !b.options.Symbols.Symbol(r.Symbol).Session.Open(b.now) {
		b.wakeAt(r, b.now+core.Second)
		return
	}
	since := b.silentSince(r)
	if b.now-since < core.Time(r.Window)*core.Second {
		b.waitForSilence(r)
		return
	}
	// A silence that goes on fires again with ONCE_PER_MINUTE, each time for a cause of its own.
	b.fired(r, b.make(r, Fire{
		Title: r.title(r.describe(b.options.Symbols)), Symbol: r.Symbol, HasSymbol: true,
		Account: r.Account, Value: secondsText(int64(b.now-since) / int64(core.Second)),
		Threshold: secondsText(r.Window),
		Cause:     Cause{Since: max(since, r.State.LastAt)},
	}))
}

// endSilence arms the FEED_STALE rules of a symbol that fired, because a quote came.
func (b *Book) endSilence(k *market) {
	k.returning = 0
	for _, r := range k.stale {
		if r.State.Status == Fired && r.Frequency == EveryCross && !r.State.Back {
			b.back(r, Cause{})
		}
	}
}

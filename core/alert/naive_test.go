package alert

import (
	"fmt"
	"math/big"
	"slices"

	"tradingengine/core"
)

// naive is the same book from its description: every input looks at every rule, in big numbers
// where there are products. It knows nothing of heaps, timers and queues.
type naive struct {
	symbols *core.Registry
	now     core.Time
	rules   []*naiveRule // By id.
	markets map[core.SymbolID]*naiveMarket
	peaks   map[int64]*naiveAccount
	fires   []string // Since the last look.
}

type naiveRule struct {
	Rule
	active bool
	armed  bool
	back   bool      // The value returned within the cooldown.
	free   core.Time // No fire before.
	side   int
	wide   core.Time
	wideTo core.Time
	base   core.Time // Of a silence: not before this.
}

type naiveMarket struct {
	last    Quote
	priced  bool
	came    core.Time
	history map[string][]Quote // Of each window in use.
}

type naiveAccount struct{ peak int64 }

func newNaive(symbols *core.Registry) *naive {
	return &naive{
		symbols: symbols, markets: map[core.SymbolID]*naiveMarket{}, peaks: map[int64]*naiveAccount{},
	}
}

func (n *naive) fire(r *naiveRule, cause string) {
	n.fires = append(n.fires, fmt.Sprintf("rule %d.%d %s", r.ID, r.Revision, cause))
	r.free = n.now + core.Time(r.Cooldown)*core.Second
	if r.Frequency == OncePerMinute {
		r.free = n.now + max(core.Time(r.Cooldown)*core.Second, 60*core.Second)
	}
	r.wide = 0
	switch {
	case r.Frequency == Once:
		n.end(r)
	case r.Kind != PriceCross && r.Kind != OrderEvent:
		r.armed, r.back = false, false
	}
	r.base = n.now
}

// end takes a rule out of use, and with the last one of a symbol or window what is known of it.
func (n *naive) end(r *naiveRule) {
	r.active, r.armed = false, false
	used, falls := false, false
	for _, o := range n.rules {
		if o.active && o.Account == r.Account && o.Kind.OfAccount() {
			used, falls = true, falls || o.Kind == DrawdownAbove
		}
	}
	if a := n.peaks[r.Account]; a != nil && !falls {
		a.peak = -1 << 62
	}
	if !used {
		delete(n.peaks, r.Account)
	}
	if k := n.markets[r.Symbol]; k != nil {
		for name := range k.history {
			if !slices.ContainsFunc(n.rules, func(o *naiveRule) bool {
				return o.active && o.Symbol == r.Symbol && o.HasSymbol && o.windowName() == name
			}) {
				delete(k.history, name)
			}
		}
	}
	if r.HasSymbol && !slices.ContainsFunc(n.rules, func(o *naiveRule) bool {
		return o.active && o.Kind.OfSymbol() && o.Symbol == r.Symbol
	}) {
		delete(n.markets, r.Symbol)
	}
}

func (r *naiveRule) windowName() string {
	if r.Kind != PriceMove {
		return ""
	}
	return fmt.Sprint(r.Price, r.Window)
}

func (n *naive) set(r Rule) {
	n.remove(r.ID)
	x := &naiveRule{Rule: r, active: r.Enabled, armed: true, base: r.CreatedAt}
	n.rules = append(n.rules, x)
	slices.SortFunc(n.rules, func(a, b *naiveRule) int { return int(a.ID - b.ID) })
	if !x.active {
		return
	}
	if r.Kind.OfSymbol() {
		k := n.markets[r.Symbol]
		if k == nil {
			k = &naiveMarket{came: n.now, history: map[string][]Quote{}}
			n.markets[r.Symbol] = k
		}
		if name := x.windowName(); name != "" && k.history[name] == nil {
			k.history[name] = []Quote{}
		}
		if k.priced {
			n.look(x, k, fmt.Sprint("quote ", k.last.Time))
		}
	}
	if r.Kind.OfAccount() && n.peaks[r.Account] == nil {
		n.peaks[r.Account] = &naiveAccount{peak: -1 << 62}
	}
}

func (n *naive) remove(id RuleID) {
	for i, r := range n.rules {
		if r.ID == id {
			n.rules = slices.Delete(n.rules, i, i+1)
			if r.active {
				n.end(r)
			}
			return
		}
	}
}

func (n *naive) quote(now core.Time, q Quote) {
	n.advance(now)
	k := n.markets[q.Symbol]
	if k == nil || q.Time <= k.last.Time {
		return
	}
	k.last, k.priced, k.came = q, true, n.now
	for name := range k.history {
		k.history[name] = append(k.history[name], q)
	}
	for _, r := range slices.Clone(n.rules) {
		switch {
		case !r.active || r.Symbol != q.Symbol || !r.Kind.OfSymbol():
		case r.Kind == FeedStale:
			if !r.armed && r.Frequency == EveryCross {
				if r.armed = n.now >= r.free; !r.armed {
					r.back = true
				}
			}
		default:
			n.look(r, k, fmt.Sprint("quote ", q.Time))
		}
	}
}

// price is twice the rule's price in points.
func (r *naiveRule) twice(q *Quote) int64 {
	switch r.Price {
	case Bid:
		return 2 * int64(q.Bid)
	case Ask:
		return 2 * int64(q.Ask)
	}
	return int64(q.Bid + q.Ask)
}

// unit is what one step of the rule's value is in twice its threshold's unit.
func (r *naiveRule) unit() int64 {
	if r.Price == Mid && r.Kind != PriceMove {
		return 1
	}
	return 2
}

func (n *naive) look(r *naiveRule, k *naiveMarket, cause string) {
	value := r.twice(&k.last)
	switch r.Kind {
	case FeedStale:
		return
	case SpreadAbove:
		value = 2 * int64(k.last.Ask-k.last.Bid)
	case PriceMove:
		if len(k.history[r.windowName()]) == 0 {
			return
		}
		value = 2 * r.move(k.history[r.windowName()])
	case PriceCross:
		n.cross(r, value, cause)
		return
	}
	n.level(r, value, cause, k.last.Time)
}

// move is the largest movement to the newest quote from any one of the window, in millionths.
func (r *naiveRule) move(history []Quote) int64 {
	step := func(q *Quote) int64 { return int64(q.Time) / (r.Window * 1000) }
	last := &history[len(history)-1]
	low, high := r.twice(last), r.twice(last)
	for i := range history {
		if q := &history[i]; step(last)-step(q) < 1000 {
			low, high = min(low, r.twice(q)), max(high, r.twice(q))
		}
	}
	rise := share(r.twice(last)-low, 1_000_000, low)
	return max(rise, share(high-r.twice(last), 1_000_000, high))
}

func share(part, scale, of int64) int64 {
	n := new(big.Int).Mul(big.NewInt(part), big.NewInt(scale))
	return n.Quo(n, big.NewInt(of)).Int64()
}

func (n *naive) cross(r *naiveRule, value int64, cause string) {
	level, back := 2*r.Threshold, 2*r.Hysteresis
	before := r.side
	switch {
	case r.side == 0 && value > level, r.side < 0 && value > level+back:
		r.side = 1
	case r.side == 0 && value < level, r.side > 0 && value < level-back:
		r.side = -1
	}
	if before != 0 && r.side != before && n.now >= r.free {
		n.fire(r, cause)
	}
}

// level looks at twice the value of a rule with a threshold.
func (n *naive) level(r *naiveRule, value int64, cause string, quoted core.Time) {
	sign := int64(1)
	switch r.Kind {
	case PriceBelow, MarginLevel, EquityBelow, PnLBelow:
		sign = -1
	}
	beyond := sign * (value - 2*r.Threshold) // Not below 0: reached.
	switch {
	case r.armed && beyond < 0:
		r.wide = 0
	case r.armed && r.Kind == SpreadAbove && r.Window > 0:
		if r.wide == 0 {
			r.wide, r.wideTo = quoted, n.now+core.Time(r.Window)*core.Second
		}
	case r.armed:
		n.fire(r, cause)
	case r.Frequency == EveryCross && !r.back && beyond <= -max(2*r.Hysteresis, r.unit()):
		if r.armed = n.now >= r.free; !r.armed {
			r.back = true
		}
	}
}

func (n *naive) account(now core.Time, v Values, cause string) {
	n.advance(now)
	a := n.peaks[v.Account]
	if a == nil {
		return
	}
	drawdowns := 0
	for _, r := range n.rules {
		if r.active && r.Kind == DrawdownAbove && r.Account == v.Account {
			drawdowns++
		}
	}
	if drawdowns > 0 {
		old := v.Equity - v.Transferred
		if v.Transferred != 0 && a.peak > 0 {
			if old > 0 && v.Equity > 0 {
				a.peak = share(a.peak, v.Equity, old)
			} else {
				a.peak = v.Equity
			}
		}
		a.peak = max(a.peak, v.Equity)
	}
	for _, r := range slices.Clone(n.rules) {
		if !r.active || r.Account != v.Account {
			continue
		}
		switch r.Kind {
		case MarginLevel:
			level := int64(1) << 60
			if v.HasLevel {
				level = v.MarginLevel
			}
			n.level(r, 2*level, cause, 0)
		case EquityBelow:
			n.level(r, 2*v.Equity, cause, 0)
		case PnLAbove, PnLBelow:
			n.level(r, 2*v.PnL, cause, 0)
		case DrawdownAbove:
			fall := int64(0)
			if a.peak > 0 {
				fall = share(a.peak-v.Equity, 10_000, a.peak)
			}
			n.level(r, 2*fall, cause, 0)
		}
	}
}

func (n *naive) event(now core.Time, e Event) {
	n.advance(now)
	for _, r := range slices.Clone(n.rules) {
		if r.active && r.Kind == OrderEvent && r.Happenings&e.What != 0 && n.now >= r.free &&
			(r.Account == 0 || r.Account == e.Account) &&
			(!r.HasSymbol || e.HasSymbol && e.Symbol == r.Symbol) {
			n.fire(r, fmt.Sprint("event ", e.Seq))
		}
	}
}

func (n *naive) advance(now core.Time) {
	if now <= n.now {
		return
	}
	n.now = now
	for _, r := range n.rules {
		if r.active && r.ExpireAt != 0 && r.ExpireAt <= now {
			n.end(r)
		}
	}
	for _, r := range slices.Clone(n.rules) {
		switch {
		case !r.active:
		case r.wide != 0 && r.wideTo <= now:
			n.fire(r, fmt.Sprint("quote ", r.wide))
		case !r.armed && r.free <= now && (r.Frequency == OncePerMinute || r.back):
			r.armed, r.back = true, false
		}
	}
	for _, r := range slices.Clone(n.rules) {
		if r.active && r.armed && r.Kind == FeedStale {
			n.silence(r)
		}
	}
}

// opened is when the session that trades now opened, on some full hour; 0 for one that always does.
func (n *naive) opened(s core.Session) core.Time {
	if s == core.Session24x7 {
		return 0
	}
	t := n.now.Floor(core.Hour)
	for s.Open(t - 1) {
		t -= core.Hour
	}
	return t
}

func (n *naive) silence(r *naiveRule) {
	k := n.markets[r.Symbol]
	session := n.symbols.Symbol(r.Symbol).Session
	if !session.Open(n.now) {
		return
	}
	since := max(k.came, n.opened(session), r.CreatedAt)
	if n.now-since >= core.Time(r.Window)*core.Second {
		since = max(since, r.free-r.rest())
		n.fire(r, fmt.Sprint("since ", since))
	}
}

// rest is how long a rule rests after a fire, 0 when it did not fire yet.
func (r *naiveRule) rest() core.Time {
	if r.free == 0 {
		return 0
	}
	return r.restUntil() - r.State.LastAt
}

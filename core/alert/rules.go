package alert

import (
	"fmt"
	"slices"

	"tradingengine/core"
)

// CooldownOf is the cooldown in seconds of a rule that names none: what comes and goes with the
// market is told every five minutes at most, what happens to an order each time.
func CooldownOf(k Kind, f Frequency) int64 {
	if f == EveryCross && k != OrderEvent {
		return 300
	}
	return 0
}

// Create adds a rule; ID, Revision, CreatedAt and State are set here. A rule whose threshold is
// reached already fires at once. The error is a *Refusal.
func (b *Book) Create(now core.Time, r Rule) (Rule, error) {
	b.Advance(now)
	r.Fill()
	if r.Kind == System {
		return r, &Refusal{CodeBuiltIn, "the checks of the server have a rule, which is rule 1"}
	}
	if err := b.check(&r, nil); err != nil {
		return r, err
	}
	r.ID, r.Revision, r.CreatedAt = b.lastRule+1, 1, b.now
	r.State = State{Status: Armed}
	x := b.add(r)
	b.touch(x)
	b.look(x)
	return x.Rule, nil
}

// check says why a rule may not be. old is the one in whose place it comes, nil for none.
func (b *Book) check(r *Rule, old *rule) error {
	if refusal := r.Check(); refusal != nil {
		return refusal
	}
	switch {
	case r.ExpireAt != 0 && r.ExpireAt <= b.now:
		return &Refusal{CodeExpired, "expireAt is over already"}
	case old == nil && len(b.list)-1 >= b.options.RulesMax:
		b.counts.Refused++
		return &Refusal{CodeManyRules, fmt.Sprintf("there are %d rules, as many as there may be",
			b.options.RulesMax)}
	case b.crowded(r, old):
		b.counts.Refused++
		return &Refusal{CodeManyWindows, fmt.Sprintf("the rules of the symbol have %d different "+
			"prices and windowSeconds, as many as there may be", b.options.WindowsMax)}
	}
	return nil
}

// Change replaces a rule; it becomes a new revision, armed again. Kind, symbol and account stay
// what they were. The error is ErrUnknownRule or a *Refusal, and then nothing changed.
func (b *Book) Change(now core.Time, r Rule) (Rule, error) {
	b.Advance(now)
	x := b.rules[r.ID]
	if x == nil {
		return r, ErrUnknownRule
	}
	old := x.Rule
	r.Kind, r.Symbol, r.HasSymbol, r.Account = old.Kind, old.Symbol, old.HasSymbol, old.Account
	r.Revision, r.CreatedAt = old.Revision+1, old.CreatedAt
	r.State = State{Status: Armed}
	if r.ID == BuiltIn && !onlyBuiltIn(r, old) {
		return r, &Refusal{CodeBuiltIn, "of rule 1 only name, channels and enabled can be changed"}
	}
	if err := b.check(&r, x); err != nil {
		return r, err
	}
	b.leave(x)
	x.Rule = r
	b.enter(x)
	b.touch(x)
	b.look(x)
	return x.Rule, nil
}

// onlyBuiltIn reports whether a change of the built-in rule is one that it may have.
func onlyBuiltIn(r, old Rule) bool {
	r.Revision, r.State = old.Revision, old.State
	r.Name, r.Channels, r.Enabled = old.Name, old.Channels, old.Enabled
	return r == old
}

// Delete removes a rule. Its fires stay. The error is ErrUnknownRule or a *Refusal.
func (b *Book) Delete(now core.Time, id RuleID) error {
	b.Advance(now)
	x := b.rules[id]
	switch {
	case x == nil:
		return ErrUnknownRule
	case id == BuiltIn:
		return &Refusal{CodeBuiltIn, "rule 1 cannot be deleted; enabled turns it off"}
	}
	b.leave(x)
	delete(b.rules, id)
	at, _ := b.find(id)
	b.list = slices.Delete(b.list, at, at+1)
	b.changed++
	b.changes.Removed = append(b.changes.Removed, id)
	return nil
}

// Test makes a fire of a rule as if it had just fired, marked as a test. The rule stays as it is.
// The error is ErrUnknownRule.
func (b *Book) Test(now core.Time, id RuleID) (Fire, error) {
	b.Advance(now)
	x := b.rules[id]
	if x == nil {
		return Fire{}, ErrUnknownRule
	}
	f := Fire{
		Title: "test: " + x.title(x.Kind.String()), Symbol: x.Symbol, HasSymbol: x.HasSymbol,
		Account: x.Account, Cause: Cause{Since: b.now, Test: true},
	}
	if x.Kind.hasLevel() {
		f.Threshold = x.thresholdText(b.options.Symbols)
	}
	for b.recent.has(x.FireID(&f.Cause)) {
		f.Cause.Since++ // Two tests within a microsecond.
	}
	return b.make(x, f).Fire, nil
}

// Rule finds a rule.
func (b *Book) Rule(id RuleID) (Rule, bool) {
	if x := b.rules[id]; x != nil {
		return x.Rule, true
	}
	return Rule{}, false
}

// AppendRules appends at most limit rules with an id above after, by id; all of them when limit is
// negative.
func (b *Book) AppendRules(dst []Rule, after RuleID, limit int) []Rule {
	at, _ := b.find(after + 1)
	for _, r := range b.list[at:] {
		if limit == 0 {
			break
		}
		limit--
		dst = append(dst, r.Rule)
	}
	return dst
}

// look acts on the value that is there, for a rule that is new.
func (b *Book) look(r *rule) {
	m := r.meter
	if m == nil || !m.known || r.at < 0 || !r.HasSymbol {
		return // Values of an account are given again by whoever has them.
	}
	if r.window != nil {
		m.value = r.window.movement()
	}
	v, waiting := m.value, m.up
	if !r.rising {
		v, waiting = -m.value, m.down
	}
	if waiting[r.at].Key <= v {
		b.act(r, Cause{Symbol: r.Symbol, Quote: b.markets[r.Symbol].quote.Time})
	}
}

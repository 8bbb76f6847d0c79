package alert

import (
	"encoding/json"
	"errors"
	"fmt"

	"tradingengine/core"
)

// ErrStored is wrapped by the errors of what is read back and makes no sense.
var ErrStored = errors.New("a stored alert makes no sense")

// ruleText is what AppendRule prints. Numbers stay text until they are parsed exactly.
type ruleText struct {
	ID          RuleID      `json:"id"`
	Revision    int64       `json:"revision"`
	Name        string      `json:"name"`
	Kind        string      `json:"kind"`
	Symbol      *string     `json:"symbol"`
	Account     int64       `json:"accountId"`
	Price       string      `json:"price"`
	Threshold   json.Number `json:"threshold"`
	Hysteresis  json.Number `json:"hysteresis"`
	Window      int64       `json:"windowSeconds"`
	Happenings  []string    `json:"events"`
	Frequency   string      `json:"frequency"`
	Cooldown    int64       `json:"cooldownSeconds"`
	ExpireAt    string      `json:"expireAt"`
	Severity    string      `json:"severity"`
	Channels    []string    `json:"channels"`
	Enabled     bool        `json:"enabled"`
	CreatedAt   string      `json:"createdAt"`
	Status      string      `json:"status"`
	Fires       int64       `json:"fires"`
	LastFiredAt string      `json:"lastFiredAt"`
}

type stateText struct {
	Side   int8      `json:"side"`
	Back   bool      `json:"back"`
	Last   string    `json:"last"`
	LastAt core.Time `json:"lastAt"`
	Seen   core.Time `json:"seen"`
	Peak   int64     `json:"peak"`
}

// parser keeps the first fault it meets.
type parser struct {
	symbols *core.Registry
	fault   string
}

func (p *parser) fail(field string) {
	if p.fault == "" {
		p.fault = field
	}
}

func (p *parser) err(what string) error {
	if p.fault == "" {
		return nil
	}
	return fmt.Errorf("%w: %s: its %s", ErrStored, what, p.fault)
}

// parseWord reads one of a set of names; "" is the zero value.
func parseWord[T any](p *parser, field, text string, parse func(string) (T, bool)) (v T) {
	if text == "" {
		return v
	}
	v, ok := parse(text)
	if !ok {
		p.fail(field)
	}
	return v
}

func (p *parser) time(field, text string) core.Time {
	if text == "" {
		return 0
	}
	t, err := core.ParseTime(text)
	if err != nil || t <= 0 {
		p.fail(field)
	}
	return t
}

func (p *parser) decimal(field string, text json.Number, digits int) int64 {
	if text == "" {
		return 0
	}
	n, reject := core.ParsePrice([]byte(text), digits)
	if reject != core.RejectNone {
		p.fail(field)
	}
	return int64(n)
}

func (p *parser) symbol(name *string) (id core.SymbolID, given bool) {
	if name == nil {
		return 0, false
	}
	id, ok := p.symbols.Lookup([]byte(*name))
	if !ok {
		p.fail("symbol " + *name)
	}
	return id, ok
}

// ParseRule reads what AppendRule and AppendState printed. The error wraps ErrStored.
func ParseRule(symbols *core.Registry, rule, state []byte) (r Rule, err error) {
	var t ruleText
	var s stateText
	if json.Unmarshal(rule, &t) != nil || json.Unmarshal(state, &s) != nil {
		return r, fmt.Errorf("%w: a rule is not JSON", ErrStored)
	}
	p := parser{symbols: symbols}
	r = Rule{
		ID: t.ID, Revision: t.Revision, Name: t.Name, Account: t.Account, Window: t.Window,
		Cooldown: t.Cooldown, Enabled: t.Enabled,
		Kind:      parseWord(&p, "kind", t.Kind, ParseKind),
		Price:     parseWord(&p, "price", t.Price, ParseSide),
		Frequency: parseWord(&p, "frequency", t.Frequency, ParseFrequency),
		Severity:  parseWord(&p, "severity", t.Severity, ParseSeverity),
		ExpireAt:  p.time("expireAt", t.ExpireAt), CreatedAt: p.time("createdAt", t.CreatedAt),
	}
	var ok bool
	if r.Channels, ok = ParseChannels(t.Channels); !ok {
		p.fail("channels")
	}
	if r.Happenings, ok = ParseHappenings(t.Happenings); !ok && len(t.Happenings) > 0 {
		p.fail("events")
	}
	r.Symbol, r.HasSymbol = p.symbol(t.Symbol)
	if p.fault == "" {
		digits := r.Digits(symbols)
		r.Threshold = p.decimal("threshold", t.Threshold, digits)
		r.Hysteresis = p.decimal("hysteresis", t.Hysteresis, digits)
	}
	r.State = State{
		Status: parseWord(&p, "status", t.Status, ParseStatus), Side: s.Side, Back: s.Back,
		Fires: t.Fires, LastAt: s.LastAt, Seen: s.Seen, Peak: s.Peak,
	}
	if r.State.Last, ok = ParseFireID(s.Last); !ok {
		p.fail("last fire")
	}
	p.sound(&r)
	return r, p.err(fmt.Sprintf("rule %d", t.ID))
}

// sound looks for what no rule is.
func (p *parser) sound(r *Rule) {
	s := &r.State
	switch {
	case p.fault != "":
	case r.ID < 1 || r.Revision < 1 || r.Account < 0 || r.CreatedAt == 0:
		p.fail("id or createdAt")
	case r.Kind == 0 || r.Frequency == 0 || r.Severity == 0:
		p.fail("kind, frequency or severity")
	case s.Status != Armed && s.Status != Fired && s.Status != Expired:
		p.fail("status")
	case s.Side < -1 || s.Side > 1 || s.Fires < 0 || s.LastAt < 0 || s.Seen < 0:
		p.fail("state")
	default:
		if refusal := r.Check(); refusal != nil {
			p.fail(refusal.Detail)
		}
	}
}

type fireText struct {
	ID           string      `json:"id"`
	Seq          uint64      `json:"seq"`
	Rule         RuleID      `json:"ruleId"`
	Revision     int64       `json:"revision"`
	Kind         string      `json:"kind"`
	Status       string      `json:"status"`
	Severity     string      `json:"severity"`
	Title        string      `json:"title"`
	Symbol       *string     `json:"symbol"`
	Account      int64       `json:"accountId"`
	Value        json.Number `json:"value"`
	Threshold    json.Number `json:"threshold"`
	QuoteSymbol  *string     `json:"quoteSymbol"`
	QuoteTime    core.Time   `json:"quoteTime"`
	EventSeq     uint64      `json:"eventSeq"`
	Since        core.Time   `json:"since"`
	Check        string      `json:"check"`
	Test         bool        `json:"test"`
	Channels     []string    `json:"channels"`
	CreatedAt    string      `json:"createdAt"`
	UpdatedAt    string      `json:"updatedAt"`
	SnoozedUntil string      `json:"snoozedUntil"`
}

// ParseFire reads what AppendFire printed. The error wraps ErrStored.
func ParseFire(symbols *core.Registry, text []byte) (f Fire, err error) {
	var t fireText
	if json.Unmarshal(text, &t) != nil {
		return f, fmt.Errorf("%w: a fire is not JSON", ErrStored)
	}
	p := parser{symbols: symbols}
	f = Fire{
		Seq: t.Seq, Rule: t.Rule, Revision: t.Revision, Title: t.Title, Account: t.Account,
		Value: t.Value.String(), Threshold: t.Threshold.String(),
		Kind:      parseWord(&p, "kind", t.Kind, ParseKind),
		Status:    parseWord(&p, "status", t.Status, ParseStatus),
		Severity:  parseWord(&p, "severity", t.Severity, ParseSeverity),
		CreatedAt: p.time("createdAt", t.CreatedAt), UpdatedAt: p.time("updatedAt", t.UpdatedAt),
		SnoozedUntil: p.time("snoozedUntil", t.SnoozedUntil),
		Cause: Cause{
			Quote: t.QuoteTime, Event: t.EventSeq, Since: t.Since, Check: t.Check, Test: t.Test,
		},
	}
	f.Symbol, f.HasSymbol = p.symbol(t.Symbol)
	f.Cause.Symbol, _ = p.symbol(t.QuoteSymbol)
	var ok bool
	if f.ID, ok = ParseFireID(t.ID); !ok {
		p.fail("id")
	}
	if f.Channels, ok = ParseChannels(t.Channels); !ok {
		p.fail("channels")
	}
	if f.Kind == 0 || f.Status < Fired || f.Status > Resolved || f.Severity == 0 {
		p.fail("kind, status or severity")
	}
	if f.CreatedAt == 0 || f.UpdatedAt == 0 {
		p.fail("createdAt or updatedAt")
	}
	return f, p.err("fire " + t.ID)
}

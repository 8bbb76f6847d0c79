package httpd

import (
	"encoding/json"
	"strings"

	"tradingengine/core"
	"tradingengine/core/alert"
)

var (
	rulePatchFields = []string{
		"name", "price", "threshold", "windowSeconds", "events", "frequency", "cooldownSeconds",
		"hysteresis", "expireAt", "severity", "channels", "enabled",
	}
	fixedRuleFields = []string{"kind", "symbol", "accountId"}
	ruleFields      = append(append([]string(nil), fixedRuleFields...), rulePatchFields...)

	ruleKindWords  = wordSet[alert.Kind]{alert.ParseKind, alert.KindNames()}
	frequencyWords = wordSet[alert.Frequency]{alert.ParseFrequency, alert.FrequencyNames()}
	severityWords  = wordSet[alert.Severity]{alert.ParseSeverity, alert.SeverityNames()}
	priceWords     = wordSet[alert.Side]{parseUpperSide, alert.SideNames()}
)

// parseUpperSide is alert.ParseSide of a name in upper case.
func parseUpperSide(s string) (alert.Side, bool) { return alert.ParseSide(strings.ToLower(s)) }

// keepFixed refuses fields that were settled when a thing was made.
func (o *object) keepFixed(names []string, what string) {
	for _, name := range names {
		if o.find(name) != nil {
			o.fail(badField, "%s of a %s never changes", o.quote(name), what)
		}
	}
}

// newRule reads a rule. Whoever may not use everything makes rules of an account, of the first one
// when none is named.
func (o *object) newRule(who *caller, symbols *core.Registry) alert.Rule {
	o.need("kind")
	r := alert.Rule{Kind: word(o, "kind", ruleKindWords), Enabled: true}
	if !who.everything() {
		r.Account = int64(who.home())
	}
	r.Account = o.integer("accountId", r.Account, 1)
	if name := o.text("symbol"); name != "" {
		id, err := symbols.Find(name)
		if err != nil && o.err == nil {
			o.err = err
		}
		r.Symbol, r.HasSymbol = id, err == nil
	}
	if o.err == nil && r.Kind.OfSymbol() && !r.HasSymbol {
		o.need("symbol") // Its price says how many decimals a threshold has.
	}
	if o.err == nil {
		o.patchRule(&r, symbols)
	}
	if _, given := o.value("cooldownSeconds"); !given {
		r.Cooldown = alert.CooldownOf(r.Kind, r.Frequency)
	}
	return r
}

// patchRule changes the fields of a rule that were sent; null means what a new rule has that does
// not name the field.
func (o *object) patchRule(r *alert.Rule, symbols *core.Registry) {
	for _, name := range o.names() {
		switch name {
		case "name":
			r.Name = o.text(name)
		case "price":
			r.Price = word(o, name, priceWords)
		case "threshold":
			r.Threshold = o.threshold(name, r, symbols, alert.CodeThreshold)
		case "hysteresis":
			r.Hysteresis = o.threshold(name, r, symbols, alert.CodeHysteresis)
		case "windowSeconds":
			r.Window = o.integer(name, 0, 0)
		case "events":
			r.Happenings = textSet(o, name, alert.HappeningNames(), alert.ParseHappenings)
		case "frequency":
			r.Frequency = word(o, name, frequencyWords)
		case "cooldownSeconds":
			r.Cooldown = o.integer(name, alert.CooldownOf(r.Kind, r.Frequency), 0)
		case "expireAt":
			r.ExpireAt = o.time(name)
		case "severity":
			r.Severity = word(o, name, severityWords)
		case "channels":
			r.Channels = textSet(o, name, alert.ChannelNames(), alert.ParseChannels)
		case "enabled":
			r.Enabled = o.flag(name, true)
		}
	}
	r.Fill()
}

// threshold reads a decimal in the unit of a rule's kind.
func (o *object) threshold(name string, r *alert.Rule, symbols *core.Registry, code string) int64 {
	text, given := o.number(name)
	if !given {
		return 0
	}
	digits := r.Digits(symbols)
	n, reject := core.ParsePrice(text, digits)
	switch {
	case reject == core.RejectPriceDigits && o.err == nil:
		o.err = &alert.Refusal{Code: code, Detail: o.quote(name) + " has more than " +
			string(appendInt(nil, "", int64(digits))) + " decimals: " + cutText(string(text))}
	case reject != core.RejectNone:
		o.badNumber(name, text, "1.10250")
	}
	return int64(n)
}

// textSet reads a list of names; the zero value when it is not given.
func textSet[T any](o *object, name string, names []string, parse func([]string) (T, bool)) (v T) {
	raw, given := o.value(name)
	if !given {
		return v
	}
	var list []string
	ok := raw[0] == '[' && json.Unmarshal(raw, &list) == nil
	if ok {
		v, ok = parse(list)
	}
	if !ok {
		o.fail(badField, "%s must be a list of some of %s, none twice", o.quote(name),
			strings.Join(names, " "))
	}
	return v
}

// alertAnswer makes the answer of a deal with the book of alerts.
func (s *Server) alertAnswer(d *deal, b *alert.Book, now core.Time) (body []byte, status int) {
	body, status, err := d.alerts(nil, b, now)
	if err == nil {
		return body, status
	}
	p := s.problemOf(err)
	return p.append(nil), p.status
}

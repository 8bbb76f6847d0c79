package alert

import (
	"strconv"
	"unicode/utf8"

	"tradingengine/core"
)

// AppendRule prints a rule as clients see it and as it is stored. Fields that the kind does not
// have are left out.
func AppendRule(dst []byte, symbols *core.Registry, r *Rule) []byte {
	w := writer{append(dst, '{')}
	w.int("id", int64(r.ID))
	w.int("revision", r.Revision)
	w.text("name", r.Name)
	w.word("kind", r.Kind.String())
	if r.HasSymbol {
		w.word("symbol", symbols.Symbol(r.Symbol).Name)
	}
	if r.Account != 0 {
		w.int("accountId", r.Account)
	}
	if r.Price != 0 {
		w.word("price", r.Price.String())
	}
	if r.Kind.hasLevel() {
		digits := r.Digits(symbols)
		w.decimal("threshold", r.Threshold, digits)
		if r.Hysteresis != 0 {
			w.decimal("hysteresis", r.Hysteresis, digits)
		}
	}
	if r.Kind == PriceMove || r.Kind == SpreadAbove || r.Kind == FeedStale {
		w.int("windowSeconds", r.Window)
	}
	if r.Kind == OrderEvent {
		w.words("events", happenings, uint8(r.Happenings))
	}
	w.word("frequency", r.Frequency.String())
	w.int("cooldownSeconds", r.Cooldown)
	if r.ExpireAt != 0 {
		w.time("expireAt", r.ExpireAt)
	}
	w.word("severity", r.Severity.String())
	w.words("channels", channels, uint8(r.Channels))
	w.bool("enabled", r.Enabled)
	w.time("createdAt", r.CreatedAt)
	w.word("status", r.State.Status.String())
	w.int("fires", r.State.Fires)
	if r.State.Fires > 0 {
		w.time("lastFiredAt", r.State.LastAt)
	}
	return append(w.dst, '}')
}

// AppendState prints what else a rule has come to, as it is stored.
func AppendState(dst []byte, s *State) []byte {
	w := writer{append(dst, '{')}
	w.int("side", int64(s.Side))
	w.bool("back", s.Back)
	w.word("last", s.Last.String())
	w.int("lastAt", int64(s.LastAt))
	w.int("seen", int64(s.Seen))
	w.int("peak", s.Peak)
	return append(w.dst, '}')
}

// AppendFire prints a fire as clients see it and as it is stored:
//
//	{"id":"…","seq":7,"ruleId":2,"kind":"PRICE_ABOVE","status":"FIRED","severity":"HIGH",…}
func AppendFire(dst []byte, symbols *core.Registry, f *Fire) []byte {
	w := writer{append(dst, '{')}
	w.word("id", f.ID.String())
	w.int("seq", int64(f.Seq))
	w.int("ruleId", int64(f.Rule))
	w.int("revision", f.Revision)
	w.word("kind", f.Kind.String())
	w.word("status", f.Status.String())
	w.word("severity", f.Severity.String())
	w.text("title", f.Title)
	if f.HasSymbol {
		w.word("symbol", symbols.Symbol(f.Symbol).Name)
	}
	if f.Account != 0 {
		w.int("accountId", f.Account)
	}
	w.number("value", f.Value)
	w.number("threshold", f.Threshold)
	w.cause(symbols, &f.Cause)
	w.words("channels", channels, uint8(f.Channels))
	w.time("createdAt", f.CreatedAt)
	w.time("updatedAt", f.UpdatedAt)
	if f.SnoozedUntil != 0 {
		w.time("snoozedUntil", f.SnoozedUntil)
	}
	return append(w.dst, '}')
}

// cause prints what made a fire, by fields of its own.
func (w *writer) cause(symbols *core.Registry, c *Cause) {
	switch {
	case c.Quote != 0:
		w.word("quoteSymbol", symbols.Symbol(c.Symbol).Name)
		w.int("quoteTime", int64(c.Quote))
	case c.Event != 0:
		w.int("eventSeq", int64(c.Event))
	case c.Since != 0:
		w.int("since", int64(c.Since))
	}
	if c.Check != "" {
		w.text("check", c.Check)
	}
	if c.Test {
		w.bool("test", true)
	}
}

// writer appends the fields of a JSON object. Names and words are plain ASCII.
type writer struct{ dst []byte }

func (w *writer) key(name string) {
	if w.dst[len(w.dst)-1] != '{' {
		w.dst = append(w.dst, ',')
	}
	w.dst = append(append(append(w.dst, '"'), name...), '"', ':')
}

func (w *writer) int(name string, n int64) {
	w.key(name)
	w.dst = strconv.AppendInt(w.dst, n, 10)
}

func (w *writer) bool(name string, b bool) {
	w.key(name)
	w.dst = strconv.AppendBool(w.dst, b)
}

func (w *writer) word(name, word string) {
	w.key(name)
	w.dst = append(append(append(w.dst, '"'), word...), '"')
}

func (w *writer) words(name string, all []string, set uint8) {
	w.key(name)
	w.dst = append(w.dst, '[')
	for i, word := range setNames(all, set) {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		w.dst = append(append(append(w.dst, '"'), word...), '"')
	}
	w.dst = append(w.dst, ']')
}

// number prints a decimal that is text already, when there is one.
func (w *writer) number(name, decimal string) {
	if decimal != "" {
		w.key(name)
		w.dst = append(w.dst, decimal...)
	}
}

func (w *writer) decimal(name string, n int64, digits int) {
	w.key(name)
	w.dst = core.AppendPrice(w.dst, core.Price(n), digits)
}

func (w *writer) time(name string, t core.Time) {
	w.key(name)
	w.dst = append(t.Append(append(w.dst, '"')), '"')
}

// text prints a string from outside. What is no UTF-8 becomes the sign for that.
func (w *writer) text(name, s string) {
	const hex = "0123456789abcdef"
	w.key(name)
	w.dst = append(w.dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			w.dst = append(w.dst, '\\', byte(r))
		case r < ' ':
			w.dst = append(w.dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			w.dst = utf8.AppendRune(w.dst, r)
		}
	}
	w.dst = append(w.dst, '"')
}

package alert

import "tradingengine/core"

// RuleID numbers rules from 1 in the order they were made; ids are never used again.
type RuleID int64

// BuiltIn is the rule of the server's own checks. It is always there.
const BuiltIn RuleID = 1

// Rule says when somebody must be told, and of what severity that is.
type Rule struct {
	ID       RuleID
	Revision int64 // 1, and one more with each change.
	Name     string
	Kind     Kind
	Symbol   core.SymbolID // Of kinds of a symbol; of OrderEvent when HasSymbol.
	// HasSymbol is true for kinds of a symbol.
	HasSymbol bool
	Account   int64 // 0 for none: then the rule is the administrator's.
	Price     Side  // Of PriceAbove, PriceBelow, PriceCross and PriceMove.
	// Threshold is what fires, in units of 10^-Digits: points, hundredths or ten-thousandths of a
	// percent, hundredths of a currency unit.
	Threshold  int64
	Hysteresis int64 // How far back, in the same unit, before the rule is armed again.
	Window     int64 // In seconds.
	Happenings Happening
	Frequency  Frequency
	Cooldown   int64     // Seconds after a fire in which there is no other.
	ExpireAt   core.Time // 0 for never.
	Severity   Severity
	Channels   Channels
	Enabled    bool
	CreatedAt  core.Time

	State State
}

// State is what a rule has come to. It survives a restart.
type State struct {
	Status Status // Armed, Fired or Expired.
	// Side is, of PriceCross, where the price last was: −1 below the threshold, 1 above, 0 unknown.
	Side int8
	// Back is true for a rule of EveryCross that fired and whose value was back, so that only the
	// cooldown keeps it from being armed.
	Back  bool
	Fires int64
	Last  FireID
	// LastAt is the trading time of the newest fire.
	LastAt core.Time
	// Seen is the time of the newest quote of the rule's symbol that changed this state.
	Seen core.Time
	// Peak is, of DrawdownAbove, the highest equity seen, in hundredths of a unit.
	Peak int64
}

// Digits is the number of decimals of a rule's threshold and hysteresis.
func (r *Rule) Digits(symbols *core.Registry) int {
	return r.Kind.Digits(symbols, r.Symbol)
}

// Digits is the number of decimals of thresholds of the kind. symbol counts for prices alone.
func (v Kind) Digits(symbols *core.Registry, symbol core.SymbolID) int {
	switch v {
	case PriceAbove, PriceBelow, PriceCross:
		return symbols.Symbol(symbol).Digits
	case PriceMove:
		return moveDigits
	case MarginLevel, EquityBelow, DrawdownAbove, PnLAbove, PnLBelow:
		return moneyDigits
	}
	return 0
}

const (
	moveDigits  = 4 // A millionth is 0.0001 %.
	moneyDigits = 2
)

// Bounds of the fields of a rule.
const (
	NameMax     = 100
	WindowMax   = 86_400
	CooldownMax = 30 * 86_400
)

// Refusal says why a rule may not be.
type Refusal struct {
	Code   string // Upper case and stable.
	Detail string
}

func (r *Refusal) Error() string { return r.Code + ": " + r.Detail }

// Codes of refusals.
const (
	CodeField       = "FIELD_NOT_ALLOWED" // The kind has no such field.
	CodeMissing     = "FIELD_REQUIRED"    // The kind needs it.
	CodeThreshold   = "THRESHOLD"
	CodeHysteresis  = "HYSTERESIS"
	CodeWindow      = "WINDOW"
	CodeCooldown    = "COOLDOWN"
	CodeName        = "NAME"
	CodeExpired     = "EXPIRED"
	CodeBuiltIn     = "BUILT_IN"
	CodeManyRules   = "TOO_MANY_RULES"
	CodeManyWindows = "TOO_MANY_WINDOWS"
)

// Fill sets what was left open.
func (r *Rule) Fill() {
	if r.Price == 0 && r.Kind <= PriceMove {
		r.Price = Bid
	}
	if r.Happenings == 0 && r.Kind == OrderEvent {
		r.Happenings = AllHappenings
	}
	if r.Frequency == 0 {
		r.Frequency = Once
	}
	if r.Severity == 0 {
		r.Severity = Medium
	}
	if r.Channels == 0 {
		r.Channels = WebSocket
	}
}

// Check reports the first field that makes no sense, nil when there is none.
func (r *Rule) Check() *Refusal {
	refuse := func(code, detail string) *Refusal { return &Refusal{code, detail} }
	for _, f := range []struct {
		name             string
		given, need, may bool
	}{
		{name: "symbol", given: r.HasSymbol, need: r.Kind.OfSymbol(), may: r.Kind == OrderEvent},
		{
			name: "accountId", given: r.Account != 0, need: r.Kind.OfAccount(),
			may: r.Kind != System,
		},
		{name: "price", given: r.Price != 0, need: r.Kind <= PriceMove},
		{
			name: "threshold", given: r.Threshold != 0, need: r.Kind <= SpreadAbove,
			may: r.Kind.OfAccount(),
		},
		{name: "hysteresis", given: r.Hysteresis != 0, may: r.Kind.hasLevel()},
		{
			name: "windowSeconds", given: r.Window != 0, need: r.Kind == PriceMove || r.Kind == FeedStale,
			may: r.Kind == SpreadAbove,
		},
		{name: "events", given: r.Happenings != 0, need: r.Kind == OrderEvent},
	} {
		if f.need && !f.given {
			return refuse(CodeMissing, r.Kind.String()+" needs "+f.name)
		}
		if f.given && !f.need && !f.may {
			return refuse(CodeField, r.Kind.String()+" has no "+f.name)
		}
	}
	return r.checkNumbers(refuse)
}

// hasLevel reports whether the kind compares a value with a threshold.
func (v Kind) hasLevel() bool { return v <= SpreadAbove || v.OfAccount() }

func (r *Rule) checkNumbers(refuse func(code, detail string) *Refusal) *Refusal {
	percent := r.Kind == PriceMove || r.Kind == DrawdownAbove
	most := int64(core.PriceMax)
	if r.Kind == DrawdownAbove {
		most = 100_00
	}
	signed := r.Kind.OfAccount() && !percent && r.Kind != MarginLevel
	switch {
	case r.Threshold > most || r.Threshold < -most:
		return refuse(CodeThreshold, "the threshold is too large")
	case r.Threshold < 0 && !signed || r.Threshold == 0 && percent:
		return refuse(CodeThreshold, "the threshold must be above 0")
	case r.Hysteresis < 0 || r.Hysteresis > most:
		return refuse(CodeHysteresis, "the hysteresis must not be negative, or too large")
	case r.Hysteresis > 0 && r.Frequency != EveryCross:
		return refuse(CodeHysteresis, "a hysteresis is for EVERY_CROSS, which is armed again by it")
	case percent && r.Hysteresis >= r.Threshold:
		return refuse(CodeHysteresis, "the hysteresis must be below the threshold")
	case r.Window < 0 || r.Window > WindowMax:
		return refuse(CodeWindow, "windowSeconds must be 1 to 86400")
	case r.Cooldown < 0 || r.Cooldown > CooldownMax:
		return refuse(CodeCooldown, "cooldownSeconds must be 0 to 2592000")
	case len(r.Name) > NameMax:
		return refuse(CodeName, "a name has at most 100 bytes")
	}
	return nil
}

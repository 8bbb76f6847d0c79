package alert

import "strings"

// A closed set of names is a small integer in memory and its name outside, as in package trading.

func find(names []string, name string) (int, bool) {
	for i := 1; i < len(names); i++ {
		if names[i] == name {
			return i, true
		}
	}
	return 0, false
}

// Kind says what a rule watches.
type Kind uint8

// The kinds. At or beyond the threshold fires.
const (
	PriceAbove Kind = iota + 1
	PriceBelow
	PriceCross      // Passes the threshold either way.
	PriceMove       // Moves by the threshold, in percent, within the window.
	SpreadAbove     // Stays that wide, in points, for the window.
	FeedStale       // No quote for the window while the session is open.
	MarginLevel     // Of an account: the margin level, in percent, falls to it.
	EquityBelow     // The equity falls to it.
	DrawdownAbove   // The equity falls that many percent below its highest.
	PnLAbove        // The unrealised P/L rises to it,
	PnLBelow        // or falls to it.
	OrderEvent      // An order is filled or rejected, or the margin runs out.
	System          // One of the built-in checks of the server.
	kindCount       = iota + 1
	firstPriceKind  = PriceAbove
	lastSymbolKind  = FeedStale
	lastAccountKind = PnLBelow
)

var kinds = []string{
	"", "PRICE_ABOVE", "PRICE_BELOW", "PRICE_CROSS", "PRICE_MOVE", "SPREAD_ABOVE", "FEED_STALE",
	"MARGIN_LEVEL_BELOW", "EQUITY_BELOW", "DRAWDOWN_ABOVE", "PNL_ABOVE", "PNL_BELOW", "ORDER_EVENT",
	"SYSTEM",
}

// String returns the name, e.g. PRICE_ABOVE.
func (v Kind) String() string { return kinds[v] }

// ParseKind finds a kind by name.
func ParseKind(s string) (Kind, bool) {
	i, ok := find(kinds, s)
	return Kind(i), ok
}

// KindNames lists the kinds.
func KindNames() []string { return kinds[1:] }

// OfSymbol reports whether a rule of the kind is about a symbol.
func (v Kind) OfSymbol() bool { return v <= lastSymbolKind }

// OfAccount reports whether a rule of the kind is about the values of an account.
func (v Kind) OfAccount() bool { return v > lastSymbolKind && v <= lastAccountKind }

// Side is the price that a rule looks at.
type Side uint8

// The sides.
const (
	Bid Side = iota + 1
	Ask
	Mid
)

var sides = []string{"", "bid", "ask", "mid"}

// String returns the name, e.g. mid.
func (v Side) String() string { return sides[v] }

// ParseSide finds a side by name.
func ParseSide(s string) (Side, bool) {
	i, ok := find(sides, s)
	return Side(i), ok
}

// SideNames lists the sides.
func SideNames() []string { return sides[1:] }

// Frequency says how often a rule fires.
type Frequency uint8

// The frequencies.
const (
	Once          Frequency = iota + 1 // And never again until it is changed.
	EveryCross                         // Each time the threshold is reached anew.
	OncePerMinute                      // While it is so, but at most once a minute.
)

var frequencies = []string{"", "ONCE", "EVERY_CROSS", "ONCE_PER_MINUTE"}

// String returns the name, e.g. EVERY_CROSS.
func (v Frequency) String() string { return frequencies[v] }

// ParseFrequency finds a frequency by name.
func ParseFrequency(s string) (Frequency, bool) {
	i, ok := find(frequencies, s)
	return Frequency(i), ok
}

// FrequencyNames lists the frequencies.
func FrequencyNames() []string { return frequencies[1:] }

// Severity says how much a fire matters.
type Severity uint8

// The severities.
const (
	Low Severity = iota + 1
	Medium
	High
	Critical
)

var severities = []string{"", "LOW", "MEDIUM", "HIGH", "CRITICAL"}

// String returns the name, e.g. HIGH.
func (v Severity) String() string { return severities[v] }

// ParseSeverity finds a severity by name.
func ParseSeverity(s string) (Severity, bool) {
	i, ok := find(severities, s)
	return Severity(i), ok
}

// SeverityNames lists the severities.
func SeverityNames() []string { return severities[1:] }

// Status is where a rule or a fire stands.
type Status uint8

// The statuses. Armed, Fired and Expired are of rules, all but Armed and Expired of fires.
const (
	Armed        Status = iota + 1
	Fired               // A rule that fired and has to be armed again first; a fire nobody looked at.
	Acknowledged        // Somebody looks after it.
	Snoozed             // Fires again, with the same id, when its time is over.
	Resolved            // Over.
	Expired             // Past its expireAt.
)

var statuses = []string{"", "ARMED", "FIRED", "ACKNOWLEDGED", "SNOOZED", "RESOLVED", "EXPIRED"}

// String returns the name, e.g. ACKNOWLEDGED.
func (v Status) String() string { return statuses[v] }

// ParseStatus finds a status by name.
func ParseStatus(s string) (Status, bool) {
	i, ok := find(statuses, s)
	return Status(i), ok
}

// Channels are the ways a fire leaves, one bit each.
type Channels uint8

// The channels.
const (
	WebSocket Channels = 1 << iota // The channel alerts of /ws.
	Webhook                        // Every webhook there is.
	Log                            // A line in the server's log.

	AllChannels = WebSocket | Webhook | Log
)

var channels = []string{"websocket", "webhook", "log"}

// ChannelNames lists the channels in the order of their bits.
func ChannelNames() []string { return channels }

// Happening is what an ORDER_EVENT rule waits for, one bit each.
type Happening uint8

// The happenings.
const (
	OrderFilled Happening = 1 << iota
	OrderRejected
	MarginCalled
	StoppedOut

	AllHappenings = OrderFilled | OrderRejected | MarginCalled | StoppedOut
)

var happenings = []string{"FILLED", "REJECTED", "MARGIN_CALL", "STOP_OUT"}

// HappeningNames lists the happenings in the order of their bits.
func HappeningNames() []string { return happenings }

// String returns the name of a single happening, e.g. STOP_OUT.
func (v Happening) String() string { return strings.Join(setNames(happenings, uint8(v)), " ") }

// setNames are the names of the bits of a set.
func setNames(names []string, set uint8) (list []string) {
	for i, name := range names {
		if set&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return list
}

// parseSet reads names into bits.
func parseSet(names, list []string) (set uint8, ok bool) {
	for _, name := range list {
		bit := uint8(0)
		for i := range names {
			if names[i] == name {
				bit = 1 << i
			}
		}
		if bit == 0 || set&bit != 0 {
			return 0, false
		}
		set |= bit
	}
	return set, len(list) > 0
}

// ParseChannels reads channels, at least one and none twice.
func ParseChannels(list []string) (Channels, bool) {
	set, ok := parseSet(channels, list)
	return Channels(set), ok
}

// ParseHappenings reads happenings, at least one and none twice.
func ParseHappenings(list []string) (Happening, bool) {
	set, ok := parseSet(happenings, list)
	return Happening(set), ok
}

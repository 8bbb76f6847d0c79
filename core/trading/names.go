package trading

// A closed set of names is a small integer in memory and its upper case name outside. Each type has
// String and a Parse function that reports whether the name is one of the set.

// find returns the index of name, from 1: the zero value of every set means "not given".
func find(names []string, name string) (int, bool) {
	for i := 1; i < len(names); i++ {
		if names[i] == name {
			return i, true
		}
	}
	return 0, false
}

// MarginMode says how fills become positions. Fixed when an account is opened.
type MarginMode uint8

// The margin modes.
const (
	Hedging MarginMode = iota + 1 // Each fill opens a position of its own.
	Netting                       // One position per symbol.
)

var marginModes = []string{"", "HEDGING", "NETTING"}

// String returns the name, e.g. HEDGING.
func (v MarginMode) String() string { return marginModes[v] }

// ParseMarginMode finds a mode by name.
func ParseMarginMode(s string) (MarginMode, bool) {
	i, ok := find(marginModes, s)
	return MarginMode(i), ok
}

// HedgedMargin says what long and short positions of one symbol use together.
type HedgedMargin uint8

// The hedged margins.
const (
	HedgedMax HedgedMargin = iota + 1 // The larger side.
	HedgedSum                         // Both sides.
	HedgedNet                         // The difference.
)

var hedgedMargins = []string{"", "MAX", "SUM", "NET"}

// String returns the name, e.g. MAX.
func (v HedgedMargin) String() string { return hedgedMargins[v] }

// ParseHedgedMargin finds a hedged margin by name.
func ParseHedgedMargin(s string) (HedgedMargin, bool) {
	i, ok := find(hedgedMargins, s)
	return HedgedMargin(i), ok
}

// StopOutPolicy says what a stop-out closes.
type StopOutPolicy uint8

// The stop-out policies.
const (
	LargestLoss  StopOutPolicy = iota + 1 // The largest loss first, until the level is enough.
	SmartPartial                          // Just enough of the position that uses most margin.
	CloseAll                              // Everything.
)

var stopOutPolicies = []string{"", "LARGEST_LOSS", "SMART_PARTIAL", "ALL"}

// String returns the name, e.g. LARGEST_LOSS.
func (v StopOutPolicy) String() string { return stopOutPolicies[v] }

// ParseStopOutPolicy finds a policy by name.
func ParseStopOutPolicy(s string) (StopOutPolicy, bool) {
	i, ok := find(stopOutPolicies, s)
	return StopOutPolicy(i), ok
}

// TradingState says what is allowed, of one account or of all. The stricter of the two counts.
type TradingState uint8

// The trading states, from free to strict.
const (
	Active   TradingState = iota + 1
	Reducing              // Only what reduces a position.
	Halted                // Only cancels. Stops, expiry and stop-outs still run.
)

var tradingStates = []string{"", "ACTIVE", "REDUCING", "HALTED"}

// String returns the name, e.g. ACTIVE.
func (v TradingState) String() string { return tradingStates[v] }

// ParseTradingState finds a state by name.
func ParseTradingState(s string) (TradingState, bool) {
	i, ok := find(tradingStates, s)
	return TradingState(i), ok
}

// Side is the side of an order, and the direction of a position: a bought position is long.
type Side uint8

// The sides.
const (
	Buy Side = iota + 1
	Sell
)

var sides = []string{"", "BUY", "SELL"}

// String returns BUY or SELL.
func (v Side) String() string { return sides[v] }

// Opposite returns the other side.
func (v Side) Opposite() Side { return Buy + Sell - v }

// ParseSide finds a side by name.
func ParseSide(s string) (Side, bool) {
	i, ok := find(sides, s)
	return Side(i), ok
}

// OrderType is what an order waits for.
type OrderType uint8

// The order types.
const (
	Market       OrderType = iota + 1
	Limit                  // Fills at its price or better.
	Stop                   // Fills at the market once its price is reached.
	StopLimit              // Becomes a limit order once its price is reached.
	TrailingStop           // A stop whose price follows the market.
)

var orderTypes = []string{"", "MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP"}

// String returns the name, e.g. STOP_LIMIT.
func (v OrderType) String() string { return orderTypes[v] }

// ParseOrderType finds a type by name.
func ParseOrderType(s string) (OrderType, bool) {
	i, ok := find(orderTypes, s)
	return OrderType(i), ok
}

// TimeInForce says how long an order waits.
type TimeInForce uint8

// The times in force.
const (
	GTC TimeInForce = iota + 1 // Until cancelled.
	GTD                        // Until ExpireAt.
	DAY                        // Until the next 17:00 New York.
	IOC                        // Not at all. Fills are whole, so IOC and FOK are the same.
	FOK
)

var timesInForce = []string{"", "GTC", "GTD", "DAY", "IOC", "FOK"}

// String returns the name, e.g. GTC.
func (v TimeInForce) String() string { return timesInForce[v] }

// ParseTimeInForce finds a time in force by name.
func ParseTimeInForce(s string) (TimeInForce, bool) {
	i, ok := find(timesInForce, s)
	return TimeInForce(i), ok
}

// Status is how far an order has come.
type Status uint8

// The statuses. Only the first two are of open orders.
const (
	Pending   Status = iota + 1
	Triggered        // A stop-limit order whose stop was reached; it waits as a limit order.
	Filled
	Canceled
	Rejected
	Expired
)

var statuses = []string{
	"", "PENDING", "TRIGGERED", "FILLED", "CANCELED", "REJECTED", "EXPIRED",
}

// String returns the name, e.g. PENDING.
func (v Status) String() string { return statuses[v] }

// ParseStatus finds a status by name.
func ParseStatus(s string) (Status, bool) {
	i, ok := find(statuses, s)
	return Status(i), ok
}

// Open reports whether the order still waits.
func (v Status) Open() bool { return v == Pending || v == Triggered }

// Unit is the unit of a trailing distance.
type Unit uint8

// The units.
const (
	Points      Unit = iota + 1
	BasisPoints      // Hundredths of a percent of the price.
)

var units = []string{"", "POINTS", "BASIS_POINTS"}

// String returns the name, e.g. POINTS.
func (v Unit) String() string { return units[v] }

// ParseUnit finds a unit by name.
func ParseUnit(s string) (Unit, bool) {
	i, ok := find(units, s)
	return Unit(i), ok
}

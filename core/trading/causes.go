package trading

// Cause says why an order exists, a position changed or a stop moved.
type Cause uint8

// The causes.
const (
	ByClient     Cause = iota + 1 // An order of a client; a change a client asked for.
	ByClose                       // A client closed a position.
	ByCloseBy                     // A client closed two opposite positions against each other.
	ByStopLoss                    // The stop loss of a position.
	ByTakeProfit                  // The take profit of a position.
	ByTrailing                    // The trailing stop followed the market.
	ByStopOut                     // The margin level fell too low.
	ByOCO                         // The other order of the pair ended.
)

var causes = []string{
	"", "CLIENT", "CLOSE", "CLOSE_BY", "STOP_LOSS", "TAKE_PROFIT", "TRAILING", "STOP_OUT", "OCO",
}

// String returns the name, e.g. STOP_LOSS.
func (v Cause) String() string { return causes[v] }

// ParseCause finds a cause by name.
func ParseCause(s string) (Cause, bool) {
	i, ok := find(causes, s)
	return Cause(i), ok
}

// Rule is the rule that made a quote fill an order. Everything fills at the natural side of the
// quote that fired it: a buy at the ask, a sell at the bid.
type Rule uint8

// The rules.
const (
	RuleMarket       Rule = iota + 1
	RuleLimit             // Buy: ask ≤ price. Sell: bid ≥ price.
	RuleStop              // Buy: ask ≥ price. Sell: bid ≤ price.
	RuleStopLimit         // As a stop, then as a limit.
	RuleTrailingStop      // As a stop.
	RuleStopLoss          // Of a long: bid ≤ price. Of a short: ask ≥ price.
	RuleTakeProfit        // Of a long: bid ≥ price. Of a short: ask ≤ price.
	RuleClose             // At the market.
	RuleCloseBy           // At the open price of the opposite position.
	RuleStopOut           // At the market.
)

var rules = []string{
	"", "MARKET", "LIMIT", "STOP", "STOP_LIMIT", "TRAILING_STOP", "STOP_LOSS", "TAKE_PROFIT",
	"CLOSE", "CLOSE_BY", "STOP_OUT",
}

// String returns the name, e.g. STOP_LOSS.
func (v Rule) String() string { return rules[v] }

// Text says in words which price fires the rule for an order of that side and what it fills at.
func (v Rule) Text(side Side) string {
	price, above, below := "bid", ">=", "<="
	if side == Buy {
		price, above, below = "ask", "<=", ">="
	}
	switch v {
	case RuleLimit, RuleTakeProfit:
		return price + " " + above + " price, fills at " + price
	case RuleStop, RuleTrailingStop, RuleStopLoss:
		return price + " " + below + " price, fills at " + price
	case RuleStopLimit:
		return price + " " + below + " price, then " + price + " " + above +
			" limitPrice, fills at " + price
	case RuleCloseBy:
		return "fills at the open price of the opposite position"
	default:
		return "at once, fills at " + price
	}
}

// Entry says whether a trade opened or closed volume.
type Entry uint8

// The entries.
const (
	In Entry = iota + 1
	Out
)

var entries = []string{"", "IN", "OUT"}

// String returns IN or OUT.
func (v Entry) String() string { return entries[v] }

// TransferType is a kind of transfer between a client and the house.
type TransferType uint8

// The transfers.
const (
	Deposit TransferType = iota + 1
	Withdraw
	Credit // Counts as equity, never as balance, and cannot be withdrawn.
)

var transferTypes = []string{"", "DEPOSIT", "WITHDRAW", "CREDIT"}

// String returns the name, e.g. DEPOSIT.
func (v TransferType) String() string { return transferTypes[v] }

// ParseTransferType finds a transfer by name.
func ParseTransferType(s string) (TransferType, bool) {
	i, ok := find(transferTypes, s)
	return TransferType(i), ok
}

// CloseFilter selects positions of a bulk close.
type CloseFilter uint8

// The filters.
const (
	FilterAll CloseFilter = iota + 1
	FilterWinners
	FilterLosers
)

var closeFilters = []string{"", "ALL", "WINNERS", "LOSERS"}

// String returns the name, e.g. WINNERS.
func (v CloseFilter) String() string { return closeFilters[v] }

// ParseCloseFilter finds a filter by name.
func ParseCloseFilter(s string) (CloseFilter, bool) {
	i, ok := find(closeFilters, s)
	return CloseFilter(i), ok
}

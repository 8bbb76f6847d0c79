package httpd

import (
	"strconv"
	"strings"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// How many rows a list has unless limit says otherwise, and at most.
const (
	listLimit    = 500
	listLimitMax = 5000
)

// account reads which account is meant; value when none is named.
func (q *query) account(value trading.AccountID) trading.AccountID {
	return trading.AccountID(q.number("accountId", uint64(value), 1))
}

// cursor reads the cursor of the last row that the client has seen.
func (q *query) cursor() uint64 { return q.number("cursor", 0, 0) }

// number reads a whole number.
func (q *query) number(name string, value, least uint64) uint64 {
	if !q.args.Has(name) {
		return value
	}
	text := string(q.args.Peek(name))
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || n < least {
		q.fail(badParameter, "%s must be a whole number from %d on, not %q", name, least,
			cutText(text))
	}
	return n
}

// optionalSymbol reads a symbol, nil when none is named.
func (q *query) optionalSymbol(symbols *core.Registry) *core.SymbolID {
	if !q.args.Has("symbol") {
		return nil
	}
	id := q.symbol(symbols)
	return &id
}

// statuses reads the statuses of orders that are wanted, separated by commas, as one bit each.
func (q *query) statuses() (set uint) {
	if !q.args.Has("status") {
		return 0
	}
	for name := range strings.SplitSeq(strings.ToUpper(string(q.args.Peek("status"))), ",") {
		status, ok := trading.ParseStatus(name)
		switch {
		case name == "OPEN":
			set |= 1<<trading.Pending | 1<<trading.Triggered
		case ok:
			set |= 1 << status
		default:
			q.fail(badParameter, "status must be among OPEN PENDING TRIGGERED FILLED CANCELED REJECTED "+
				"EXPIRED, not %q", cutText(name))
		}
	}
	return set
}

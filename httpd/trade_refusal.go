package httpd

import (
	"fmt"
	"strings"

	"tradingengine/core/trading"
)

// Faults of trading. What a rule refuses is a 422 with the code of the rule, see refusalOf.
var (
	unknownAccount  = fault{404, "UNKNOWN_ACCOUNT", "Unknown account", 0}
	unknownOrder    = fault{404, "UNKNOWN_ORDER", "Unknown order", 0}
	unknownPosition = fault{404, "UNKNOWN_POSITION", "Unknown position", 0}
	orderNotOpen    = fault{409, "ORDER_NOT_OPEN", "Order not open", 0}
	badKey          = fault{400, "BAD_IDEMPOTENCY_KEY", "Bad idempotency key", 0}
	keyReused       = fault{422, "IDEMPOTENCY_KEY_REUSED", "Idempotency key reused", 0}
	tradingBusy     = fault{503, "TRADING_BUSY", "Trading busy", 1}
	tradingTimeout  = fault{503, "TRADING_TIMEOUT", "Trading timeout", 1}
	tradingFailed   = fault{503, "TRADING_FAILED", "Trading failed", 0}
	journalDown     = fault{503, "JOURNAL_DOWN", "Journal down", 5}
)

// titleOf makes a title of a code: INSUFFICIENT_MARGIN is "Insufficient margin".
func titleOf(code string) string {
	words := strings.ToLower(strings.ReplaceAll(code, "_", " "))
	return strings.ToUpper(words[:1]) + words[1:]
}

// refusalOf is what a client is told of a refusal.
func refusalOf(r *trading.Refusal) *problem {
	code := r.Code.String()
	p := fault{422, code, titleOf(code), 0}.because(r.Detail)
	if r.Code.HasAmounts() {
		p.members = trading.AppendMoney(append(p.members, `,"required":`...), r.Required, r.Currency)
		p.members = trading.AppendMoney(append(p.members, `,"available":`...), r.Available, r.Currency)
	}
	return p
}

// refuse notes that a rule refuses what was sent, before the machine has seen it.
func (o *object) refuse(code trading.Code, format string, args ...any) {
	if o.err == nil {
		o.err = refusalOf(&trading.Refusal{Code: code, Detail: fmt.Sprintf(format, args...)})
	}
}

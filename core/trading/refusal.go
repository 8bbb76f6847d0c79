package trading

import "errors"

// Code is a stable upper case word that says which rule refused, cancelled or ended something.
type Code uint8

// The codes. The machine gives most of them; those marked edge are given where requests are parsed,
// because such a request has no meaning here.
const (
	CodeNone                   Code = iota
	CodeUnknownSymbol               // Edge.
	CodePriceDigits                 // Edge: more decimals than the symbol has.
	CodeInsufficientMargin          // Has Required and Available.
	CodeMarketClosed                // The session of the symbol.
	CodePriceStale                  // The quote is older than 30 s.
	CodeNoPrice                     // No quote yet.
	CodeVolumeMin                   // Below the smallest lot.
	CodeVolumeMax                   // Above the largest lot or the position.
	CodeVolumeStep                  // Not a multiple of the lot step.
	CodeStopLevel                   // Nearer to the price than the symbol's stop level.
	CodeWrongSide                   // A price on the wrong side of the market.
	CodeBoundsViolation             // The fill would be beyond the price bound.
	CodeExpired                     // The expiry is not ahead.
	CodeTradingHalted               // HALTED, or REDUCING and this does not reduce.
	CodeDuplicateClientOrderID      // The id was used for another order.
	CodeConversionRate              // No rate to the account's currency.
	CodePriceMissing                // This type of order needs a price or distance.
	CodePriceNotAllowed             // The type of order has no such price.
	CodeTimeInForce                 // Not for this type of order.
	CodeTrailing                    // A distance that is not positive, or 100 % and more.
	CodeNothingToReduce             // reduceOnly, and there is no opposite position.
	CodeTooManyOrders               // The account has as many open orders as it may.
	CodeTooManyPositions            // The account has as many positions as it may.
	CodeTooLarge                    // An amount or notional beyond what is counted exactly.
	CodeListRefused                 // Another order of the same list was refused.
	CodeAmount                      // A transfer that is not above zero.
	CodeInsufficientFunds           // Has Required and Available.
	CodeCloseBy                     // Not two opposite positions of one symbol and account.
	CodeSettings                    // Account settings that make no sense.
	CodeOCO                         // Not two pending orders.
	CodeNotFilled                   // IOC or FOK, and the price was not reached.
	CodeClientRequest               // Cancelled by the client.
	CodeOCOEnded                    // The other order of the pair ended.
	CodeStopOut                     // Cancelled by a stop-out.
	codeCount
)

var codes = [codeCount]string{
	"", "UNKNOWN_SYMBOL", "PRICE_DIGITS", "INSUFFICIENT_MARGIN", "MARKET_CLOSED", "PRICE_STALE",
	"NO_PRICE", "VOLUME_MIN", "VOLUME_MAX", "VOLUME_STEP", "STOP_LEVEL", "WRONG_SIDE",
	"BOUNDS_VIOLATION", "EXPIRED", "TRADING_HALTED", "DUPLICATE_CLIENT_ORDER_ID",
	"CONVERSION_RATE_UNAVAILABLE", "PRICE_MISSING", "PRICE_NOT_ALLOWED", "TIME_IN_FORCE", "TRAILING",
	"NOTHING_TO_REDUCE", "TOO_MANY_ORDERS", "TOO_MANY_POSITIONS", "TOO_LARGE", "LIST_REFUSED",
	"AMOUNT", "INSUFFICIENT_FUNDS", "CLOSE_BY", "SETTINGS", "OCO", "NOT_FILLED", "CLIENT_REQUEST",
	"OCO_ENDED", "STOP_OUT",
}

// String returns the code, e.g. INSUFFICIENT_MARGIN; "" for CodeNone.
func (v Code) String() string { return codes[v] }

// Codes returns all codes.
func Codes() (all []Code) {
	for v := CodeNone + 1; v < codeCount; v++ {
		all = append(all, v)
	}
	return all
}

// HasAmounts reports whether a code goes with what was required and what was available.
func (v Code) HasAmounts() bool {
	return v == CodeInsufficientMargin || v == CodeInsufficientFunds
}

// Refusal says which rule refused a request and why. It is an error of the request and no fault:
// nothing but the record of the refusal has changed.
type Refusal struct {
	Code     Code
	Detail   string // A plain sentence for the client.
	Currency Currency
	// Required and Available are set for CodeInsufficientMargin and CodeInsufficientFunds.
	Required, Available Money
}

// Error returns code and detail.
func (r *Refusal) Error() string { return r.Code.String() + ": " + r.Detail }

// Things that do not exist. These are no events: there is no account or order to record them with.
var (
	ErrUnknownAccount  = errors.New("no such account")
	ErrUnknownOrder    = errors.New("no such open order")
	ErrUnknownPosition = errors.New("no such open position")
)

// Errors of a journal that cannot be folded. ErrJournal is wrapped by all of them.
var ErrJournal = errors.New("journal")

package core

// Quote is one price update as it came: the input of the data path. Prices are in points of its
// symbol.
type Quote struct {
	Bid, Ask Price
	Time     Time     // The sender's time; 0 means the arrival of its batch.
	Seq      uint64   // The sender's number for this symbol and source; 0 means unnumbered.
	Symbol   SymbolID // Resolved at the edge.
	Source   SourceID // Who quoted it.
	Line     int32    // Its place in the request, from 1; for error reports only.
}

// Tick is a quote that passed the throttle. Its Time is unique within its symbol.
type Tick struct {
	Time     Time
	Bid, Ask Price
	Source   SourceID
}

// Reject says why a quote was refused; RejectNone means it was not. The order of the constants is
// the order in which the tests run, so a quote with two faults always gets the first.
type Reject uint8

// Reasons to refuse a quote.
const (
	RejectNone           Reject = iota
	RejectBadLine               // Not a quote at all, or a field given twice.
	RejectMissingField          // A field absent or null.
	RejectUnknownSymbol         // No such symbol here.
	RejectBadNumber             // NaN, Inf, exponents, hex, separators.
	RejectPriceDigits           // More decimals than the symbol has.
	RejectNotPositive           // Bid or ask zero or below.
	RejectCrossed               // Ask below bid.
	RejectTooManySources        // No room for another source name, or numbered source of a symbol.
	RejectDuplicate             // A seq not above the last one taken of symbol and source.
	RejectAbsurd                // Mid more than 50 % from the live mid.
	RejectFuture                // More than 5 s ahead of the batch's arrival.
	RejectLate                  // More than 1 s behind the symbol's last accepted quote.
	rejectCount
)

// RejectReasons is the number of values of Reject, RejectNone included.
const RejectReasons = int(rejectCount)

var rejectCodes = [rejectCount]string{
	"", "BAD_LINE", "MISSING_FIELD", "UNKNOWN_SYMBOL", "BAD_NUMBER", "PRICE_DIGITS", "NOT_POSITIVE",
	"CROSSED", "TOO_MANY_SOURCES", "DUPLICATE", "ABSURD", "FUTURE", "LATE",
}

// String returns the stable code that clients and counters use, e.g. CROSSED.
func (r Reject) String() string { return rejectCodes[r] }

// CheckPrices tests what can be told from the prices alone.
func CheckPrices(bid, ask Price) Reject {
	switch {
	case bid <= 0 || ask <= 0:
		return RejectNotPositive
	case ask < bid:
		return RejectCrossed
	default:
		return RejectNone
	}
}

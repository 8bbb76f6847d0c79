package trading

// PostingType is what a ledger line is for.
type PostingType uint8

// The posting types.
const (
	PostDeposit PostingType = iota + 1
	PostWithdraw
	PostPnL        // Realised profit or loss of a close.
	PostCommission // Of one side of a trade.
	PostSwap       // Of one position and value date.
	PostAdjustment // Lifts a negative balance to zero.
)

var postingTypes = []string{
	"", "DEPOSIT", "WITHDRAW", "PNL", "COMMISSION", "SWAP", "NEGATIVE_BALANCE_ADJUSTMENT",
}

// String returns the name, e.g. PNL.
func (v PostingType) String() string { return postingTypes[v] }

// Counter is the house's side of a posting. Each exists once per currency.
type Counter uint8

// The house's accounts.
const (
	House   Counter = iota + 1 // Takes the other side of every trade.
	Fees                       // Commissions.
	SwapPot                    // Swaps.
	Funding                    // Deposits and withdrawals.
	counterCount
)

var counters = []string{"", "house", "fees", "swap", "funding"}

// String returns the name without the currency, e.g. house.
func (v Counter) String() string { return counters[v] }

// counterOf is the house's account that each kind of posting is made against.
var counterOf = [...]Counter{0, Funding, Funding, House, Fees, SwapPot, House}

// Posting is one balance change: Amount goes to the client and the same from the counter account.
// A zero Type means there is none. A posting never stands without its event, which has its seq,
// time and account.
type Posting struct {
	Type     PostingType
	Currency Currency
	Amount   Money // Signed: what the client gets.
	Balance  Money // The client's balance after it.
}

// Counter returns the house's side, e.g. house:USD.
func (p Posting) Counter() string { return counterOf[p.Type].String() + ":" + p.Currency.String() }

// HouseBalance is the state of the house's accounts of one currency. Clients is the sum of all
// client balances; the five add up to zero.
type HouseBalance struct {
	Currency                            Currency
	House, Fees, Swap, Funding, Clients Money
}

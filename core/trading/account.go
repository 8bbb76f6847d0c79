package trading

import "tradingengine/core"

// AccountID numbers accounts from 1 in the order they were opened. Account 0 stands for the whole
// server in events that concern no single account.
type AccountID int64

// Settings are what an account is opened with. Currency and MarginMode never change.
type Settings struct {
	Currency      Currency
	MarginMode    MarginMode    // Zero means Hedging.
	HedgedMargin  HedgedMargin  // Zero means HedgedMax.
	StopOutPolicy StopOutPolicy // Zero means LargestLoss.
	TradingState  TradingState  // Zero means Active.
	Leverage      int64         // 1 to 10,000. Zero means 100.
	// KeepNegative turns the negative balance protection off.
	KeepNegative bool
}

// LeverageMax is the largest leverage of an account.
const LeverageMax = 10_000

// Change is a field of a patch: To counts only when Given. A given zero removes an optional price.
type Change[T any] struct {
	Given bool
	To    T
}

// To makes a given change.
func To[T any](v T) Change[T] { return Change[T]{Given: true, To: v} }

// AccountPatch changes settings of an account.
type AccountPatch struct {
	HedgedMargin  Change[HedgedMargin]
	StopOutPolicy Change[StopOutPolicy]
	TradingState  Change[TradingState]
	Leverage      Change[int64]
	KeepNegative  Change[bool]
}

// Account is what the journal says of an account.
type Account struct {
	ID AccountID
	Settings
	Balance    Money // The sum of the account's ledger lines.
	Credit     Money
	MarginCall bool   // A margin call was made and has not ended.
	LastSeq    uint64 // Of the account's newest event.
}

// Summary is an account at the live prices.
type Summary struct {
	Account
	Equity     Money // Balance + credit + unrealised P/L.
	Margin     Money // Used margin.
	FreeMargin Money // Equity − used margin.
	PnL        Money // The sum of what each position would post if it were closed now.
	// MarginLevel is equity / used margin in hundredths of a percent, rounded down. It has no
	// meaning while HasLevel is false, that is, while no margin is used.
	MarginLevel int64
	HasLevel    bool
	Positions   int
	Orders      int // Open ones.
	// Unpriced counts symbols with positions that have no price or no rate to the account's
	// currency; they count for nothing in the values above, and no stop-out happens meanwhile.
	Unpriced int
}

// Quote is one price update of a symbol, or the one an event used. A zero Time means none.
type Quote struct {
	Symbol   core.SymbolID
	Time     core.Time // Stored time of the quote, strictly increasing per symbol.
	Bid, Ask core.Price
}

// price returns the side at which an order of side s fills.
func (q *Quote) price(s Side) core.Price {
	if s == Buy {
		return q.Ask
	}
	return q.Bid
}

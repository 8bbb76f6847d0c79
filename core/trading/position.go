package trading

import "tradingengine/core"

// PositionID numbers positions from 1 over all accounts.
type PositionID int64

// Position is an open position as it stands after its newest event.
type Position struct {
	ID       PositionID
	Account  AccountID
	Symbol   core.SymbolID
	Side     Side // Buy is long.
	Currency Currency
	Volume   Volume
	// Cost is what the volume was opened for: the sum of price in points times volume in millionths
	// of a lot. A partial close takes its share, rounded half-even to a point and a millionth of a
	// lot, and leaves the exact rest, so no part of what was paid is ever lost.
	Cost       Wide
	StopLoss   core.Price // 0 means none.
	TakeProfit core.Price
	Trailing   Trailing
	Order      OrderID // Opened it.
	OpenTime   core.Time
	SwapTime   core.Time // The newest 17:00 New York whose swap was posted; 0 before the first.
	// Swap, Commission and Realized are what was posted for this position so far, signed as the
	// balance changed.
	Swap, Commission, Realized Money
}

// OpenPrice is the average price, rounded half-even to the symbol's digits.
func (p *Position) OpenPrice() core.Price {
	return core.Price(p.Cost.divHalfEven(uint64(max(p.Volume, 1))))
}

// PositionView is a position at the live prices. The last three fields mean nothing while Priced
// is false, that is, while the symbol has no price or no rate to the account's currency.
type PositionView struct {
	Position
	Priced       bool
	CurrentPrice core.Price // What it would close at.
	Margin       Money      // What it would use alone.
	PnL          Money      // What it would post if it were closed now.
}

// PositionPatch changes the levels of a position. A given zero removes a level.
type PositionPatch struct {
	StopLoss   Change[core.Price]
	TakeProfit Change[core.Price]
	Trailing   Change[Trailing]
}

// BulkClose selects positions of an account.
type BulkClose struct {
	Account   AccountID
	Filter    CloseFilter // Zero means FilterAll. Winners and losers are told at the live prices.
	HasSymbol bool
	Symbol    core.SymbolID // Only this symbol, when HasSymbol.
}

// Preview is what an order would do if it were filled at the live quote. Nothing is written.
type Preview struct {
	Refusal      *Refusal // Why it would be refused, if it would.
	Quote        Quote
	Price        core.Price // The side of the quote, or the price of a pending order.
	MarginBefore Money
	MarginAfter  Money
	Required     Money // Margin, commission and spread loss together.
	Available    Money // Free margin before.
	Commission   Money // Of the opening side, above zero.
	SpreadCost   Money
	Currency     Currency
	// AtStopLoss and AtTakeProfit are the P/L of the order's volume there, where it has the levels.
	AtStopLoss, AtTakeProfit         Money
	HasStopLossPnL, HasTakeProfitPnL bool
	// StopOutPrice is the bid (of a net long symbol) or ask (of a net short one) at which the
	// account would be stopped out, all else unchanged; 0 when no price does that.
	StopOutPrice core.Price
}

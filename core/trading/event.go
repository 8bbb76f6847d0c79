package trading

import "tradingengine/core"

// EventType is what happened.
type EventType uint8

// The event types.
const (
	AccountOpened EventType = iota + 1
	AccountChanged
	Transferred
	OrderPlaced
	OrderTriggered
	OrderFilled
	OrderAmended
	OrderCanceled
	OrderExpired
	OrderRejected
	PositionOpened
	PositionChanged
	PositionClosed
	SwapPosted
	CommissionPosted
	MarginCalled
	MarginCallEnded
	StopOut
	BalanceAdjusted
	TradingStateChanged
)

var eventTypes = []string{
	"", "ACCOUNT_OPENED", "ACCOUNT_CHANGED", "TRANSFER", "ORDER_PLACED", "ORDER_TRIGGERED",
	"ORDER_FILLED", "ORDER_AMENDED", "ORDER_CANCELED", "ORDER_EXPIRED", "ORDER_REJECTED",
	"POSITION_OPENED", "POSITION_CHANGED", "POSITION_CLOSED", "SWAP", "COMMISSION", "MARGIN_CALL",
	"MARGIN_CALL_END", "STOP_OUT", "NEGATIVE_BALANCE_ADJUSTMENT", "TRADING_STATE",
}

// String returns the name, e.g. ORDER_PLACED.
func (v EventType) String() string { return eventTypes[v] }

// ParseEventType finds a type by name.
func ParseEventType(s string) (EventType, bool) {
	i, ok := find(eventTypes, s)
	return EventType(i), ok
}

// Event is one effect. The state of a Machine is the fold of its events and nothing else. Events
// and what they point to never change once they were taken.
type Event struct {
	Seq     uint64    // Dense over the whole journal, from 1.
	Prev    uint64    // Seq of the same account's event before; 0 for its first.
	Time    core.Time // Trading time; never goes back.
	Account AccountID // 0 for the whole server.
	Type    EventType
	Data    Data // The payload that belongs to Type.
}

// Data is the payload of an event: exactly one of the pointers to the types below.
type Data interface{ quote() *Quote }

// AccountData is the payload of AccountOpened and AccountChanged: the settings after it.
type AccountData struct{ Settings Settings }

// TransferData is the payload of Transferred. A credit has no posting, because it changes no
// balance; CreditAfter is the account's credit after any transfer.
type TransferData struct {
	Transfer    TransferType
	Currency    Currency
	Amount      Money // Above zero.
	CreditAfter Money
	Reference   string // Free text of who made it, at most 100 bytes.
	Posting     Posting
}

// OrderData is the payload of the order events but OrderFilled: the order after it.
type OrderData struct {
	Order Order
	Cause Cause // Why it changed or ended; ByClient when placed.
	// Quote is the one that placed, fired or refused it; Time is 0 when there was none.
	Quote Quote
	// Refusal is set for OrderRejected, and for OrderCanceled when a rule cancelled it.
	Detail              string
	Currency            Currency // 0 unless Required and Available are given.
	Required, Available Money
}

// FillData is the payload of OrderFilled: one trade, that is, one order against one position. An
// order that closes several positions, or reverses one, has several trades in a row, all of one
// price and quote; Done is set in the last one.
type FillData struct {
	Order    OrderID
	Position PositionID
	ClientID string
	Symbol   core.SymbolID
	Side     Side
	Type     OrderType
	Cause    Cause
	Entry    Entry
	Rule     Rule
	Volume   Volume
	Price    core.Price
	Done     bool
	Quote    Quote
	// Rate is the factor from the symbol's quote currency to the account's that made PnL; Rate.Den
	// is 0 for a trade that opened.
	Rate Rate
	// PnL is realised by this trade; Commission is what the event after it posts, never above zero.
	Currency   Currency
	PnL        Money
	Commission Money
	Posting    Posting // Of PnL; none when that is zero.
}

// PositionData is the payload of the position events: the position after it, or for PositionClosed
// as it was when its last volume was closed.
type PositionData struct {
	Position Position
	Cause    Cause
	Order    OrderID    // The order behind it, 0 for a changed level.
	Price    core.Price // What was traded at, 0 for a changed level.
	Quote    Quote
}

// SwapData is the payload of SwapPosted.
type SwapData struct {
	Position PositionID
	Symbol   core.SymbolID
	Rollover core.Time // The 17:00 New York that it is for; its New York date is the value date.
	Days     int64     // 3 on the symbol's triple day, else 1.
	Points   core.Micro
	Volume   Volume
	Rate     Rate
	Quote    Quote
	Currency Currency
	Amount   Money
	Posting  Posting // None when Amount is zero.
}

// CommissionData is the payload of CommissionPosted.
type CommissionData struct {
	Order    OrderID
	Position PositionID
	Symbol   core.SymbolID
	Volume   Volume
	PerLot   core.Micro
	Posting  Posting
}

// MarginData is the payload of MarginCalled, MarginCallEnded and StopOut.
type MarginData struct {
	Currency       Currency
	Equity, Margin Money
	Policy         StopOutPolicy
	Quote          Quote // The quote that was processed; none after a command.
}

// AdjustmentData is the payload of BalanceAdjusted. The loss uses up credit before it is a gift:
// CreditUsed is how much, at most what the posting lifts the balance by.
type AdjustmentData struct {
	Posting    Posting
	CreditUsed Money
}

// StateData is the payload of TradingStateChanged.
type StateData struct{ State, Previous TradingState }

func (d *AccountData) quote() *Quote    { return nil }
func (d *TransferData) quote() *Quote   { return nil }
func (d *OrderData) quote() *Quote      { return &d.Quote }
func (d *FillData) quote() *Quote       { return &d.Quote }
func (d *PositionData) quote() *Quote   { return &d.Quote }
func (d *SwapData) quote() *Quote       { return &d.Quote }
func (d *CommissionData) quote() *Quote { return nil }
func (d *MarginData) quote() *Quote     { return &d.Quote }
func (d *AdjustmentData) quote() *Quote { return nil }
func (d *StateData) quote() *Quote      { return nil }

// Posting returns the ledger line inside the event, if it has one.
func (e *Event) Posting() (Posting, bool) {
	var p Posting
	switch d := e.Data.(type) {
	case *TransferData:
		p = d.Posting
	case *FillData:
		p = d.Posting
	case *SwapData:
		p = d.Posting
	case *CommissionData:
		p = d.Posting
	case *AdjustmentData:
		p = d.Posting
	}
	return p, p.Type != 0
}

// Reference says what the ledger line of the event is for: order 12, position 7 2026-11-24, or the
// text of a transfer.
func (e *Event) Reference() string { return string(e.appendReference(nil)) }

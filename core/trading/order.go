package trading

import "tradingengine/core"

// OrderID numbers orders from 1 over all accounts. Closes, stops and stop-outs are orders too.
type OrderID int64

// Trailing is a stop that follows the market at a distance, only in favour. A zero Distance means
// none.
type Trailing struct {
	Distance   int64      // In Unit, above zero; basis points below 10,000.
	Unit       Unit       // Zero means Points.
	Activation core.Price // Optional: nothing moves before the market has reached it.
	Active     bool       // Set by the machine: it follows the market.
}

// OrderRequest is an order as a client gives it. Optional prices are zero when absent.
type OrderRequest struct {
	Account     AccountID
	ClientID    string // clientOrderId: optional, unique within the account, short text.
	Symbol      core.SymbolID
	Side        Side
	Type        OrderType
	TimeInForce TimeInForce // Zero means FOK for market orders, GTD with ExpireAt, else GTC.
	ReduceOnly  bool
	Volume      Volume
	Price       core.Price // The trigger of all but market orders; optional for trailing stops.
	LimitPrice  core.Price // Of stop-limit orders.
	PriceBound  core.Price // Optional: no fill beyond it.
	StopLoss    core.Price // Optional: of the position that a fill opens.
	TakeProfit  core.Price
	Trailing    Trailing  // Of the order when it is a trailing stop, else of the position.
	ExpireAt    core.Time // Of GTD orders.
}

// Order is an order as it stands after its newest event.
type Order struct {
	OrderRequest
	ID       OrderID
	Status   Status
	Cause    Cause
	Code     Code       // Why it was cancelled or rejected.
	Linked   OrderID    // The other order of an OCO pair, else 0.
	Position PositionID // The position it closes, or the one its newest trade changed.
	PlacedAt core.Time
	// Filled is the volume filled and FillPrice the price. All trades of an order have one price.
	Filled    Volume
	FillPrice core.Price
	// Fingerprint tells a repeated request from another one with the same ClientID.
	Fingerprint uint64
}

// Fold makes the order what one of its own events says, from a zero order and its first event on.
func (o *Order) Fold(e *Event) {
	switch d := e.Data.(type) {
	case *OrderData:
		*o = d.Order
	case *FillData:
		o.trade(d)
	}
}

// trade counts a trade of the order.
func (o *Order) trade(d *FillData) {
	o.Filled += d.Volume
	o.FillPrice = d.Price
	o.Position = d.Position
	if d.Done {
		o.Status = Filled
	}
}

// Amendment changes an open order. A given zero removes an optional level.
type Amendment struct {
	Price      Change[core.Price]
	LimitPrice Change[core.Price]
	StopLoss   Change[core.Price]
	TakeProfit Change[core.Price]
	Trailing   Change[Trailing]
	ExpireAt   Change[core.Time] // Makes the order GTD; a given zero makes it GTC.
}

// Result is what became of an order that was placed, or of a close, which is an order too.
type Result struct {
	Order   Order
	Seq     uint64   // Of the account's newest event when the command was done.
	Refusal *Refusal // Set when the order was rejected.
	// Repeated: the account has used the ClientID before, for the same request. Order has only ID
	// and ClientID then, unless it is still open; the first answer is in the journal.
	Repeated bool
}

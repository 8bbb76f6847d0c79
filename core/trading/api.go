package trading

import "tradingengine/core"

// Machine is the trading state. One goroutine owns it.
type Machine struct{ options Options }

// New returns a machine without accounts.
func New(options Options) (*Machine, error) { return &Machine{options: options}, nil }

// Inputs of the market and of time. Trading time never goes back: an earlier now counts as the
// latest one there was.

// Quote takes the next quote of a symbol and does all it causes. A quote not later than the
// symbol's last is ignored and reported false. q must have passed core.CheckPrices.
func (m *Machine) Quote(now core.Time, q Quote) bool { panic("skeleton") }

// SetQuote sets a live price without firing anything, when it is later than the symbol's last: at
// the start, and before a command for a symbol that is not active.
func (m *Machine) SetQuote(q Quote) bool { panic("skeleton") }

// Advance moves trading time: orders expire, swaps are posted.
func (m *Machine) Advance(now core.Time) { panic("skeleton") }

// OpenAccount opens an account. A deposit above zero is its first TRANSFER.
func (m *Machine) OpenAccount(now core.Time, s Settings, deposit Money) (AccountID, error) {
	panic("skeleton")
}

// PatchAccount changes settings; all or, with an error, none.
func (m *Machine) PatchAccount(now core.Time, id AccountID, p AccountPatch) error {
	panic("skeleton")
}

// SetTradingState sets the state of the whole server.
func (m *Machine) SetTradingState(now core.Time, s TradingState) { panic("skeleton") }

// Transfer moves money in or out, or gives credit. reference is at most 100 bytes of UTF-8.
func (m *Machine) Transfer(now core.Time, id AccountID, t TransferType, amount Money,
	reference string,
) error {
	panic("skeleton")
}

// Place places an order. The error is ErrUnknownAccount; a refusal is in the result.
func (m *Machine) Place(now core.Time, r OrderRequest) (Result, error) { panic("skeleton") }

// PlaceOCO places two pending orders of one account; the end of one ends the other. Both or none.
func (m *Machine) PlaceOCO(now core.Time, first, second OrderRequest) ([]Result, error) {
	panic("skeleton")
}

// PlaceBatch places orders of one account, all or none. When one is refused, all are recorded as
// rejected: that one for its reason, the others with LIST_REFUSED.
func (m *Machine) PlaceBatch(now core.Time, list []OrderRequest) ([]Result, error) {
	panic("skeleton")
}

// Amend changes an open order. The error is ErrUnknownOrder or a *Refusal, and the order is then
// as it was.
func (m *Machine) Amend(now core.Time, id OrderID, a Amendment) (Result, error) {
	panic("skeleton")
}

// Cancel cancels an open order, and with it the other one of an OCO pair. It is never refused.
func (m *Machine) Cancel(now core.Time, id OrderID) (Result, error) { panic("skeleton") }

// ModifyPosition changes the levels of a position. The error is ErrUnknownPosition or a *Refusal.
func (m *Machine) ModifyPosition(now core.Time, id PositionID, p PositionPatch,
) (PositionView, error) {
	panic("skeleton")
}

// ClosePosition closes volume of a position at the market; 0 means all of it.
func (m *Machine) ClosePosition(now core.Time, id PositionID, v Volume) (Result, error) {
	panic("skeleton")
}

// CloseBy closes a position against an opposite one of its symbol and account, without spread.
func (m *Machine) CloseBy(now core.Time, id, with PositionID) (Result, error) { panic("skeleton") }

// ClosePositions closes the positions that b selects, oldest first, each by an order of its own.
func (m *Machine) ClosePositions(now core.Time, b BulkClose) ([]Result, error) { panic("skeleton") }

// Reads.

// Preview says what an order would do now.
func (m *Machine) Preview(now core.Time, r OrderRequest) (Preview, error) { panic("skeleton") }

// Summary returns an account at the live prices.
func (m *Machine) Summary(id AccountID) (Summary, error) { panic("skeleton") }

// Accounts is the number of accounts; their ids run from 1 to it.
func (m *Machine) Accounts() int { panic("skeleton") }

// TradingState returns the state of the whole server.
func (m *Machine) TradingState() TradingState { panic("skeleton") }

// AppendOrders appends the open orders of an account by id, of all accounts when it is 0.
func (m *Machine) AppendOrders(dst []Order, id AccountID) []Order { panic("skeleton") }

// AppendPositions appends the positions of an account by id, of all accounts when it is 0.
func (m *Machine) AppendPositions(dst []PositionView, id AccountID) []PositionView {
	panic("skeleton")
}

// Order finds an open order.
func (m *Machine) Order(id OrderID) (Order, bool) { panic("skeleton") }

// OrderByClientID finds the id of any order, open or not, by its ClientID.
func (m *Machine) OrderByClientID(account AccountID, clientID string) (OrderID, bool) {
	panic("skeleton")
}

// Position finds a position.
func (m *Machine) Position(id PositionID) (PositionView, bool) { panic("skeleton") }

// Houses returns the house's accounts, one element a currency, in the order they were first used.
func (m *Machine) Houses() []HouseBalance { panic("skeleton") }

// LastQuote returns the live quote of a symbol; its Time is 0 when there was none.
func (m *Machine) LastQuote(id core.SymbolID) Quote { panic("skeleton") }

// Now is trading time: the latest of all inputs.
func (m *Machine) Now() core.Time { panic("skeleton") }

// Active reports whether every quote of the symbol must reach the machine: there are positions or
// pending orders in it, or it converts or bridges a symbol that has some.
func (m *Machine) Active(id core.SymbolID) bool { panic("skeleton") }

// TakeActivity appends the symbols whose Active has changed since the last call.
func (m *Machine) TakeActivity(dst []core.SymbolID) []core.SymbolID { panic("skeleton") }

// AppendNeeds appends the symbols whose price a command of the account for the symbol may need:
// itself and those that convert or bridge it. Those not active should get a SetQuote before.
func (m *Machine) AppendNeeds(dst []core.SymbolID, account AccountID, id core.SymbolID,
) []core.SymbolID {
	panic("skeleton")
}

// Head is the seq of the newest event, 0 before the first.
func (m *Machine) Head() uint64 { panic("skeleton") }

// Waiting is the number of events that were not taken.
func (m *Machine) Waiting() int { panic("skeleton") }

// Take appends the events since the last call to dst and forgets them. Successive moves of one
// trailing stop between two calls are one event: take when they can be committed.
func (m *Machine) Take(dst []Event) []Event { panic("skeleton") }

// Replay folds the next event of a journal. The error wraps ErrJournal when seq or prev do not
// follow, or the event makes no sense in this state. The machine must not have had other inputs.
func (m *Machine) Replay(e Event) error { panic("skeleton") }

// Hash is a hash of all journaled state.
func (m *Machine) Hash() [32]byte { panic("skeleton") }

// CheckInvariants recomputes everything that is kept up to date step by step and returns what does
// not agree. It costs as much as the state is large.
func (m *Machine) CheckInvariants() error { panic("skeleton") }

// Text forms.

// AppendEvent prints the public object of an event:
//
//	{"seq":7,"prev":5,"type":"ORDER_PLACED","accountId":1,"time":1768823580123000,"data":{…}}
func AppendEvent(dst []byte, symbols *core.Registry, e *Event) []byte { panic("skeleton") }

// AppendData prints the data of an event alone, as the journal stores it.
func AppendData(dst []byte, symbols *core.Registry, e *Event) []byte { panic("skeleton") }

// ParseData reads what AppendData printed into e.Data; e.Type must be set. It takes exactly the
// form of AppendData and nothing else. The error wraps ErrJournal.
func ParseData(e *Event, symbols *core.Registry, data []byte) error { panic("skeleton") }

// AppendOrder prints an order as clients see it.
func AppendOrder(dst []byte, symbols *core.Registry, o *Order) []byte { panic("skeleton") }

// AppendPosition prints a position as clients see it.
func AppendPosition(dst []byte, symbols *core.Registry, p *PositionView) []byte {
	panic("skeleton")
}

func (e *Event) appendReference(dst []byte) []byte { panic("skeleton") }

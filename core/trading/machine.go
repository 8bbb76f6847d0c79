package trading

import "tradingengine/core"

// Options describe a machine. They are no part of its state.
type Options struct {
	Symbols      *core.Registry // Needed.
	OrdersMax    int            // Open orders of an account. Zero means 10,000.
	PositionsMax int            // Positions of an account. Zero means 10,000.
	AccountsMax  int            // Zero means 100,000.
}

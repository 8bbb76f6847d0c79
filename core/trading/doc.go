// Package trading is the money of the engine: accounts, orders, positions, margin and the ledger.
// It is a deterministic state machine. Commands and quotes go in, in order, each with the trading
// time at which it happens; events come out. There is no clock, no goroutine, no lock, no random
// number, no floating point and no iteration over a map; a test reads the source for them.
//
// # The path of a command
//
//	command ─► decide (checks, prices, exact amounts) ─► emit ─► apply ─► state
//	                                                       └──► events, for the journal
//
// A command first decides what happens and then emits it as one or more [Event]s. Emitting gives
// the event its number and applies it; nothing else changes what is journaled. So the state is the
// fold of the events: [Machine.Replay] applies the events of a journal, and [Machine.Hash] of the
// result is the same on every machine.
//
// What a command may not do is told by a [Refusal], and a refused order is an event too. Accounts
// and ids that do not exist are plain errors and no events. Malformed requests never get here.
//
// # The path of a quote
//
// [Machine.Quote] sets the live price of a symbol, values the positions that depend on it, and then
// fires, in this order: all stop losses by position id, all take profits, the moves of trailing
// stops, pending orders by id, margin calls and stop-outs by account id. Each symbol keeps its
// trigger prices in heaps, so a quote that fires nothing looks at a dozen numbers and allocates
// nothing.
//
// Live prices are not journaled. Each event has the quote it used, and after a replay the newest of
// them is the floor: a quote that is not newer than the last one of its symbol is ignored. What the
// market did meanwhile comes in by [Machine.SetQuote], which fires nothing.
//
// # Numbers
//
//	price    core.Price, points of the symbol
//	volume   Volume, millionths of a lot
//	money    Money, minor units of the account's currency
//	rate     Rate, an exact fraction
//
// Products are computed in up to 256 bits and rounded once, when they become money: P/L, swap and
// commission half-even, margin up. What cannot be counted exactly is refused as TOO_LARGE.
//
// # Who owns what
//
// One goroutine owns a Machine and calls all of its methods. Events that were taken belong to the
// taker and never change.
//
// # Full
//
// An account holds at most [Options.OrdersMax] open orders and [Options.PositionsMax] positions;
// one more order is refused. The list of a batch is as long as its account has room for.
//
// A ClientID is known while its order is open, and that of the newest [Options.ClientsMax] closed
// orders after it. That it is unique for ever is up to who owns the machine: the desk keeps each as
// a key and finds old ones in the journal.
package trading

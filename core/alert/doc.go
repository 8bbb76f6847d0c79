// Package alert decides when somebody must be told: rules watch prices, accounts, orders and the
// server itself, and fire. It is deterministic like package trading: no clock, no file, no
// goroutine, no floating point, no iteration over a map; a test reads the source for them.
//
// # The path of a quote
//
//	quote, values of an account ─► meters ─► rules that are reached ─► fires ─► changes, to store
//
// A rule waits in a heap of a [meter]: a bid, ask, mid or spread, a movement within some time, or a
// value of an account. To fire, to be armed again and to cross are all "the value has come to a
// level", so a quote that reaches nobody costs a few comparisons, however many rules there are.
// What waits for time (cooldowns, spreads that last, silent feeds, snoozes) stands in heaps of
// times, which each input looks at first.
//
// # Numbers
//
// A threshold is a whole number of units of 10^-[Kind.Digits]: points of the symbol, points of
// spread, ten-thousandths of a percent of movement, hundredths of a percent of margin level and
// drawdown, hundredths of a unit of the account's currency, whatever decimals that has.
//
// # Once
//
// The id of a [Fire] is a hash of the rule, its revision and the cause, so a cause that comes again
// after a crash fires nothing new: the newest ids are known, and so is the newest quote that
// changed a rule. What a book did is taken with [Book.Take] and stored before anybody is told.
//
// # Full
//
//	rules, windows of a symbol   Create and Change refuse, with a code
//	open fires                   the oldest is resolved
//	known ids                    the oldest is forgotten
//
// # Who owns what
//
// One goroutine owns a [Book] and calls all of its methods: the desk's.
package alert

// Package alert decides when somebody must be told: rules watch prices, accounts, orders and the
// server itself, and fire. It is deterministic like package trading: no clock, no file, no
// goroutine, no floating point, no iteration over a map.
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
// after a crash fires nothing new.
package alert

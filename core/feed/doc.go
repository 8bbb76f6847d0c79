// Package feed is where quotes come from when no client sends them: a simulator that looks like a
// market, history for an empty database under it, and the replay of recorded files.
//
//	Model ─► Simulator ─┐
//	Model ─► History  ──┼─► Submission ─► engine
//	files ─► Replay   ──┘
//
// A feed is a sender like any other: it makes submissions, and what it sends is validated, counted
// and throttled by the engine. Nothing here touches a market behind the engine's back.
//
// # Who owns what
//
//	Model        one goroutine: Run of a Simulator, or History
//	pipe         the goroutine that fills it; bounds the quotes that are not committed yet
//	fileReader   the Replay that opened it
//
// # Full and closed
//
// A live feed that finds the engine full drops the quotes of that moment, counts and reports them:
// old quotes are worth nothing to a live price. History and replay wait instead, because their
// quotes are all wanted, and they never have more uncommitted quotes under way than a ring holds.
// Every feed ends quietly when its context ends or the engine closes.
package feed

// Package persist keeps the market in one SQLite file, market.db: symbols, sources, ticks, bars and
// the numbers of senders, and money in another, trading.db. No other package knows SQL.
//
// # Who writes
//
// A [Store] that is open for writing holds the lock of its directory and the only connection that
// writes. In a running server that connection belongs to [Writer.Run], which takes cuts from a
// [core.Engine] and commits each of them whole: the ticks up to the cut, every bar closed since
// the last one, the forming minute, and the senders' numbers. Whatever stops the process, ticks,
// bars and numbers in the file stop at the same quote. A sender that waits is let go after the
// commit is on the disk, never before.
//
// A [Journal] is the file of money. One goroutine commits events and answers to it, each commit on
// the disk when it returns; what lists are read from follows from the events and is written with
// them. The events are linked by hashes, which each start checks while it folds them.
//
// The file of money also holds the outbox: messages for webhooks, written in the transaction of
// what they tell of, and how delivering them went. Those who deliver write to it in transactions of
// their own, by the same connection, in turns with the commits.
//
// # Who reads
//
// Readers have connections of their own that cannot write, and a deadline. They see the file as of
// the last commit before they began and are never waited for. The deadline is not only politeness:
// while one reader lasts, the write-ahead log cannot start again from its beginning, so it grows.
// A long read, such as an export, is therefore made of many short ones.
//
// # The file
//
// The tables are in migrations/; ticks and bars are also there as views with decimal prices and
// readable times, for a person with the sqlite3 program. Symbols have ids of the file's own, which
// never change; a [core.SymbolID] is a place in the configuration of one run and may.
//
// # Copies
//
// [Backup] copies the files of a directory beside a running server, [Restore] puts a copy in their
// place, [Verify] reads everything and looks for contradictions.
//
// # Caveats
//
// Nothing but SQLite may open market.db in this process: closing any descriptor of a file drops
// the locks that SQLite holds on it. The file must lie on a local disk. Prices are whole points,
// so a symbol whose digits were raised has its stored prices multiplied when the store is opened;
// fewer digits are refused.
package persist

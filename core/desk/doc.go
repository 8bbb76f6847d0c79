// Package desk owns the trading state. One goroutine, [Desk.Run], takes commands and the quotes of
// active symbols in one order, lets a [trading.Machine] act on them, and hands the events to a
// second goroutine that commits them to the [Journal] and lets the answers go.
//
//	shards ─► quotes ┐                           ┌► events ─► journal ─► answers
//	                 ├─► inbox ─► desk ─► machine┤              ├──────► acknowledgements
//	Do, Read, clock ─┘                           └► answers     └──────► subscribers
//
// The desk applies in memory and never waits for the disk. While a transaction runs, what it does
// gathers for the next one, so the cost of a transaction is divided by as many commands as there
// are. Nothing that a crash could undo leaves: an answer, also to a read, waits until everything up
// to the state it speaks of is committed, and an acknowledged batch of quotes until all that its
// quotes did is.
//
// # Quotes
//
// A symbol is watched while it is active: while it has positions or orders, or converts one that
// has. The shard then hands over every accepted quote of it, in order. Other symbols have no price
// on the desk; a command or read that may need theirs names them, and they are watched for its
// duration. Watching starts with the flag and then the live quote, so no quote lies between.
//
// # Alerts
//
// The book of alerts lives beside the machine. After each quote it gets the quote, if a rule needs
// the symbol, then what the machine emitted and what the accounts are worth that rules wait for.
// What it did is committed with the events, and told afterwards by [Desk.Alerts] and in the log.
//
// # Trading time
//
// Every input has a time: of our clock, or, where quotes are the clock, of the newest quote that
// the shards had applied when it was sent. A message each second moves it on, so that orders expire
// and swaps are posted without a quote.
//
// # Twice
//
// A command may have keys, such as a client's order id. A key, the hash of the request and the
// answer are committed with the effect. The same key with the same hash gets the first answer
// again, with another hash a [ReusedError]. Keys are kept for ever, in the file: the newest are in
// memory, and a filter of fixed size says which are surely new, so that only a repeated key is
// looked up.
//
// # Full
//
//	commands waiting        ErrBusy, nothing was done
//	uncommitted events      above 10,000 commands get ErrBehind and quotes go on; above 1,000,000
//	                        the desk ends with an error
//	disk full               the commit is tried again; commands get ErrJournal meanwhile
//	any other failed commit the desk ends with an error, and nobody gets an answer
package desk

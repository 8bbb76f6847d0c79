// Package core is the market in memory: quotes in, live prices, bars and ticks out. It knows no
// file, no network and no trading.
//
// # The path of a quote
//
// A sender (a feed, a request) parses text with a [Parser], fills a [Submission] and sends it. The
// submission spreads its quotes over [Batch]es, one queue a shard:
//
//	Submission ─► inbox ─► shard ─► admit ─► live quote ─► bars ─► throttle ─► ring of ticks
//
// Whether a quote is stored as a tick is decided last, so the live price and the bars see every
// accepted quote. At the end of a batch the shard hands the accepted quotes of watched symbols to
// the [Watcher], whose stops must see each of them, and publishes a [Cut] of each symbol it
// touched.
//
// # Who owns what
//
//	market (one symbol)    its shard's goroutine; readers see only the rings in it
//	ring                   one writer, the shard; readers copy and check (see ring.go)
//	inbox                  any sender in, one shard out
//	Batch                  its sender, then the shard until number is stored, then its sender
//	Handover               its shard until it is sent, then the watcher
//	barrier                a mutex; senders enter, the storage writer and the watcher let them go
//	dirtySet, taken        shards and the storage writer, by atomics
//	Registry               immutable
//	Sources, edgeCounts    a mutex; lookups of Sources take none
//
// Readers pull: nothing here waits for a stream. A shard waits for two others: for storage, when it
// closes thousands of minutes in a moment (see hold.go), and for a watcher whose inbox is full. A
// reader that falls so far behind that the ring overwrites what it wanted learns exactly how many
// items it missed.
//
// # Full, late, twice
//
// An inbox that is full lets a sender wait and then refuses all of its submission. A ring that is
// full overwrites its oldest item. Quotes that come twice, late, from the future or with nonsense
// are refused with a [Reject] reason and counted; [Stats] always adds up.
package core

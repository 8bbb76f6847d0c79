// Package torture kills a server again and again and sees whether it keeps its promises: nothing
// that it acknowledged is lost, nothing is taken twice, and the bars are those of the quotes it
// took. It starts the given binary on a directory of its own, so it tests the disk it is run on.
//
// Each round several senders post numbered quotes as fast as the server commits them, each with
// symbols of its own and one batch at a time. The server is killed at a random moment, on many
// rounds again while it recovers, and started anew. A batch that was not answered is sent again,
// as it was.
//
// # How much a market must hold
//
// After a kill the server holds, of each symbol, all quotes that it acknowledged and perhaps the
// first of the batch in flight. How many it holds is the volume of its bars. With that number the
// model of the symbol knows which quotes were taken, and so every tick and every bar, exactly: the
// quotes carry their own times, which lie in the past, so no clock of ours is part of the answer.
//
// The model is written from the contract, the slow and plain way, and shares no code with an
// engine: a mistake that both make must be made twice. It knows bars up to an hour, which are cut
// from UTC; those that follow New York's clock serve for their volumes alone.
//
// After a kill the ticks since the last kill and the newest bars are compared; at the end, all of
// them. Ticks are kept until they were compared, and from then on as a count and a hash.
package torture

// Package pace decides when requests are due.
//
// A schedule is open: slot i is due at start + i/rate, whatever became of the slots before it.
// A worker that was held up by a slow answer finds its next slots already due, sends them at once,
// and their latency still counts from the time they were due. That is what avoids coordinated
// omission: a server that stalls for a second is charged for every request which users would have
// sent in that second, not for the one that happened to be in flight.
//
// A schedule without a rate is flat out: a slot is due when it is asked for.
package pace

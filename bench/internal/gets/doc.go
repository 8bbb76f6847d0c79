// Package gets is the load of reads: a mix of GETs over every endpoint of the engine on a fixed
// schedule, or chosen paths flat out.
//
// The schedule is shared by all connections: a slot goes to whichever connection is free, so that
// one slow answer holds up one connection and not every 54th request. Which endpoint and symbol a
// slot asks for follows from the seed and the number of the slot alone.
package gets

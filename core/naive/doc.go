// Package naive is the market a second time, as a trader would work it out with a pencil: it keeps
// every accepted quote and makes bars by looking through all of them. It is written from the
// description, shares no code with package core and is far too slow to serve anybody. Tests compare
// the engine with it.
//
// Times are µs since 1970 UTC, prices points, mids bid + ask. A [Market] is for one goroutine.
package naive

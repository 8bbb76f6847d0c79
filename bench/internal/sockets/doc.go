// Package sockets is the load of WebSocket readers: sessions that take the default stream of the
// engine, count what arrives and how old it is.
//
// A tick carries its time in milliseconds, cut, so an age is up to a millisecond too high. The
// clock of the engine must be that of this machine, or near. What was stamped before a session
// opened is the snapshot of the latest ticks; it is counted and has no age.
package sockets

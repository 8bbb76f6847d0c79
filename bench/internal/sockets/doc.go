// Package sockets is the load of WebSocket readers, of three kinds.
//
// Good sessions subscribe to the ticks of all symbols and read as fast as they can. They must get
// every tick: no gap, and each tick's prev is the time of the one before. Slow sessions do the same
// on a connection that takes so many bytes a second, and get gaps. What a gap says was skipped is
// compared with what a good session saw in the same stretch. Stuck sessions read nothing after the
// handshake, and are there to see that the engine ends them and nobody else suffers.
//
// A tick carries the time of its quote, in microseconds: the age on arrival runs from there. The
// clock of the engine must be that of this machine, or near. What was stamped before a session
// opened is the snapshot of the latest ticks; it is counted and has no age.
package sockets

// Package faultvfs is a disk that misbehaves on command, below SQLite. Only tests import it.
//
// [New] takes a directory over: from then on every file that SQLite opens in it goes through a
// [Disk], whatever its name, also by programs that know nothing of this package, because the
// package puts itself before SQLite's default VFS. Files elsewhere are not touched, and cost
// nothing.
//
// # What can go wrong
//
// A [Fault] is asked before each call that changes the disk and may fail it with [ErrIO] or
// [ErrFull], cut the power with [ErrPower], or sleep. A write that fails has written its first
// half, as a full disk does.
//
// # What a power cut leaves
//
// A Disk made with Remember knows which bytes were synced. [Disk.Kept] writes down what the power
// cut left: everything synced, and of the rest any part, in sectors of 512 bytes that are kept,
// dropped or garbage, whatever their order was. Files created, deleted or truncated since are
// there or not. A failed sync leaves its bytes in the memory of the machine, where processes see
// them, and never writes them again, as Linux does. [Disk.Killed] is the other end of a process:
// the next one sees everything, and the power may still be cut.
//
// # Caveats
//
// What belongs to SQLite's shared memory (-shm) passes by: nobody needs it after a crash. Bytes
// that were synced are never damaged, so SQLite's belief in "powersafe overwrite" holds here. One
// writing connection a file is what the order of calls is exact for.
package faultvfs

// Package process tells what the operating system and the Go runtime know of this process: memory,
// processor time, open files, the garbage collector. Everything is read when it is asked for.
package process

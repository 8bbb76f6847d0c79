//go:build unix

package process

import "syscall"

// OpenFilesMax returns how many files and connections the process may have open.
func OpenFilesMax() (uint64, bool) {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return uint64(limit.Cur), err == nil
}

//go:build unix

package process

import (
	"syscall"
	"time"
)

// CPU returns the processor time the process has used, its own and the kernel's for it.
func CPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

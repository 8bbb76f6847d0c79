//go:build unix

package process

import "syscall"

// Yield lets other processes go first, for work beside a server. It is a courtesy: where it is not
// granted, nothing is lost.
func Yield() {
	const nice = 10
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, nice)
}

package httpd

import "syscall"

// limitNotSent bounds the bytes of a connection that lie in the kernel and are not on their way
// (TCP_NOTSENT_LOWAT, tcp(7)).
func limitNotSent(c syscall.Conn, bytes int) {
	const tcpNotSentLowAt = 25 // Not among the constants of syscall.
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpNotSentLowAt, bytes)
	})
}

//go:build !linux

package httpd

import "syscall"

func limitNotSent(syscall.Conn, int) {}

package sockets

import (
	"context"
	"net"
	"sync"
	"time"
)

// smallBufferBytes is the receive buffer of connections that are meant to be behind: the kernel
// would take megabytes for a program that takes nothing.
const smallBufferBytes = 4 << 10

// dialSmall connects with a small receive buffer.
func dialSmall(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		if err := tcp.SetReadBuffer(smallBufferBytes); err != nil {
			_ = conn.Close() // err says why.
			return nil, err
		}
	}
	return conn, nil
}

// slowConn reads at most so many bytes a second. One goroutine reads; any may set the deadline.
type slowConn struct {
	net.Conn

	perSecond int
	next      time.Time // When the next read is due.
	hurry     chan struct{}
	hurryOnce sync.Once
}

// dialSlow returns a dialer of slow connections.
func dialSlow(perSecond int) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialSmall(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &slowConn{Conn: conn, perSecond: perSecond, hurry: make(chan struct{})}, nil
	}
}

// Read waits until the bytes of the last read are paid for. A tenth of a second's bytes come at
// once.
func (c *slowConn) Read(p []byte) (int, error) {
	if wait := time.Until(c.next); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-c.hurry:
		}
	}
	n, err := c.Conn.Read(p[:min(len(p), max(c.perSecond/10, 1))])
	c.next = time.Now().Add(time.Duration(n) * time.Second / time.Duration(c.perSecond))
	return n, err
}

// SetReadDeadline also ends the waiting when the deadline has passed.
func (c *slowConn) SetReadDeadline(at time.Time) error {
	if !at.IsZero() && !at.After(time.Now()) {
		c.hurryOnce.Do(func() { close(c.hurry) })
	}
	return c.Conn.SetReadDeadline(at)
}

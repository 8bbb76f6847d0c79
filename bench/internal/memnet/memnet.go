// Package memnet is a network in memory for tests that run in a bubble of package synctest: no
// goroutine waits for the kernel, so time is fake and a stall of a second is exactly a second.
package memnet

import (
	"context"
	"net"
	"sync"
)

// Network connects the dialers of a test with its one listener.
type Network struct {
	dialed    chan net.Conn
	closed    chan struct{}
	closeOnce sync.Once
}

// New returns a network that listens.
func New() *Network {
	return &Network{dialed: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial connects to the listener, whatever the address.
func (n *Network) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.dialed <- server:
		return client, nil
	case <-n.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (n *Network) Accept() (net.Conn, error) {
	select {
	case conn := <-n.dialed:
		return conn, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (n *Network) Close() error {
	n.closeOnce.Do(func() { close(n.closed) })
	return nil
}

// Addr implements net.Listener.
func (n *Network) Addr() net.Addr { return address{} }

type address struct{}

func (address) Network() string { return "memory" }
func (address) String() string  { return "memory:0" }

package httpd

import (
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// connectionsSpare is room in fasthttp above our own limit, so that it is ours that decides.
const connectionsSpare = 64

// Listen opens the listeners of an address. localhost means both loopback addresses on the same
// port; one of them may be missing on the machine, but not taken by another program.
func Listen(addr string) ([]net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if host != "localhost" {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return nil, err
		}
		return []net.Listener{l}, nil
	}
	var listeners []net.Listener
	var absent error
	for _, loopback := range []string{"127.0.0.1", "::1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(loopback, port))
		switch {
		case err == nil:
			listeners = append(listeners, l)
			port = strconv.Itoa(l.Addr().(*net.TCPAddr).Port) // The same when 0 was asked for.
		case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
			absent = errors.Join(absent, err)
		default:
			for _, l := range listeners {
				err = errors.Join(err, l.Close())
			}
			return nil, err
		}
	}
	if len(listeners) == 0 {
		return nil, absent
	}
	return listeners, nil
}

// openListeners are what Serve accepts from. They are closed by Shutdown, also when that comes
// first: fasthttp would forget it and serve for ever.
type openListeners struct {
	sync.Mutex
	all    []net.Listener
	closed bool
}

func (o *openListeners) add(listeners []net.Listener) error {
	o.Lock()
	defer o.Unlock()
	o.all = append(o.all, listeners...)
	if o.closed {
		return o.closeLocked()
	}
	return nil
}

func (o *openListeners) close() error {
	o.Lock()
	defer o.Unlock()
	o.closed = true
	return o.closeLocked()
}

func (o *openListeners) closeLocked() (err error) {
	for _, l := range o.all {
		err = errors.Join(err, ignoreClosed(l.Close()))
	}
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// limitedListener turns connections away while there are too many. It must not wrap them: fasthttp
// writes large answers with one system call only to connections it knows.
type limitedListener struct {
	net.Listener
	server *Server
}

func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.server.connections.Load() < int64(l.server.opts.Limits.Connections) {
			return l.server.secure(c), nil
		}
		l.server.turnAway(c)
	}
}

// turnAway answers a connection without reading from it, and closes it. That must not hold up the
// acceptance of others, so whatever fails is left, and nobody waits for the handshake of TLS.
func (s *Server) turnAway(c net.Conn) {
	s.turnedAway.Add(1)
	if s.opts.TLS != nil {
		_ = c.Close() // Nothing of it is used any more.
		return
	}
	p := tooManyClients.because("the server has as many connections as it takes")
	body := p.append(nil)
	head := "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: " +
		strconv.Itoa(p.retryAfter) + "\r\nContent-Type: " + problemJSONType +
		"\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n"
	if c.SetDeadline(time.Now().Add(100*time.Millisecond)) == nil {
		_, _ = c.Write(append([]byte(head), body...)) // The client may be gone: nobody to tell.
	}
	_ = c.Close() // Nothing of it is used any more.
}

// countConnection follows fasthttp's connections. A stream counts only until it is one.
func (s *Server) countConnection(_ net.Conn, state fasthttp.ConnState) {
	switch state {
	case fasthttp.StateNew:
		s.connections.Add(1)
	case fasthttp.StateClosed, fasthttp.StateHijacked:
		s.connections.Add(-1)
	}
}

const (
	drainMax  = 16 << 20               // Bytes of a refused body that are read after all.
	drainTime = 2 * time.Second        // And for how long.
	drainIdle = 100 * time.Millisecond // Silence that means the client has sent everything.
)

// drain reads on while a client sends a body that is refused. If the connection were closed with
// its bytes unread, the client would see a reset instead of the answer.
func drain(ctx *fasthttp.RequestCtx) {
	conn := ctx.Conn()
	end := time.Now().Add(drainTime)
	buffer := make([]byte, 4<<10) // Small, because many may be refused at once.
	for n := 0; n < drainMax; {
		deadline := time.Now().Add(drainIdle)
		if deadline.After(end) || conn.SetReadDeadline(deadline) != nil {
			return
		}
		got, err := io.ReadAtLeast(conn, buffer, 1)
		if err != nil {
			return
		}
		n += got
	}
}

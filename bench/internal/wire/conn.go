package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// DefaultTimeout is the timeout of options that have none.
const DefaultTimeout = 10 * time.Second

// Sizes of the read buffer and of the largest answer that is accepted. 50,000 ticks are 8 MB.
const (
	readBufferBytes = 64 << 10
	answerBytesMax  = 64 << 20
)

// ErrTimeout is returned for an exchange that took longer than the timeout.
var ErrTimeout = errors.New("timed out")

// Options say where a connection goes.
type Options struct {
	// Address is host:port.
	Address string
	// Timeout bounds connecting, and each request with its answer; 0 means DefaultTimeout.
	Timeout time.Duration
	// Dial replaces a TCP dial.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Answer is what came back. Body is valid until the next request on the same connection.
type Answer struct {
	Status int
	Body   []byte
	// RetryAfter is the header of that name in seconds, 0 if absent.
	RetryAfter time.Duration
}

// Conn is one connection for one goroutine. It dials at the first request and again after a
// failure, so a caller only ever sees the failed request.
type Conn struct {
	opts     Options
	conn     net.Conn
	reader   *bufio.Reader
	response fasthttp.Response
	reused   bool // The open connection has already carried an answer.
}

// New returns a connection that is not yet open.
func New(opts Options) *Conn {
	if opts.Timeout == 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.Dial == nil {
		opts.Dial = new(net.Dialer).DialContext
	}
	return &Conn{opts: opts, reader: bufio.NewReaderSize(nil, readBufferBytes)}
}

// Open dials if the connection is closed, so that the first request does not pay for it.
func (c *Conn) Open() error {
	if c.conn != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.opts.Timeout)
	defer cancel()
	conn, err := c.opts.Dial(ctx, "tcp", c.opts.Address)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", c.opts.Address, err)
	}
	c.conn, c.reused = conn, false
	c.reader.Reset(conn)
	return nil
}

// Close closes the connection; the next request opens it again.
func (c *Conn) Close() error {
	if c.conn == nil {
		return nil
	}
	err := c.conn.Close()
	c.conn = nil
	return err
}

// Get sends a request made by AppendGet and reads its answer. A server may close a connection
// that was idle; the request it never read is then sent once more on a new one.
func (c *Conn) Get(request []byte) (Answer, error) {
	idle := c.conn != nil && c.reused
	answer, err := c.exchange(request, nil)
	if err != nil && idle && isClosedByPeer(err) {
		answer, err = c.exchange(request, nil)
	}
	return answer, err
}

// Post sends a head made by AppendPostHead and its body, and reads the answer. It never sends
// twice: quotes that arrive twice are another load than the one asked for.
func (c *Conn) Post(head, body []byte) (Answer, error) {
	return c.exchange(head, body)
}

func (c *Conn) exchange(head, body []byte) (Answer, error) {
	if err := c.Open(); err != nil {
		return Answer{}, err
	}
	answer, err := c.roundTrip(head, body)
	if err != nil && isTimeout(err) {
		err = fmt.Errorf("%w after %v", ErrTimeout, c.opts.Timeout)
	}
	if err != nil || c.response.Header.ConnectionClose() {
		// The connection is of no further use, and err already says why.
		_ = c.Close()
	}
	return answer, err
}

func (c *Conn) roundTrip(head, body []byte) (Answer, error) {
	if err := c.conn.SetDeadline(time.Now().Add(c.opts.Timeout)); err != nil {
		return Answer{}, fmt.Errorf("set deadline: %w", err)
	}
	if err := c.write(head, body); err != nil {
		return Answer{}, fmt.Errorf("send: %w", err)
	}
	if err := c.response.ReadLimitBody(c.reader, answerBytesMax); err != nil {
		return Answer{}, fmt.Errorf("read answer: %w", err)
	}
	c.reused = true
	answer := Answer{Status: c.response.StatusCode(), Body: c.response.Body()}
	if answer.Status == fasthttp.StatusServiceUnavailable {
		seconds, err := strconv.Atoi(string(c.response.Header.Peek("Retry-After")))
		if err == nil {
			answer.RetryAfter = time.Duration(seconds) * time.Second
		}
	}
	return answer, nil
}

// write sends both parts with one system call where the connection can.
func (c *Conn) write(head, body []byte) error {
	if len(body) == 0 {
		_, err := c.conn.Write(head)
		return err
	}
	parts := net.Buffers{head, body}
	_, err := parts.WriteTo(c.conn)
	return err
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

func isClosedByPeer(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.As(err, &op)
}

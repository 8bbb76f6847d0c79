package webhook

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"tradingengine/persist"
)

// answerMax is how much of an answer is read at most to find its status, in bytes.
const answerMax = 16 << 10

// What is no answer.
var (
	errNotHTTP  = errors.New("the answer is not one of HTTP/1.1")
	errNoAnswer = errors.New("the connection was closed without an answer")
	errTooMuch  = errors.New("the answer has no status within its first 16 KiB")
)

// sender makes single attempts, each by a connection of its own. It is a small client of its own
// because of the answer only the status counts, and because nothing may be followed, kept or tried
// again without being asked.
type sender struct {
	private bool          // Addresses that are not public may be reached.
	timeout time.Duration // Of all of an attempt.
	agent   string        // The header User-Agent.
	roots   *x509.CertPool
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

func newSender(o *Options) *sender {
	s := &sender{
		private: o.AllowPrivate, timeout: o.Timeout, agent: "tradingengine/" + o.Version,
		roots: o.Roots, dial: o.Dial,
	}
	if s.dial == nil {
		dialer := &net.Dialer{}
		if !s.private {
			dialer.ControlContext = checkDialled
		}
		s.dial = dialer.DialContext
	}
	return s
}

// send posts a message and returns the status of the answer. second is the time it is signed with.
func (s *sender) send(ctx context.Context, d *persist.DueDelivery, second int64) (int, error) {
	t, err := parseTarget(d.URL, s.private) // What is allowed may have changed since it was added.
	if err != nil {
		return 0, err
	}
	late := fmt.Errorf("no answer within %s", s.timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, late)
	defer cancel()
	status, err := s.exchange(ctx, &t, s.request(&t, d, second))
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	return status, err
}

// request is all that is sent.
func (s *sender) request(t *target, d *persist.DueDelivery, second int64) []byte {
	return append(fmt.Appendf(nil, "POST %s HTTP/1.1\r\n"+
		"Host: %s\r\n"+
		"User-Agent: %s\r\n"+
		"Content-Type: application/json\r\n"+
		"Content-Length: %d\r\n"+
		"webhook-id: %s\r\n"+
		"webhook-timestamp: %d\r\n"+
		"webhook-signature: %s\r\n"+
		"Connection: close\r\n\r\n",
		t.request, t.header, s.agent, len(d.Body), d.Message, second,
		sign(d.Secret, d.Message, second, d.Body)), d.Body...)
}

// exchange sends a request and returns the status of its answer, before ctx ends.
func (s *sender) exchange(ctx context.Context, t *target, request []byte) (int, error) {
	conn, err := s.dial(ctx, "tcp", t.address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }() // What counts was answered.
	past := time.Unix(1, 0)
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(past) })()
	if t.secure {
		secured := tls.Client(conn, &tls.Config{
			ServerName: t.host, RootCAs: s.roots, MinVersion: tls.VersionTLS12,
		})
		if err := secured.HandshakeContext(ctx); err != nil {
			return 0, err
		}
		conn = secured
	}
	// A receiver may answer, and close, before it has read everything.
	_, sent := conn.Write(request)
	status, err := readStatus(conn)
	if err != nil && sent != nil {
		err = sent
	}
	return status, err
}

// readStatus reads an answer up to its final status.
func readStatus(r io.Reader) (int, error) {
	limited := &io.LimitedReader{R: r, N: answerMax}
	in := textproto.NewReader(bufio.NewReader(limited))
	for {
		line, err := in.ReadLine()
		status, ok := parseStatusLine(line)
		if err == nil && ok && status < 200 { // An interim answer.
			_, err = in.ReadMIMEHeader()
		}
		switch {
		case err != nil && limited.N == 0:
			return 0, errTooMuch
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return 0, errNoAnswer
		case err != nil:
			return 0, err
		case !ok:
			return 0, errNotHTTP
		case status >= 200:
			return status, nil
		}
	}
}

func parseStatusLine(line string) (status int, ok bool) {
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	ok = (version == "HTTP/1.1" || version == "HTTP/1.0") && len(code) == 3 && err == nil &&
		status >= 100
	return status, ok
}

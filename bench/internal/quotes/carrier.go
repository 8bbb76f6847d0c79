package quotes

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/fasthttp/websocket"

	"tradingengine/bench/internal/wire"
)

// Via is how quotes get to the engine.
type Via uint8

// The two ways.
const (
	Post Via = iota
	Socket
)

var viaNames = [...]string{Post: "post", Socket: "ws"}

// String returns the name as a flag has it.
func (v Via) String() string { return viaNames[v] }

// MarshalText lets a report name the way.
func (v Via) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a name.
func (v *Via) UnmarshalText(text []byte) error {
	for i, name := range viaNames {
		if name == string(text) {
			*v = Via(i)
			return nil
		}
	}
	return fmt.Errorf("quotes go via post or ws, not %q", text)
}

// Endpoint is what a report calls the requests.
func (v Via) Endpoint() string {
	if v == Socket {
		return "WS /ws/ingest"
	}
	return "POST /ticks"
}

// carrier is one connection that takes batches of quotes to the engine, one at a time. It connects
// at the first batch and again after a failure, and never sends a batch twice.
type carrier interface {
	open() error
	send(body []byte) (wire.Answer, error)
	close() error
}

func newCarrier(opts LoadOptions, contentType string) carrier {
	if opts.Via == Socket {
		return newSocket(opts)
	}
	return &poster{
		conn: wire.New(opts.Wire), host: opts.Wire.Address, contentType: contentType,
		path: "/ticks?ack=" + opts.Ack.String(),
	}
}

// poster carries a batch as the body of POST /ticks.
type poster struct {
	conn                    *wire.Conn
	host, path, contentType string
	head                    []byte
}

func (p *poster) open() error  { return p.conn.Open() }
func (p *poster) close() error { return p.conn.Close() }

func (p *poster) send(body []byte) (wire.Answer, error) {
	p.head = wire.AppendPostHead(p.head[:0], p.host, p.path, p.contentType, len(body))
	return p.conn.Post(p.head, body)
}

// socketBufferBytes holds a usual batch, so that it leaves as one frame in one write.
const socketBufferBytes = 128 << 10

// socket carries a batch as one message of /ws/ingest. It answers as HTTP would, so that both ways
// are counted alike.
type socket struct {
	dialer  websocket.Dialer
	url     string
	timeout time.Duration
	taken   int // The status of a batch that was taken.
	conn    *websocket.Conn
}

func newSocket(opts LoadOptions) *socket {
	timeout := opts.Wire.Timeout
	if timeout == 0 {
		timeout = wire.DefaultTimeout
	}
	return &socket{
		dialer: websocket.Dialer{
			HandshakeTimeout: timeout, WriteBufferSize: socketBufferBytes,
			NetDialContext: opts.Wire.Dial,
		},
		url:     "ws://" + opts.Wire.Address + "/ws/ingest?ack=" + opts.Ack.String(),
		timeout: timeout, taken: opts.Ack.status(),
	}
}

func (s *socket) open() error {
	if s.conn != nil {
		return nil
	}
	conn, response, err := s.dialer.DialContext(context.Background(), s.url, nil)
	if err != nil {
		status := ""
		if response != nil {
			status = " (" + response.Status + ")"
		}
		return fmt.Errorf("connect to %s: %w%s", s.url, err, status)
	}
	s.conn = conn
	return nil
}

func (s *socket) close() error {
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	return err
}

func (s *socket) send(body []byte) (wire.Answer, error) {
	if err := s.open(); err != nil {
		return wire.Answer{}, err
	}
	answer, err := s.exchange(body)
	if err != nil {
		// The connection is of no further use, and err already says why.
		_ = s.close()
	}
	return answer, err
}

func (s *socket) exchange(body []byte) (wire.Answer, error) {
	deadline := time.Now().Add(s.timeout)
	if err := s.conn.SetWriteDeadline(deadline); err != nil {
		return wire.Answer{}, fmt.Errorf("set deadline: %w", err)
	}
	if err := s.conn.SetReadDeadline(deadline); err != nil {
		return wire.Answer{}, fmt.Errorf("set deadline: %w", err)
	}
	if err := s.conn.WriteMessage(websocket.TextMessage, body); err != nil {
		return wire.Answer{}, fmt.Errorf("send: %w", err)
	}
	for {
		_, text, err := s.conn.ReadMessage()
		if err != nil {
			return wire.Answer{}, fmt.Errorf("read answer: %w", err)
		}
		var m struct {
			Type       string `json:"type"`
			RetryAfter int    `json:"retryAfter"`
		}
		if err := json.Unmarshal(text, &m); err != nil {
			return wire.Answer{}, fmt.Errorf("read answer: %w: %.120q", err, text)
		}
		switch {
		case m.Type == "ack":
			return wire.Answer{Status: s.taken, Body: text}, nil
		case m.Type == "error" && m.RetryAfter > 0:
			wait := time.Duration(m.RetryAfter) * time.Second
			return wire.Answer{Status: 503, Body: text, RetryAfter: wait}, nil
		case m.Type == "error":
			return wire.Answer{Status: 400, Body: text}, nil
		}
	}
}

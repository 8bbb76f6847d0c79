package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"tradingengine/bench/internal/wire"
)

// ErrURL is returned for an address that is not that of an HTTP server.
var ErrURL = errors.New("an address looks like http://localhost:7999")

// ErrAnswer is returned when the engine answers, but not what its contract says.
var ErrAnswer = errors.New("unexpected answer")

// Address is where an engine listens.
type Address struct {
	// Host is host:port, which is dialed and sent as the Host header.
	Host string
}

// ParseAddress reads "http://localhost:7999" or "localhost:7999".
func ParseAddress(s string) (Address, error) {
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return Address{}, fmt.Errorf("%w: %w", ErrURL, err)
	}
	if u.Scheme != "http" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return Address{}, fmt.Errorf("%w, not %q", ErrURL, s)
	}
	if u.Port() == "" {
		return Address{Host: u.Host + ":80"}, nil
	}
	return Address{Host: u.Host}, nil
}

// String returns the address as a URL.
func (a Address) String() string { return "http://" + a.Host }

// Client asks one engine, on a connection of its own. It belongs to one goroutine.
type Client struct {
	conn *wire.Conn
	host string
}

// NewClient returns a client; it dials at the first question.
func NewClient(opts wire.Options) *Client {
	return &Client{conn: wire.New(opts), host: opts.Address}
}

// Close closes the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Status asks for a path and returns only the status code.
func (c *Client) Status(path string) (int, error) {
	answer, err := c.conn.Get(wire.AppendGet(nil, c.host, path))
	if err != nil {
		return 0, fmt.Errorf("GET %s: %w", path, err)
	}
	return answer.Status, nil
}

// Get decodes the JSON at a path into v.
func (c *Client) Get(path string, v any) error {
	answer, err := c.conn.Get(wire.AppendGet(nil, c.host, path))
	if err != nil {
		return fmt.Errorf("GET %s: %w", path, err)
	}
	if answer.Status != 200 {
		return fmt.Errorf("GET %s: %w: status %d: %s",
			path, ErrAnswer, answer.Status, Brief(answer.Body))
	}
	if err := json.Unmarshal(answer.Body, v); err != nil {
		return fmt.Errorf("GET %s: %w: %w", path, ErrAnswer, err)
	}
	return nil
}

// Brief returns the first line of a body, cut to a length that fits a message.
func Brief(body []byte) string {
	const length = 160
	line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if len(line) > length {
		line = line[:length] + "…"
	}
	return line
}

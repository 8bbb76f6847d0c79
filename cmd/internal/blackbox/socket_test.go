package blackbox

import (
	"bufio"
	network "encoding/binary" // The package has a binary of its own.
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// socket is a WebSocket client that sees frames.
type socket struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

// Kinds of frames, with the bit that says that the message ends.
const (
	socketText  = 0x81
	socketClose = 0x88
	socketPing  = 0x89
	socketPong  = 0x8A
)

// errSocketClosed is a close frame of the server, with its code.
var errSocketClosed = errors.New("the server closed the session")

// dial opens a session at a path.
func (s *server) dial(path string) (*socket, error) { return dialAt(s.t, s.url, path) }

func dialAt(t *testing.T, url, path string) (*socket, error) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		return nil, err
	}
	return openSocket(t, conn, path)
}

// openSocket does the handshake of a session on a connection, which it closes when that fails.
func openSocket(t *testing.T, conn net.Conn, path string) (*socket, error) {
	k := &socket{t, conn, bufio.NewReaderSize(conn, 64<<10)}
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second)) // A dead connection fails by itself.
	_, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", path)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	answer, err := http.ReadResponse(k.r, nil)
	if err == nil && answer.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("%s: %s", path, answer.Status)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return k, nil
}

func (k *socket) close() { _ = k.conn.Close() }

// frame makes a client's frame. Its mask is zero, so the payload stays as it is.
func frame(kind byte, payload string) []byte {
	b := []byte{kind}
	switch n := len(payload); {
	case n <= 125:
		b = append(b, 0x80|byte(n))
	case n <= 0xFFFF:
		b = network.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = network.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

func (k *socket) send(text string) error {
	_ = k.conn.SetWriteDeadline(time.Now().Add(30 * time.Second))
	_, err := k.conn.Write(frame(socketText, text))
	return err
}

// next returns the next message and answers pings meanwhile.
func (k *socket) next() (string, error) {
	for {
		_ = k.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		var header [10]byte
		if _, err := io.ReadFull(k.r, header[:2]); err != nil {
			return "", err
		}
		n, more := int(header[1]), 0
		switch n {
		case 126:
			more = 2
		case 127:
			more = 8
		}
		if _, err := io.ReadFull(k.r, header[2:2+more]); err != nil {
			return "", err
		}
		switch more {
		case 2:
			n = int(network.BigEndian.Uint16(header[2:]))
		case 8:
			n = int(network.BigEndian.Uint64(header[2:]))
		}
		payload := make([]byte, n)
		if _, err := io.ReadFull(k.r, payload); err != nil {
			return "", err
		}
		switch header[0] {
		case socketText:
			return string(payload), nil
		case socketPing:
			_ = k.conn.SetWriteDeadline(time.Now().Add(30 * time.Second))
			if _, err := k.conn.Write(frame(socketPong, string(payload))); err != nil {
				return "", err
			}
		case socketClose:
			return "", fmt.Errorf("%w: %d %s", errSocketClosed, network.BigEndian.Uint16(payload),
				payload[2:])
		}
	}
}

// socketMessage is what the tests look at of a message.
type socketMessage struct {
	Type, Channel, Symbol, Code string
	Time, Prev, Last            int64
	Skipped                     int64
	Frame, Received             int64
	Complete                    bool
	Open, High, Low, Close      json.Number
	Volume                      int64
	text                        string
}

func (k *socket) message() (m socketMessage, err error) {
	m.text, err = k.next()
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal([]byte(m.text), &m)
}

package httpd

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

// secured is a connection under TLS. fasthttp asks for the handshake, under its own deadlines.
type secured struct{ *tls.Conn }

// Handshake also tells those who speak plain HTTP what is wrong; TLS would say it in its own words,
// which they do not understand.
func (c secured) Handshake() error {
	err := c.Conn.Handshake()
	var plain tls.RecordHeaderError
	if errors.As(err, &plain) && plain.Conn != nil && plainHTTP(plain.RecordHeader) {
		const text = "this port speaks HTTPS; write https:// or wss://\n"
		_ = plain.Conn.SetWriteDeadline(time.Now().Add(time.Second)) // The client may be gone.
		_, _ = io.WriteString(plain.Conn, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"+
			"Content-Type: text/plain\r\n\r\n"+text)
	}
	return err
}

// plainHTTP reports whether a connection begins like a request.
func plainHTTP(start [5]byte) bool {
	switch string(start[:4]) {
	case "GET ", "HEAD", "POST", "PUT ", "PATC", "DELE", "OPTI", "CONN":
		return true
	}
	return false
}

// overTLS reports whether a session is. A write of TLS that runs into its deadline leaves half a
// record behind, and the connection is of no use then: so such a session gets one long deadline
// where others are looked at many times, and a client that takes a little now and then may be cut.
func (s *session) overTLS() bool {
	conn := s.conn
	if early, ok := conn.(*earlyConn); ok {
		conn = early.Conn
	}
	_, ok := conn.(secured)
	return ok
}

// secure puts a connection under TLS, if there is any.
func (s *Server) secure(c net.Conn) net.Conn {
	if s.opts.TLS == nil {
		return c
	}
	return secured{tls.Server(c, s.opts.TLS)}
}

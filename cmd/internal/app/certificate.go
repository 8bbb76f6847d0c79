package app

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// certificate is what the server shows of itself, read again when its files change. refresh is
// called by one goroutine; the handshakes of all take what it read last.
type certificate struct {
	cert, key string
	changed   time.Time // Of the newer of both files when they were read.
	current   atomic.Pointer[tls.Certificate]
}

// openCertificate reads a certificate for the first time.
func openCertificate(cert, key string, log *slog.Logger) (*certificate, error) {
	c := &certificate{cert: cert, key: key}
	return c, c.refresh(log)
}

// refresh reads the files if they changed. Both are replaced one after the other, so for a moment
// they may not fit: then the next call reads them again.
func (c *certificate) refresh(log *slog.Logger) error {
	var newest time.Time
	for _, name := range []string{c.cert, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		if t := info.ModTime(); t.After(newest) {
			newest = t
		}
	}
	if newest.Equal(c.changed) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	c.current.Store(&pair)
	c.changed = newest
	if pair.Leaf != nil {
		log.Info("certificate", "names", pair.Leaf.DNSNames, "until", pair.Leaf.NotAfter.UTC())
	}
	return nil
}

// config is for a listener.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// WebSockets and fasthttp speak HTTP/1.1 alone.
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return c.current.Load(), nil
		},
	}
}

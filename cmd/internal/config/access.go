package config

import (
	"errors"
	"fmt"
)

// Access is who may use the server, and how much.
type Access struct {
	RequireKeys     bool   // Ask for keys on a loopback address too.
	TLSCert, TLSKey string // Files of PEM; both or none.

	KeyRequests int // A key's requests a second; 0 for no limit.
	KeyCancels  int // Its requests that cancel orders or close positions.
	KeyBytes    int // Its bytes of quotes.
}

func (c *Access) flags(fs Flags) {
	fs.BoolVar(&c.RequireKeys, "require-keys", false,
		"ask for access keys on a loopback -addr too; on any other they always are")
	fs.StringVar(&c.TLSCert, "tls-cert", "",
		"`file` of a certificate and those above it (PEM); a changed one is taken within seconds")
	fs.StringVar(&c.TLSKey, "tls-key", "", "`file` of the certificate's private key (PEM)")
	fs.IntVar(&c.KeyRequests, "key-requests", 100,
		"`requests` a second of an access key, twice as many at once; 0 for no limit")
	fs.IntVar(&c.KeyCancels, "key-cancels", 100,
		"`requests` of it that cancel orders or close positions, likewise")
	fs.IntVar(&c.KeyBytes, "key-bytes", 64<<20,
		"`bytes` of quotes a second of an access key, unpacked, likewise")
}

func (c *Access) check() error {
	err := errors.Join(
		between("key-requests", c.KeyRequests, 0, 1_000_000),
		between("key-cancels", c.KeyCancels, 0, 1_000_000),
		between("key-bytes", c.KeyBytes, 0, 1<<30),
	)
	if err == nil && (c.TLSCert == "") != (c.TLSKey == "") {
		err = fmt.Errorf("%w: -tls-cert and -tls-key belong together", ErrUsage)
	}
	return err
}

// TLS reports whether the server speaks HTTPS.
func (c *Access) TLS() bool { return c.TLSCert != "" }

package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"tradingengine/cmd/internal/config"
	"tradingengine/httpd"
	"tradingengine/persist"
)

// accessEvery is how soon a server knows of keys that were made or revoked beside it, and of a new
// certificate.
const accessEvery = time.Second

// exposed reports whether other machines can reach an address.
func exposed(addr string) (bool, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false, fmt.Errorf("%w: -addr: %w", config.ErrUsage, err)
	}
	ip := net.ParseIP(host)
	return host != "localhost" && (ip == nil || !ip.IsLoopback()), nil
}

// checkExposure refuses to listen where others can reach the port and read what passes, unless told
// to, and decides whether keys are asked for.
func (v *server) checkExposure() error {
	c := v.config
	open, err := exposed(c.Addr)
	if err != nil {
		return err
	}
	v.keyed, v.loopback = open || c.RequireKeys, !open
	if !open || c.InsecureHTTP || c.TLS() {
		return nil
	}
	return fmt.Errorf("%w: -addr %s can be reached from other machines, and keys and orders would "+
		"pass in the clear; use localhost, -tls-cert and -tls-key, or say -insecure-http",
		config.ErrUsage, c.Addr)
}

// loadKeys reads the keys, of which a server that asks for them needs at least one.
func (v *server) loadKeys(ctx context.Context) error {
	if !v.keyed {
		return nil
	}
	if err := v.readKeys(ctx); err != nil {
		return v.journal.Refuse(err)
	}
	if len(v.keys) == 0 {
		return fmt.Errorf("nobody could use this server: it asks for keys, and there are none. "+
			"Make one:\n  server key create -data %s -role admin", v.config.Data)
	}
	return nil
}

// watchAccess looks for changed keys and certificates until ctx ends. What cannot be read stays as
// it was: a disk that fails for a moment must lock nobody out.
func (v *server) watchAccess(ctx context.Context) {
	ticker := time.NewTicker(accessEvery)
	defer ticker.Stop()
	var keys, certificate failing
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if v.keyed {
			keys.note(v.logs.Main, ctx, "the access keys cannot be read; those known stay valid",
				v.readKeys(ctx))
		}
		if v.certificate != nil {
			certificate.note(v.logs.Main, ctx, "the new certificate cannot be used; the old one stays",
				v.certificate.refresh(v.logs.Main))
		}
	}
}

// failing is true from a failure until the next success, so that each is told once.
type failing bool

func (f *failing) note(log *slog.Logger, ctx context.Context, text string, err error) {
	if err != nil && !bool(*f) && ctx.Err() == nil {
		log.Warn(text, "reason", err)
	}
	*f = err != nil
}

// readKeys tells the server which keys are valid, and the log what is new.
func (v *server) readKeys(ctx context.Context) error {
	all, err := v.journal.AccessKeys(ctx)
	if err != nil {
		return err
	}
	valid := slices.DeleteFunc(all, func(k persist.AccessKey) bool { return k.Revoked != 0 })
	if slices.EqualFunc(valid, v.keys, func(a, b persist.AccessKey) bool { return a.ID == b.ID }) {
		return nil
	}
	keys := make([]httpd.Key, 0, len(valid))
	for i := range valid {
		k := &valid[i]
		role, ok := httpd.ParseRole(k.Role)
		if !ok {
			v.logs.Main.Warn("an access key is of a role that this program does not know", "key", k.ID)
			continue
		}
		keys = append(keys, httpd.Key{
			ID: k.ID, Hash: k.Hash, Name: k.Name, Role: role, Accounts: k.Accounts,
		})
	}
	v.keys = valid
	v.http.SetKeys(keys)
	v.logs.Main.Info("access keys", "valid", len(keys))
	return nil
}

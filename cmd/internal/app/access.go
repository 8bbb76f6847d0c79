package app

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"tradingengine/cmd/internal/config"
	"tradingengine/httpd"
	"tradingengine/persist"
)

// keysEvery is how soon a server knows of keys that were made or revoked beside it.
const keysEvery = time.Second

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
	v.keyed = open || c.RequireKeys
	if !open || c.InsecureHTTP {
		return nil
	}
	return fmt.Errorf("%w: -addr %s can be reached from other machines, and keys and orders would "+
		"pass in the clear; use localhost, or say -insecure-http", config.ErrUsage, c.Addr)
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

// watchKeys looks for changed keys until ctx ends. What cannot be read stays as it was: a disk that
// fails for a moment must lock nobody out.
func (v *server) watchKeys(ctx context.Context) {
	ticker := time.NewTicker(keysEvery)
	defer ticker.Stop()
	failing := false
	for v.keyed {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := v.readKeys(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			v.logs.Main.Warn("the access keys cannot be read; those known stay valid", "reason", err)
		}
		failing = err != nil
	}
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

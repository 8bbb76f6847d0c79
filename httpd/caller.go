package httpd

import (
	"slices"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"tradingengine/core/trading"
)

// Role is what a key is for.
type Role uint8

// The roles. Each of RoleRead, RoleTrade and RoleAdmin may do what the one before may.
const (
	RoleIngest Role = iota + 1 // To send quotes.
	RoleRead                   // To read the market and the server's figures.
	RoleTrade                  // To trade on its accounts.
	RoleAdmin                  // Everything.
)

var roleNames = [...]string{"none", "ingest", "read", "trade", "admin"}

// String returns the name that people know.
func (r Role) String() string { return roleNames[r] }

// ParseRole reads a name.
func ParseRole(name string) (r Role, ok bool) {
	i := slices.Index(roleNames[RoleIngest:], name)
	return Role(i + int(RoleIngest)), i >= 0
}

// may reports whether a role may use the routes of an access.
func (r Role) may(a access) bool {
	switch a {
	case forAnyone:
		return true
	case forSenders:
		return r == RoleIngest || r == RoleAdmin
	case forReaders:
		return r >= RoleRead
	case forTraders:
		return r >= RoleTrade
	}
	return r == RoleAdmin
}

// caller is who sends a request and what that one may do. But for its budgets and revoked it never
// changes, so handlers may keep it for longer than the request, and give it to other goroutines.
//
// What a caller may not use must be answered exactly as what does not exist, 404, or answers would
// tell which ids there are. So a handler asks mayUse where it finds the account, order or position,
// and takes the same way out for both.
type caller struct {
	id   int64 // Of its key, never used twice; 0 for whoever needs none.
	name string
	role Role
	// accounts are those of a trader, the one that is meant when none is named first.
	accounts []trading.AccountID
	spent    budgets
	revoked  atomic.Bool // Since when it is let in no more.
}

// anybody may do everything, where no key is asked for.
var anybody = caller{role: RoleAdmin}

// callerName is where a request keeps its caller.
type callerName struct{}

// callerOf returns who sent a request that was let in.
func callerOf(ctx *fasthttp.RequestCtx) *caller {
	if c, ok := ctx.UserValue(callerName{}).(*caller); ok {
		return c
	}
	return &anybody
}

// everything reports whether a caller may use all accounts and what belongs to none.
func (c *caller) everything() bool { return c.role == RoleAdmin }

// mayUse reports whether an account is one of the caller's; 0 stands for the whole server.
func (c *caller) mayUse(id trading.AccountID) bool {
	return c.everything() || slices.Contains(c.accounts, id)
}

// home is the account that is meant when a request names none.
func (c *caller) home() trading.AccountID {
	if len(c.accounts) > 0 {
		return c.accounts[0]
	}
	return 1
}

// listed returns the accounts of which a list shows rows when a request asks for an account, which
// is 0 when it names none. Account 0 in the answer stands for all accounts together.
func (c *caller) listed(asked trading.AccountID) []trading.AccountID {
	if asked != 0 || c.everything() {
		return []trading.AccountID{asked}
	}
	return c.accounts
}

// position returns an open position that the caller may use.
func (c *caller) position(m *trading.Machine, id trading.PositionID) (trading.PositionView, bool) {
	p, ok := m.Position(id)
	return p, ok && c.mayUse(p.Account)
}

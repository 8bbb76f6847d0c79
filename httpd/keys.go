package httpd

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"maps"
	"net"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"tradingengine/core/trading"
)

// keyPrefix begins every key, so that people and programs that look for secrets know one.
const keyPrefix = "ek_"

// keyBytes is how many random bytes a key has.
const keyBytes = 32

// Key is an access key as the server knows it: not the key itself.
type Key struct {
	ID       int64    // Never used twice.
	Hash     [32]byte // SHA-256 of the key.
	Name     string
	Role     Role
	Accounts []trading.AccountID // Of RoleTrade, at least one.
}

// NewKey makes a key, and the hash by which it is known.
func NewKey() (text string, hash [32]byte) {
	var random [keyBytes]byte
	_, _ = rand.Read(random[:]) // It never fails.
	text = keyPrefix + hex.EncodeToString(random[:])
	return text, sha256.Sum256([]byte(text))
}

// keyring are the keys that are valid now. Any goroutine may read it; one replaces it.
//
// A key is looked up by half of its hash, and the whole hash is compared in constant time. The time
// of the look-up tells nothing: it depends on the hash of what was sent, which nobody can choose.
type keyring struct {
	table atomic.Pointer[keyTable]
}

type keyTable map[[16]byte]*heldKey

type heldKey struct {
	hash   [32]byte
	caller *caller
}

// find returns whose key a text is, nil when it is nobody's.
func (k *keyring) find(text []byte) *caller {
	table := k.table.Load()
	if table == nil {
		return nil
	}
	hash := sha256.Sum256(text)
	held := (*table)[[16]byte(hash[:16])]
	if held == nil || subtle.ConstantTimeCompare(held.hash[:], hash[:]) != 1 {
		return nil
	}
	return held.caller
}

// set replaces all keys. A key that stays keeps its caller. It returns the callers that are gone.
func (k *keyring) set(keys []Key) (gone []*caller) {
	old := k.table.Load()
	if old == nil {
		old = &keyTable{}
	}
	before, table := maps.Clone(*old), make(keyTable, len(keys))
	for i := range keys {
		key := &keys[i]
		at := [16]byte(key.Hash[:16])
		held := before[at]
		if held == nil || held.caller.id != key.ID {
			held = &heldKey{key.Hash, &caller{
				id: key.ID, name: key.Name, role: key.Role, accounts: key.Accounts,
			}}
		} else {
			delete(before, at)
		}
		table[at] = held
	}
	k.table.Store(&table)
	for _, held := range before {
		gone = append(gone, held.caller)
	}
	return gone
}

// SetKeys says which keys are valid from now on, and ends the sessions of those that are no more.
// Only one goroutine may call it at a time.
func (s *Server) SetKeys(keys []Key) {
	gone := s.keys.set(keys)
	for _, c := range gone {
		c.revoked.Store(true)
	}
	if len(gone) > 0 {
		s.hub.expel()
	}
}

// Faults of a request that is not let in.
var (
	keyRequired    = fault{401, "KEY_REQUIRED", "Key required", 0}
	badAccessKey   = fault{401, "BAD_KEY", "Bad key", 0}
	roleNotAllowed = fault{403, "ROLE_NOT_ALLOWED", "Role not allowed", 0}
)

func unknownKey() *problem {
	return badAccessKey.because("there is no such key, or it was revoked; it is given once, in the " +
		"header Authorization: Bearer KEY")
}

func roleProblem(who *caller) *problem {
	return roleNotAllowed.because("a key of the role " + who.role.String() + " may not do this")
}

// letIn finds out who sends a request and whether that one may use the route.
func (s *Server) letIn(ctx *fasthttp.RequestCtx, r *route) error {
	if !s.opts.RequireKeys || r.access == forAnyone {
		return nil
	}
	who, err := s.identify(ctx, r)
	if err != nil {
		ctx.Response.Header.Set("WWW-Authenticate", "Bearer")
		return err
	}
	ctx.SetUserValue(callerName{}, who)
	if who == &stranger {
		return nil
	}
	if !who.role.may(r.access) {
		return roleProblem(who)
	}
	return s.charge(ctx, r, who)
}

// identify finds out whose key a request names. A WebSocket may name none yet.
func (s *Server) identify(ctx *fasthttp.RequestCtx, r *route) (*caller, error) {
	key, given := bearerKey(&ctx.Request.Header)
	switch {
	case !given && r.socket:
		return &stranger, nil
	case !given:
		return nil, keyRequired.because("this needs a key, in the header Authorization: Bearer KEY")
	}
	who, p := s.whose(key, ctx.RemoteAddr())
	if p != nil {
		return nil, p
	}
	return who, nil
}

// bearerKey is the key in a header, nil for one that is given in another way than once, as Bearer.
func bearerKey(h *fasthttp.RequestHeader) (key []byte, given bool) {
	lines := h.PeekAll(fasthttp.HeaderAuthorization)
	if len(lines) != 1 {
		return nil, len(lines) > 0
	}
	scheme, key, _ := bytes.Cut(lines[0], []byte{' '})
	if !bytes.EqualFold(scheme, []byte("Bearer")) {
		return nil, true
	}
	return bytes.Trim(key, " \t"), true
}

// whose finds out whose key a text is that came from an address. Wrong keys are counted.
func (s *Server) whose(key []byte, from net.Addr) (*caller, *problem) {
	if who := s.keys.find(key); who != nil {
		return who, nil
	}
	if wait := s.failures.note(from, &s.allowances.failures, s.opts.clock()); wait > 0 {
		return nil, tooManyFailures.after(wait, "too many wrong keys came from this address")
	}
	return nil, unknownKey()
}

// knows reports whether a request may send a long body: whoever has no key must not make the server
// keep room for one.
func (s *Server) knows(h *fasthttp.RequestHeader) bool {
	if !s.opts.RequireKeys {
		return true
	}
	key, _ := bearerKey(h)
	return s.keys.find(key) != nil
}

package httpd

import (
	"fmt"
	"strings"
	"testing"

	"tradingengine/core/trading"
)

// keyedMarket is a market with trading where keys are asked for. There are accounts 1 to 4 and a key
// of each role; the one called trader has accounts 2 and 3, other has 4.
type keyedMarket struct {
	*testMarket
	texts map[string]string // Keys by name.
	keys  []Key
}

func newKeyedMarket(t testing.TB, o marketOptions) *keyedMarket {
	t.Helper()
	server := o.server
	o.server = func(so *Options) {
		so.RequireKeys = true
		so.Limits.KeyRequests, so.Limits.KeyCancels = -1, -1
		if server != nil {
			server(so)
		}
	}
	o.desk = true
	m := &keyedMarket{newTestMarket(t, o), map[string]string{}, nil}
	m.addKey("ingest", RoleIngest)
	m.addKey("read", RoleRead)
	m.addKey("trader", RoleTrade, 2, 3)
	m.addKey("other", RoleTrade, 4)
	m.addKey("admin", RoleAdmin)
	m.as("ingest", 200, "POST", "/ticks",
		fmt.Sprintf(`{"symbol":"EURUSD","bid":1.1,"ask":1.1001,"time":%d}`, testNow))
	for range 3 {
		m.as("admin", 201, "POST", "/api/accounts", `{"currency":"USD","deposit":1000000}`)
	}
	return m
}

// addKey makes a key valid.
func (m *keyedMarket) addKey(name string, role Role, accounts ...trading.AccountID) {
	text, hash := NewKey()
	m.texts[name] = text
	m.keys = append(m.keys, Key{
		ID: int64(len(m.keys) + 1), Hash: hash, Name: name, Role: role, Accounts: accounts,
	})
	m.server.SetKeys(m.keys)
}

// send sends a request with a key; "" sends it without.
func (m *keyedMarket) send(key, method, path, body string, headers ...string) answer {
	m.t.Helper()
	headers = append([]string{"Content-Type", jsonType}, headers...)
	if key != "" {
		headers = append(headers, "Authorization", "Bearer "+m.texts[key])
	}
	return m.do(method, path, body, headers...)
}

// as is send that expects a status.
func (m *keyedMarket) as(key string, status int, method, path, body string, headers ...string) string {
	m.t.Helper()
	a := m.send(key, method, path, body, headers...)
	if a.status != status {
		m.t.Fatalf("%s: %s %s %s: got %d %s, want %d", key, method, path, body, a.status, a.body, status)
	}
	return a.body
}

// TestAccountsApart: a trader sees and does nothing outside of its accounts, and what is not named
// is its own.
func TestAccountsApart(t *testing.T) {
	m := newKeyedMarket(t, marketOptions{})
	order := `{"accountId":%d,"clientOrderId":"c","symbol":"EURUSD","side":"BUY","type":"MARKET","volume":0.01}`
	for id := 2; id <= 4; id++ {
		m.as("admin", 201, "POST", "/api/orders", fmt.Sprintf(order, id))
	}
	for _, path := range []string{
		"/api/orders", "/api/positions", "/api/trades", "/api/ledger", "/api/events", "/api/accounts",
	} {
		body := m.as("trader", 200, "GET", path, "")
		has(t, body, `"accountId":2`, `"accountId":3`)
		if strings.Contains(body, `"accountId":4`) || strings.Contains(body, `"accountId":1,`) ||
			strings.Contains(body, "house:USD\",\"counterAccount") {
			t.Errorf("GET %s shows what belongs to others:\n%s", path, body)
		}
		has(t, m.as("admin", 200, "GET", path, ""), `"accountId":4`)
	}
	// Rows of several accounts come in one order, and a cursor pages through them.
	seqs := ""
	for cursor, n := "0", 0; n < 20; n++ {
		row := m.as("trader", 200, "GET", "/api/events?limit=1&since="+cursor, "")
		_, rest, more := strings.Cut(row, `"seq":`)
		if !more {
			break
		}
		cursor, _, _ = strings.Cut(rest, ",")
		seqs += cursor + " "
	}
	if want := "3 4 5 6 9 10 11 12 13 14 "; seqs != want {
		t.Errorf("paging through the events of accounts 2 and 3: got %s, want %s", seqs, want)
	}
	has(t, m.as("trader", 200, "GET", "/api/account/summary", ""), `"accountId":2`)
	has(t, m.as("other", 200, "GET", "/api/account/summary", ""), `"accountId":4`)
	has(t, m.as("other", 201, "POST", "/api/orders/market", `{"symbol":"EURUSD","side":"BUY","volume":0.01}`),
		`"accountId":4`)
	has(t, m.as("other", 200, "GET", "/api/orders/@c", ""), `"accountId":4`)
	has(t, m.as("trader", 200, "POST", "/api/positions/close", `{"type":"ALL"}`), `"accountId":2`)
	has(t, m.as("other", 200, "GET", "/api/positions", ""), `"accountId":4`)
}

// TestKeysOfRequestsApart: the same Idempotency-Key of two callers is two keys, and the
// clientOrderId of a foreign account tells nothing.
func TestKeysOfRequestsApart(t *testing.T) {
	m := newKeyedMarket(t, marketOptions{})
	place := func(key string, status int, body string) string {
		t.Helper()
		return m.as(key, status, "POST", "/api/orders", body, "Idempotency-Key", "one")
	}
	const order = `{"symbol":"EURUSD","side":"BUY","type":"MARKET","volume":0.01}`
	first := place("trader", 201, order)
	has(t, first, `"accountId":2`)
	has(t, place("other", 201, order), `"accountId":4`) // Not the answer of the first.
	if again := place("trader", 201, order); again != first {
		t.Errorf("got %s, want %s", again, first)
	}
	has(t, place("admin", 201, order), `"accountId":1`)
	// A key that was used says so to its owner alone.
	other := strings.Replace(order, "BUY", "SELL", 1)
	has(t, place("trader", 422, other), `"code":"IDEMPOTENCY_KEY_REUSED"`)
	m.addKey("fresh", RoleTrade, 4)
	place("fresh", 201, other)

	mine := `{"accountId":2,"clientOrderId":"c",` + order[1:]
	m.as("trader", 201, "POST", "/api/orders", mine)
	has(t, m.as("other", 404, "POST", "/api/orders", mine), `"code":"UNKNOWN_ACCOUNT"`)
	foreign := m.as("other", 404, "GET", "/api/orders/@c?accountId=2", "")
	if nobody := m.as("other", 404, "GET", "/api/orders/@c?accountId=99", ""); strings.ReplaceAll(nobody,
		"99", "2") != foreign {
		t.Errorf("a foreign order answers %s, one of nobody %s", foreign, nobody)
	}
}

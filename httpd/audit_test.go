package httpd

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// auditLine is a line of the audit log, as programs read it.
type auditLine struct {
	Time, ID, Name, Role, Address, Method, Route, Path, Code string
	Key, Account                                             int64
	Status                                                   int
}

// TestAudit: what stands in the audit log of what was done and what was refused.
//
// It was seen to find refusals of keys that are left out, and deals without their accounts.
func TestAudit(t *testing.T) {
	log := &logText{}
	m := newKeyedMarket(t, marketOptions{server: func(o *Options) { o.Audit = log }})
	start := len(log.String())
	m.texts["wrong"], _ = NewKey()
	f := func(key string, status int, method, path, body string, want string) {
		t.Helper()
		before := len(log.String())
		a := m.send(key, method, path, body)
		line := log.String()[before:]
		var got auditLine
		if err := json.Unmarshal([]byte(line), &got); err != nil || strings.Count(line, "\n") != 1 {
			t.Fatalf("%s %s: the line %q: %v", method, path, line, err)
		}
		text := fmt.Sprintf("%d %s %s account %d: %d %s", got.Key, got.Role, got.Route, got.Account, got.Status,
			got.Code)
		if text != want || a.status != status || got.ID == "" || got.ID != a.header.Get(requestHeader) ||
			got.Address != "127.0.0.1" || got.Method != method || got.Time == "" {
			t.Errorf("%s %s: got %d %s\n%s\n%s want\n%s", method, path, a.status, a.body, line, text, want)
		}
	}
	const order = `{"symbol":"EURUSD","side":"BUY","type":"LIMIT","price":1.05,"volume":0.01}`
	f("trader", 201, "POST", "/api/orders", order, "3 trade /api/orders account 2: 201 ")
	f("admin", 200, "PATCH", "/api/orders/1", `{"price":1.06}`,
		"5 admin /api/orders/{orderId} account 2: 200 ")
	f("admin", 200, "DELETE", "/api/orders/1", "", "5 admin /api/orders/{orderId} account 2: 200 ")
	f("trader", 409, "DELETE", "/api/orders/1", "",
		"3 trade /api/orders/{orderId} account 0: 409 ORDER_NOT_OPEN")
	f("other", 201, "POST", "/api/orders/market", `{"symbol":"EURUSD","side":"BUY","volume":0.01}`,
		"4 trade /api/orders/market account 4: 201 ")
	f("admin", 201, "POST", "/api/positions/1/close", "",
		"5 admin /api/positions/{positionId}/close account 4: 201 ")
	f("other", 422, "POST", "/api/orders/market", `{"symbol":"EURUSD","side":"BUY","volume":9999999}`,
		"4 trade /api/orders/market account 4: 422 VOLUME_MAX")
	f("trader", 404, "POST", "/api/orders", `{"accountId":4,`+order[1:],
		"3 trade /api/orders account 4: 404 UNKNOWN_ACCOUNT")
	f("trader", 403, "POST", "/api/accounts/2/transfers", `{"type":"DEPOSIT","amount":1}`,
		"3 trade /api/accounts/{accountId}/transfers account 0: 403 ROLE_NOT_ALLOWED")
	f("", 401, "POST", "/api/orders", order, "0 none /api/orders account 0: 401 KEY_REQUIRED")
	f("wrong", 401, "POST", "/api/orders", order, "0 none /api/orders account 0: 401 BAD_KEY")
	f("admin", 201, "POST", "/api/accounts/2/transfers", `{"type":"DEPOSIT","amount":1}`,
		"5 admin /api/accounts/{accountId}/transfers account 2: 201 ")
	f("trader", 404, "DELETE", "/api/orders/"+m.texts["trader"], "",
		"3 trade /api/orders/{orderId} account 0: 404 UNKNOWN_ORDER")
	for _, key := range m.texts {
		if strings.Contains(log.String(), key[:len(key)/2]) {
			t.Error("a key stands in the audit log")
		}
	}
	if strings.Contains(log.String(), "EURUSD") {
		t.Error("a body stands in the audit log")
	}
	lines := strings.Count(log.String()[start:], "\n")
	m.as("trader", 200, "GET", "/api/orders", "")
	m.as("ingest", 200, "POST", "/ticks", `{"symbol":"EURUSD","bid":1.1,"ask":1.1001}`)
	if got := strings.Count(log.String()[start:], "\n"); got != lines {
		t.Errorf("reads and quotes left %d lines", got-lines)
	}
}

type brokenFile struct{}

func (brokenFile) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestAuditFull: nobody is kept from trading when the audit log cannot be written, which is counted
// and logged once.
func TestAuditFull(t *testing.T) {
	m := newTradeMarket(t, marketOptions{server: func(o *Options) { o.Audit = brokenFile{} }})
	for range 3 {
		m.ask(201, "POST", "/api/orders", marketOrder)
	}
	has(t, m.get("/metrics").body, "engine_audit_lost_total 3")
	if got := strings.Count(m.log.String(), "the audit log cannot be written"); got != 1 {
		t.Errorf("logged %d times", got)
	}
}

package httpd

import (
	"fmt"
	"testing"
)

// TestTradeOldClientIDs: what the machine has forgotten of the ids of closed orders changes nothing
// for clients. It was seen to find an order that was refused for an id and got it.
func TestTradeOldClientIDs(t *testing.T) {
	m := newTradeMarket(t, marketOptions{clientsMax: 1})
	order := func(id, fields string) string { return eurusd001(`"clientOrderId":"` + id + `",` + fields) }
	first := m.ask(201, "POST", "/api/orders", order("plain", `"type":"MARKET"`))
	m.ask(422, "POST", "/api/orders", order("refused", `"type":"LIMIT"`))
	m.ask(201, "POST", "/api/orders/batch",
		`{"orders":[`+order("listed-1", `"type":"MARKET"`)+`,`+order("listed-2", `"type":"MARKET"`)+`]}`)
	m.ask(422, "POST", "/api/orders/batch",
		`{"orders":[`+order("bad-1", `"type":"MARKET"`)+`,`+order("bad-2", `"type":"LIMIT"`)+`]}`)
	m.ask(201, "POST", "/api/orders", order("canceled", waitingBuy))
	m.ask(200, "DELETE", "/api/orders/@canceled", "")
	m.ask(201, "POST", "/api/orders", order("waiting", waitingBuy))
	for i := range 3 {
		m.ask(201, "POST", "/api/orders", order(fmt.Sprint("later-", i), `"type":"MARKET"`))
	}
	for i, c := range []struct{ id, status string }{
		{"plain", "FILLED"},
		{"refused", "REJECTED"},
		{"listed-1", "FILLED"},
		{"listed-2", "FILLED"},
		{"bad-1", "REJECTED"},
		{"bad-2", "REJECTED"},
		{"canceled", "CANCELED"},
		{"waiting", "PENDING"},
		{"later-0", "FILLED"},
		{"later-2", "FILLED"},
	} {
		has(t, m.ask(200, "GET", "/api/orders/@"+c.id, ""), `"clientOrderId":"`+c.id+`"`,
			`"status":"`+c.status+`"`)
		if i < 7 {
			has(t, m.ask(409, "DELETE", "/api/orders/@"+c.id, ""), `"code":"ORDER_NOT_OPEN"`)
			has(t, m.ask(409, "PATCH", "/api/orders/@"+c.id, `{"price":1.04}`), c.status)
			has(t, m.ask(422, "POST", "/api/orders", order(c.id, `"type":"MARKET","reduceOnly":true`)),
				`"code":"DUPLICATE_CLIENT_ORDER_ID"`, `"status":"REJECTED"`)
			// The first use still has the id.
			has(t, m.ask(200, "GET", "/api/orders/@"+c.id, ""), `"status":"`+c.status+`"`)
		}
	}
	list := m.ask(422, "POST", "/api/orders/batch", `{"orders":[`+order("fresh", `"type":"MARKET"`)+`,`+
		order("plain", waitingBuy)+`]}`)
	has(t, list, `"index":1`, `"code":"DUPLICATE_CLIENT_ORDER_ID"`, `"code":"LIST_REFUSED"`)
	if again := m.ask(201, "POST", "/api/orders", order("plain", `"type":"MARKET"`)); again != first {
		t.Errorf("again: %s, want %s", again, first)
	}
	m.ask(200, "PATCH", "/api/orders/@waiting", `{"price":1.04}`)
	has(t, m.ask(404, "GET", "/api/orders/@never", ""), `no order with the clientOrderId \"never\"`)
	has(t, m.ask(404, "DELETE", "/api/orders/@never", ""), `no order with the clientOrderId \"never\"`)
	has(t, m.ask(404, "GET", "/api/orders/@plain?accountId=2", ""), `"code":"UNKNOWN_`)
	has(t, m.ask(200, "POST", "/api/verify", ""), `"ok":true`)
}

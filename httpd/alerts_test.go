package httpd

import (
	"fmt"
	"strings"
	"testing"
)

const aboveRule = `{"kind":"PRICE_ABOVE","symbol":"EURUSD","threshold":1.10200,"severity":"HIGH"}`

// TestAlerts goes through the life of a rule and of what it fires.
func TestAlerts(t *testing.T) {
	m := newTradeMarket(t, marketOptions{})
	has(t, m.ask(201, "POST", "/api/alerts/rules", aboveRule), `{"id":2,"revision":1,"name":"",`,
		`"kind":"PRICE_ABOVE","symbol":"EURUSD","price":"bid","threshold":1.10200,"frequency":"ONCE"`,
		`"severity":"HIGH","channels":["websocket"],"enabled":true`, `"status":"ARMED","fires":0}`)
	m.quote("EURUSD", "1.10199", "1.10201")
	if got := m.ask(200, "GET", "/api/alerts", ""); got != "[]\n" {
		t.Errorf("below the threshold: %s", got)
	}
	m.quote("EURUSD", "1.10201", "1.10203")
	list := m.ask(200, "GET", "/api/alerts?status=OPEN", "")
	has(t, list, "[\n{\"id\":\"", `"ruleId":2`, `"title":"EURUSD bid 1.10201 at or above 1.10200"`,
		`"value":1.10201,"threshold":1.10200,"quoteSymbol":"EURUSD","quoteTime":`, "}\n]\n")
	id := strings.Split(list, `"`)[3]
	has(t, m.ask(200, "GET", "/api/alerts/rules/2", ""), `"status":"FIRED","fires":1,"lastFiredAt":"`)

	path := "/api/alerts/" + id
	has(t, m.ask(200, "POST", path+"/acknowledge", ""), `"status":"ACKNOWLEDGED"`)
	has(t, m.ask(200, "POST", path+"/snooze", `{"minutes":30}`), `"status":"SNOOZED"`, `"snoozedUntil":"`)
	has(t, m.ask(200, "GET", path, ""), `"status":"SNOOZED"`)
	has(t, m.ask(200, "POST", path+"/resolve", ""), `"status":"RESOLVED"`)
	has(t, m.ask(409, "POST", path+"/acknowledge", ""), `"code":"ALERT_RESOLVED"`)
	if got := m.ask(200, "GET", "/api/alerts?status=open", ""); got != "[]\n" {
		t.Errorf("resolved, but open: %s", got)
	}
	has(t, m.ask(200, "GET", "/api/alerts?status=RESOLVED&since=2000-01-01T00:00:00Z", ""), id)
	if got := m.ask(200, "GET", "/api/alerts?since=2100-01-01T00:00:00Z", ""); got != "[]\n" {
		t.Errorf("made later than it was: %s", got)
	}

	has(t, m.ask(200, "PATCH", "/api/alerts/rules/2", `{"threshold":1.5,"frequency":"EVERY_CROSS",`+
		`"hysteresis":"0.00010","name":"high","cooldownSeconds":null,"channels":["log","webhook"]}`),
		`"revision":2,"name":"high"`, `"threshold":1.50000,"hysteresis":0.00010,`,
		`"cooldownSeconds":300`, `"channels":["webhook","log"]`, `"status":"ARMED"`)
	has(t, m.ask(200, "POST", "/api/alerts/rules/2/test", ""), `"test":true`, `"status":"FIRED"`)
	rules := m.ask(200, "GET", "/api/alerts/rules", "")
	has(t, rules, `{"id":1,"revision":1,"name":"built-in checks","kind":"SYSTEM"`, `{"id":2,`)
	if n := strings.Count(rules, "\n"); n != 4 {
		t.Errorf("two rules on %d lines:\n%s", n, rules)
	}
	has(t, m.ask(200, "GET", "/api/alerts/rules?cursor=1&limit=1", ""), `{"id":2,`)
	has(t, m.ask(200, "DELETE", "/api/alerts/rules/2", ""), `"name":"high"`)
	has(t, m.ask(404, "GET", "/api/alerts/rules/2", ""), `"code":"UNKNOWN_RULE"`)
	has(t, m.ask(201, "POST", "/api/alerts/rules", aboveRule), `{"id":3,`)
}

// TestAlertRefusals: what is refused, with which code, and that it changes nothing.
func TestAlertRefusals(t *testing.T) {
	m := newTradeMarket(t, marketOptions{})
	f := func(status int, code, method, path, body string) {
		t.Helper()
		has(t, m.ask(status, method, "/api/alerts"+path, body), `"code":"`+code+`"`)
	}
	rule := func(status int, code, fields string) {
		t.Helper()
		f(status, code, "POST", "/rules", "{"+fields+"}")
	}
	price := `"kind":"PRICE_ABOVE","symbol":"EURUSD",`
	rule(400, "MISSING_FIELD", ``)
	rule(400, "BAD_FIELD", `"kind":"PRICE"`)
	rule(400, "MISSING_FIELD", `"kind":"PRICE_ABOVE"`)
	rule(404, "UNKNOWN_SYMBOL", `"kind":"PRICE_ABOVE","symbol":"EURUSX","threshold":1`)
	rule(404, "UNKNOWN_ACCOUNT", `"kind":"EQUITY_BELOW","accountId":77,"threshold":1`)
	rule(400, "UNKNOWN_FIELD", price+`"treshold":1`)
	rule(400, "DUPLICATE_FIELD", price+`"threshold":1,"threshold":2`)
	rule(400, "BAD_NUMBER", price+`"threshold":1e5`)
	rule(422, "FIELD_REQUIRED", price+`"name":"n"`)
	rule(422, "THRESHOLD", price+`"threshold":1.123456`)
	rule(422, "THRESHOLD", price+`"threshold":-1`)
	rule(422, "THRESHOLD", `"kind":"DRAWDOWN_ABOVE","accountId":1,"threshold":100.01`)
	rule(422, "HYSTERESIS", price+`"threshold":1,"hysteresis":0.1`)
	rule(422, "HYSTERESIS", price+`"threshold":1,"hysteresis":-0.1,"frequency":"EVERY_CROSS"`)
	rule(422, "FIELD_NOT_ALLOWED", price+`"threshold":1,"windowSeconds":5`)
	rule(422, "FIELD_NOT_ALLOWED", `"kind":"ORDER_EVENT","threshold":5`)
	rule(422, "WINDOW", `"kind":"PRICE_MOVE","symbol":"EURUSD","threshold":1,"windowSeconds":86401`)
	rule(422, "COOLDOWN", price+`"threshold":1,"cooldownSeconds":2592001`)
	rule(422, "NAME", price+`"threshold":1,"name":"`+strings.Repeat("n", 101)+`"`)
	rule(422, "EXPIRED", price+`"threshold":1,"expireAt":"2001-01-01T00:00:00Z"`)
	rule(422, "BUILT_IN", `"kind":"SYSTEM"`)
	rule(400, "BAD_FIELD", price+`"threshold":1,"channels":[]`)
	rule(400, "BAD_FIELD", price+`"threshold":1,"channels":["log","log"]`)
	rule(400, "BAD_FIELD", price+`"threshold":1,"channels":["mail"]`)
	rule(400, "BAD_FIELD", price+`"threshold":1,"severity":"huge"`)
	rule(400, "BAD_FIELD", `"kind":"ORDER_EVENT","events":["PLACED"]`)
	rule(400, "BAD_FIELD", price+`"threshold":1,"price":"last"`)
	f(400, "EMPTY_BODY", "POST", "/rules", "")
	f(404, "UNKNOWN_RULE", "GET", "/rules/2", "")
	f(404, "UNKNOWN_RULE", "GET", "/rules/x", "")
	f(404, "UNKNOWN_RULE", "POST", "/rules/2/test", "")
	f(400, "BAD_FIELD", "PATCH", "/rules/1", `{"kind":"PRICE_ABOVE"}`)
	f(422, "BUILT_IN", "PATCH", "/rules/1", `{"severity":"LOW"}`)
	f(422, "BUILT_IN", "DELETE", "/rules/1", "")
	f(404, "UNKNOWN_ALERT", "POST", "/x/resolve", "")
	f(404, "UNKNOWN_ALERT", "GET", "/0123456789abcdef0123456789abcdef", "")
	f(400, "BAD_PARAMETER", "GET", "?status=ARMED", "")
	f(404, "UNKNOWN_ACCOUNT", "GET", "?accountId=9", "")
	m.ask(201, "POST", "/api/alerts/rules", aboveRule)
	m.quote("EURUSD", "1.2", "1.2")
	id := strings.Split(m.ask(200, "GET", "/api/alerts", ""), `"`)[3]
	f(400, "MISSING_FIELD", "POST", "/"+id+"/snooze", "{}")
	f(400, "BAD_NUMBER", "POST", "/"+id+"/snooze", `{"minutes":0}`)
	f(400, "BAD_NUMBER", "POST", "/"+id+"/snooze", `{"minutes":10081}`)
	has(t, m.ask(200, "GET", "/api/alerts/"+id, ""), `"status":"FIRED"`)
	if got := strings.Count(m.ask(200, "GET", "/api/alerts/rules", ""), "\n"); got != 4 {
		t.Errorf("%d lines of rules; want 4", got)
	}
}

// TestAlertsOfCallers: a trader has the rules and alerts of its accounts, and rules without an
// account are the administrator's.
func TestAlertsOfCallers(t *testing.T) {
	m := newKeyedMarket(t, marketOptions{})
	all := m.as("admin", 201, "POST", "/api/alerts/rules", aboveRule)
	mine := m.as("trader", 201, "POST", "/api/alerts/rules", aboveRule)
	has(t, mine, `"id":3`, `"accountId":2`)
	if strings.Contains(all, "accountId") {
		t.Errorf("a rule of no account: %s", all)
	}
	m.as("trader", 404, "POST", "/api/alerts/rules", strings.Replace(aboveRule, "{", `{"accountId":4,`, 1))
	m.as("other", 404, "GET", "/api/alerts/rules/3", "")
	m.as("other", 404, "PATCH", "/api/alerts/rules/3", `{"enabled":false}`)
	m.as("other", 404, "DELETE", "/api/alerts/rules/3", "")
	m.as("other", 404, "POST", "/api/alerts/rules/3/test", "")
	m.as("trader", 404, "GET", "/api/alerts/rules/2", "")
	m.as("trader", 404, "GET", "/api/alerts/rules/1", "")
	m.as("read", 403, "GET", "/api/alerts", "")
	m.as("ingest", 403, "POST", "/api/alerts/rules", aboveRule)
	m.as("ingest", 200, "POST", "/ticks", fmt.Sprintf(`{"symbol":"EURUSD","bid":1.103,"ask":1.103,"time":%d}`,
		testNow+1))
	if n := strings.Count(m.as("admin", 200, "GET", "/api/alerts", ""), `"ruleId"`); n != 2 {
		t.Errorf("the administrator sees %d alerts; want 2", n)
	}
	list := m.as("trader", 200, "GET", "/api/alerts", "")
	if n := strings.Count(list, `"ruleId"`); n != 1 {
		t.Errorf("the trader sees %d alerts; want 1", n)
	}
	if got := m.as("other", 200, "GET", "/api/alerts", ""); got != "[]\n" {
		t.Errorf("another trader sees %s", got)
	}
	id := strings.Split(list, `"`)[3]
	m.as("other", 404, "POST", "/api/alerts/"+id+"/resolve", "")
	m.as("trader", 200, "POST", "/api/alerts/"+id+"/resolve", "")
}

// TestAlertStream: subscribers are told of what fires and of what becomes of it, once it is
// committed, and of nothing else.
func TestAlertStream(t *testing.T) {
	m := newTradeMarket(t, marketOptions{})
	c := m.accountClient()
	c.send(`{"type":"subscribe","channel":"alerts","symbols":["EURUSD"]}`)
	has(t, c.next(), `"code":"BAD_MESSAGE"`)
	c.send(`{"type":"subscribe","channel":"alerts","since":1}`)
	has(t, c.next(), `"code":"NOT_RESUMABLE"`)
	c.send(`{"type":"subscribe","channel":"alerts"}`)
	c.expect(`{"type":"subscribed","channel":"alerts"}`)
	m.ask(201, "POST", "/api/alerts/rules", aboveRule)
	m.ask(201, "POST", "/api/alerts/rules", strings.Replace(aboveRule, "{", `{"channels":["log"],`, 1))
	release := m.journal.holdCommits()
	defer release()
	m.ask(202, "POST", "/ticks?ack=accept", fmt.Sprintf(
		`{"symbol":"EURUSD","bid":1.103,"ask":1.103,"time":%d}`, m.clock.Add(1000)))
	c.send(`{"type":"ping","timestamp":1}`)
	c.expect(`{"type":"pong","timestamp":1}`)
	release()
	fired := c.next()
	has(t, fired, `{"type":"alert","alert":{"id":"`, `"ruleId":2`, `"status":"FIRED"`, `},"timestamp":1`)
	m.ask(200, "POST", "/api/alerts/"+strings.Split(fired, `"`)[9]+"/resolve", "")
	has(t, c.next(), `"ruleId":2`, `"status":"RESOLVED"`)
	c.send(`{"type":"unsubscribe","channel":"alerts"}`)
	c.expect(`{"type":"unsubscribed","channel":"alerts"}`)
	m.ask(200, "POST", "/api/alerts/rules/2/test", "")
	c.send(`{"type":"ping","timestamp":2}`)
	c.expect(`{"type":"pong","timestamp":2}`)
}

// TestAlertStreamOfCallers: each caller is told of its own accounts.
func TestAlertStreamOfCallers(t *testing.T) {
	m := newKeyedMarket(t, marketOptions{})
	rules := map[string]string{}
	clients := map[string]*accountClient{}
	for _, name := range []string{"admin", "trader", "other"} {
		rules[name] = m.as(name, 201, "POST", "/api/alerts/rules", aboveRule)
		clients[name] = m.accountClient()
		clients[name].send(`{"type":"auth","key":"` + m.texts[name] + `"}`)
		has(t, clients[name].next(), `"authenticated"`)
		clients[name].send(`{"type":"subscribe","channel":"alerts"}`)
		clients[name].expect(`{"type":"subscribed","channel":"alerts"}`)
	}
	for id := 2; id <= 4; id++ {
		m.as("admin", 200, "POST", fmt.Sprintf("/api/alerts/rules/%d/test", id), "")
	}
	for name, ids := range map[string][]int{"admin": {2, 3, 4}, "trader": {3}, "other": {4}} {
		for _, id := range ids {
			has(t, clients[name].next(), fmt.Sprintf(`"ruleId":%d,`, id))
		}
		clients[name].send(`{"type":"ping","timestamp":1}`)
		clients[name].expect(`{"type":"pong","timestamp":1}`)
	}
}

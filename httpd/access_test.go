package httpd

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// accessColumns are the keys that the columns of testdata/access.txt stand for.
var accessColumns = []string{"", "ingest", "read", "trader", "trader", "admin"}

const (
	foreignColumn  = 4
	ownAccount     = 2 // Of the key trader.
	foreignAccount = 4
)

// accessRow is a line of testdata/access.txt.
type accessRow struct {
	method, path string
	cells        []string
	sent         string
}

func readAccess(t *testing.T) (rows []accessRow) {
	t.Helper()
	text, err := os.ReadFile("testdata/access.txt")
	check(t, err)
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		const cells = 2
		if len(fields) < cells+len(accessColumns) {
			t.Fatalf("a line is cut short: %s", line)
		}
		end := cells + len(accessColumns)
		rows = append(rows, accessRow{
			fields[0], fields[1], fields[cells:end], strings.Join(fields[end:], " "),
		})
	}
	return rows
}

// TestAccess sends the request of each cell of testdata/access.txt to a server and compares what it
// may. A route without a line is a failure. And what is refused with 404 must be answered word for
// word as what does not exist, numbers aside.
//
// It was seen to find a route without a line; one that is for the wrong role; a handler that does
// not look at the account of a position, of an order that is open, of one that has ended, of the
// other position of a close-by, of an account in the query, in a body, in a preview and in a list of
// orders; and 404s that tell a foreign order from one that is not there.
func TestAccess(t *testing.T) {
	m := newKeyedMarket(t, marketOptions{server: func(o *Options) {
		o.Pprof, o.Page = true, fstest.MapFS{"index.html": {Data: []byte("page")}}
	}})
	rows := readAccess(t)
	for _, r := range m.server.table {
		if !slices.ContainsFunc(rows, func(a accessRow) bool {
			return a.method == r.method && a.path == r.path
		}) {
			t.Errorf("%s %s has no line in testdata/access.txt", r.method, r.path)
		}
	}
	for i := range rows {
		row := &rows[i]
		if !slices.ContainsFunc(m.server.table, func(r *route) bool {
			return row.method == r.method && row.path == r.path
		}) {
			t.Errorf("there is no route %s %s", row.method, row.path)
			continue
		}
		for column, want := range row.cells {
			m.tryCell(row, column, want)
		}
	}
}

// tryCell sends the request of a cell.
func (m *keyedMarket) tryCell(row *accessRow, column int, want string) {
	m.t.Helper()
	account, elsewhere := ownAccount, foreignAccount
	if column == foreignColumn {
		account, elsewhere = foreignAccount, ownAccount
	}
	if want == "-" {
		return
	}
	path, body := row.request(m.objects(row, account, elsewhere))
	a := m.send(accessColumns[column], row.method, path, body)
	got := "yes"
	if a.status == 401 || a.status == 403 || a.status == 404 {
		got = strconv.Itoa(a.status)
	}
	if got != want {
		m.t.Errorf("%s %s %s, column %d: got %d %s, want %s", row.method, path, body, column+1, a.status,
			a.body, want)
	}
	if want != "404" || column != foreignColumn {
		return
	}
	path, body = row.request(map[string]string{
		"account": "99", "order": "999999", "position": "999999", "opposite": "999998",
		"elsewhere": "999998", "rule": "999999", "alert": strings.Repeat("0", 32),
	})
	missing := m.send(accessColumns[column], row.method, path, body)
	if digits.ReplaceAllString(missing.body, "N") != digits.ReplaceAllString(a.body, "N") {
		m.t.Errorf("%s %s: a foreign one answers\n%s one that is not there\n%s", row.method, row.path,
			a.body, missing.body)
	}
}

var digits = regexp.MustCompile(`\d+`)

// request puts names into what a row sends.
func (r *accessRow) request(names map[string]string) (path, body string) {
	pairs := []string{
		"{accountId}", names["account"], "{orderId}", names["order"], "{positionId}",
		names["position"], "{day}", "2026-01-19", "{ruleId}", names["rule"], "{alertId}", names["alert"],
	}
	for name, value := range names {
		pairs = append(pairs, "{"+name+"}", value)
	}
	fill := strings.NewReplacer(pairs...).Replace
	switch path = fill(r.path); {
	case strings.HasPrefix(r.sent, "?"):
		return path + fill(r.sent), ""
	case strings.HasPrefix(r.sent, "+"):
		return path + r.sent[1:], ""
	}
	return path, fill(r.sent)
}

// objects makes what a row names, in an account, and a position elsewhere.
func (m *keyedMarket) objects(row *accessRow, account, elsewhere int) map[string]string {
	m.t.Helper()
	names := map[string]string{"account": strconv.Itoa(account)}
	place := func(name string, account int, form, field string) {
		text := row.path + row.sent
		if !strings.Contains(text, "{"+name) {
			return
		}
		var o map[string]any
		body := fmt.Sprintf(form, account)
		check(m.t, json.Unmarshal([]byte(m.as("admin", 201, "POST", "/api/orders", body)), &o))
		names[name] = fmt.Sprint(o[field])
	}
	const market = `{"accountId":%d,"symbol":"EURUSD","type":"MARKET","volume":0.01,"side":`
	place("order", account, `{"accountId":%d,"symbol":"EURUSD","type":"LIMIT","volume":0.01,`+
		`"side":"BUY","price":1.05}`, "id")
	place("position", account, market+`"BUY"}`, "positionId")
	place("opposite", account, market+`"SELL"}`, "positionId")
	place("elsewhere", elsewhere, market+`"SELL"}`, "positionId")
	m.alertObjects(row, account, names)
	return names
}

// alertObjects makes the rule and the alert that a row names.
func (m *keyedMarket) alertObjects(row *accessRow, account int, names map[string]string) {
	m.t.Helper()
	if !strings.Contains(row.path, "{ruleId}") && !strings.Contains(row.path, "{alertId}") {
		return
	}
	var rule struct{ ID int }
	var fired struct{ ID string }
	text := m.as("admin", 201, "POST", "/api/alerts/rules", fmt.Sprintf(`{"kind":"EQUITY_BELOW",`+
		`"accountId":%d,"threshold":1}`, account))
	check(m.t, json.Unmarshal([]byte(text), &rule))
	text = m.as("admin", 200, "POST", fmt.Sprintf("/api/alerts/rules/%d/test", rule.ID), "")
	check(m.t, json.Unmarshal([]byte(text), &fired))
	names["rule"], names["alert"] = strconv.Itoa(rule.ID), fired.ID
}

// TestAccessOfEndedOrders: orders of others that have ended look like those that never were, by id
// and by the client's own id.
func TestAccessOfEndedOrders(t *testing.T) {
	m := newKeyedMarket(t, marketOptions{})
	m.as("other", 201, "POST", "/api/orders",
		`{"clientOrderId":"c","symbol":"EURUSD","side":"BUY","type":"MARKET","volume":0.01}`)
	for _, request := range []string{
		"GET /api/orders/%d", "GET /api/orders/%d/explain", "DELETE /api/orders/%d", "PATCH /api/orders/%d",
	} {
		method, form, _ := strings.Cut(request, " ")
		body := ""
		if method == "PATCH" {
			body = `{"price":1.05}`
		}
		foreign := m.as("trader", 404, method, fmt.Sprintf(form, 1), body)
		missing := m.as("trader", 404, method, fmt.Sprintf(form, 77), body)
		if digits.ReplaceAllString(foreign, "N") != digits.ReplaceAllString(missing, "N") {
			t.Errorf("%s: a foreign one answers\n%s one that is not there\n%s", request, foreign, missing)
		}
		m.as("other", map[string]int{"GET": 200, "DELETE": 409, "PATCH": 409}[method], method,
			fmt.Sprintf(form, 1), body)
	}
	for _, method := range []string{"GET", "DELETE"} {
		m.as("trader", 404, method, "/api/orders/@c?accountId=4", "")
	}
}

package httpd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tradingengine/core"
	"tradingengine/core/trading"
	"tradingengine/httpd/contract"
	"tradingengine/httpd/web"
)

// describedMarket is a server with everything there is, in the state that the examples of the
// description speak of: positions 1 and 2 of opposite sides, the pending order ea-42-0001, a webhook
// that got a message, and rule 2 of alerts, which fired. A new route whose examples need more adds
// it here.
func describedMarket(t *testing.T) *testMarket {
	t.Helper()
	m := newTradeMarket(t, marketOptions{server: func(o *Options) {
		o.Pprof, o.Page, o.Webhooks = true, web.Files, describedHooks()
		o.Writer = func() []Field { return []Field{{"commits", 3}} }
	}})
	for _, order := range []string{
		`{"symbol":"EURUSD","side":"BUY","type":"MARKET","volume":0.10}`,
		`{"symbol":"EURUSD","side":"SELL","type":"MARKET","volume":0.10}`,
		`{"symbol":"EURUSD","side":"BUY","type":"LIMIT","volume":0.10,"price":1.05,"clientOrderId":"ea-42-0001"}`,
	} {
		m.ask(201, "POST", "/api/orders", order)
	}
	m.ask(201, "POST", "/api/alerts/rules", `{"kind":"PRICE_ABOVE","symbol":"EURUSD","threshold":1.05}`)
	return m
}

func describedHooks() *hookBook {
	attempts := []DeliveryAttempt{
		{Number: 1, Time: hookStart, Micros: 15_000_000, Reason: "no answer within 15s"},
		{Number: 2, Time: hookStart + 5*core.Second, Micros: 900, Status: 200},
	}
	return &hookBook{
		hooks: []Webhook{{ID: 1, URL: "https://ops.example/", Name: "ops", Created: hookStart}},
		deliveries: []Delivery{
			{ID: 1, Message: "0a", Status: "DELIVERED", Created: hookStart, Attempts: attempts},
			{ID: 2, Message: "0b", Status: "PENDING", Created: hookStart, Next: hookStart + 9},
		},
	}
}

func readDescription(t *testing.T) *contract.Document {
	t.Helper()
	d, err := contract.Read(wholeDescription(t))
	check(t, err)
	return d
}

// wholeDescription is the file, which must be what is packed into the binary. It was seen to find a
// file that was changed and not packed.
func wholeDescription(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("openapi.json")
	check(t, err)
	packed, err := description()
	check(t, err)
	if !bytes.Equal(text, packed) {
		t.Fatal("httpd/openapi.json.gz is not what httpd/openapi.json is: run go generate ./httpd")
	}
	return text
}

// routeOf finds the route of an operation. A folder of the table is a path with a name behind it.
func routeOf(table []*route, o *contract.Operation) *route {
	for _, r := range table {
		path := r.path
		if len(path) > 1 && strings.HasSuffix(path, "/") && strings.HasPrefix(o.Path, path+"{") {
			path = o.Path
		}
		if r.method == o.Method && path == o.Path {
			return r
		}
	}
	return nil
}

// rolesOf says whom each kind of access is for, in the words of the description.
var rolesOf = map[access][]contract.Requirement{
	forAnyone:  {},
	forReaders: {{"key": {"read"}}},
	forSenders: {{"key": {"ingest"}}},
	forTraders: {{"key": {"trade"}}},
	forAdmins:  {{"key": {"admin"}}},
}

// TestDescribedRoutes compares the table of routes with the description, both ways. It was seen to
// find a route without an operation, an operation without a route, and a wrong role.
func TestDescribedRoutes(t *testing.T) {
	d, table := readDescription(t), describedMarket(t).server.table
	described := map[*route]bool{}
	for _, o := range d.Operations() {
		r := routeOf(table, o)
		if r == nil {
			t.Errorf("the description has %s %s, and there is no such route", o.Method, o.Path)
			continue
		}
		described[r] = true
		if got, want := fmt.Sprint(o.Security), fmt.Sprint(rolesOf[r.access]); got != want {
			t.Errorf("%s %s: security %s, want %s", o.Method, o.Path, got, want)
		}
	}
	for _, r := range table {
		if !described[r] {
			t.Errorf("httpd/openapi.json does not describe %s", r.name())
		}
	}
}

// exampleURL is the address of an operation by the examples of its parameters.
func exampleURL(t *testing.T, o *contract.Operation, all bool) string {
	t.Helper()
	address, err := o.URL(all)
	check(t, err)
	return address
}

// TestDescribedParameters asks the handlers which parameters they know: one of these is refused when
// it is given twice. It was seen to find a parameter that is not described, and one that nobody knows.
func TestDescribedParameters(t *testing.T) {
	m, d := describedMarket(t), readDescription(t)
	names := map[string]bool{}
	for _, o := range d.Operations() {
		for _, p := range o.Parameters {
			names[p.Name] = names[p.Name] || p.In == "query"
		}
	}
	for _, list := range parameterLists(t) {
		for _, name := range list {
			names[name] = true
		}
	}
	for _, o := range d.Operations() {
		if strings.HasPrefix(o.Path, profileFolder) {
			continue // What it knows is of go tool pprof.
		}
		described := map[string]bool{}
		for _, p := range o.Parameters {
			described[p.Name] = described[p.Name] || p.In == "query"
		}
		for name := range names {
			path, _, _ := strings.Cut(exampleURL(t, o, false), "?")
			a := m.do(o.Method, path+"?"+name+"=1&"+name+"=1", `{"price":1}`, "Content-Type", jsonType)
			known := a.status == 400 && strings.Contains(a.body, "the parameter "+name+" is given twice")
			if known != described[name] {
				t.Errorf("%s %s: the parameter %s is described: %v, known: %v", o.Method, o.Path, name,
					described[name], known)
			}
		}
	}
}

// TestDescribedFields asks the handlers which fields they know, by sending one that nobody does. It
// was seen to find a field that is not described, and one that nobody knows.
func TestDescribedFields(t *testing.T) {
	m, d := describedMarket(t), readDescription(t)
	asked := 0
	for _, o := range d.Operations() {
		forms, err := d.Fields(o)
		check(t, err)
		if len(forms) == 0 || o.Path == "/ticks" { // Quotes may have fields of their own.
			continue
		}
		path := exampleURL(t, o, false)
		var known [][]string
		for _, body := range []string{`{"nobody":1}`, `{"nobody":1,"type":"OCO"}`, `{"nobody":1,"positionId":1}`} {
			var p struct{ Code, Detail string }
			a := m.do(o.Method, path, body, "Content-Type", jsonType)
			check(t, json.Unmarshal([]byte(a.body), &p))
			_, list, ok := strings.Cut(p.Detail, "; there are ")
			if p.Code != "UNKNOWN_FIELD" || !ok {
				continue
			}
			fields := strings.Fields(list)
			slices.Sort(fields)
			known = append(known, fields)
		}
		asked++
		for _, form := range knownForms(o, known) {
			if !slices.ContainsFunc(forms, func(f []string) bool { return slices.Equal(f, form) }) {
				t.Errorf("%s %s: takes %v, described are %v", o.Method, o.Path, form, forms)
			}
		}
		if len(known) == 0 {
			t.Errorf("%s %s does not refuse an unknown field", o.Method, o.Path)
		}
	}
	if asked < 10 {
		t.Errorf("only %d routes were asked", asked)
	}
}

// knownForms are the sets of fields that a route takes, by what it told. POST /api/positions/close
// tells the fields of its two forms together as long as it cannot know which is meant.
func knownForms(o *contract.Operation, told [][]string) [][]string {
	if o.ID == "postClose" {
		return told[len(told)-1:]
	}
	return told
}

// TestDescribedAnswers asks for everything with the examples of the description, and holds the
// answers against it: each GET twice, with the parameters that it needs and with all; each other
// request with each of its bodies, on a server of its own.
//
// It was seen to find answers with a field more, a field less and another type, and a status that is
// not described.
func TestDescribedAnswers(t *testing.T) {
	d, m := readDescription(t), describedMarket(t)
	for _, o := range d.Operations() {
		switch {
		case o.Responses["101"] != nil: // A stream.
		case o.Method == "GET":
			for _, all := range []bool{false, true} {
				askDescribed(t, d, m, o, exampleURL(t, o, all), "", "")
			}
		case o.Body == nil:
			askDescribed(t, d, describedMarket(t), o, exampleURL(t, o, false), "", "")
		default:
			bodies, err := o.Bodies()
			check(t, err)
			for media := range o.Body.Content {
				if len(bodies[media]) == 0 {
					t.Errorf("%s %s: no example of %s", o.Method, o.Path, media)
				}
				for _, body := range bodies[media] {
					if err := d.CheckBody(o, media, body); err != nil {
						t.Errorf("%s %s: the example %s: %v", o.Method, o.Path, body, err)
					}
					askDescribed(t, d, describedMarket(t), o, exampleURL(t, o, false), media, string(body))
				}
			}
		}
	}
}

// askDescribed sends a request that must succeed as described.
func askDescribed(t *testing.T, d *contract.Document, m *testMarket, o *contract.Operation,
	path, media, body string,
) {
	t.Helper()
	headers := []string{"Content-Type", media}
	if slices.ContainsFunc(o.Parameters, func(p *contract.Parameter) bool { return p.In == "header" }) {
		headers = append(headers, "Idempotency-Key", "9f2c-1")
	}
	a := m.do(o.Method, path, body, headers...)
	if a.status < 200 || a.status > 299 {
		t.Errorf("%s %s %s: %d %s", o.Method, path, body, a.status, a.body)
	}
	if err := d.Check(o, a.status, a.header.Get("Content-Type"), []byte(a.body)); err != nil {
		t.Errorf("%s %s %s answers %d %s\n%v", o.Method, path, body, a.status, a.body, err)
	}
}

// TestDescribedProblems holds refusals against the description.
func TestDescribedProblems(t *testing.T) {
	d, m := readDescription(t), describedMarket(t)
	operations := map[string]*contract.Operation{}
	for _, o := range d.Operations() {
		operations[o.ID] = o
	}
	f := func(status int, id, path, body string) {
		t.Helper()
		o := operations[id]
		a := m.do(o.Method, path, body, "Content-Type", jsonType)
		if a.status != status || o.Responses[fmt.Sprint(status)] == nil {
			t.Errorf("%s: got %d %s, want %d, and that among %v", id, a.status, a.body, status,
				slices.Sorted(maps.Keys(o.Responses)))
		}
		if err := d.Check(o, a.status, a.header.Get("Content-Type"), []byte(a.body)); err != nil {
			t.Errorf("%s answers %d %s\n%v", id, a.status, a.body, err)
		}
	}
	f(400, "getTicks", "/ticks", "")
	f(404, "getTicks", "/ticks?symbol=EURUSX", "")
	f(400, "postTicks", "/ticks", "{")
	f(200, "postTicks", "/ticks", `[{"symbol":"EURUSD","bid":2,"ask":1}]`)
	f(202, "postTicks", "/ticks?ack=accept", `[{"symbol":"EURUSD","bid":2,"ask":1}]`)
	f(413, "postOrder", "/api/orders", `{"symbol":"`+strings.Repeat("A", 17<<10)+`"}`)
	f(422, "postOrder", "/api/orders", strings.Replace(marketOrder, "0.01", "100", 1))
	f(422, "postBatch", "/api/orders/batch", `{"orders":[`+strings.Replace(marketOrder, "0.01", "100", 1)+`]}`)
	f(422, "postMarketOrder", "/api/orders/market", `{"symbol":"EURUSD","side":"BUY","volume":100}`)
	f(400, "postOrder", "/api/orders", `{"symbol":"EURUSD"}`)
	f(404, "postModify", "/api/positions/modify", `{"positionId":9}`)
	f(422, "postTransfer", "/api/accounts/1/transfers", `{"type":"WITHDRAW","amount":1000000}`)
	f(200, "deleteOrder", "/api/orders/@ea-42-0001", "")
	f(409, "deleteOrder", "/api/orders/@ea-42-0001", "")
	f(200, "getExplanation", "/api/orders/4/explain", "") // Refused above.
	f(200, "getLedger", "/api/ledger", "")
}

// TestDescribedCodes looks for every code that a client may be told. It was seen to find those of
// streams.
func TestDescribedCodes(t *testing.T) {
	var codes []string
	for _, text := range sources(t) {
		for _, m := range regexp.MustCompile(`fault\{\d+, "([A-Z_]+)"`).FindAllStringSubmatch(text, -1) {
			codes = append(codes, m[1])
		}
	}
	for c := trading.CodeUnknownSymbol; c <= trading.CodeStopOut; c++ {
		codes = append(codes, c.String())
	}
	text := wholeDescription(t)
	if len(codes) < 60 {
		t.Errorf("only %d codes were found", len(codes))
	}
	for _, code := range codes {
		if !regexp.MustCompile(`\b` + code + `\b`).Match(text) {
			t.Errorf("httpd/openapi.json does not name the code %s", code)
		}
	}
}

// sources are the files of this package but for tests.
func sources(t *testing.T) (texts []string) {
	t.Helper()
	files, err := os.ReadDir(".")
	check(t, err)
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".go") && !strings.HasSuffix(f.Name(), "_test.go") {
			text, err := os.ReadFile(f.Name())
			check(t, err)
			texts = append(texts, string(text))
		}
	}
	return texts
}

// parameterLists are the names in the variables of this package that end in Parameters.
func parameterLists(t *testing.T) (lists [][]string) {
	t.Helper()
	for _, text := range sources(t) {
		for _, line := range strings.Split(text, "\n") {
			name, list, ok := strings.Cut(line, "= []string{")
			if ok && strings.HasSuffix(strings.TrimSpace(name), "Parameters") {
				lists = append(lists, strings.FieldsFunc(list, func(r rune) bool {
					return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", r)
				}))
			}
		}
	}
	if len(lists) < 8 {
		t.Errorf("only %d lists of parameters were found", len(lists))
	}
	return lists
}

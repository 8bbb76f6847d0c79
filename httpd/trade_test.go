package httpd

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tradingengine/core"
	"tradingengine/core/desk"
	"tradingengine/core/trading"
)

const marketOrder = `{"symbol":"EURUSD","side":"BUY","type":"MARKET","volume":0.01}`

// TestTradeRefusals: codes that need a market of their own. The others are in trade_refusals.txt.
func TestTradeRefusals(t *testing.T) {
	symbols := core.DefaultSymbols()
	symbols[0].StopLevel = 20
	m := newTradeMarket(t, marketOptions{symbols: symbols})
	f := func(path, body string, parts ...string) {
		t.Helper()
		has(t, m.ask(422, "POST", path, body), append(parts, `"status":422`)...)
	}
	f("/api/orders", `{"symbol":"EURUSD","side":"BUY","type":"MARKET","volume":0.01,"stopLoss":1.09990}`,
		`"code":"STOP_LEVEL"`, `"seq":3`, `"order":{"seq":3,"id":1,`)
	f("/api/orders", `{"symbol":"EURUSD","side":"BUY","type":"LIMIT","volume":1000000000,"price":1.1}`,
		`"code":"VOLUME_MAX"`)
	m.ask(201, "POST", "/api/orders", marketOrder)
	m.ask(200, "PATCH", "/api/accounts/1", `{"tradingState":"REDUCING"}`)
	f("/api/orders", marketOrder, `"code":"TRADING_HALTED"`)
	m.ask(201, "POST", "/api/orders",
		`{"symbol":"EURUSD","side":"SELL","type":"MARKET","volume":0.01,"reduceOnly":true}`)
	m.ask(200, "PATCH", "/api/accounts/1", `{"tradingState":"ACTIVE"}`)
	m.clock.Store(int64(mustTime("2026-01-24T12:00:00Z"))) // A Saturday.
	f("/api/orders", marketOrder, `"code":"MARKET_CLOSED"`)
}

// TestTradeFull: more orders or positions than an account may have.
func TestTradeFull(t *testing.T) {
	m := newTradeMarket(t, marketOptions{tradeLimit: 2})
	limit := `{"symbol":"EURUSD","side":"BUY","type":"LIMIT","volume":0.01,"price":1.05}`
	for range 2 {
		m.ask(201, "POST", "/api/orders", marketOrder)
		m.ask(201, "POST", "/api/orders", limit)
	}
	has(t, m.ask(422, "POST", "/api/orders", marketOrder), `"code":"TOO_MANY_POSITIONS"`)
	has(t, m.ask(422, "POST", "/api/orders", limit), `"code":"TOO_MANY_ORDERS"`)
}

// TestTradeTwice: whoever sends the same thing again, at the same moment even, is given the first
// answer, and it is done once.
func TestTradeTwice(t *testing.T) {
	m := newTradeMarket(t, marketOptions{})
	var sending sync.WaitGroup
	answers := make([]answer, 20)
	for i := range answers {
		sending.Go(func() {
			headers := []string{"Idempotency-Key", "one"}
			body := marketOrder
			if i%2 == 0 {
				headers = nil
				body = `{"clientOrderId":"c1",` + marketOrder[1:]
			}
			answers[i] = m.do("POST", "/api/orders", body, headers...)
		})
	}
	sending.Wait()
	repeated := 0
	for i, a := range answers {
		if a.status != 201 || a.body != answers[i%2].body {
			t.Errorf("answer %d: %d %s, want %s", i, a.status, a.body, answers[i%2].body)
		}
		if a.header.Get(repeatedHeader) == "true" {
			repeated++
		}
	}
	if n := strings.Count(m.ask(200, "GET", "/api/positions", ""), `"id":`); n != 2 || repeated != 18 {
		t.Errorf("%d positions and %d repeated answers, want 2 and 18", n, repeated)
	}
	// What left no event may be tried again.
	has(t, m.ask(404, "DELETE", "/api/orders/9", "", "Idempotency-Key", "two"), `UNKNOWN_ORDER`)
	m.ask(201, "POST", "/api/orders", marketOrder, "Idempotency-Key", "two")
	has(t, m.ask(422, "DELETE", "/api/orders/9", "", "Idempotency-Key", "two"), `KEY_REUSED`)

	// The order of another account is another request.
	m.ask(201, "POST", "/api/accounts", `{"currency":"USD","deposit":1000}`)
	for _, account := range []string{"1", "2"} {
		m.ask(201, "POST", "/api/orders", `{"clientOrderId":"a","accountId":`+account+`,"type":"LIMIT",`+
			`"symbol":"EURUSD","side":"BUY","volume":0.01,"price":1.05}`)
	}
	key := []string{"Idempotency-Key", "three"}
	first := m.ask(200, "DELETE", "/api/orders/@a?accountId=1", "", key...)
	has(t, m.ask(422, "DELETE", "/api/orders/@a?accountId=2", "", key...), `KEY_REUSED`)
	if again := m.ask(200, "DELETE", "/api/orders/@a?accountId=1", "", key...); again != first {
		t.Errorf("the same request was answered with %s; want %s", again, first)
	}
	has(t, m.ask(200, "GET", "/api/orders/@a?accountId=2", ""), `"status":"PENDING"`)
}

// TestTradeJournal: what clients are told while the journal takes nothing, and that nobody sees what
// is not committed.
func TestTradeJournal(t *testing.T) {
	m := newTradeMarket(t, marketOptions{server: func(o *Options) {
		o.Limits.CommitTimeout = 50 * time.Millisecond
	}})
	release := m.journal.holdCommits()
	defer release()
	has(t, m.ask(503, "POST", "/api/orders", marketOrder), `"code":"TRADING_TIMEOUT"`)
	has(t, m.ask(503, "GET", "/api/account/summary", ""), `"code":"TRADING_TIMEOUT"`)
	release()
	m.until("the order is committed", func() bool { return m.desk.Committed() == 5 })
	has(t, m.ask(200, "GET", "/api/account/summary", ""), `"openPositions":1`, `"asOfSeq":5`)

	m.journal.fail(fmt.Errorf("%w: the disk is full", desk.ErrPassing))
	has(t, m.ask(503, "POST", "/api/orders", marketOrder), `"code":"TRADING_TIMEOUT"`)
	m.until("commands are refused", func() bool {
		a := m.do("POST", "/api/orders", marketOrder)
		return a.status == 503 && strings.Contains(a.body, `"code":"JOURNAL_DOWN"`) &&
			a.header.Get("Retry-After") == "5"
	})
	has(t, m.ask(503, "GET", "/api/orders", ""), `"code":"STORAGE_FAILED"`)
	m.journal.fail(nil)
	m.until("commands are taken", func() bool {
		return m.do("POST", "/api/orders", marketOrder).status == 201
	})
	has(t, m.ask(200, "POST", "/api/verify", ""), `"ok":true`)
}

// TestTradeBusy: more commands than may wait.
func TestTradeBusy(t *testing.T) {
	m := newTradeMarket(t, marketOptions{deskOptions: func(o *desk.Options) { o.Behind = 1 }})
	release := m.journal.holdCommits()
	defer release()
	var waiting sync.WaitGroup
	waiting.Go(func() { _, _ = m.try("POST", "/api/orders", marketOrder) })
	m.until("more events wait than may", func() bool {
		s := m.desk.Stats()
		return s.Head > s.Committed+1
	})
	a := m.do("POST", "/api/orders/market", `{"symbol":"EURUSD","side":"BUY","volume":0.01}`)
	if a.status != 503 || a.header.Get("Retry-After") != "1" {
		t.Errorf("got %d %v", a.status, a.header)
	}
	has(t, a.body, `"code":"TRADING_BUSY"`, `"detail":"too many events wait`)
	release()
	waiting.Wait()
}

// TestTradeVerify: a journal that does not give the desk's state is told.
func TestTradeVerify(t *testing.T) {
	m := newTradeMarket(t, marketOptions{})
	m.ask(201, "POST", "/api/orders", marketOrder)
	m.journal.mu.Lock()
	kept := m.journal.events
	m.journal.events = m.journal.events[:len(kept)-1]
	m.journal.mu.Unlock()
	has(t, m.ask(200, "POST", "/api/verify", ""), `"ok":false`, `another state`)
	m.journal.mu.Lock()
	m.journal.events = append(kept[:2:2], kept[3:]...)
	m.journal.mu.Unlock()
	has(t, m.ask(200, "POST", "/api/verify", ""), `"ok":false`, `"detail":"journal`)
}

// TestTradeQuoteFirst: a command sent after a batch of quotes was acknowledged acts on the newest of
// them.
func TestTradeQuoteFirst(t *testing.T) {
	m := newTradeMarket(t, marketOptions{})
	m.ask(201, "POST", "/api/orders", marketOrder) // So that the desk follows the symbol.
	for i := range 50 {
		ask := fmt.Sprintf("1.1%04d", 20+i%2*7+i)
		m.quote("EURUSD", fmt.Sprintf("1.1%04d", 10+i%2*7+i), ask)
		var o struct{ FillPrice json.Number }
		check(t, json.Unmarshal([]byte(m.ask(201, "POST", "/api/orders", marketOrder)), &o))
		if o.FillPrice.String() != ask {
			t.Fatalf("filled at %s, want %s", o.FillPrice, ask)
		}
	}
}

// TestTradeBodies: what is refused by its size or depth.
func TestTradeBodies(t *testing.T) {
	m := newTradeMarket(t, marketOptions{})
	long := `{"symbol":"` + strings.Repeat("A", 17<<10) + `"}`
	has(t, m.ask(413, "POST", "/api/orders", long), `"code":"BODY_TOO_LARGE"`)
	deep := `{"symbol":"EURUSD","side":"BUY","type":"MARKET","volume":` + strings.Repeat("[", 8000) +
		strings.Repeat("]", 8000) + `}`
	has(t, m.ask(400, "POST", "/api/orders", deep), `"code":"BAD_FIELD"`)
	has(t, m.ask(400, "POST", "/api/orders", strings.Repeat(`{"trailing":`, 1300)), `"code":"BAD_JSON"`)
	has(t, m.ask(400, "POST", "/api/orders", "{\"symbol\":\"\xff\"}"), `"code":"BAD_JSON"`)
	a := m.do("POST", "/api/orders", marketOrder, "Content-Type", "text/xml")
	if a.status != 415 {
		t.Errorf("text/xml: %d %s", a.status, a.body)
	}
	a = m.do("POST", "/api/orders", marketOrder, "Content-Type", "application/x-www-form-urlencoded")
	if a.status != 201 {
		t.Errorf("what curl sends: %d %s", a.status, a.body)
	}
	if seq := m.desk.Committed(); seq != 5 {
		t.Errorf("%d events, want the 5 of the account and one order", seq)
	}
}

// TestTradeRoutes: every route says whom it is for, and everybody who asks for a path that trading
// has gets an answer of it.
func TestTradeRoutes(t *testing.T) {
	m := newTradeMarket(t, marketOptions{})
	for _, r := range m.server.table {
		if r.access == 0 {
			t.Errorf("%s %s is for nobody", r.method, r.path)
		}
	}
	f := func(status int, method, path, code string) {
		t.Helper()
		has(t, m.ask(status, method, path, ""), `"code":"`+code+`"`)
	}
	f(405, "PUT", "/api/orders/1", "METHOD_NOT_ALLOWED")
	f(405, "GET", "/api/orders/batch", "METHOD_NOT_ALLOWED")
	f(404, "GET", "/api/orders/1/explanation", "NOT_FOUND")
	f(404, "GET", "/api/orders/", "NOT_FOUND")
	f(404, "GET", "/api/orders/1/explain/more", "NOT_FOUND")
	a := m.do("DELETE", "/api/accounts/1", "")
	if a.status != 405 || a.header.Get("Allow") != "GET, HEAD, PATCH" {
		t.Errorf("DELETE of an account: %d %v", a.status, a.header)
	}
	untraded := newTestMarket(t, marketOptions{})
	has(t, untraded.ask(404, "GET", "/api/orders", ""), `"code":"NOT_FOUND"`)
	if _, err := New(Options{Engine: m.engine, Desk: m.desk}); err == nil {
		t.Error("a desk without a journal was taken")
	}
}

// TestDeskErrors: what each error of the desk means for a client.
func TestDeskErrors(t *testing.T) {
	f := func(err error, status int, code string) {
		t.Helper()
		var p *problem
		if !errors.As(deskError(err), &p) || p.status != status || p.code != code {
			t.Errorf("%v: got %v, want %d %s", err, p, status, code)
		}
	}
	f(desk.ErrBusy, 503, "TRADING_BUSY")
	f(desk.ErrBehind, 503, "TRADING_BUSY")
	f(desk.ErrStopped, 503, "SHUTTING_DOWN")
	f(fmt.Errorf("%w: no such file", desk.ErrFailed), 503, "TRADING_FAILED")
	f(fmt.Errorf("%w: late", desk.ErrJournal), 503, "JOURNAL_DOWN")
	f(&desk.ReusedError{Key: desk.Key{Scope: "order:1", Name: "x"}}, 422, "DUPLICATE_CLIENT_ORDER_ID")
	f(&desk.ReusedError{Key: desk.Key{Scope: "key", Name: "x"}}, 422, "IDEMPOTENCY_KEY_REUSED")
	unknown := errors.New("unknown")
	if got := deskError(unknown); got != unknown {
		t.Errorf("got %v", got)
	}
	if p := tradeProblem(fmt.Errorf("%w", trading.ErrUnknownPosition)); p.status != 404 {
		t.Errorf("got %v", p)
	}
}

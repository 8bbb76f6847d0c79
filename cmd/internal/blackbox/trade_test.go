package blackbox

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// send returns the answer to a request about trading, which must have a status.
func (s *server) send(status int, method, path, body string, headers ...string) string {
	s.t.Helper()
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return s.do(req, status)
}

// mustHave fails unless a text has all parts.
func mustHave(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %s in\n%s", part, text)
		}
	}
}

// TestTradeFirstStart: on a first start the demo account trades on the simulator, and a restart
// keeps what it has, its stream of events included.
func TestTradeFirstStart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "-history", "0", "-rate", "400")
	mustHave(t, s.get("/api/config", 200), `"executionMode":"BBOOK","marginMode":"HEDGING",`+
		`"defaultLeverage":100,"defaultBalance":5000`)
	mustHave(t, s.get("/api/account/summary", 200), `"balance":5000.00,`, `"leverage":100,`,
		`"marginLevel":null,`, `"marginMode":"HEDGING"`)
	order := `{"symbol":"BTCUSD","side":"BUY","type":"MARKET","volume":0.01}`
	s.until(20*time.Second, "BTCUSD has a price", func() bool {
		resp, err := http.Post(s.url+"/api/orders", "application/json", strings.NewReader(order))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusCreated
	})
	mustHave(t, s.get("/api/positions", 200), `"symbol":"BTCUSD","side":"BUY","volume":0.01,`)
	old := s.send(201, "POST", "/api/orders/market", `{"symbol":"BTCUSD","side":"SELL","volume":0.01}`)
	mustHave(t, old, `{"success":true,"position":{"id":2,`)
	head := s.get("/api/journal/head", 200)
	if code := s.stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}

	s = start(t, dir, "-history", "0", "-rate", "400")
	if got := s.get("/api/journal/head", 200); got != head {
		t.Errorf("after a restart the head is %s, was %s", got, head)
	}
	if n := strings.Count(s.get("/api/positions", 200), `"id":`); n != 2 {
		t.Errorf("%d positions, want 2", n)
	}
	new(chain).follow(s)
	mustHave(t, s.send(200, "POST", "/api/positions/close-bulk", `{"type":"ALL"}`),
		`{"success":true,"closed":2,"orders":[`)
	mustHave(t, s.send(200, "POST", "/api/verify", ""), `{"ok":true,`)
	s.checkMoney()
}

// TestTradeRefused: the refusals of a real server, by code. Trading time is that of the quotes, a
// Monday, so that the sessions of the symbols do not depend on today.
func TestTradeRefused(t *testing.T) {
	s := start(t, t.TempDir(), "-feed", "none", "-data", "d", "-clock", "quotes")
	const now = 1768831170000000 // 2026-01-19T13:59:30Z
	quote := func(symbol, bid, ask string, at int64) {
		t.Helper()
		s.post("/ticks", "application/json", fmt.Sprintf(
			`{"symbol":%q,"bid":%s,"ask":%s,"time":%d}`, symbol, bid, ask, at), 200)
	}
	quote("GBPUSD", "1.30000", "1.30020", now-40_000_000)
	quote("AUDCAD", "0.90000", "0.90020", now)
	quote("EURUSD", "1.10000", "1.10010", now)
	f := func(status int, code, fields string, parts ...string) {
		t.Helper()
		body := `{"symbol":"EURUSD","side":"BUY","type":"MARKET","volume":0.10}`
		for _, field := range strings.Split(fields, " ") {
			name, _, _ := strings.Cut(field, ":")
			if at := strings.Index(body, name+":"); at >= 0 {
				end := at + strings.IndexAny(body[at:], ",}")
				body = body[:at] + field + body[end:]
			} else {
				body = strings.TrimSuffix(body, "}") + "," + field + "}"
			}
		}
		mustHave(t, s.send(status, "POST", "/api/orders", body), append(parts, `"code":"`+code+`"`)...)
	}
	recorded := `"order":{"seq":`
	f(422, "UNKNOWN_SYMBOL", `"symbol":"EURUSX"`, "did you mean EURUSD?")
	f(422, "PRICE_DIGITS", `"type":"LIMIT" "price":1.123456`)
	f(422, "INSUFFICIENT_MARGIN", `"volume":10`, `"required":11100.50,"available":5000.00`, recorded)
	f(422, "PRICE_STALE", `"symbol":"GBPUSD"`, recorded)
	f(422, "NO_PRICE", `"symbol":"NZDUSD"`, recorded)
	f(422, "CONVERSION_RATE_UNAVAILABLE", `"symbol":"AUDCAD"`, recorded)
	f(422, "VOLUME_MIN", `"volume":0.001`, recorded)
	f(422, "VOLUME_MAX", `"volume":101`, recorded)
	f(422, "VOLUME_STEP", `"volume":0.015`, recorded)
	f(422, "WRONG_SIDE", `"stopLoss":1.2`, recorded)
	f(422, "BOUNDS_VIOLATION", `"priceBound":1.1`, recorded)
	f(422, "EXPIRED", `"type":"LIMIT" "price":1.05 "timeInForce":"GTD" "expireAt":1768831169`, recorded)
	f(422, "PRICE_MISSING", `"type":"LIMIT"`, recorded)
	f(422, "PRICE_NOT_ALLOWED", `"price":1.1`, recorded)
	f(422, "TIME_IN_FORCE", `"timeInForce":"GTC"`, recorded)
	f(422, "TRAILING", `"type":"TRAILING_STOP" "trailing":{"distance":10000,"unit":"BASIS_POINTS"}`,
		recorded)
	f(422, "NOTHING_TO_REDUCE", `"reduceOnly":true`, recorded)
	f(404, "UNKNOWN_ACCOUNT", `"accountId":2`)
	f(400, "UNKNOWN_FIELD", `"stoploss":1.2`, "did you mean stopLoss?")
	f(400, "BAD_NUMBER", `"volume":1e3`)
	f(400, "BAD_JSON", `"volume":+1`)
	s.send(200, "PATCH", "/api/trading-state", `{"tradingState":"HALTED"}`)
	f(422, "TRADING_HALTED", `"volume":0.1`, recorded)
	s.send(200, "PATCH", "/api/trading-state", `{"tradingState":"ACTIVE"}`)
	f(201, "NOT_FILLED", `"type":"LIMIT" "price":1.05 "timeInForce":"IOC"`, `"status":"CANCELED"`)
	quote("EURUSD", "1.10001", "1.10011", now+5*24*3600*1_000_000) // A Saturday.
	f(422, "MARKET_CLOSED", `"volume":0.1`, recorded)
	mustHave(t, s.get("/api/account/summary", 200), `"balance":5000.00`, `"openPositions":0`)
}

package httpd

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// tradeCode is a request that a code answers.
type tradeCode struct {
	code    trading.Code
	prepare func(m *testMarket)
	path    string
	body    string
	// How the code is told: recorded with the order; refused before there is one, and then with the
	// seq at which the account stands when it was to be an order; or as why an order
	// that was taken has ended.
	told int
}

const (
	codeRecorded = iota
	codeUnrecorded
	codeOfOrder
)

func eurusd001(fields string) string {
	return `{"symbol":"EURUSD","side":"BUY","volume":0.01,` + fields + `}`
}

const (
	waitingBuy  = `"type":"LIMIT","price":1.05`
	waitingSell = `{"symbol":"EURUSD","side":"SELL","volume":0.01,"type":"LIMIT","price":1.15}`
)

// placing places orders.
func placing(bodies ...string) func(m *testMarket) {
	return func(m *testMarket) {
		for _, body := range bodies {
			m.ask(201, "POST", "/api/orders", body)
		}
	}
}

// refusedOrder is a code of an order of EURUSD with some fields.
func refusedOrder(code trading.Code, fields string, told int) tradeCode {
	return tradeCode{code, nil, "/api/orders", eurusd001(fields), told}
}

// formCodes are those of an order that is wrong in itself, or at this price and time.
func formCodes() []tradeCode {
	patch := func(body string) func(m *testMarket) {
		return func(m *testMarket) { m.ask(200, "PATCH", "/api/accounts/1", body) }
	}
	at := func(time string) func(m *testMarket) {
		return func(m *testMarket) { m.clock.Store(int64(mustTime(time))) }
	}
	const orders = "/api/orders"
	of := refusedOrder
	return []tradeCode{
		{
			trading.CodeUnknownSymbol, nil, orders,
			`{"symbol":"EURUSX","side":"BUY","type":"MARKET","volume":0.01}`, codeUnrecorded,
		},
		of(trading.CodePriceDigits, `"type":"LIMIT","price":1.050001`, codeUnrecorded),
		{
			trading.CodeInsufficientMargin, nil, orders,
			`{"symbol":"EURUSD","side":"BUY","type":"MARKET","volume":10}`, codeRecorded,
		},
		{trading.CodeMarketClosed, at("2026-01-24T12:00:00Z"), orders, marketOrder, codeRecorded},
		{trading.CodePriceStale, at("2026-01-19T16:00:00Z"), orders, marketOrder, codeRecorded},
		{
			trading.CodeNoPrice, nil, orders,
			`{"symbol":"NZDUSD","side":"BUY","type":"MARKET","volume":0.01}`, codeRecorded,
		},
		{
			trading.CodeVolumeMin, nil, orders,
			`{"symbol":"EURUSD","side":"BUY","type":"MARKET","volume":0.001}`, codeRecorded,
		},
		{
			trading.CodeVolumeMax, nil, orders,
			`{"symbol":"EURUSD","side":"BUY","type":"MARKET","volume":101}`, codeRecorded,
		},
		{
			trading.CodeVolumeStep, nil, orders,
			`{"symbol":"EURUSD","side":"BUY","type":"MARKET","volume":0.015}`, codeRecorded,
		},
		of(trading.CodeStopLevel, `"type":"MARKET","stopLoss":1.09990`, codeRecorded),
		of(trading.CodeWrongSide, `"type":"STOP","price":1.05`, codeRecorded),
		of(trading.CodeBoundsViolation, `"type":"MARKET","priceBound":1.05`, codeRecorded),
		of(trading.CodeExpired, waitingBuy+`,"expireAt":"2026-01-01T00:00:00Z"`, codeRecorded),
		{
			trading.CodeTradingHalted, patch(`{"tradingState":"HALTED"}`), orders, marketOrder,
			codeRecorded,
		},
		{
			trading.CodeDuplicateClientOrderID, placing(eurusd001(waitingBuy + `,"clientOrderId":"x"`)),
			orders, eurusd001(`"type":"MARKET","clientOrderId":"x"`), codeRecorded,
		},
		{
			trading.CodeConversionRate,
			func(m *testMarket) { m.quote("AUDCAD", "0.90000", "0.90020") }, orders,
			`{"symbol":"AUDCAD","side":"BUY","type":"MARKET","volume":0.01}`, codeRecorded,
		},
	}
}

// stateCodes are those of an account, a list, and of orders that ended.
func stateCodes() []tradeCode {
	pair := `{"type":"OCO","orders":[` + eurusd001(waitingBuy) + `,%s]}`
	const orders, account = "/api/orders", "/api/accounts/1"
	of := refusedOrder
	return []tradeCode{
		of(trading.CodePriceMissing, `"type":"LIMIT"`, codeRecorded),
		of(trading.CodePriceNotAllowed, `"type":"MARKET","price":1.1`, codeRecorded),
		of(trading.CodeTimeInForce, `"type":"MARKET","timeInForce":"GTC"`, codeRecorded),
		of(trading.CodeTrailing,
			`"type":"TRAILING_STOP","trailing":{"distance":10000,"unit":"BASIS_POINTS"}`, codeRecorded),
		of(trading.CodeNothingToReduce, `"type":"MARKET","reduceOnly":true`, codeRecorded),
		{
			trading.CodeTooManyOrders, placing(eurusd001(waitingBuy), eurusd001(waitingBuy)), orders,
			eurusd001(waitingBuy), codeRecorded,
		},
		{
			trading.CodeTooManyPositions, placing(marketOrder, marketOrder), orders, marketOrder,
			codeRecorded,
		},
		{
			trading.CodeTooLarge, nil, account + "/transfers",
			`{"type":"DEPOSIT","amount":9999999999999.99}`, codeUnrecorded,
		},
		{
			trading.CodeListRefused, nil, "/api/orders/batch",
			`{"orders":[` + marketOrder + `,` + eurusd001(`"type":"LIMIT"`) + `]}`, codeOfOrder,
		},
		{
			trading.CodeAmount, nil, account + "/transfers", `{"type":"DEPOSIT","amount":0}`,
			codeUnrecorded,
		},
		{
			trading.CodeInsufficientFunds, nil, account + "/transfers",
			`{"type":"WITHDRAW","amount":5000.01}`, codeUnrecorded,
		},
		{
			trading.CodeCloseBy, placing(marketOrder, marketOrder), "/api/positions/1/close-by",
			`{"with":2}`, codeRecorded,
		},
		{
			trading.CodeSettings, nil, "/api/accounts", `{"currency":"USD","leverage":10001}`,
			codeUnrecorded,
		},
		{trading.CodeOCO, nil, orders, fmt.Sprintf(pair, marketOrder), codeOfOrder},
		of(trading.CodeNotFilled, waitingBuy+`,"timeInForce":"IOC"`, codeOfOrder),
		{trading.CodeClientRequest, func(m *testMarket) {
			placing(eurusd001(waitingBuy))(m)
			m.ask(200, "DELETE", "/api/orders/1", "")
		}, "/api/orders/1", "", codeOfOrder},
		{trading.CodeOCOEnded, func(m *testMarket) {
			m.ask(201, "POST", "/api/orders", fmt.Sprintf(pair, waitingSell))
			m.ask(200, "DELETE", "/api/orders/1", "")
		}, "/api/orders/2", "", codeOfOrder},
		{trading.CodeStopOut, func(m *testMarket) {
			placing(`{"symbol":"EURUSD","side":"BUY","type":"MARKET","volume":4}`,
				eurusd001(waitingBuy))(m)
			m.quote("EURUSD", "1.09000", "1.09010")
		}, "/api/orders/2", "", codeOfOrder},
	}
}

// TestTradeCodes has every code of package trading told to a client, with the fields it should have
// and no others. It was seen to find a code without a case, and amounts of 0 beside a code that has
// none.
func TestTradeCodes(t *testing.T) {
	missing := map[trading.Code]bool{}
	for _, code := range trading.Codes() {
		missing[code] = true
	}
	for _, c := range append(formCodes(), stateCodes()...) {
		delete(missing, c.code)
		t.Run(c.code.String(), func(t *testing.T) {
			symbols := core.DefaultSymbols()
			symbols[0].StopLevel = 20
			m := newTradeMarket(t, marketOptions{symbols: symbols, tradeLimit: 2})
			if c.prepare != nil {
				c.prepare(m)
			}
			c.try(t, m)
		})
	}
	for code := range missing {
		t.Errorf("no request is answered with %s", code)
	}
}

func (c *tradeCode) try(t *testing.T, m *testMarket) {
	method := "POST"
	if c.body == "" {
		method = "GET"
	}
	a := m.do(method, c.path, c.body, "Content-Type", jsonType)
	if c.told == codeOfOrder {
		has(t, a.body, `"code":"`+c.code.String()+`"`)
	} else {
		c.checkProblem(t, &a)
	}
	events := m.ask(200, "GET", "/api/events", "")
	if n := strings.Count(events, `"required":`); strings.Contains(events, "fingerprint") ||
		n > 0 && (n > 1 || c.code != trading.CodeInsufficientMargin) {
		t.Errorf("clients see\n%s", events)
	}
}

func (c *tradeCode) checkProblem(t *testing.T, a *answer) {
	t.Helper()
	var p struct {
		Type, Title, Code, Detail string
		Status                    int
		Required, Available       *json.Number
		Seq                       int64
		Order                     *struct{ Status, Code string }
	}
	check(t, json.Unmarshal([]byte(a.body), &p))
	code := c.code.String()
	if a.status != 422 || p.Status != 422 || p.Code != code || p.Type != "about:blank" ||
		p.Title == "" || p.Detail == "" {
		t.Errorf("got %d %s, want %s", a.status, a.body, code)
	}
	if amounts := c.code.HasAmounts(); (p.Required != nil) != amounts ||
		(p.Available != nil) != amounts {
		t.Errorf("required and available of %s: %s", code, a.body)
	}
	recorded := p.Order != nil && p.Seq > 0 && p.Order.Status == "REJECTED" && p.Order.Code == code
	places := strings.HasPrefix(c.path, "/api/orders") && !strings.HasSuffix(c.path, "/preview")
	if recorded != (c.told == codeRecorded) || !recorded && (p.Order != nil || (p.Seq != 0) != places) {
		t.Errorf("recorded: %v, in %s", recorded, a.body)
	}
}

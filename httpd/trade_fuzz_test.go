package httpd

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// FuzzOrder reads any body in every form: what is taken is JSON, says what it says exactly, and no
// field of it is left out; what is refused is refused with a code and leaves nothing half read.
func FuzzOrder(f *testing.F) {
	f.Add(0, []byte(`{"accountId":1,"clientOrderId":"a","symbol":"EURUSD","side":"BUY","type":"LIMIT",`+
		`"volume":"0.10","price":1.10250,"timeInForce":"GTD","expireAt":"2026-11-27T22:00:00Z"}`))
	f.Add(0, []byte(`{"symbol":"eurusd","side":"sell","type":"trailing_stop","volume":1,`+
		`"trailing":{"distance":150,"unit":"POINTS","activation":1.106}}`))
	f.Add(1, []byte(`{"type":"OCO","orders":[{"symbol":"EURUSD"},{}]}`))
	f.Add(2, []byte(`{"price":null,"stopLoss":1.1,"trailing":null,"expireAt":1768831170}`))
	f.Add(3, []byte(`{"sl":0,"tp":1e5}`))
	f.Add(4, []byte(`{"leverage":"50","negativeBalanceProtection":false}`))
	registry, err := core.NewRegistry(core.DefaultSymbols())
	check(f, err)
	symbol := registry.Symbol(0)
	f.Fuzz(func(t *testing.T, form int, body []byte) {
		o := readObject(body)
		var r trading.OrderRequest
		switch ((form % 5) + 5) % 5 {
		case 0:
			r = o.orderRequest(registry, 0)
		case 1:
			o.allow(ocoFields)
			_ = o.orderList(registry)
		case 2:
			o.allow(amendmentFields)
			_ = o.amendment(symbol)
		case 3:
			o.allow(positionPatchFields)
			_ = o.positionPatch(symbol)
		case 4:
			o.allow(accountPatchFields)
			_ = o.accountPatch()
		}
		if o.err != nil {
			var p *problem
			if !errors.As(o.err, &p) || p.status != 400 && p.status != 422 || p.code == "" ||
				!json.Valid(p.append(nil)) {
				t.Fatalf("%s: %v", body, o.err)
			}
			return
		}
		var all map[string]json.RawMessage
		if err := json.Unmarshal(body, &all); err != nil || len(all) != len(o.members) {
			t.Fatalf("%s was taken: %v", body, err)
		}
		if r.Symbol != 0 || r.Price == 0 {
			return
		}
		// A price says to the last digit what was sent.
		text := strings.Trim(string(all["price"]), `"`)
		if p, reject := core.ParsePrice([]byte(text), symbol.Digits); reject != 0 || p != r.Price {
			t.Fatalf("%s: price %d", body, r.Price)
		}
	})
}

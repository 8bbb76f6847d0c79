package blackbox

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"tradingengine/httpd/contract"
)

// TestDescribed reads the description of a real server, asks for everything that it can be asked
// for, and holds the answers against it. What a server in memory answers is compared in httpd; here
// are the parts that only the whole program fills, such as the checks and the storage writer.
//
// It was seen to find a field of the writer that is a text.
func TestDescribed(t *testing.T) {
	s := start(t, t.TempDir(), "-feed", "none", "-data", "d", "-clock", "quotes", "-pprof")
	d, err := contract.Read([]byte(s.get("/openapi.json", 200)))
	if err != nil {
		t.Fatal(err)
	}
	for i, symbol := range []string{"EURUSD", "GBPUSD"} {
		s.post("/ticks", "application/json", fmt.Sprintf(
			`{"symbol":%q,"bid":1.10000,"ask":1.10010,"time":%d}`, symbol, 1768831170000000+i), 200)
	}
	for _, order := range []string{
		`"side":"BUY","type":"MARKET"`, `"side":"SELL","type":"MARKET"`,
		`"side":"BUY","type":"LIMIT","price":1.05,"clientOrderId":"ea-42-0001"`,
	} {
		s.send(201, "POST", "/api/orders", `{"symbol":"EURUSD","volume":0.1,`+order+`}`)
	}
	s.send(201, "POST", "/api/webhooks", `{"url":"https://ops.example/","name":"ops"}`)
	answered := 0
	for _, o := range d.Operations() {
		if o.Method != http.MethodGet || o.Responses["101"] != nil {
			continue
		}
		path, err := o.URL(true)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		switch {
		case err != nil:
		case resp.StatusCode == http.StatusOK:
			answered++
		case resp.StatusCode != http.StatusNotFound: // Of what the example names, here is nothing.
			err = fmt.Errorf("status %d", resp.StatusCode)
		}
		if err == nil {
			err = d.Check(o, resp.StatusCode, resp.Header.Get("Content-Type"), body)
		}
		if err != nil {
			t.Errorf("%s: %v\n%.2000s", path, err, body)
		}
	}
	if answered < 25 {
		t.Errorf("only %d routes answered", answered)
	}
}

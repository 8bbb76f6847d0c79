package blackbox

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// soakSymbols and their two prices in turn, far enough apart to be stored. ETHUSD trades every day.
var soakSymbols = []struct{ name, low, high string }{
	{"EURUSD", `"bid":1.10000,"ask":1.10010`, `"bid":1.10010,"ask":1.10020`},
	{"GBPUSD", `"bid":1.30000,"ask":1.30010`, `"bid":1.30010,"ask":1.30020`},
	{"AUDUSD", `"bid":0.65000,"ask":0.65010`, `"bid":0.65010,"ask":0.65020`},
	{"NZDUSD", `"bid":0.60000,"ask":0.60010`, `"bid":0.60010,"ask":0.60020`},
	{"ETHUSD", `"bid":3000.00,"ask":3000.10`, `"bid":3000.20,"ask":3000.30`},
}

// soakRule fires about once a second.
const soakRule = `{"kind":"PRICE_CROSS","symbol":"ETHUSD","price":"bid","threshold":3000.10,` +
	`"frequency":"EVERY_CROSS","cooldownSeconds":1,"channels":["websocket","log"]}`

// soakBatches a second. One quote of each batch is refused, half of the others do not move.
const soakBatches = 50

// quotes sends at a fixed rate. Every price comes twice, so half of the quotes are throttled.
func (k *soak) quotes() {
	var b strings.Builder
	each := k.rate / soakBatches / len(soakSymbols)
	for i := range each {
		for _, s := range soakSymbols {
			prices := []string{s.low, s.low, s.high, s.high}[i%4]
			fmt.Fprintf(&b, `{"symbol":"%s",%s}`+"\n", s.name, prices)
		}
	}
	b.WriteString(`{"symbol":"EURUSD","bid":1.2,"ask":1.1}` + "\n")
	quotes := int64(each*len(soakSymbols) + 1)
	ticker := time.NewTicker(time.Second / soakBatches)
	defer ticker.Stop()
	for !k.stop.Load() {
		<-ticker.C
		switch status, text := k.request("POST", "/ticks?ack=accept", b.String()); status {
		case http.StatusAccepted:
			k.sent.Add(quotes)
		case http.StatusServiceUnavailable:
			k.slowed.Add(1)
		default:
			k.t.Errorf("POST /ticks: %d %s", status, text)
			return
		}
	}
}

// request sends one request; the status is 0 when there was no answer.
func (k *soak) request(method, path, body string) (status int, text string) {
	req, err := http.NewRequest(method, k.url+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set("Content-Type", "application/json")
	if strings.HasPrefix(path, "/ticks") {
		req.Header.Set("Content-Type", "application/x-ndjson")
	}
	resp, err := k.client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(answer)
}

// trade goes through orders that fill, wait, are cancelled and fire, and closes everything.
func (k *soak) trade() {
	const order = `{"symbol":"ETHUSD","side":"%s","type":"%s","volume":0.01%s}`
	do := func(wants string, method, path, body string) (answer string) {
		status, text := k.request(method, path, body)
		switch {
		case status == http.StatusServiceUnavailable:
			k.slowed.Add(1)
		case !strings.Contains(wants, fmt.Sprint(status)):
			k.t.Errorf("%s %s %s: %d %s", method, path, body, status, text)
			k.stop.Store(true)
		}
		return text
	}
	for time.Sleep(time.Second); !k.stop.Load(); time.Sleep(10 * time.Millisecond) {
		do("201", "POST", "/api/orders", fmt.Sprintf(order, "BUY", "MARKET", ""))
		limit := do("201", "POST", "/api/orders", fmt.Sprintf(order, "BUY", "LIMIT", `,"price":2000`))
		var waiting struct{ ID int64 }
		if err := json.Unmarshal([]byte(limit), &waiting); err == nil && waiting.ID != 0 {
			do("200", "DELETE", fmt.Sprintf("/api/orders/%d", waiting.ID), "")
		}
		// One that fires with the next low quote; 422 when that is the live one.
		do("201 422", "POST", "/api/orders", fmt.Sprintf(order, "SELL", "STOP", `,"price":3000.10`))
		do("200", "POST", "/api/positions/close", `{"type":"ALL"}`)
		k.rounds.Add(1)
	}
	do("200", "POST", "/api/positions/close", `{"type":"ALL"}`)
}

// soakPaths are what visitors read.
var soakPaths = []string{
	"/ticks?symbol=EURUSD&limit=200", "/ticks?symbol=GBPUSD&limit=100&from=1700000000", "/api/quotes",
	"/ohlc?symbol=ETHUSD&timeframe=1h", "/api/positions", "/api/orders?limit=20", "/api/ledger?limit=20",
	"/api/account/summary", "/api/alerts?limit=20", "/api/symbols", "/health/detail", "/nowhere",
}

// visit lets clients come and go: each reads something on a connection of its own, or streams for a
// moment and is gone without a word.
func (k *soak) visit() {
	for n := 0; !k.stop.Load(); n++ {
		path := soakPaths[n%len(soakPaths)]
		client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
		resp, err := client.Get(k.url + path)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		if err != nil || resp.StatusCode >= 500 {
			k.t.Errorf("GET %s: %v %v", path, resp, err)
			return
		}
		client.CloseIdleConnections()
		socket, err := k.dial("/ws")
		if err == nil {
			_, err = socket.next()
			socket.close()
		}
		if err != nil {
			k.t.Errorf("a short stream: %v", err)
			return
		}
		k.visits.Add(1)
		time.Sleep(50 * time.Millisecond)
	}
}

package httpd

import (
	"fmt"
	"strings"
	"testing"
)

// TestHosts: what a request may call a server that only this machine can reach, and one that others
// can.
//
// It was seen to find a server that looks at the host of requests that write alone.
func TestHosts(t *testing.T) {
	ask := func(m *testMarket, host, lines string) (int, string) {
		got, bodies := m.exchange("GET /ohlc?symbol=EURUSD HTTP/1.1\r\nHost: " + host + "\r\n" + lines + "\r\n")
		return got[0], bodies
	}
	local := newTestMarket(t, marketOptions{server: func(o *Options) {
		o.Loopback, o.Hosts = true, []string{"trade.example.com"}
		o.Origins = []string{"https://desk.example.com:8443"}
	}})
	open := newTestMarket(t, marketOptions{})
	named := newTestMarket(t, marketOptions{server: func(o *Options) { o.Hosts = []string{"me.example.com"} }})
	f := func(m *testMarket, host string, status int) {
		t.Helper()
		got, body := ask(m, host, "")
		if got != status || status == 403 && !strings.Contains(body, `"code":"HOST_NOT_ALLOWED"`) {
			t.Errorf("%s: got %d %s, want %d", host, got, body, status)
		}
	}
	for _, host := range []string{
		"localhost", "LOCALHOST:7999", "127.0.0.1", "127.8.9.1:80", "[::1]", "[::1]:7999",
		"trade.example.com", "Trade.Example.com:7999", "desk.example.com",
	} {
		f(local, host, 200)
	}
	for _, host := range []string{
		"evil.example.com", "localhost.evil.example.com", "127.0.0.1.evil.example.com", "0.0.0.0",
		"10.0.0.1", "example.com", "trade.example.com.evil.org", "localhost.", "[::2]", "x",
	} {
		f(local, host, 403)
		f(open, host, 200)
	}
	f(named, "me.example.com", 200)
	f(named, "evil.example.com", 403)
	f(named, "localhost", 200)
	statuses, _ := local.exchange("GET http://evil.example.com/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if statuses[0] != 403 {
		t.Errorf("another host in the request line: %v", statuses)
	}
	if statuses, _ = local.exchange("GET /health HTTP/1.0\r\n\r\n"); statuses[0] != 200 {
		t.Errorf("HTTP/1.0 without a host: %v", statuses)
	}
}

// TestOwnOrigin: with keys, the server's own page may write from whatever the server is called; a
// page of another site may not, nor open a WebSocket.
func TestOwnOrigin(t *testing.T) {
	m := newKeyedMarket(t, marketOptions{})
	f := func(host, origin string, status int) {
		t.Helper()
		const body = `{"symbol":"EURUSD","bid":1.1,"ask":1.1001}`
		got, bodies := m.exchange(fmt.Sprintf("POST /ticks HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\n"+
			"Content-Type: application/json\r\nContent-Length: %d\r\nAuthorization: Bearer %s\r\n\r\n%s", host,
			origin, len(body), m.texts["ingest"], body))
		if got[0] != status {
			t.Errorf("%s from %s: got %v %s, want %d", host, origin, got, bodies, status)
		}
	}
	f("trade.example.com", "https://trade.example.com", 200)
	f("trade.example.com:7999", "http://trade.example.com:7999", 200)
	f("trade.example.com", "https://evil.example.com", 403)
	f("trade.example.com", "https://trade.example.com:8443", 403)
	f("trade.example.com", "null", 403)
	f("trade.example.com", "https://trade.example.com.evil.org", 403)
}

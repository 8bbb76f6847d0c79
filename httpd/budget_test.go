package httpd

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestBudget spends 10 a second, at most 20 at once.
func TestBudget(t *testing.T) {
	a := allowance{count: 10, burst: 20, per: time.Second}
	var b budget
	f := func(after time.Duration, n, left int64, reset, wait time.Duration) {
		t.Helper()
		gotLeft, gotReset, gotWait := b.spend(&a, begun.Add(after), n)
		near := func(x, y time.Duration) bool { return (x - y).Abs() < time.Microsecond }
		if gotLeft != left || !near(gotReset, reset) || !near(gotWait, wait) {
			t.Errorf("%d after %s: got %d left, full in %s, wait %s; want %d, %s, %s", n, after, gotLeft,
				gotReset, gotWait, left, reset, wait)
		}
	}
	ms := time.Millisecond
	f(0, 1, 19, 100*ms, 0)
	f(0, 19, 0, 2000*ms, 0)
	f(0, 1, 0, 2000*ms, 100*ms)     // Nothing is left,
	f(50*ms, 1, 0, 1950*ms, 50*ms)  // being refused costs nothing,
	f(100*ms, 1, 0, 2000*ms, 0)     // and a tenth of a second is one more.
	f(time.Hour, 20, 0, 2000*ms, 0) // No more than burst gathers.
	f(time.Hour, 1, 0, 2000*ms, 100*ms)
	f(2*time.Hour, 21, 20, 0, 100*ms) // More than burst never fits.

	// Together, many spend what one may.
	var all budget
	var spent atomic.Int64
	var spending sync.WaitGroup
	for range 8 {
		spending.Go(func() {
			for range 100 {
				if _, _, wait := all.spend(&a, begun, 1); wait == 0 {
					spent.Add(1)
				}
			}
		})
	}
	spending.Wait()
	if spent.Load() != 20 {
		t.Errorf("%d were spent, want 20", spent.Load())
	}
}

// TestFailures: what addresses have a budget of their own, and what becomes of one that finds no room.
func TestFailures(t *testing.T) {
	var f failures
	a := newAllowances(&Limits{}).failures
	from := func(text string) net.Addr {
		return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(text), 1))
	}
	blocked := func(address string, now time.Time) bool { return f.note(from(address), &a, now) > 0 }
	for i := range failedKeys {
		if blocked("10.0.0.1", begun) {
			t.Errorf("failure %d is refused", i+1)
		}
	}
	if !blocked("10.0.0.1", begun) || !blocked("::ffff:10.0.0.1", begun) || blocked("10.0.0.2", begun) {
		t.Error("one more failure of one address must be refused, and of no other")
	}
	if blocked("10.0.0.1", begun.Add(time.Minute)) {
		t.Error("a minute later it is still refused")
	}
	for i := range failedKeys {
		blocked(fmt.Sprintf("2001:db8::%x", i), begun)
	}
	if !blocked("2001:db8::ffff", begun) || blocked("2001:db8:0:1::", begun) {
		t.Error("a network of IPv6 is one address")
	}
	for i := range 2 * failuresMax {
		blocked(fmt.Sprintf("10.1.%d.%d", i>>8, i&255), begun)
	}
	if len(f.of) > failuresMax {
		t.Errorf("%d addresses are kept", len(f.of))
	}
	if !blocked("10.200.0.1", begun) {
		t.Error("addresses without room do not share a budget")
	}
	if blocked("10.200.0.1", begun.Add(time.Hour)) || len(f.of) != 1 {
		t.Errorf("an hour later %d addresses are kept, want the newest alone", len(f.of))
	}
}

// TestRateLimits: each key has a budget of requests, another of cancels and closings, and one of
// bytes of quotes.
//
// It was seen to find cancels that are taken from the budget of other requests.
func TestRateLimits(t *testing.T) {
	m := newKeyedMarket(t, marketOptions{server: func(o *Options) {
		o.clock = func() time.Time { return begun.Add(time.Hour) } // Nothing is won back.
		o.Limits.KeyRequests, o.Limits.KeyCancels, o.Limits.KeyBytes = 2, 1, 100
		o.Limits.IngestBody, o.Limits.IngestFrame = 300, 300
	}})
	freeze(m)
	for i := range 4 {
		a := m.send("trader", "GET", "/api/orders", "")
		if a.status != 200 || a.header.Get("RateLimit-Limit") != "4" ||
			a.header.Get("RateLimit-Remaining") != fmt.Sprint(3-i) || a.header.Get("RateLimit-Reset") == "" {
			t.Fatalf("request %d: %d %v", i, a.status, a.header)
		}
	}
	a := m.send("trader", "GET", "/api/orders", "")
	if a.status != 429 || a.header.Get("Retry-After") != "1" || a.header.Get("RateLimit-Remaining") != "0" {
		t.Errorf("one more: %d %v", a.status, a.header)
	}
	has(t, a.body, `"code":"RATE_LIMITED"`)
	m.as("trader", 404, "DELETE", "/api/orders/999", "") // Its own budget.
	m.as("trader", 200, "POST", "/api/positions/close", `{"type":"ALL"}`)
	m.as("trader", 429, "POST", "/api/positions/1/close", "")
	m.as("other", 200, "GET", "/api/orders", "") // Its own key.
	m.as("trader", 200, "GET", "/health", "")

	quote := `{"symbol":"EURUSD","bid":1.1,"ask":1.1001}`
	s, _ := m.open("ingest", "/ws/ingest")
	s.say("%s", strings.Repeat(quote+"\n", 5))
	has(t, s.next(), `"frame":1,"received":5`)
	s.say("%s", strings.Repeat(quote+"\n", 5))
	has(t, s.next(), `"frame":2,"code":"RATE_LIMITED"`, `"retryAfter":`)
	s.say("%s", quote)
	has(t, s.next(), `"frame":3,"code":"RATE_LIMITED","detail":"a frame before this one came too soon`)
	m.as("ingest", 429, "POST", "/ticks", "["+strings.Repeat(quote+",", 5)+quote+"]")
	has(t, m.as("admin", 200, "GET", "/metrics", ""), "engine_http_rate_limited_total 4")
}

// freeze fills the budgets that the set-up has spent.
func freeze(m *keyedMarket) {
	for _, held := range *m.server.keys.table.Load() {
		for _, b := range []*budget{
			&held.caller.spent.requests, &held.caller.spent.cancels, &held.caller.spent.bytes,
		} {
			b.full.Store(0)
		}
	}
}

// TestBruteForce names wrong keys: after some each is told to wait, and whoever has a right one is
// let in all the same.
func TestBruteForce(t *testing.T) {
	m := newKeyedMarket(t, marketOptions{server: func(o *Options) {
		o.clock = func() time.Time { return begun.Add(time.Hour) }
	}})
	for i := range 12 {
		m.texts["guess"], _ = NewKey()
		a := m.send("guess", "GET", "/api/config", "")
		if want := map[bool]int{true: 401, false: 429}[i < failedKeys]; a.status != want {
			t.Errorf("guess %d: %d %s, want %d", i+1, a.status, a.body, want)
		}
		if a.status == 429 && a.header.Get("Retry-After") == "" {
			t.Errorf("guess %d: no Retry-After", i+1)
		}
	}
	m.as("read", 200, "GET", "/api/config", "")
	if a := m.send("", "GET", "/api/config", ""); a.status != 401 ||
		a.header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("no key is no wrong one: %d %v", a.status, a.header)
	}
	s, _ := m.open("", "/ws")
	s.say(`{"type":"auth","key":"ek_1"}`)
	if texts, _ := s.end(); !strings.Contains(texts, "TOO_MANY_BAD_KEYS") {
		t.Errorf("by a message: %s", texts)
	}
	has(t, m.as("admin", 200, "GET", "/metrics", ""), "engine_http_bad_keys_total 13")
}

// TestHeaderTricks: how a key may be given, and how not.
func TestHeaderTricks(t *testing.T) {
	m := newKeyedMarket(t, marketOptions{})
	key := m.texts["read"]
	f := func(status int, lines string) {
		t.Helper()
		m.server.failures.of = nil
		got, bodies := m.exchange("GET /api/config HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n\r\n")
		if len(got) != 1 || got[0] != status {
			t.Errorf("%q: got %v %s, want %d", lines, got, bodies, status)
		}
		if strings.Contains(bodies, key) {
			t.Errorf("%q: the answer has the key", lines)
		}
	}
	f(200, "Authorization: Bearer "+key)
	f(200, "authorization: bearer "+key+" \t")
	f(200, "AUTHORIZATION: BEARER   "+key)
	f(401, "Authorization: Bearer "+key+"\r\nAuthorization: Bearer "+key)
	f(401, "Authorization: Bearer "+key+"\r\nauthorization: x")
	f(401, "Authorization: "+key)
	f(401, "Authorization: Basic "+key)
	f(401, "Authorization: Bearer")
	f(401, "Authorization: Bearer "+strings.ToUpper(key))
	f(401, "Authorization: Bearer "+key+"0")
	f(401, "Authorization: Bearer "+key[:len(key)-1])
	f(401, "Authorization: Bearer "+key+", Bearer "+key)
	f(401, "Authorization: Bearer\t"+key)
	f(401, "X-Authorization: Bearer "+key)
	f(401, "Proxy-Authorization: Bearer "+key)
	f(401, "Cookie: Authorization=Bearer "+key)
	for _, path := range []string{"/api/config?key=", "/api/config?access_token=", "/api/config/", "/"} {
		got, bodies := m.exchange("GET " + path + key + " HTTP/1.1\r\nHost: x\r\n\r\n")
		if len(got) != 1 || got[0] != 401 && got[0] != 404 || strings.Contains(bodies, key) {
			t.Errorf("%s: got %v %s", path, got, bodies)
		}
	}
	// Whoever has no key gets no room for a long body, and is told why.
	body := strings.Repeat(" ", 20<<10)
	m.as("", 401, "POST", "/ticks", body)
	m.as("ingest", 400, "POST", "/ticks", body)
}

// TestRedact blots out keys.
func TestRedact(t *testing.T) {
	key, _ := NewKey()
	f := func(text, want string) {
		t.Helper()
		if got := redact(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	short := key[:redactFrom] + "…"
	f("", "")
	f("ek_", "ek_")
	f("a week_off ek_12 ek_1234", "a week_off ek_12 ek_1234")
	f(key, short)
	f("/x/"+key+"/y?"+key, "/x/"+short+"/y?"+short)
	f(key[:40], short)
}

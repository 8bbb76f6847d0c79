package blackbox

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// runVerb runs a verb of the binary and returns what it printed on standard output.
func runVerb(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := command(dir, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("server %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSpace(out.String())
}

// with sends a request with a key and returns status and body.
func (s *server) with(key, method, path, body string) (int, string) {
	s.t.Helper()
	request, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Error(err)
		return 0, ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Error(err)
	}
	return answer.StatusCode, string(text)
}

// TestKeysBesideTrading makes and revokes keys by the command line, again and again, while others
// trade: no order fails, the server knows each key, and that it is gone, and its journal holds.
// Before the first key it does not start and says how to make one.
func TestKeysBesideTrading(t *testing.T) {
	dir := t.TempDir()
	flags := []string{"-feed", "none", "-data", "d", "-require-keys"}
	s := launch(t, dir, append([]string{"-addr", "127.0.0.1:0"}, flags...)...)
	if code := s.exitCode(20 * time.Second); code != 1 ||
		!strings.Contains(s.log(), "\n  server key create -data d -role admin") {
		t.Fatalf("without a key: exit code %d\n%s", code, s.log())
	}
	admin := runVerb(t, dir, "key", "create", "-data", "d", "-role", "admin", "-name", "ops")
	sender := runVerb(t, dir, "key", "create", "-data", "d", "-role", "ingest")
	trader := runVerb(t, dir, "key", "create", "-data", "d", "-role", "trade", "-accounts", "1")
	s = start(t, dir, flags...)
	if status, body := s.with(sender, "POST", "/ticks",
		`{"symbol":"EURUSD","bid":1.1,"ask":1.1001}`); status != 200 {
		t.Fatalf("a quote: %d %s", status, body)
	}
	var trading sync.WaitGroup
	var stop atomic.Bool
	var orders atomic.Int64
	for i := range 3 {
		trading.Go(func() {
			for n := 0; n < 5000 && !stop.Load(); n++ {
				status, body := s.with(trader, "POST", "/api/orders", fmt.Sprintf(`{"symbol":"EURUSD",`+
					`"side":"BUY","type":"LIMIT","price":1.0,"volume":0.01,"clientOrderId":"%d-%d"}`, i, n))
				orders.Add(1)
				if status != 201 {
					t.Errorf("an order beside keys: %d %s", status, body)
					return
				}
			}
		})
	}
	allowed := func(key string) func() bool {
		return func() bool { status, _ := s.with(key, "GET", "/api/config", ""); return status == 200 }
	}
	const rounds = 2
	for round := range rounds {
		key := runVerb(t, dir, "key", "create", "-data", "d", "-role", "read")
		s.until(20*time.Second, "a new key is known", allowed(key))
		runVerb(t, dir, "key", "revoke", fmt.Sprint(4+round), "-data", "d")
		s.until(20*time.Second, "a revoked key is not", func() bool { return !allowed(key)() })
	}
	stop.Store(true)
	trading.Wait()
	if orders.Load() < rounds {
		t.Errorf("%d orders", orders.Load())
	}
	if status, body := s.with(admin, "POST", "/api/verify", ""); status != 200 ||
		!strings.Contains(body, `"ok":true`) {
		t.Errorf("the journal: %d %s", status, body)
	}
	list := runVerb(t, dir, "key", "list", "-data", "d")
	if strings.Count(list, "\n") != 3+rounds || strings.Contains(list, admin) {
		t.Errorf("the list:\n%s", list)
	}
	s.get("/health", 200)
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	runVerb(t, dir, "verify", "-data", "d")
}

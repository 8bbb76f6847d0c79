package blackbox

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
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
	flags := []string{"-feed", "none", "-data", "d", "-require-keys", "-key-requests", "0", "-debug"}
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
			// All three together stay below the 10,000 orders that an account may have open.
			for n := 0; n < 3300 && !stop.Load(); n++ {
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
	metrics := s.misplace(admin, trader)
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	runVerb(t, dir, "verify", "-data", "d")
	s.noSecrets(metrics, admin, trader, sender)
}

// misplace puts keys where they do not belong, and returns what the server counts then. No answer may
// give them back.
func (s *server) misplace(admin, trader string) (metrics string) {
	s.t.Helper()
	for _, request := range []string{
		"GET /api/config?key=%s", "GET /ticks?symbol=%s", "GET /%s", "GET /api/orders/%s",
		"DELETE /api/orders/%s", "GET /api/orders/@%s", "GET /ohlc?symbol=EURUSD&timeframe=%s",
	} {
		method, path, _ := strings.Cut(fmt.Sprintf(request, trader), " ")
		for _, key := range []string{"", trader, trader + "0"} {
			if _, body := s.with(key, method, path, ""); strings.Contains(body, trader) {
				s.t.Errorf("%s: the answer has the key: %s", request, body)
			}
		}
	}
	socket, err := s.dial("/ws?key=" + trader)
	if err != nil {
		s.t.Fatal(err)
	}
	defer socket.close()
	if err := socket.send(fmt.Sprintf(`{"type":"auth","key":%q}`, trader)); err != nil {
		s.t.Fatal(err)
	}
	for _, text := range []string{`{"type":"subscribe","channel":"%s"}`, `{"%s":1}`, `%s`} {
		if err := socket.send(fmt.Sprintf(text, trader)); err != nil {
			s.t.Fatal(err)
		}
	}
	for errors := 0; errors < 3; {
		m, err := socket.message()
		if err != nil || strings.Contains(m.text, trader) {
			s.t.Fatalf("by a message: %s, %v", m.text, err)
		}
		if m.Type == "error" {
			errors++
		}
	}
	_, metrics = s.with(admin, "GET", "/metrics", "")
	return metrics
}

// noSecrets looks for keys in what the server has told and in all it has left on the disk.
func (s *server) noSecrets(metrics string, keys ...string) {
	s.t.Helper()
	for _, key := range keys {
		if strings.Contains(metrics+s.log(), key) {
			s.t.Error("a key stands in the metrics or on standard error")
		}
	}
	files := 0
	err := filepath.WalkDir(s.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, key := range keys {
			if bytes.Contains(text, []byte(key)) {
				s.t.Errorf("a key stands in %s", path)
			}
		}
		files++
		return err
	})
	if audit, err := os.Stat(filepath.Join(s.dir, "audit.log")); err != nil || audit.Size() == 0 ||
		audit.Mode().Perm() != 0o600 {
		s.t.Errorf("audit.log: %v, %v", audit, err)
	}
	if err != nil || files < 5 {
		s.t.Errorf("%d files: %v", files, err)
	}
}

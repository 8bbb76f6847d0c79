package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tradingengine/bench/internal/report"
)

// standIn takes the place of the tests where this binary was started as a server; nil where the
// system cannot.
var standIn func()

// serverVariable names the real server to a stand-in.
const serverVariable = "BENCH_TEST_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) != "" && standIn != nil {
		standIn()
	}
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// built is the server as operators build it, built when a test first asks for it.
var built struct {
	once sync.Once
	dir  string
	path string
	err  error
}

func serverBinary(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "bench"); built.err != nil {
			return
		}
		built.path = filepath.Join(built.dir, "server.exe")
		build := exec.Command("go", "build", "-o", built.path, "./cmd/server/main.go")
		build.Dir = ".."
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

// startServer runs the real server on an empty market and returns its address.
func startServer(t *testing.T) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var said bytes.Buffer
	cmd := exec.Command(serverBinary(t), "-addr", address, "-feed", "none",
		"-data", filepath.Join(dir, "data"), "-log", filepath.Join(dir, "server.log"))
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // It was killed.
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if resp, err := http.Get("http://" + address + "/health/ready"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return address
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not become ready:\n%s", said.String())
		}
	}
}

// All kinds of readers and both ways of quotes, on the real server. Latency depends on how busy the
// machine is, so it is not looked at.
func TestRealServer(t *testing.T) {
	t.Parallel()
	address := startServer(t)
	for _, way := range []string{"post commit", "ws commit", "ws accept"} {
		via, ack, _ := strings.Cut(way, " ")
		o := startOn(t, address, "-write", "-duration", "300ms", "-quotes-rate", "20000",
			"-get-rate", "50", "-get-conns", "4", "-via", via, "-ack", ack, "-ws", "3", "-ws-slow", "2",
			"-ws-slow-rate", "20000", "-ws-stuck", "5")
		q, ws := o.report.Quotes, o.report.WebSocket
		if q == nil || q.Sent != 6000 || q.Received != 6000 || ws == nil || ws.Sessions != 3 ||
			ws.Ticks < 3*2000 || ws.Slow == nil || ws.Slow.Ticks == 0 || ws.Stuck == nil ||
			ws.Stuck.Sessions != 5 {
			t.Fatalf("%s: got %+v, %+v\n%s", way, q, ws, o.stderr)
		}
		for _, target := range o.report.Targets {
			// 6,000 quotes are too few, and the run is too short for stuck sessions to end.
			judged := target.Unit != "ms" && target.Name != "throttled" &&
				!strings.HasPrefix(target.Name, "stuck sessions")
			if judged && target.State != report.Met {
				t.Errorf("%s: got %+v", way, target)
			}
		}
	}
}

// Orders beside quotes on the real server, one by one and in lists: what answers say is what the
// server counts.
func TestOrdersOnARealServer(t *testing.T) {
	t.Parallel()
	address := startServer(t)
	for _, batch := range []int64{1, 10} {
		o := startOn(t, address, "-write", "-duration", "900ms", "-quotes-rate", "2000", "-get-rate", "0",
			"-ws", "0", "-symbols", "ETHUSD", "-orders-rate", "500", "-orders-connections", "4",
			"-orders-batch", fmt.Sprint(batch))
		r := o.report.Orders
		if r == nil || r.Sent != 300 || r.Acknowledged != 300 || r.Filled != 300 || r.Counted == nil ||
			*r.Counted != 300 {
			t.Fatalf("batches of %d: got %+v\n%s", batch, r, o.stderr)
		}
		for _, name := range []string{
			"orders sent, not accounted for", "orders refused", "orders filled, not as told",
		} {
			o.wantState(t, name, report.Met)
		}
		for _, text := range []string{"Orders: sent 300", "POST /api/orders", "= acknowledged"} {
			if !strings.Contains(o.stderr, text) {
				t.Errorf("%q is not in the table:\n%s", text, o.stderr)
			}
		}
	}
}

// words is a text with single blanks.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// tortureWith runs the mode in a directory that holds a file of somebody else.
func tortureWith(ctx context.Context, t *testing.T, server string, args ...string) (
	code int, text string, left []string,
) {
	t.Helper()
	dir := t.TempDir()
	theirs := filepath.Join(dir, "market.db")
	if err := os.WriteFile(theirs, []byte("not ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code = bench(ctx, append([]string{"torture", "-server", server, "-dir", dir}, args...),
		&stdout, &stderr)
	if got, err := os.ReadFile(theirs); err != nil || string(got) != "not ours" {
		t.Errorf("a file that was there before is %q, %v", got, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "market.db" {
			left = append(left, e.Name())
		}
	}
	return code, stdout.String() + stderr.String(), left
}

// The server keeps its promises, and the run leaves nothing behind. Seen to fail on a server that
// acknowledges before it commits, and on one that does not load the last numbers of its senders.
func TestTorture(t *testing.T) {
	rounds := "3"
	if testing.Short() {
		rounds = "2"
	}
	code, text, left := tortureWith(t.Context(), t, serverBinary(t), "-rounds", rounds, "-seed", "3")
	if code != exitOK || len(left) != 0 {
		t.Errorf("got exit code %d, left %v:\n%s", code, left, text)
	}
	for _, want := range []string{
		"round 2 of " + rounds, "kill to first right answer", "quotes acknowledged and lost 0 ok",
		"Nothing acknowledged is lost",
	} {
		if !strings.Contains(words(text), want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestTortureThatCannotStart(t *testing.T) {
	f := func(wantCode int, wantText, server string, args ...string) {
		t.Helper()
		code, text, left := tortureWith(t.Context(), t, server, args...)
		if code != wantCode || !strings.Contains(text, wantText) || len(left) > 1 {
			t.Errorf("%s %q: got %d, left %v, %s; want %d, %q", server, args, code, left, text, wantCode,
				wantText)
		}
	}
	f(exitUsage, "-server is missing", "")
	f(exitUsage, "did you mean -rounds?", "x", "-round", "5")
	f(exitUsage, "-senders is 1 to 64", "x", "-senders", "0")
	f(exitMissed, "no such file", filepath.Join(t.TempDir(), "none"))
	f(exitMissed, "no such file", "x", "-dir", filepath.Join(t.TempDir(), "none"))
	f(exitMissed, "the server ended by itself", "/bin/false")
	f(exitOK, "-duration time", "x", "-h")
}

package blackbox

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// runs runs a verb of the binary and returns its output, both streams, and its exit code.
func runs(t *testing.T, dir string, args ...string) (out string, code int) {
	t.Helper()
	text, err := command(dir, args...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(text), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text), 0
}

// mustRun is runs of a verb that must do its work.
func mustRun(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, code := runs(t, dir, args...)
	if code != 0 {
		t.Fatalf("%v: exit code %d\n%s", args, code, out)
	}
	return out
}

// events returns the whole journal, one event a line.
func (s *server) events() (lines []string) {
	s.t.Helper()
	for {
		page := s.get(fmt.Sprintf("/api/events?limit=5000&since=%d", len(lines)), 200)
		events := strings.Split(strings.Trim(page, "[]\n"), ",\n")
		if events[0] == "" {
			return lines
		}
		lines = append(lines, events...)
	}
}

// prefix fails unless got is what all begins with, and has all of before.
func prefix(t *testing.T, what string, before, got, all []string) {
	t.Helper()
	if len(got) < len(before) || len(got) > len(all) || len(all) <= len(before) {
		t.Fatalf("%s: %d after the restore; %d before the backup, %d after it", what, len(got), len(before),
			len(all))
	}
	for i := range got {
		if got[i] != all[i] {
			t.Fatalf("%s: number %d is %s, was %s", what, i+1, got[i], all[i])
		}
	}
}

// TestBackupAndRestore copies the directory of a server that is being sent quotes and orders, kills
// the server, puts the copy in place and starts on it: every answer is that of a prefix of what was
// acknowledged, of the market and of trading, whose state and sums hold.
func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "-feed", "none", "-data", "d")
	stop := make(chan struct{})
	var sending sync.WaitGroup
	sent := 0
	send := func() {
		var body strings.Builder
		body.WriteString("symbol,bid,ask,time\n")
		for range 50 {
			sent++
			fmt.Fprintf(&body, "EURUSD,1.%05d,1.20001,%d\n", 10000+sent*7%10000,
				1_768_830_000_000_000+int64(sent)*400_000)
		}
		s.post("/ticks", "text/csv", body.String(), 200)
	}
	send()
	s.post("/ticks", "application/json", `{"symbol":"ETHUSD","bid":3000.00,"ask":3000.07}`, 200)
	var trading sync.WaitGroup
	client := &trader{name: "backup"}
	trading.Go(func() { client.run(s.url) })
	trading.Go(func() { feedETH(s.url, rand.New(rand.NewPCG(1, 2))) })
	s.until(20*time.Second, "orders are filled", func() bool { return len(s.events()) > 20 })
	eventsBefore := s.events()
	before := strings.Split(s.get("/ticks?symbol=EURUSD&format=csv&limit=50000", 200), "\n")
	sending.Go(func() {
		for range 200 {
			send()
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	out := mustRun(t, dir, "backup", "-data", "d", "copy")
	close(stop)
	sending.Wait()
	if !strings.Contains(out, "copied market.db and trading.db of d to copy") {
		t.Errorf("backup printed %q", out)
	}
	if out, code := runs(t, dir, "backup", "-data", "d", "copy"); code != 1 ||
		!strings.Contains(out, "not empty") {
		t.Errorf("a backup onto another: exit code %d\n%s", code, out)
	}
	for _, verb := range []string{"verify -data d", "restore copy -data d"} {
		if out, code := runs(t, dir, strings.Fields(verb)...); code != 1 ||
			!strings.Contains(out, "in use") {
			t.Errorf("%s beside a server: exit code %d\n%s", verb, code, out)
		}
	}
	eventsAll := s.events()
	all := strings.Split(s.get("/ticks?symbol=EURUSD&format=csv&limit=50000", 200), "\n")
	s.kill()
	trading.Wait()
	if client.wrong != "" {
		t.Error(client.wrong)
	}
	mustRun(t, dir, "verify", "-data", "copy")
	mustRun(t, dir, "verify", "-data", "d")
	out = mustRun(t, dir, "restore", "copy", "-data", "d")
	if !strings.Contains(out, "restored market.db and trading.db from copy to d") ||
		!strings.Contains(out, "before-restore-") {
		t.Errorf("restore printed %q", out)
	}
	if out := mustRun(t, dir, "verify", "-data", "d"); !strings.Contains(out, "ok: market.db and trading.db of d") {
		t.Errorf("verify printed %q", out)
	}
	s = start(t, dir, "-feed", "none", "-data", "d")
	got := strings.Split(s.get("/ticks?symbol=EURUSD&format=csv&limit=50000", 200), "\n")
	last := len(got) - 1 // What is behind the last line.
	prefix(t, "ticks", before[:len(before)-1], got[:last], all)
	prefix(t, "events", eventsBefore, s.events(), eventsAll)
	s.checkMoney()
	mustHave(t, s.post("/api/verify", "application/json", "", 200), `{"ok":true`)
}

// TestHealthcheck asks a server that runs and one that does not.
func TestHealthcheck(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "-feed", "none", "-data", "d")
	addr := strings.TrimPrefix(s.url, "http://")
	if out := mustRun(t, dir, "healthcheck", "-addr", addr); out != "OK\n" {
		t.Errorf("printed %q", out)
	}
	s.stop()
	if out, code := runs(t, dir, "healthcheck", "-addr", addr); code != 1 ||
		!strings.HasPrefix(out, "unhealthy: ") {
		t.Errorf("of a server that stopped: exit code %d\n%s", code, out)
	}
	if _, code := runs(t, dir, "healthcheck", "-addr", "nonsense"); code != 2 {
		t.Errorf("a wrong address: exit code %d", code)
	}
}

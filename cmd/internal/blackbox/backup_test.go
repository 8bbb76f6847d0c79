package blackbox

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
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

// TestBackupAndRestore copies the directory of a server that is being sent quotes, kills the server,
// puts the copy in place and starts on it: every answer is that of a prefix of what was acknowledged.
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
	all := strings.Split(s.get("/ticks?symbol=EURUSD&format=csv&limit=50000", 200), "\n")
	s.kill()
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
	if len(got) < len(before) || len(got) > len(all) {
		t.Fatalf("%d lines after the restore; %d before the backup, %d at the end", len(got),
			len(before), len(all))
	}
	for i := range got[:len(got)-1] {
		if got[i] != all[i] {
			t.Fatalf("line %d is %q, was %q", i+1, got[i], all[i])
		}
	}
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

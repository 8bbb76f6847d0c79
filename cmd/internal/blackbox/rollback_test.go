package blackbox

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// launchAsPrinted starts ./server.exe in a folder as the operators' document does, with what it
// prints on standard error thrown away, and waits until it is ready.
func (o *operator) launchAsPrinted() *exec.Cmd {
	o.t.Helper()
	cmd := exec.Command("bash", "-c", "GOGC=50 GOMEMLIMIT=2GiB exec ./server.exe 2>/dev/null >&2")
	cmd.Dir = o.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + o.dir}
	if err := cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() {
		_ = cmd.Process.Kill() // It has exited unless the test failed.
		_ = cmd.Wait()
	})
	o.types(`for i in $(seq 200); do
		curl -sf http://localhost:7999/health/ready >/dev/null && exit 0; sleep 0.1
	done; exit 1`, ``)
	return cmd
}

// stopAsPrinted does what systemctl stop does.
func stopAsPrinted(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("stopping: %v", err)
	}
}

// TestChecklistRollback deploys a new binary over an old one and goes back, with the words of the
// operators' document; only its waits of half a minute are replaced by waiting until it is ready.
func TestChecklistRollback(t *testing.T) {
	need(t, "bash", "curl", "jq", "grep", "awk", "ps", "pgrep")
	if l, err := net.Listen("tcp", "127.0.0.1:7999"); err != nil {
		t.Skip("something else serves on port 7999")
	} else if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir, build := t.TempDir(), t.TempDir()
	old := readText(t, copyBinary(t, dir))
	o := &operator{t: t, dir: dir}

	running := o.launchAsPrinted()
	o.types(`curl http://localhost:7999/health 2>/dev/null`, `OK`)
	o.types(`./server.exe healthcheck`, "OK\n")
	healthScript(o)
	before := count(t, o)
	stopAsPrinted(t, running)
	o.types(`if [ "$(curl -s http://localhost:7999/health)" != "OK" ]; then echo send_alert; fi`,
		"send_alert\n")

	// Deploy: the new binary differs in bytes that do nothing.
	o.types(`cp server.exe server.exe.backup.$(date +%s)`, ``)
	writeText(t, filepath.Join(build, "server.exe"), old+"new")
	o.types(`cp `+build+`/server.exe ./server.exe`, ``)
	running = o.launchAsPrinted()
	o.types(`curl http://localhost:7999/health 2>/dev/null`, `OK`)
	if after := count(t, o); after < before {
		t.Errorf("%d ticks after the deployment, %d before", after, before)
	}
	o.types(`ls -lart server.exe.backup.* | head -10 | wc -l`, "1\n")
	o.types(`grep -i "error\|panic\|fatal" server.log || true`, ``)
	stopAsPrinted(t, running)

	// Roll back.
	o.types(`cp $(ls server.exe.backup.* | tail -1) server.exe`, ``)
	if readText(t, filepath.Join(dir, "server.exe")) != old {
		t.Error("server.exe is not the old one again")
	}
	running = o.launchAsPrinted()
	o.types(`curl http://localhost:7999/health 2>/dev/null`, `OK`)
	if after := count(t, o); after < before {
		t.Errorf("%d ticks after the rollback, %d before", after, before)
	}
	stopAsPrinted(t, running)
	o.types(`grep -c "Set GOGC=50" server.log`, "3\n")
}

// healthScript runs the document's script from a file, as cron does. It takes every server.exe of
// the machine for its own, so it can only be judged where there is one.
func healthScript(o *operator) {
	o.t.Helper()
	found, err := exec.Command("pgrep", "-af", "[s]erver.exe").Output()
	if err != nil {
		o.t.Fatal(err)
	}
	if n := strings.Count(string(found), "\n"); n > 1 {
		o.t.Logf("health_check.sh was left out, several processes are named server.exe:\n%s", found)
		return
	}
	writeText(o.t, filepath.Join(o.dir, "health_check.sh"), "#!/bin/bash\n"+healthCheck)
	o.types(`chmod +x health_check.sh && ./health_check.sh`,
		`\[[^]]+\] ✅ HEALTHY \| Memory: \d[\d\s]*KB \| Uptime: \d+m\n`)
}

// count is how many ticks /ticks has of EURUSD.
func count(t *testing.T, o *operator) int {
	t.Helper()
	cmd := exec.Command("bash", "-c",
		`curl -s "http://localhost:7999/ticks?symbol=EURUSD&limit=50000"`)
	cmd.Dir = o.dir
	out, err := cmd.Output()
	n := strings.Count(string(out), `"EURUSD"`)
	if err != nil || n == 0 {
		t.Errorf("%v, %d ticks", err, n)
	}
	return n
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestNewerFileIsRefused starts on files of versions that do not exist yet.
func TestNewerFileIsRefused(t *testing.T) {
	need(t, "sqlite3")
	dir := t.TempDir()
	s := start(t, dir, "-feed", "none", "-data", "d")
	if code := s.stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	o := &operator{t: t, dir: dir}
	o.types(`sqlite3 d/market.db "PRAGMA user_version=2000"`, ``)
	newer := launch(t, dir, "-addr", "127.0.0.1:0", "-feed", "none", "-data", "d")
	if code := newer.exitCode(10 * time.Second); code != 1 ||
		!strings.Contains(newer.log(), "has schema 2.0, this program knows up to 1.") {
		t.Errorf("a newer major version: exit code %d\n%s", code, newer.log())
	}
	o.types(`sqlite3 d/market.db "PRAGMA user_version=1999"`, ``)
	start(t, dir, "-feed", "none", "-data", "d")
}

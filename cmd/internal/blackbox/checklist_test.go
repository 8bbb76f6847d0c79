package blackbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// operator is a shell in the directory where server.exe and its logs lie.
type operator struct {
	t   *testing.T
	dir string
	pid int // Of the one server that pgrep finds; 0 for all.
}

// types runs one command of the operators' document and matches what it prints.
func (o *operator) types(command, want string) {
	o.t.Helper()
	only := ""
	if o.pid != 0 {
		only = fmt.Sprintf("pgrep() { command pgrep \"$@\" | grep -x %d; }\n", o.pid)
	}
	cmd := exec.Command("bash", "-c", only+command)
	cmd.Dir = o.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		o.t.Errorf("%s\n%v\n%s", command, err, out)
		return
	}
	if !regexp.MustCompile(`\A(?s:` + want + `)\z`).Match(out) {
		o.t.Errorf("%s\nprinted %q\nwant    %q", command, out, want)
	}
}

// TestChecklist is an operator who follows the document, in its order and with its words: default
// address, default files, the binary under its name. It takes half a minute because the document
// waits that long, and others run beside it meanwhile; their servers are not the operator's. Lines
// that no server can satisfy as printed are typed as README has them.
func TestChecklist(t *testing.T) {
	if testing.Short() {
		t.Skip("waits half a minute, as the document does")
	}
	t.Parallel()
	need(t, "bash", "curl", "jq", "grep", "awk", "ps", "pgrep", "sqlite3")
	dir := t.TempDir()
	exe, err := os.ReadFile(executable())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "server.exe"), exe, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("./server.exe")
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GOGC=50", "GOMEMLIMIT=2GiB",
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // It has exited unless the test failed.
		_ = cmd.Wait()
	})
	begun := time.Now()
	o := &operator{t, dir, cmd.Process.Pid}
	o.types(`sleep 33`, ``)

	o.types(`curl http://localhost:7999/health 2>/dev/null`, `OK`)
	o.types(`curl -s http://localhost:7999/api/config | jq .`, `\{\n  "brokerName": .*\}\n`)
	o.types(`curl -s "http://localhost:7999/ticks?symbol=EURUSD&limit=10" | jq '.[0:2]' | grep -c '"symbol": "EURUSD"'`,
		"2\n")
	o.types(`timestamp=$(date '+%H:%M:%S')
		status=$(curl -s -w '%{http_code}' http://localhost:7999/health -o /dev/null)
		memory=$(ps aux | grep '[s]erver.exe' | awk '{print $6}')
		echo "[$timestamp] Health: $status | Memory: ${memory}KB"`,
		`\[\d\d:\d\d:\d\d\] Health: 200 \| Memory: \d[\d\s]+KB\n`)
	// One element a line between two brackets: 500 ticks, and up to 500 bars.
	o.types(`curl -s "http://localhost:7999/ticks?symbol=EURUSD" | wc -l`, `502\n`)
	o.types(`curl -s "http://localhost:7999/ohlc?symbol=EURUSD&timeframe=1m" | wc -l`, `502\n`)

	o.types(`curl -s "http://localhost:7999/api/account/summary" | jq .balance`, `5000(\.00)?\n`)

	stats := `\S+ \[OptimizedTickStore\] Stats: received=\d+, stored=\d+, throttled=\d+ \(\d+\.\d%\)\n`
	o.types(`grep "throttled" server.log | tail -5`, stats)
	o.types(`grep "throttled=" server.log | tail -5`, stats)
	o.types(`grep "Stats:" server.log | tail -10`, stats)
	o.types(`grep -i "optimized\|throttled\|flushed" server.log | grep -c 'Flushed [0-9]* ticks to disk'`,
		`[3-5]\n`)
	o.types(`grep -i "error\|panic\|fatal" server.log || true`, ``)
	o.types(`grep "default\|Queue full" server.log || true`, ``)
	o.types(`grep "Queue full" server.log || true`, ``)
	o.types(`grep "Set GOGC" server.log`, `\S+ \[GC\] Set GOGC=50\n`)
	o.types(`grep "ticks in use" debug.log | grep -c EURUSD`, "1\n")
	o.types(`curl -s http://localhost:7999/api/config | jq .maxTicksPerSymbol`, "50000\n")
	o.types(`tail -50 server.log | wc -l`, `\d+\n`)
	o.types(`ps aux | grep '[s]erver' | awk '{print $6}' | head -1`, `\d+\n`)
	o.types(healthCheck, `\[[^]]+\] ✅ HEALTHY \| Memory: \d[\d\s]*KB \| Uptime: \d+m\n`)
	o.types(`if [ "$(curl -s http://localhost:7999/health)" != "OK" ]; then echo alert; fi`, ``)
	o.types(`cp server.exe server.exe.backup.$(date +%s); ls -lart server.exe.backup.* | wc -l`, "1\n")

	// The lines that cannot work as printed, as README replaces them.
	for name, command := range readmeReplacements(t) {
		t.Run(name, func(t *testing.T) {
			(&operator{t, dir, cmd.Process.Pid}).types(command, replacementPrints[name])
		})
	}

	// What README says to type, and a backup as it says.
	o.typesReadme(t)
	restore := o.typesBackup(t)

	// What the document's throttle band means, read from the line it reads.
	share := throttleShare(t, dir)
	if share < 40 || share > 60 {
		t.Errorf("after %s the log says that %.1f %% were throttled, want 40 to 60",
			time.Since(begun).Round(time.Second), share)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("stopping: %v", err)
	}
	if !t.Failed() {
		restore()
	}
}

const healthCheck = `
TIMESTAMP=$(date '+%Y-%m-%d %H:%M:%S')
HEALTH=$(curl -s -w '%{http_code}' http://localhost:7999/health -o /dev/null)
MEMORY=$(ps aux | grep '[s]erver.exe' | awk '{print $6}')
UPTIME=$(ps -p $(pgrep -f '[s]erver.exe') -o etimes= | awk '{print int($1/60)"m"}' 2>/dev/null || echo "N/A")
if [ "$HEALTH" = "200" ]; then STATUS="✅ HEALTHY"; else STATUS="❌ UNHEALTHY"; fi
echo "[$TIMESTAMP] $STATUS | Memory: ${MEMORY}KB | Uptime: $UPTIME"
[ "$HEALTH" = "200" ] || exit 1`

// replacementPrints is what each replacement of README must print on a healthy server.
var replacementPrints = map[string]string{
	"flush age":     ``,
	"memory":        ``,
	"throttle rate": `Avg throttle rate: \d+\.\d%\n`,
	"ring size":     `\S+ \[OptimizedTickStore\] maxTicksPerSymbol=50000 batchSize=500 queueCapacity=10000\n`,
}

// readmeReplacements takes the commands of README that replace lines of the operators' document:
// code blocks that begin with "# replaces: NAME".
func readmeReplacements(t *testing.T) map[string]string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(root(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	blocks := regexp.MustCompile("(?s)```bash\n# replaces: ([^\n]+)\n(.*?)```")
	for _, m := range blocks.FindAllStringSubmatch(string(readme), -1) {
		found[m[1]] = m[2]
		if _, ok := replacementPrints[m[1]]; !ok {
			t.Errorf("README replaces %q, which no test expects", m[1])
		}
	}
	for name := range replacementPrints {
		if found[name] == "" {
			t.Errorf("README has no replacement for %q", name)
		}
	}
	return found
}

// throttleShare reads the percentage of the newest Stats line.
func throttleShare(t *testing.T, dir string) float64 {
	t.Helper()
	out, err := exec.Command("bash", "-c",
		`grep "Stats:" `+filepath.Join(dir, "server.log")+` | tail -1`).Output()
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`\((\d+)\.(\d)%\)`).FindStringSubmatch(string(out))
	if m == nil {
		t.Fatalf("no share in %q", out)
	}
	share, err := strconv.ParseFloat(m[1]+"."+m[2], 64)
	if err != nil {
		t.Fatal(err)
	}
	return share
}

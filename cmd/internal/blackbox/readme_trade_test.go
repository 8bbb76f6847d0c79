package blackbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// readmeTrade takes the commands of the first block under "## Trade" of README and what it says
// they print.
func readmeTrade(t *testing.T) (commands []string, printed string) {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(root(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)\n## Trade\n[^`]*```bash\n(.*?)```\n```text\n(.*?)```")
	m := block.FindSubmatch(readme)
	if m == nil {
		t.Fatal("README has no example under \"## Trade\"")
	}
	return strings.Split(strings.TrimSpace(string(m[1])), "\n"), string(m[2])
}

// timeless leaves out the times of answers, which no run repeats.
func timeless(answers string) string {
	times := regexp.MustCompile(`"\d{4}-\d\d-\d\dT[\d:.]+Z"|"time":\d+`)
	return times.ReplaceAllString(answers, `"…"`)
}

// TestReadmeTrade types the commands of README about trading as they are printed, but for the
// address, on a server that has the prices of the day they were written. All they print must be what
// README says, but for the times. Time is that of the quotes, so that it is a Wednesday.
//
// It was seen to find numbers of a run with one more order than README has.
func TestReadmeTrade(t *testing.T) {
	need(t, "bash", "curl")
	commands, want := readmeTrade(t)
	if len(commands) < 5 {
		t.Fatalf("README has %d commands to trade with, want 5 at least", len(commands))
	}
	dir := t.TempDir()
	s := start(t, dir, "-feed", "none", "-data", "d", "-clock", "quotes")
	s.post("/ticks", "application/json", `{"symbol":"EURUSD","bid":1.16362,"ask":1.16374,`+
		`"time":"2026-11-25T01:49:49.992024Z"}`, 200)
	var got strings.Builder
	for _, command := range commands {
		address := "http://localhost:7999"
		if !strings.Contains(command, address) {
			t.Errorf("%s: not to the usual address", command)
		}
		cmd := exec.Command("bash", "-c", strings.ReplaceAll(command, address, s.url))
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		got.Write(out)
	}
	if got, want := timeless(got.String()), timeless(want); got != want {
		t.Errorf("README and the answers of the commands differ: %s\n%s", firstDifference(got, want), got)
	}
}

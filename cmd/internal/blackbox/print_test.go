package blackbox

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPrintedMetricsExist compares the names in the alert rules and the dashboard with /metrics. It
// was seen to find a name that was misspelt in either.
func TestPrintedMetricsExist(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "-feed", "none", "-data", "d")
	samples, _ := s.metrics()
	known := map[string]bool{}
	for name := range samples {
		bare, _, _ := strings.Cut(name, "{")
		known[bare] = true
	}
	names := regexp.MustCompile(`\b(engine|process|go)_[a-z0-9_]+`)
	for _, kind := range []string{"alerts", "dashboard"} {
		found := names.FindAllString(mustRun(t, dir, "print", kind), -1)
		if len(found) < 15 {
			t.Errorf("%s names only %v", kind, found)
		}
		for _, name := range found {
			if !known[name] {
				t.Errorf("%s: there is no %s in /metrics", kind, name)
			}
		}
	}
}

// TestAlertRules lets Prometheus' own tool read the rules, and tell what they say just inside and
// just beyond the limits of the operators.
//
// It was seen to find each limit of memory, latency, failures, processors, the throttle and the flush
// changed.
func TestAlertRules(t *testing.T) {
	need(t, "promtool")
	dir := t.TempDir()
	file := filepath.Join(dir, "alerts.yml")
	if err := os.WriteFile(file, []byte(mustRun(t, dir, "print", "alerts")), 0o644); err != nil {
		t.Fatal(err)
	}
	limits, err := os.ReadFile(filepath.Join("testdata", "alerts_test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	tests := filepath.Join(dir, "alerts_test.yml")
	if err := os.WriteFile(tests, limits, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", "rules", file}, {"test", "rules", tests}} {
		if out, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", args[0], err, out)
		}
	}
}

func TestDashboard(t *testing.T) {
	var dashboard struct {
		Title  string
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	text := mustRun(t, t.TempDir(), "print", "dashboard")
	if err := json.Unmarshal([]byte(text), &dashboard); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.Title == "" || len(p.Targets) == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %+v", p)
		}
		ids[p.ID] = true
	}
	if len(ids) < 10 {
		t.Errorf("only %d panels", len(ids))
	}
}

// TestUnit lets systemd read the unit, for a binary in a folder with a space in its name.
func TestUnit(t *testing.T) {
	need(t, "systemd-analyze")
	dir := filepath.Join(t.TempDir(), "the engine")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	binary := copyBinary(t, dir)
	text := mustRun(t, dir, "print", "systemd", "-binary", binary)
	unit := filepath.Join(dir, "trading-engine.service")
	if err := os.WriteFile(unit, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	verify := exec.Command("systemd-analyze", "verify", "--man=no", unit)
	out, err := verify.CombinedOutput()
	if err != nil || strings.Contains(string(out), "trading-engine") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, want := range []string{
		"\nExecStart=\"" + binary + "\"\n", "\nWorkingDirectory=" + dir + "\n",
		"\nEnvironment=GOGC=50 GOMEMLIMIT=2GiB\n", "\nProtectSystem=strict\n", "\nUser=trading-engine\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the unit does not say %q", want)
		}
	}
}

// copyBinary puts the server under its name into a folder.
func copyBinary(t *testing.T, dir string) string {
	t.Helper()
	exe, err := os.ReadFile(executable())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "server.exe")
	if err := os.WriteFile(path, exe, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTask(t *testing.T) {
	const binary = `C:\R&D\server.exe`
	text := mustRun(t, t.TempDir(), "print", "task", "-binary", binary, "-user", "ops")
	decoder, elements := xml.NewDecoder(strings.NewReader(text)), 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := token.(xml.StartElement); ok {
			elements++
		}
	}
	if elements < 15 || !strings.Contains(text, `<Command>C:\R&amp;D\server.exe</Command>`) ||
		!strings.Contains(text, "<UserId>ops</UserId>") {
		t.Errorf("%d elements in\n%s", elements, text)
	}
	if out, code := runs(t, t.TempDir(), "print", "grafana"); code != 2 ||
		!strings.Contains(out, "there are alerts dashboard systemd task") {
		t.Errorf("an unknown kind: exit code %d\n%s", code, out)
	}
}

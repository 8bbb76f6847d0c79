package blackbox

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRefusesToStart is everything that must end a start with a plain sentence and an exit code.
func TestRefusesToStart(t *testing.T) {
	dir := t.TempDir()
	f := func(name string, code int, wants string, args ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			begin := time.Now()
			s := launch(t, dir, args...)
			if got := s.refused(begin); got != code {
				t.Errorf("exit code %d, want %d\n%s", got, code, s.log())
			}
			if !strings.Contains(s.log(), wants) {
				t.Errorf("got %q, want it to say %q", s.log(), wants)
			}
			if strings.Contains(s.log(), "goroutine ") {
				t.Errorf("a stack trace:\n%s", s.log())
			}
		})
	}
	free := []string{"-addr", "127.0.0.1:0"}
	f("flag typo", 2, "did you mean -feed?", "-fed", "none")
	f("verb typo", 2, "did you mean import?", "imprt")
	f("symbol file missing", 2, "-symbols", append(free, "-symbols", "none.json")...)
	f("exposed address", 2, "-insecure-http", "-addr", "0.0.0.0:0")
	f("replay without files", 1, "no such file", append(free, "-feed", "replay:none-*.csv")...)
	f("replay option", 2, "did you mean speed?", append(free, "-feed", "replay:x.csv,sped=1")...)

	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("wrong.json", "[\n{\"symbol\":\"EURUSD\",\n\"digit\":5}]\n")
	f("symbol file wrong", 1, "line 3: field digit: no such field; did you mean digits?",
		append(free, "-symbols", "wrong.json")...)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f("port taken", 1, "cannot listen on "+l.Addr().String(), "-addr", l.Addr().String())

	if err := os.MkdirAll(filepath.Join(dir, "foreign"), 0o755); err != nil {
		t.Fatal(err)
	}
	write("foreign/market.db", strings.Repeat("not a database\n", 500))
	f("foreign file", 1, "market.db", append(free, "-feed", "none", "-data", "foreign")...)
	if got, err := os.ReadFile(filepath.Join(dir, "foreign/market.db")); err != nil ||
		string(got) != strings.Repeat("not a database\n", 500) {
		t.Errorf("the foreign file was changed (%v)", err)
	}
}

// TestSimulatedAndRealNeverMix starts each kind on the directory of the other.
func TestSimulatedAndRealNeverMix(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "-history", "0", "-data", "demo")
	body := s.post("/ticks", "application/json", `{"symbol":"EURUSD","bid":1.1,"ask":1.2}`, 409)
	if !strings.Contains(body, `"FEED_SIMULATED"`) || !strings.Contains(body, "-feed none") {
		t.Errorf("POST /ticks under the simulator: %s", body)
	}
	if config := s.get("/api/config", 200); !strings.Contains(config, `"simulated":true`) ||
		!strings.Contains(config, `"feed":"simulator"`) {
		t.Errorf("/api/config does not say that the market is simulated: %s", config)
	}
	second := launch(t, dir, "-addr", "127.0.0.1:0", "-data", "demo")
	if code := second.exitCode(5 * time.Second); code != 1 || !strings.Contains(second.log(), "in use") {
		t.Errorf("a second server on the directory: exit code %d\n%s", code, second.log())
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	other := launch(t, dir, "-addr", "127.0.0.1:0", "-feed", "none", "-data", "demo")
	if code := other.exitCode(5 * time.Second); code != 1 ||
		!strings.Contains(other.log(), "simulated") {
		t.Errorf("real quotes into a simulated directory: exit code %d\n%s", code, other.log())
	}
}

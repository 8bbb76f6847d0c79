package blackbox

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// answers asks for everything the market of some symbols can be asked.
func (s *server) answers(symbols ...string) map[string]string {
	s.t.Helper()
	all := map[string]string{}
	ask := func(path string) { all[path] = s.get(path, 200) }
	for _, symbol := range symbols {
		ask("/ticks?limit=2000&symbol=" + symbol)
		ask("/ticks?limit=50000&format=csv&from=2014-05-05T00:00:00Z&symbol=" + symbol)
		for _, frame := range strings.Fields("1m 5m 15m 30m 1h 4h 1d 1w") {
			for _, price := range strings.Fields("mid bid ask") {
				ask("/ohlc?limit=5000&symbol=" + symbol + "&timeframe=" + frame + "&price=" + price)
			}
		}
		ask("/ohlc?align=utc&timeframe=1d&symbol=" + symbol)
		ask("/api/quotes?symbols=" + symbol)
	}
	return all
}

// TestRestartAnswersTheSame replays recorded days, stops, starts again and compares every answer
// byte for byte: what is served from memory before comes from the file afterwards.
func TestRestartAnswersTheSame(t *testing.T) {
	data := recorded(t)
	dir := t.TempDir()
	symbols := filepath.Join(root(), "testdata", "symbols.json")
	replay := "replay:" + filepath.Join(data, "ticks-oanda-2014050[45].csv.gz") + ",speed=max"
	s := start(t, dir, "-feed", replay, "-symbols", symbols, "-data", "d")
	s.until(60*time.Second, "the replay ends", func() bool {
		return strings.Contains(s.log(), "the replay has ended")
	})
	before := s.answers("EURUSD", "NZDUSD", "XAUUSD")
	if n := strings.Count(before["/ohlc?limit=5000&symbol=XAUUSD&timeframe=1m&price=mid"], "\n"); n < 1000 {
		t.Fatalf("only %d lines of bars: the replay brought next to nothing", n)
	}
	if code := s.stop(); code != 0 {
		t.Fatalf("SIGTERM: exit code %d, want 0", code)
	}
	s = start(t, dir, "-feed", "none", "-symbols", symbols, "-data", "d")
	for path, want := range before {
		if got := s.get(path, 200); got != want {
			t.Errorf("%s differs after a restart:\n%s", path, firstDifference(got, want))
		}
	}
	s.kill()
	s = start(t, dir, "-feed", "none", "-symbols", symbols, "-data", "d")
	for path, want := range before {
		if got := s.get(path, 200); got != want {
			t.Errorf("%s differs after kill -9:\n%s", path, firstDifference(got, want))
		}
	}
}

// firstDifference shows the first line that differs.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d: got  %s\n        want %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// TestLoadedBarsLine gives the file 3,199 bars of 21 symbols and reads the line of the log.
func TestLoadedBarsLine(t *testing.T) {
	need(t, "sqlite3")
	dir := t.TempDir()
	s := start(t, dir, "-feed", "none", "-data", "d")
	if code := s.stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	insert := exec.Command("sqlite3", filepath.Join(dir, "d", "market.db"), `
		WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i < 3198)
		INSERT INTO bar SELECT 1 + i % 21, 60, 1768780800000000 + (i / 21) * 60000000,
			216468, 216470, 216466, 216468, 108233, 108235, 108232, 108233, 108235, 108236, 108234,
			108235, 9, 1, 3, 2, 1768780800000000 + (i / 21) * 60000000,
			1768780801000000 + (i / 21) * 60000000, 1, 0 FROM n;`)
	if out, err := insert.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s = start(t, dir, "-feed", "none", "-data", "d")
	if want := "[OHLCCache] Loaded 3199 bars across 21 symbols\n"; !strings.Contains(s.log(), want) {
		t.Errorf("the log has no line %q:\n%s", want, s.log())
	}
	if got := strings.Count(s.get("/ohlc?symbol=EURUSD&limit=5000", 200), `"complete":true`); got != 153 {
		t.Errorf("EURUSD has %d closed bars, want 153", got)
	}
}

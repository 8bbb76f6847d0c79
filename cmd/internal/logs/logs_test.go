package logs

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func fixed() time.Time { return time.Date(2026, 1, 19, 12, 0, 0, 123_456_789, time.UTC) }

func TestHandlerLines(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(NewHandler(&out, slog.LevelInfo, fixed))
	f := func(want string, do func()) {
		t.Helper()
		out.Reset()
		do()
		if want != "" {
			want = "2026-01-19T12:00:00.123Z " + want + "\n"
		}
		if got := out.String(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	f("[GC] Set GOGC=50", func() { log.Info("[GC] Set GOGC=50") })
	f("ready rows=3 took=1.5s", func() { log.Info("ready", "rows", 3, "took", 1500*time.Millisecond) })
	f(`WARN slow client name="a b" empty=""`, func() { log.Warn("slow client", "name", "a b", "empty", "") })
	f("ERROR no space", func() { log.Error("no space") })
	f("", func() { log.Debug("hidden") })
	f(`one\nline a="x\ny"`, func() { log.Info("one\nline", "a", "x\ny") })
	f("with id=7 g.k=v", func() { log.With("id", 7).WithGroup("g").Info("with", "k", "v") })
	f("grouped g.a=1", func() { log.Info("grouped", slog.Group("g", "a", 1)) })
}

// Operators look for trouble with grep -i 'error\|panic\|fatal': an ordinary line must not carry
// its level, and a real one must.
func TestOrdinaryLinesCarryNoLevel(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(NewHandler(&out, slog.LevelDebug, fixed))
	log.Info("serving")
	log.Debug("detail")
	if got := strings.ToLower(out.String()); strings.Contains(got, "info") ||
		strings.Contains(got, "debug") {
		t.Errorf("an ordinary line carries its level: %q", got)
	}
	log.Error("cannot write")
	if !strings.Contains(strings.ToLower(out.String()), "error") {
		t.Errorf("an error line cannot be found by its level: %q", out.String())
	}
}

type closedTerminal struct{}

func (closedTerminal) Write([]byte) (int, error) { return 0, errors.New("input/output failure") }

func TestFilesGetTheirLines(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(Options{
		File: filepath.Join(dir, "server.log"), Stderr: closedTerminal{}, Debug: true, Now: fixed,
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Main.Info("to both")
	l.Main.Debug("fine detail")
	l.Debug.Info("[OptimizedTickStore] EURUSD: 1 ticks in use")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	const at = "2026-01-19T12:00:00.123Z "
	if got, want := read("server.log"), at+"to both\n"; got != want {
		t.Errorf("server.log: got %q, want %q", got, want)
	}
	want := at + "fine detail\n" + at + "[OptimizedTickStore] EURUSD: 1 ticks in use\n"
	if got := read("debug.log"); got != want {
		t.Errorf("debug.log: got %q, want %q", got, want)
	}
}

func TestOpenRefusesAnUnwritableFile(t *testing.T) {
	if _, err := Open(Options{File: filepath.Join(t.TempDir(), "no", "server.log")}); err == nil {
		t.Error("a log file in a directory that does not exist was accepted")
	}
}

package blackbox

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// refuseWithin is how long a start may take that cannot succeed. It takes a tenth of a second.
const refuseWithin = 2 * time.Second

// refused waits for a server that must not start to say so, and returns its exit code.
func (s *server) refused(begin time.Time) int {
	s.t.Helper()
	code := s.exitCode(20 * time.Second)
	took := time.Since(begin)
	s.t.Logf("refused after %s", took.Round(time.Millisecond))
	if took > refuseWithin {
		s.t.Errorf("refused after %s, want %s", took, refuseWithin)
	}
	return code
}

// refusal starts the server on the data directory below dir, which must refuse it quickly, in one
// plain sentence, and change nothing.
func refusal(t *testing.T, dir, data string, cmd *exec.Cmd, wants ...string) {
	t.Helper()
	before := snapshot(t, filepath.Join(dir, data))
	begin := time.Now()
	s := launchCommand(t, dir, cmd)
	if code := s.refused(begin); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, want := range append(wants, data) {
		if !strings.Contains(s.log(), want) {
			t.Errorf("the log does not say %q:\n%s", want, s.log())
		}
	}
	if strings.Contains(s.log(), "goroutine ") || strings.Contains(s.log(), "serving url") {
		t.Errorf("it served, or a stack trace:\n%s", s.log())
	}
	if after := snapshot(t, filepath.Join(dir, data)); after != before {
		t.Errorf("files were changed:\nbefore %s\nafter  %s", before, after)
	}
}

// snapshot describes the files of a directory, but for the lock and the index of a log (-shm), which
// every program makes anew. A log of ours is written over with its own bytes, so its time says
// nothing.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		switch name := e.Name(); {
		case name == "engine.lock", strings.HasSuffix(name, "-shm"):
		case strings.HasSuffix(name, "-wal"):
			fmt.Fprintf(&text, "%s %x\n", name, content)
		default:
			fmt.Fprintf(&text, "%s %v %x\n", name, info.ModTime(), content)
		}
	}
	return text.String()
}

// marketFile is what a server leaves that took a few quotes.
func marketFile(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	s := start(t, dir, "-feed", "none", "-data", "d")
	var quotes strings.Builder
	for i := range 2_000 {
		fmt.Fprintf(&quotes, `{"symbol":"EURUSD","bid":1.%05d,"ask":1.%05d}`+"\n", 10_000+10*(i%50),
			10_002+10*(i%50))
	}
	s.post("/ticks", "application/x-ndjson", quotes.String(), 200)
	if code := s.stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	content, err := os.ReadFile(filepath.Join(dir, "d", "market.db"))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestFilesThatAreNotOurs starts the server on files that it must leave alone.
//
// It was seen to fail on a start that opens what it does not know for writing, which moves the log
// of another program's file into it, and on one that closes a file that it found damaged, which does
// the same to ours.
func TestFilesThatAreNotOurs(t *testing.T) {
	need(t, "sqlite3")
	good := marketFile(t)
	f := func(name string, files map[string][]byte, wants ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
				t.Fatal(err)
			}
			for file, content := range files {
				if err := os.WriteFile(filepath.Join(dir, "data", file), content, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			cmd := command(dir, "-addr", "127.0.0.1:0", "-feed", "none", "-data", "data")
			refusal(t, dir, "data", cmd, append(wants, "market.db")...)
		})
	}
	one := func(content []byte) map[string][]byte { return map[string][]byte{"market.db": content} }
	version := func(content []byte, v int) []byte {
		content = bytes.Clone(content)
		copy(content[60:64], []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
		return content
	}
	torn := bytes.Clone(good)
	copy(torn[100:4096], bytes.Repeat([]byte{0xff}, 3996))

	f("text", one([]byte("symbol,bid,ask\nEURUSD,1.1,1.2\n")), "not an SQLite file")
	f("cut short", one(good[:len(good)/2/4096*4096]), "damaged", "restore a backup")
	f("cut in the first page", one(good[:1000]), "damaged", "restore a backup")
	f("first page overwritten", one(torn), "damaged", "restore a backup")
	// Page 2 is read by every start; so is the last, which holds the newest ticks or bars.
	f("second page overwritten", one(overwritten(good, 1, 2)), "damaged", "restore a backup")
	f("last page overwritten", one(overwritten(good, len(good)/4096-1, len(good)/4096)), "damaged",
		"restore a backup")
	killed := killedFiles(t)
	killed["market.db"] = overwritten(killed["market.db"], 1, len(killed["market.db"])/4096)
	f("all but the first page overwritten, with a log", killed, "damaged", "restore a backup")
	f("newer", one(version(good, 7_000)), "newer version", "schema 7.0")
	f("another program's", foreign(t, "CREATE TABLE t (x)"), "belongs to another program")
	f("another program's, with a log", foreign(t,
		"PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)"),
		"belongs to another program")
	f("another program's, with its id", foreign(t, "PRAGMA application_id=7; CREATE TABLE t (x)"),
		"belongs to another program")
}

// overwritten returns a file with pages that hold nothing but ones.
func overwritten(content []byte, from, to int) []byte {
	content = bytes.Clone(content)
	copy(content[from*4096:to*4096], bytes.Repeat([]byte{0xff}, (to-from)*4096))
	return content
}

// killedFiles are what a server leaves that was killed while it took quotes, its second time.
func killedFiles(t *testing.T) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "d", "market.db")
	if err := os.WriteFile(name, marketFile(t), 0o644); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir, "-feed", "none", "-data", "d")
	s.post("/ticks", "application/json", `{"symbol":"EURUSD","bid":1.1,"ask":1.2}`, 200)
	s.kill()
	files := map[string][]byte{}
	for _, file := range []string{"market.db", "market.db-wal"} {
		content, err := os.ReadFile(filepath.Join(dir, "d", file))
		if err != nil || len(content) == 0 {
			t.Fatalf("%s: %d bytes, %v", file, len(content), err)
		}
		files[file] = content
	}
	return files
}

// foreign returns the files of a database of the sqlite3 program, as a kill leaves them.
func foreign(t *testing.T, statements string) map[string][]byte {
	t.Helper()
	dir, killed := t.TempDir(), t.TempDir()
	shell := exec.Command("sqlite3", filepath.Join(dir, "market.db"))
	shell.Stdin = strings.NewReader(statements + ";\n.shell cp " + dir + "/market.db* " + killed + "\n")
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	names, err := filepath.Glob(filepath.Join(killed, "market.db*"))
	if err != nil || len(names) == 0 {
		t.Fatal("no files", err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		if strings.HasSuffix(name, "-shm") {
			continue
		}
		if files[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestReadOnlyDirectory starts the server where it may not write: as another user when the tests
// run as root, who may write everywhere.
//
// It was seen to fail on a server that keeps to itself why it cannot lock the directory.
func TestReadOnlyDirectory(t *testing.T) {
	// What testing makes is open to its own user only.
	dir, err := os.MkdirTemp("", "readonly")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = os.Chmod(filepath.Join(dir, "data"), 0o755)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "market.db"), marketFile(t), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "data"), 0o555); err != nil {
		t.Fatal(err)
	}
	cmd := command(dir, "-addr", "127.0.0.1:0", "-feed", "none", "-data", "data")
	if os.Getuid() == 0 {
		asNobody(t, cmd)
	}
	refusal(t, dir, "data", cmd, "permission denied")
}

// TestSecondServer starts a second server on the directory of a first one, which goes on.
//
// It was seen to fail on a server that works on a directory that another has locked.
func TestSecondServer(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "-feed", "none", "-data", "data")
	begin := time.Now()
	second := launch(t, dir, "-addr", "127.0.0.1:0", "-feed", "none", "-data", "data")
	if code := second.refused(begin); code != 1 ||
		!strings.Contains(second.log(), "another engine holds data") {
		t.Errorf("exit code %d\n%s", code, second.log())
	}
	s.post("/ticks", "application/json", `{"symbol":"EURUSD","bid":1.1,"ask":1.2}`, 200)
	if code := s.stop(); code != 0 {
		t.Errorf("the first server: exit code %d", code)
	}
}

package persist

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tradingengine/core"
)

// TestVerifyFinds changes one thing in a good file at a time.
func TestVerifyFinds(t *testing.T) {
	good := t.TempDir()
	m := startMarket(t, marketOptions{Store: Options{Dir: good}})
	for _, w := range allWalks(m) {
		m.mustSend(w.next(3000))
	}
	m.stop()
	r := mustVerify(t, good)
	if r.Symbols != 4 || r.Ticks < 1000 || r.Bars < 500 {
		t.Fatalf("looked at %+v", r)
	}
	f := func(statement, want string) {
		t.Helper()
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, MarketFile), readFile(t, filepath.Join(good, MarketFile)))
		db := openSecond(t, dir)
		done, err := db.Exec(statement)
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			t.Fatalf("%s: %d rows, %v", statement, n, err)
		}
		db.Close()
		r, err := Verify(t.Context(), VerifyOptions{Dir: dir})
		if err != nil || r.Wrong == 0 || !strings.Contains(strings.Join(r.Faults, "\n"), want) {
			t.Errorf("%s: %v, found %q, want %q", statement, err, r.Faults, want)
		}
	}
	f("INSERT INTO tick VALUES (99, 1768810000000000, 1, 2, 1)", "symbol 99, which does not exist")
	f("UPDATE tick SET source_id = 7 WHERE symbol_id = 2", "source 7, which does not exist")
	f("UPDATE tick SET bid = ask + 1 WHERE symbol_id = 1", "impossible prices")
	f("UPDATE tick SET bid = bid - 5000, ask = ask - 5000 WHERE symbol_id = 1", "outside of its minute")
	f("DELETE FROM bar WHERE frame = 60 AND time > (SELECT min(time) FROM bar)", "has no minute")
	f(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
		INSERT INTO tick SELECT symbol_id, time + i, bid, ask, source_id FROM n JOIN
		(SELECT * FROM tick WHERE symbol_id = 1 ORDER BY time LIMIT 1)`, "more ticks than quotes")
	f("UPDATE bar SET volume = volume + 1 WHERE frame = 300", "the 5m bar of")
	f("UPDATE bar SET volume = volume + 1 WHERE frame = 14400", "is not what its minutes give")
	f("DELETE FROM bar WHERE frame = 3600", "the 1h bar of")
	f("UPDATE bar SET time = time + 60000000 WHERE frame = 300", "no 5m bar can open at")
	f("UPDATE bar SET mid_high = mid_low - 1 WHERE frame = 60", "impossible prices")
	f("UPDATE bar SET spread_min = spread_max + 1", "impossible volume or spread")
	f("UPDATE bar SET first_time = time - 1 WHERE frame = 60", "quotes of another time")
	f("UPDATE bar SET complete = 0 WHERE frame = 60", "is not closed")
	f("UPDATE tick SET time = 9000000000000000 WHERE symbol_id = 3 AND time = "+
		"(SELECT max(time) FROM tick WHERE symbol_id = 3)", "a time is impossible")
}

// TestVerifyFindsDamage overwrites a page.
func TestVerifyFindsDamage(t *testing.T) {
	dir := t.TempDir()
	m := startMarket(t, marketOptions{Store: Options{Dir: dir}})
	m.mustSend(newWalk(1, 0, m.source("LP"), testStart).next(20_000))
	m.stop()
	path := filepath.Join(dir, MarketFile)
	content := []byte(readFile(t, path))
	for i := range 4096 {
		content[len(content)/2/4096*4096+i] = 0x55
	}
	writeFile(t, path, string(content))
	r, err := Verify(t.Context(), VerifyOptions{Dir: dir})
	if err != nil || r.Wrong == 0 {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestVerifyNeedsTheDirectoryForItself(t *testing.T) {
	dir := t.TempDir()
	openStore(t, Options{Dir: dir})
	if _, err := Verify(t.Context(), VerifyOptions{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("beside a store: got %v, want ErrInUse", err)
	}
	empty := t.TempDir()
	if _, err := Verify(t.Context(), VerifyOptions{Dir: empty}); err == nil {
		t.Error("an empty directory verifies")
	}
}

// TestVerifyAfterAKill verifies what a process that was killed leaves: a log that is not in the file
// yet, and forming minutes in their own table.
func TestVerifyAfterAKill(t *testing.T) {
	dir, killed := t.TempDir(), t.TempDir()
	m := startMarket(t, marketOptions{Store: Options{Dir: dir}})
	m.mustSend(newWalk(1, 0, m.source("LP"), testStart).next(3000))
	for _, suffix := range []string{"", "-wal"} {
		writeFile(t, filepath.Join(killed, MarketFile+suffix),
			readFile(t, filepath.Join(dir, MarketFile+suffix)))
	}
	r := mustVerify(t, killed)
	if want := m.engine.Stats().Committed; r.Ticks != want {
		t.Errorf("%d ticks, want %d", r.Ticks, want)
	}
	if info, err := os.Stat(filepath.Join(killed, MarketFile+"-wal")); err != nil || info.Size() == 0 {
		t.Errorf("the log is gone: %v", err)
	}
	m.stop()
}

// TestVerifyImported verifies recorded quotes that were imported.
func TestVerifyImported(t *testing.T) {
	if testing.Short() {
		t.Skip("reads two recorded days")
	}
	files := recordedFiles(t, "ticks-oanda-2014050[45].csv.gz")
	dir := t.TempDir()
	s := openImportStore(t, dir)
	mustImport(t, s, files...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if r := mustVerify(t, dir); r.Bars < int64(core.Frames) {
		t.Errorf("looked at %+v", r)
	}
}

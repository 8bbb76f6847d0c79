package persist

import (
	"database/sql/driver"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// filled makes a data directory with the quotes of a walk.
func filled(t *testing.T, seed uint64, quotes int) string {
	t.Helper()
	dir := t.TempDir()
	m := startMarket(t, marketOptions{Store: Options{Dir: dir}})
	m.mustSend(newWalk(seed, 0, m.source("LP"), testStart).next(quotes))
	m.stop()
	return dir
}

func backedUp(t *testing.T, dir string) string {
	t.Helper()
	target := filepath.Join(t.TempDir(), "backup")
	if _, err := Backup(t.Context(), BackupOptions{Dir: dir, Target: target}); err != nil {
		t.Fatal(err)
	}
	return target
}

// TestRestore puts a backup in the place of other files, whose log must not be taken for its own.
// It was seen to find a log that stayed.
func TestRestore(t *testing.T) {
	source := backedUp(t, filled(t, 1, 2000))
	writeTrading(t, source, "of the backup")
	dir := filled(t, 2, 500)
	writeTrading(t, dir, "of before")
	writeFile(t, filepath.Join(dir, MarketFile+"-wal"), "a log of before")
	writeFile(t, filepath.Join(dir, MarketFile+"-shm"), "its index")
	r, err := Restore(t.Context(), RestoreOptions{Source: source, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if readFile(t, filepath.Join(dir, MarketFile)) != readFile(t, filepath.Join(source, MarketFile)) ||
		tradingText(t, dir) != "of the backup" {
		t.Error("the files are not those of the backup")
	}
	mustVerify(t, dir)
	if got := tradingText(t, r.Kept); got != "of before" {
		t.Errorf("kept %q, want what was there", got)
	}
	if got := readFile(t, filepath.Join(r.Kept, MarketFile+"-wal")); got != "a log of before" {
		t.Errorf("kept the log %q", got)
	}
	left, err := filepath.Glob(filepath.Join(dir, "restore-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	s := openStore(t, Options{Dir: dir})
	if ticks, err := s.Ticks(t.Context(), 0, -1, 1<<62, 1<<20, false, nil); err != nil || len(ticks) < 1000 {
		t.Errorf("%d ticks, %v", len(ticks), err)
	}
}

// TestRestoreWithoutTrading moves a file of money away that the backup does not have: a directory is
// replaced as a whole.
func TestRestoreWithoutTrading(t *testing.T) {
	source, dir := backedUp(t, filled(t, 1, 300)), filled(t, 2, 300)
	writeTrading(t, dir, "of before")
	r, err := Restore(t.Context(), RestoreOptions{Source: source, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if there, err := exists(filepath.Join(dir, TradingFile)); there || err != nil {
		t.Errorf("%s is still there (%v)", TradingFile, err)
	}
	if got := tradingText(t, r.Kept); got != "of before" {
		t.Errorf("kept %q", got)
	}
}

// TestRestoreRefusals changes nothing where it says no.
func TestRestoreRefusals(t *testing.T) {
	source, dir := backedUp(t, filled(t, 1, 300)), filled(t, 2, 300)
	before := readFile(t, filepath.Join(dir, MarketFile))
	f := func(name, source string, want error) {
		t.Helper()
		if _, err := Restore(t.Context(), RestoreOptions{Source: source, Dir: dir}); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
		if readFile(t, filepath.Join(dir, MarketFile)) != before {
			t.Fatalf("%s: the file was changed", name)
		}
	}
	f("nothing", filepath.Join(t.TempDir(), "none"), ErrRestore)
	f("an empty folder", t.TempDir(), ErrRestore)
	f("itself", dir, ErrRestore)
	damaged := backedUp(t, filled(t, 3, 20_000))
	content := []byte(readFile(t, filepath.Join(damaged, MarketFile)))
	copy(content[len(content)/2:], strings.Repeat("x", 9000))
	writeFile(t, filepath.Join(damaged, MarketFile), string(content))
	f("a damaged backup", damaged, ErrRestore)
	foreign := t.TempDir()
	writeFile(t, filepath.Join(foreign, MarketFile), strings.Repeat("text\n", 500))
	f("a foreign file", foreign, ErrForeignFile)
	used := filled(t, 4, 300)
	inUse, err := LockDir(used)
	if err != nil {
		t.Fatal(err)
	}
	f("a directory that a server uses", used, ErrInUse)
	if err := inUse.Release(); err != nil {
		t.Fatal(err)
	}
	lock, err := LockDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	f("beside a server", source, ErrInUse)
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), RestoreOptions{Source: source, Dir: dir}); err != nil {
		t.Errorf("in the end: %v", err)
	}
}

// TestRestoreStoppedAnywhere rebuilds what a kill after each rename leaves, and opens the directory:
// the files are all of before, or all of the backup.
func TestRestoreStoppedAnywhere(t *testing.T) {
	source := backedUp(t, filled(t, 1, 600))
	writeTrading(t, source, "of the backup")
	for step := range 7 {
		dir := filled(t, 2, 300)
		writeTrading(t, dir, "of before")
		oldMarket, newMarket := filepath.Join(dir, MarketFile), filepath.Join(source, MarketFile)
		before := readFile(t, oldMarket)
		stopped(t, source, dir, step)
		// Only the lock is taken and given back: opening would change the file.
		lock, err := LockDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := finishRestore(dir, time.Now()); err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		if err := lock.Release(); err != nil {
			t.Fatal(err)
		}
		wantMarket, wantTrading := readFile(t, newMarket), "of the backup"
		if step == 0 {
			wantMarket, wantTrading = before, "of before"
		}
		if readFile(t, oldMarket) != wantMarket || tradingText(t, dir) != wantTrading {
			t.Errorf("step %d: the files are a mixture", step)
		}
		s := openStore(t, Options{Dir: dir})
		if err := s.Close(); err != nil {
			t.Errorf("step %d: %v", step, err)
		}
		kept, err := filepath.Glob(filepath.Join(dir, "before-restore-*", MarketFile))
		if err != nil || step > 0 && (len(kept) != 1 || readFile(t, kept[0]) != before) {
			t.Errorf("step %d: kept %v, %v", step, kept, err)
		}
	}
}

// stopped does the first steps of a restore by hand.
func stopped(t *testing.T, source, dir string, steps int) {
	t.Helper()
	copies, clears := filepath.Join(dir, restoreCopies), filepath.Join(dir, restoreClears)
	places := filepath.Join(dir, restorePlaces)
	if err := os.Mkdir(copies, 0o750); err != nil {
		t.Fatal(err)
	}
	c := copier{open: openAtRest}
	if _, err := c.files(t.Context(), source, copies); err != nil {
		t.Fatal(err)
	}
	before := filepath.Join(clears, restoreKept)
	moves := [][2]string{
		{copies, clears},
		{filepath.Join(dir, MarketFile), filepath.Join(before, MarketFile)},
		{filepath.Join(dir, TradingFile), filepath.Join(before, TradingFile)},
		{clears, places},
		{filepath.Join(places, MarketFile), filepath.Join(dir, MarketFile)},
		{filepath.Join(places, TradingFile), filepath.Join(dir, TradingFile)},
	}
	for i, move := range moves[:steps] {
		if i == 1 {
			if err := os.Mkdir(before, 0o750); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Rename(move[0], move[1]); err != nil {
			t.Fatal(err)
		}
	}
}

// writeTrading makes a file of money without events that holds a text.
func writeTrading(t *testing.T, dir, text string) {
	t.Helper()
	d := &database{
		path: filepath.Join(dir, TradingFile), schema: &tradingSchema,
		log: slog.New(slog.DiscardHandler),
	}
	if err := d.openWriter("FULL"); err != nil {
		t.Fatal(err)
	}
	c := d.writing.conn
	if err := errors.Join(c.script("CREATE TABLE note (text)"),
		c.exec("INSERT INTO note VALUES (?)", text), d.close()); err != nil {
		t.Fatal(err)
	}
}

func tradingText(t *testing.T, dir string) (text string) {
	t.Helper()
	c, err := openRead(filepath.Join(dir, TradingFile))
	if err != nil {
		t.Fatal(err)
	}
	err = c.query(t.Context(), "SELECT text FROM note", func(row []driver.Value) error {
		text = row[0].(string)
		return nil
	})
	if err = errors.Join(err, c.close()); err != nil {
		t.Fatal(err)
	}
	return text
}

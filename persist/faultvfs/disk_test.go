package faultvfs

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const dbName = "any.db"

func newDisk(t *testing.T, dir string, opts Options) *Disk {
	t.Helper()
	d, err := New(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// openDB opens a database with the pragmas given, which are for every connection.
func openDB(t *testing.T, dir string, pragmas ...string) *sql.DB {
	t.Helper()
	query := "?_pragma=" + strings.Join(pragmas, "&_pragma=")
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, dbName)+query)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// fill adds rows 1, 2, 3 … with some weight until an error, and returns the last one committed.
func fill(db *sql.DB, rows int) (last int, err error) {
	_, err = db.Exec("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, weight BLOB)")
	for i := 1; err == nil && i <= rows; i++ {
		if _, err = db.Exec("INSERT INTO t VALUES (?, randomblob(3000))", i); err == nil {
			last = i
		}
		if err == nil && i%7 == 0 {
			_, err = db.Exec("PRAGMA wal_checkpoint(PASSIVE)")
		}
	}
	return last, err
}

// rows checks a file that a cut left and returns its rows, which must be 1 to n.
func rows(t *testing.T, dir string) int {
	t.Helper()
	db := openDB(t, dir, "synchronous(FULL)")
	defer db.Close()
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Fatalf("integrity: %s, %v", verdict, err)
	}
	var tables, n, last int
	if err := db.QueryRow("SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		t.Fatal(err)
	}
	if tables == 0 {
		return 0
	}
	if err := db.QueryRow("SELECT count(*), ifnull(max(n), 0) FROM t").Scan(&n, &last); err != nil {
		t.Fatal(err)
	}
	if n != last {
		t.Fatalf("%d rows, the last is %d", n, last)
	}
	return n
}

// cutOnce fills a file, cuts the power at a call and returns the rows that were committed and that
// were kept.
func cutOnce(t *testing.T, seed uint64, at int64, pragmas ...string) (committed, kept int) {
	t.Helper()
	dir, after := t.TempDir(), t.TempDir()
	d := newDisk(t, dir, Options{Remember: true, Seed: seed})
	d.SetFault(FailAt(at, ErrPower))
	db := openDB(t, dir, pragmas...)
	committed, _ = fill(db, 40)
	if err := d.Kept(after); err != nil {
		t.Fatal(err)
	}
	db.Close()
	return committed, rows(t, after)
}

// TestCutKeepsWhatWasSynced cuts the power anywhere in the life of a database that syncs.
func TestCutKeepsWhatWasSynced(t *testing.T) {
	f := func(pragmas ...string) {
		t.Helper()
		random := rand.New(rand.NewPCG(1, 2))
		seeds := uint64(25)
		if testing.Short() {
			seeds = 8
		}
		for seed := range seeds {
			committed, kept := cutOnce(t, seed, 1+random.Int64N(250), pragmas...)
			if kept < committed || kept > committed+1 {
				t.Errorf("%v, seed %d: %d rows committed, %d kept", pragmas, seed, committed, kept)
			}
		}
	}
	f("journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(0)")
	f("journal_mode(DELETE)", "synchronous(EXTRA)")
}

// TestCutLosesWhatWasNotSynced is the other side: a database that does not sync loses commits, or
// the disk would keep what it should not.
func TestCutLosesWhatWasNotSynced(t *testing.T) {
	lost, none := 0, 0
	for seed := range uint64(12) {
		committed, kept := cutOnce(t, seed, 1000, "journal_mode(WAL)", "synchronous(NORMAL)",
			"wal_autocheckpoint(0)")
		if kept < committed {
			lost++
		} else {
			none++
		}
	}
	if lost == 0 || none == 0 {
		t.Errorf("of 12 cuts %d lost rows and %d lost none, want both", lost, none)
	}
}

func code(err error) int {
	var e *sqlite.Error
	errors.As(err, &e)
	if e == nil {
		return 0
	}
	return e.Code()
}

// TestFaultsReachSQLite fails each kind of call, and compares what SQLite says.
func TestFaultsReachSQLite(t *testing.T) {
	f := func(name string, fault Fault, want int) {
		t.Helper()
		dir := t.TempDir()
		d := newDisk(t, dir, Options{})
		db := openDB(t, dir, "journal_mode(WAL)", "synchronous(FULL)")
		if _, err := fill(db, 3); err != nil {
			t.Fatal(err)
		}
		d.SetFault(fault)
		_, err := db.Exec("INSERT INTO t VALUES (99, randomblob(30000))")
		if err == nil {
			_, err = db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
		}
		if code(err) != want {
			t.Errorf("%s: got %v (%d), want code %d", name, err, code(err), want)
		}
		d.SetFault(nil)
		if _, err = db.Exec("INSERT OR REPLACE INTO t VALUES (4, 0)"); err != nil {
			t.Errorf("%s: after the fault: %v", name, err)
		}
		db.Close()
	}
	f("write", FailOp(Write, ErrIO), sqlite3.SQLITE_IOERR_WRITE)
	f("full", FailOp(Write, ErrFull), sqlite3.SQLITE_FULL)
	f("no space", Space(new(atomic.Int64)), sqlite3.SQLITE_FULL)
	f("sync", FailOp(Sync, ErrIO), sqlite3.SQLITE_IOERR_FSYNC)
	f("truncate", FailOp(Truncate, ErrIO), sqlite3.SQLITE_IOERR_TRUNCATE)

	dir := t.TempDir()
	newDisk(t, dir, Options{}).SetFault(FailOp(Open, ErrIO))
	if _, err := fill(openDB(t, dir, "journal_mode(WAL)"), 1); code(err) != sqlite3.SQLITE_CANTOPEN {
		t.Errorf("open: got %v, want SQLITE_CANTOPEN", err)
	}
	if _, err := fill(openDB(t, t.TempDir(), "journal_mode(WAL)"), 1); err != nil {
		t.Errorf("a file on no disk: %v", err)
	}
}

// TestFailedSyncIsNotMadeGood writes on after a sync that failed, as no program should, and a
// later sync that succeeds does not bring back what the first one lost.
func TestFailedSyncIsNotMadeGood(t *testing.T) {
	lost := 0
	for seed := range uint64(12) {
		dir, next, after := t.TempDir(), t.TempDir(), t.TempDir()
		d := newDisk(t, dir, Options{Remember: true, Seed: seed})
		db := openDB(t, dir, "journal_mode(WAL)", "synchronous(FULL)")
		if _, err := fill(db, 3); err != nil {
			t.Fatal(err)
		}
		d.SetFault(FailOp(Sync, ErrIO))
		if _, err := db.Exec("INSERT INTO t VALUES (4, randomblob(9000))"); err == nil {
			t.Fatal("the sync did not fail")
		}
		second, err := d.Killed(next)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(second.Close)
		db.Close()
		again := openDB(t, next, "journal_mode(WAL)", "synchronous(FULL)")
		seen := 0
		if err := again.QueryRow("SELECT max(n) FROM t").Scan(&seen); err != nil || seen != 4 {
			t.Fatalf("the next process sees %d rows, %v; want 4", seen, err)
		}
		if _, err := again.Exec("INSERT INTO t VALUES (5, randomblob(9000))"); err != nil {
			t.Fatal(err)
		}
		if err := second.Kept(after); err != nil {
			t.Fatal(err)
		}
		again.Close()
		if rows(t, after) < 5 {
			lost++
		}
	}
	if lost == 0 || lost == 12 {
		t.Errorf("a row synced after a failed sync was lost in %d of 12 cuts, want some", lost)
	}
}

// TestKeptNames creates and deletes a file without syncing the directory.
func TestKeptNames(t *testing.T) {
	found := map[string]int{}
	for seed := range uint64(40) {
		dir, after := t.TempDir(), t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "old"), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		d := newDisk(t, dir, Options{Remember: true, Seed: seed})
		d.opened("new", false)
		if err := d.remove("old", false, func() bool { return true }); err != nil {
			t.Fatal(err)
		}
		if err := d.Kept(after); err != nil {
			t.Fatal(err)
		}
		names, err := filepath.Glob(filepath.Join(after, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for i := range names {
			names[i] = filepath.Base(names[i])
		}
		found[fmt.Sprint(names)]++
	}
	if len(found) != 4 {
		t.Errorf("found %v, want each of four outcomes", found)
	}
}

package persist

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"tradingengine/core"
)

// TestUnusableFilesAreLeftAlone tries to open files that are not for us.
func TestUnusableFilesAreLeftAlone(t *testing.T) {
	good := t.TempDir()
	m := startMarket(t, marketOptions{Store: Options{Dir: good}})
	m.mustSend(newWalk(1, 0, m.source("LP"), testStart).next(2000))
	m.stop()
	market, err := os.ReadFile(filepath.Join(good, MarketFile))
	if err != nil {
		t.Fatal(err)
	}
	sqlFile := func(statements string) []byte {
		path := filepath.Join(t.TempDir(), "other.db")
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(statements); err != nil {
			t.Fatal(err)
		}
		db.Close()
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	version := func(v int64) []byte {
		changed := bytes.Clone(market)
		for i := range 4 {
			changed[60+i] = byte(v >> (24 - 8*i))
		}
		return changed
	}
	f := func(name string, content []byte, want error) {
		t.Helper()
		dir := t.TempDir()
		path := filepath.Join(dir, MarketFile)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, readOnly := range []bool{false, true} {
			s, err := Open(Options{Dir: dir, Symbols: testRegistry(t), ReadOnly: readOnly})
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, want) {
				t.Errorf("%s, read-only %v: got %v, want %v", name, readOnly, err, want)
			}
			after, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(after, content) {
				t.Errorf("%s, read-only %v: the file was changed", name, readOnly)
			}
		}
	}
	f("text", []byte("symbol,bid,ask\nEURUSD,1.1,1.2\n"), ErrForeignFile)
	f("long text", bytes.Repeat([]byte("EURUSD,1.1,1.2\n"), 5000), ErrForeignFile)
	f("start of a header", market[:50], ErrForeignFile)
	f("other tables", sqlFile("CREATE TABLE t (x)"), ErrForeignFile)
	f("other program", sqlFile("PRAGMA application_id=7; CREATE TABLE t (x)"), ErrForeignFile)
	f("newer major version", version(marketSchema.latest()+minorVersions), ErrNewerSchema)
	f("cut in the middle", market[:len(market)/2/4096*4096], ErrDamaged)
	f("cut in the first page", market[:1000], ErrDamaged)
	f("first page overwritten",
		append(append(bytes.Clone(market[:100]), bytes.Repeat([]byte{0xff}, 3996)...), market[4096:]...),
		ErrDamaged)
	f("newer minor version", version(marketSchema.latest()+1), nil)
}

// TestFreshFiles opens what a kill during the very first start may leave.
func TestFreshFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, MarketFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, Options{Dir: dir})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db := openSecond(t, dir)
	if got := queryInt(t, db, "PRAGMA user_version"); got != marketSchema.latest() {
		t.Errorf("version %d, want %d", got, marketSchema.latest())
	}
	if got := queryInt(t, db, "PRAGMA application_id"); got != marketSchema.application {
		t.Errorf("application %x, want %x", got, marketSchema.application)
	}
	if got := queryText(t, db, "PRAGMA journal_mode"); got != "wal" {
		t.Errorf("journal mode %s, want wal", got)
	}
}

func TestOlderFilesAreReadOnlyAfterAnUpgrade(t *testing.T) {
	dir := t.TempDir()
	if err := openStore(t, Options{Dir: dir}).Close(); err != nil {
		t.Fatal(err)
	}
	db := openSecond(t, dir)
	if _, err := db.Exec("PRAGMA user_version=1"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if _, err := Open(Options{Dir: dir, ReadOnly: true}); !errors.Is(err, ErrOlderSchema) {
		t.Errorf("got %v, want ErrOlderSchema", err)
	}
}

func TestReadOnlyBesideAWriter(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(Options{Dir: dir, ReadOnly: true}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty directory: got %v, want ErrNotExist", err)
	}
	m := startMarket(t, marketOptions{Store: Options{Dir: dir}})
	m.mustSend(newWalk(1, 2, m.source("LP"), testStart).next(300))
	// Another order of symbols, one more and one less.
	reader := openStore(t, Options{
		Dir: dir, ReadOnly: true,
		Symbols: testRegistry(t, core.NewSymbol("GBPUSD"), core.NewSymbol("BTCUSD"),
			core.NewSymbol("EURUSD")),
	})
	got, err := reader.Ticks(t.Context(), 1, -1, 1<<62, 1<<20, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "ticks", lines(got), lines(engineTicks(m.engine, 2)))
	if got := reader.Sources().Name(1); got != "LP" {
		t.Errorf("source 1: got %q, want LP", got)
	}
	got, err = reader.Ticks(t.Context(), 0, -1, 1<<62, 10, false, nil)
	if err != nil || len(got) > 0 {
		t.Errorf("a symbol that is not in the file: got %v, %v", got, err)
	}
	if err := reader.ClaimKind(KindReal); err == nil {
		t.Error("a read-only store claimed a kind")
	}
	symbols, err := reader.StoredSymbols(t.Context())
	want := "[{1 EURUSD 5} {2 USDJPY 3} {3 BTCUSD 2} {4 XAUUSD 3}]"
	if err != nil || fmt.Sprint(symbols) != want {
		t.Errorf("symbols: got %v, %v; want %s", symbols, err, want)
	}
}

package persist

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"tradingengine/core"
)

// oldFile makes a directory with the file of schema 1.0 that testdata holds.
func oldFile(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	c, err := openConn(filepath.Join(dir, MarketFile), "mode=rwc")
	if err != nil {
		t.Fatal(err)
	}
	err = c.script(readFile(t, filepath.Join("testdata", "market_1_0.sql")))
	if err = errors.Join(err, c.close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// marketRows are the rows of a file by content, wherever the forming minutes lie.
func marketRows(t *testing.T, dir string) string {
	t.Helper()
	db := openSecond(t, dir)
	var text strings.Builder
	for _, query := range []string{
		"SELECT symbol_id || ' ' || time || ' ' || bid || ' ' || ask || ' ' || source_id FROM tick ORDER BY 1",
		"SELECT symbol_id || ' ' || frame || ' ' || time || ' ' || mid_close || ' ' || volume || ' ' || last_time " +
			"FROM (SELECT * FROM bar UNION ALL SELECT * FROM forming) ORDER BY 1",
		"SELECT symbol_id || ' ' || source_id || ' ' || last FROM seq ORDER BY 1",
		"SELECT id || ' ' || name FROM source ORDER BY 1",
		"SELECT id || ' ' || name || ' ' || digits FROM symbol WHERE name IN ('EURUSD', 'USDJPY') ORDER BY 1",
		"SELECT key || ' ' || value FROM meta ORDER BY 1",
	} {
		rows, err := db.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var row string
			if err := rows.Scan(&row); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&text, row)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// TestOldFileOpensForEver opens a file of the first schema: nothing of it is lost, and its market
// goes on.
func TestOldFileOpensForEver(t *testing.T) {
	dir := oldFile(t)
	before := marketRows(t, dir)
	if n := strings.Count(before, "\n"); n < 70 {
		t.Fatalf("the fixture has only %d rows", n)
	}
	m := startMarket(t, marketOptions{Store: Options{
		Dir: dir, Symbols: testRegistry(t, core.DefaultSymbols()...),
	}})
	live, ok := m.engine.Live(0)
	if ticks := engineTicks(m.engine, 0); len(ticks) < 30 || !ok || live.Bid < 116_000 {
		t.Errorf("%d ticks of EURUSD, live %v", len(ticks), live)
	}
	m.stop()
	diff(t, "rows", marketRows(t, dir), before)
	mustVerify(t, dir)
}

// later are versions that do not exist, for tests: a minor step, and a major one after it.
func later(major string) *schema {
	return &schema{
		application: marketSchema.application,
		migrations: []migration{
			{1_000, "1.sql"}, {1_001, "2.sql"}, {2_000, "3.sql"},
		},
		files: fstest.MapFS{
			"2.sql": {Data: []byte("CREATE TABLE added (x);")},
			"3.sql": {Data: []byte(major)},
		},
	}
}

// TestMajorUpgrade goes to a major version and back by the command that was told. It was seen to
// find an upgrade that copied nothing, and one that copied afterwards.
func TestMajorUpgrade(t *testing.T) {
	dir := oldFile(t)
	writeTrading(t, dir, "mine")
	before := marketRows(t, dir)
	var log bytes.Buffer
	symbols := testRegistry(t, core.DefaultSymbols()...)
	s, err := Open(Options{
		Dir: dir, Symbols: symbols, Log: slog.New(slog.NewTextHandler(&log, nil)),
		schema: later("CREATE TABLE other (x); DROP VIEW ticks;"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = Open(Options{Dir: dir, Symbols: symbols})
	if !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(),
		"has schema 2.0, this program knows up to 1.") {
		t.Errorf("the older program: got %v, want ErrNewerSchema", err)
	}
	told := regexp.MustCompile(`rollback="server\.exe restore (\S+) -data (\S+)"`).
		FindStringSubmatch(log.String())
	if told == nil || told[2] != dir {
		t.Fatalf("no way back in the log:\n%s", &log)
	}
	if _, err := Restore(t.Context(), RestoreOptions{Source: told[1], Dir: told[2]}); err != nil {
		t.Fatal(err)
	}
	diff(t, "rows after going back", marketRows(t, dir), before)
	if got := tradingText(t, dir); got != "mine" {
		t.Errorf("the file of money holds %q", got)
	}
	openStore(t, Options{Dir: dir, Symbols: symbols})
}

// TestUpgradesThatNeedNoCopy makes a new file, and one that takes a minor step.
func TestUpgradesThatNeedNoCopy(t *testing.T) {
	minor := later("")
	minor.migrations = minor.migrations[:2]
	fresh := later("CREATE TABLE other (x);")
	text, err := migrationFiles.ReadFile(marketSchema.migrations[0].file)
	if err != nil {
		t.Fatal(err)
	}
	fresh.files.(fstest.MapFS)["1.sql"] = &fstest.MapFile{Data: text}
	for name, opts := range map[string]Options{
		"minor": {Dir: oldFile(t), schema: minor}, "fresh": {Dir: t.TempDir(), schema: fresh},
	} {
		opts.Symbols = testRegistry(t, core.DefaultSymbols()...)
		s := openStore(t, opts)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		copies, err := filepath.Glob(filepath.Join(opts.Dir, "before-*"))
		if err != nil || len(copies) > 0 {
			t.Errorf("%s: copied to %v, %v", name, copies, err)
		}
	}
}

// TestFailedUpgradeLeavesTheFile runs a major step that fails half way.
func TestFailedUpgradeLeavesTheFile(t *testing.T) {
	dir := oldFile(t)
	before := marketRows(t, dir)
	symbols := testRegistry(t, core.DefaultSymbols()...)
	_, err := Open(Options{
		Dir: dir, Symbols: symbols, schema: later("DELETE FROM tick; SELECT nothing FROM nowhere;"),
	})
	if err == nil || !strings.Contains(err.Error(), "cannot bring") {
		t.Errorf("got %v", err)
	}
	diff(t, "rows", marketRows(t, dir), before)
	openStore(t, Options{Dir: dir, Symbols: symbols})
}

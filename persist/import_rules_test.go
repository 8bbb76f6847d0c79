package persist

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"tradingengine/core"
)

// TestImportEqualTimes: quotes of one time come in the order of the files' base names, then of
// their paths, and inside a file as they stand; each gets a time of its own.
func TestImportEqualTimes(t *testing.T) {
	const header = "time_ms,symbol,bid,ask,lp\n"
	row := func(bid int, lp string) string {
		return fmt.Sprintf("1767225600000,EURUSD,1.%05d,1.9,%s\n", 50000+bid*100, lp)
	}
	dir := t.TempDir()
	first := writeFile(t, filepath.Join(dir, "b.csv"), header+row(3, "B1")+row(1, "B2"))
	second := writeFile(t, filepath.Join(dir, "a.csv"), header+row(9, "A"))
	other := writeFile(t, filepath.Join(t.TempDir(), "c.csv"), header+row(5, "C"))
	want := []string{
		"EURUSD 1767225600000000 150900 190000 A ",
		"EURUSD 1767225600000001 150300 190000 B1 ",
		"EURUSD 1767225600000002 150100 190000 B2 ",
		"EURUSD 1767225600000003 150500 190000 C ",
	}
	for _, files := range [][]string{
		{first, second, other}, {other, first, second}, {filepath.Join(dir, "*.csv"), other, first},
	} {
		s := openImportStore(t, t.TempDir())
		mustImport(t, s, files...)
		sameLines(t, fmt.Sprint(files), dumpTicks(t, s), want)
		sameLines(t, "sources", queryLines(t, s, "SELECT id, name FROM source ORDER BY id"),
			[]string{"1 A ", "2 B1 ", "3 B2 ", "4 C "})
	}
}

// TestImportSources: at most 255 names, and one that no accepted quote has takes no place.
func TestImportSources(t *testing.T) {
	text := "time_ms,symbol,bid,ask,lp\n1767225600000,EURUSD,2,1,CROSSED\n"
	for i := range 300 {
		text += fmt.Sprintf("%d,EURUSD,1.1,1.2,LP%d\n", 1767225600000+i, i)
	}
	s := openImportStore(t, t.TempDir())
	r, err := Import(t.Context(), ImportOptions{
		Store:  s,
		Files:  []string{writeFile(t, filepath.Join(t.TempDir(), "a.csv"), text)},
		Source: "SOMEBODY",
	})
	if err != nil {
		t.Fatal(err)
	}
	names := queryLines(t, s, "SELECT name FROM source ORDER BY id")
	if n := r.RejectedBy[core.RejectTooManySources]; int(n)+len(names) != 300 || len(names) > 255 ||
		len(names) < 254 {
		t.Errorf("%d names, %d quotes refused for lack of room", len(names), n)
	}
	if names[0] != "LP0 " {
		t.Errorf("the first name is %s, want LP0", names[0])
	}
}

// TestImportFreshDays: with every UTC and every New York day the throttle starts anew and no price
// is compared with one before.
func TestImportFreshDays(t *testing.T) {
	const header = "time,symbol,bid,ask\n"
	text := header
	want := 0
	for _, at := range []string{
		"2026-01-19T20:00:00Z+", "2026-01-19T21:59:59Z", "2026-01-19T22:00:00Z+",
		"2026-01-19T23:59:59Z", "2026-01-20T00:00:00Z+", "2026-01-20T21:00:00Z",
		"2026-07-20T12:00:00Z+", "2026-07-20T20:59:00Z", "2026-07-20T21:00:00Z+",
		"2026-07-20T22:30:00Z",
	} {
		at, stored := strings.CutSuffix(at, "+")
		if stored {
			want++
		}
		text += at + ",EURUSD,1.10000,1.10002\n"
	}
	s := openImportStore(t, t.TempDir())
	r := mustImport(t, s, writeFile(t, filepath.Join(t.TempDir(), "a.csv"), text))
	if int(r.Stored) != want {
		t.Errorf("%d of %d quotes stored, want %d: %v", r.Stored, r.Rows, want, dumpTicks(t, s))
	}
	r = mustImport(t, openImportStore(t, t.TempDir()), writeFile(t,
		filepath.Join(t.TempDir(), "a.csv"),
		header+"2012-01-03T12:00:00Z,EURUSD,1.1,1.1\n2026-01-19T12:00:00Z,EURUSD,2.2,2.2\n"))
	if r.Stored != 2 {
		t.Errorf("a price of years later: stored %d, want 2: %v", r.Stored, r.Refusals)
	}
}

// The minutes and bars of five minutes that the tests below look at.
const (
	liveMinutes = "SELECT time, volume, complete FROM bars WHERE frame = '1m' ORDER BY time"
	liveFives   = "SELECT time, volume, complete FROM bars WHERE frame = '5m' ORDER BY time"
)

func liveCSV(t *testing.T, times ...string) string {
	t.Helper()
	text := "time,symbol,bid,ask\n"
	for i, at := range times {
		text += fmt.Sprintf("2026-01-19T%sZ,EURUSD,1.1%04d,1.2\n", at, i)
	}
	return writeFile(t, filepath.Join(t.TempDir(), "a.csv"), text)
}

func liveBar(t *testing.T, hhmm string, volume, complete int) string {
	t.Helper()
	at, err := core.ParseTime("2026-01-19T" + hhmm + ":00Z")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %d %d ", at, volume, complete)
}

// liveStore is a store as a live engine leaves it that had quotes at 12:00, 12:01 and 12:03. When
// sealed, its clock has closed the bar of five minutes without a later quote.
func liveStore(t *testing.T, sealed bool) *Store {
	t.Helper()
	s := openImportStore(t, t.TempDir())
	mustImport(t, s, liveCSV(t, "12:00:10", "12:01:20", "12:03:30"))
	err := s.transact(func(c *conn) error {
		if !sealed {
			return c.exec("UPDATE bar SET clocked = 1 WHERE complete = 0")
		}
		if err := c.exec("UPDATE bar SET complete = 1"); err != nil {
			return err
		}
		return c.exec(`INSERT INTO bar SELECT symbol_id, 300, time, mid_open, mid_high, mid_low,
			mid_close, bid_open, bid_high, bid_low, bid_close, ask_open, ask_high, ask_low,
			ask_close, 3, spread_min, spread_max, spread_last, first_time, last_time, 1, 0
			FROM bar WHERE frame = 60 AND time % 300000000 = 0`)
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestImportAfterClock: bars that the clock of an engine closed without a later quote stay closed,
// unless history goes on inside them.
func TestImportAfterClock(t *testing.T) {
	s := liveStore(t, true) // Older minutes: what is closed stays closed, and is rolled up anew.
	mustImport(t, s, liveCSV(t, "12:00:10", "12:00:20", "12:02:00"))
	sameLines(t, "minutes", queryLines(t, s, liveMinutes), []string{
		liveBar(t, "12:00", 2, 1), liveBar(t, "12:01", 1, 1), liveBar(t, "12:02", 1, 1),
		liveBar(t, "12:03", 1, 1),
	})
	sameLines(t, "5m", queryLines(t, s, liveFives), []string{liveBar(t, "12:00", 5, 1)})

	s = liveStore(t, true) // The newest minute, closed, is replaced.
	mustImport(t, s, liveCSV(t, "12:03:31", "12:03:32"))
	sameLines(t, "minutes", queryLines(t, s, liveMinutes), []string{
		liveBar(t, "12:00", 1, 1), liveBar(t, "12:01", 1, 1), liveBar(t, "12:03", 2, 1),
	})
	sameLines(t, "5m", queryLines(t, s, liveFives), []string{liveBar(t, "12:00", 4, 1)})

	for _, times := range [][]string{{"12:04:01"}, {"12:03:30", "12:04:01"}} {
		s = liveStore(t, true) // History goes on inside the bar.
		mustImport(t, s, liveCSV(t, times...))
		sameLines(t, "minutes", queryLines(t, s, liveMinutes), []string{
			liveBar(t, "12:00", 1, 1), liveBar(t, "12:01", 1, 1), liveBar(t, "12:03", 1, 1),
			liveBar(t, "12:04", 1, 0),
		})
		sameLines(t, "5m", queryLines(t, s, liveFives), nil)
		checkRolledUp(t, s)
	}

	s = liveStore(t, true) // History goes on after it.
	mustImport(t, s, liveCSV(t, "12:17:00"))
	sameLines(t, "5m", queryLines(t, s, liveFives), []string{liveBar(t, "12:00", 3, 1)})
	checkRolledUp(t, s)
}

// TestImportOverForming: a minute that formed when a live engine stopped is replaced or closed, and
// is no longer the clock's to close.
func TestImportOverForming(t *testing.T) {
	const clocked = "SELECT sum(clocked) FROM bar"
	s := liveStore(t, false)
	mustImport(t, s, liveCSV(t, "12:03:31", "12:03:32"))
	sameLines(t, "minutes", queryLines(t, s, liveMinutes), []string{
		liveBar(t, "12:00", 1, 1), liveBar(t, "12:01", 1, 1), liveBar(t, "12:03", 2, 0),
	})
	sameLines(t, "clocked", queryLines(t, s, clocked), []string{"0 "})
	checkRolledUp(t, s)

	s = liveStore(t, false)
	mustImport(t, s, liveCSV(t, "12:05:00"))
	sameLines(t, "minutes", queryLines(t, s, liveMinutes), []string{
		liveBar(t, "12:00", 1, 1), liveBar(t, "12:01", 1, 1), liveBar(t, "12:03", 1, 1),
		liveBar(t, "12:05", 1, 0),
	})
	sameLines(t, "5m", queryLines(t, s, liveFives), []string{liveBar(t, "12:00", 3, 1)})
	sameLines(t, "clocked", queryLines(t, s, clocked), []string{"0 "})
	checkRolledUp(t, s)

	s = liveStore(t, false) // Older history leaves it to the clock.
	mustImport(t, s, liveCSV(t, "12:02:00"))
	sameLines(t, "clocked", queryLines(t, s, clocked), []string{"1 "})
	checkRolledUp(t, s)
}

// TestImportFuture: quotes ahead of our clock are taken, but somebody is told what follows.
func TestImportFuture(t *testing.T) {
	const row = "time,symbol,bid,ask\n2026-01-19T12:00:00Z,EURUSD,1.1,1.2\n"
	file := writeFile(t, filepath.Join(t.TempDir(), "a.csv"), row)
	f := func(now string, warned bool) {
		t.Helper()
		clock, err := core.ParseTime(now)
		if err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		r, err := Import(t.Context(), ImportOptions{
			Store: openImportStore(t, t.TempDir()), Files: []string{file},
			Log: slog.New(slog.NewTextHandler(&log, nil)), Now: clock.Std,
		})
		if err != nil || r.Stored != 1 {
			t.Errorf("at %s: stored %d, %v", now, r.Stored, err)
		}
		if got := strings.Contains(log.String(), "lie in the future"); got != warned {
			t.Errorf("at %s: warned %v, want %v: %s", now, got, warned, log.String())
		}
	}
	f("2026-01-19T11:00:00Z", true)
	f("2026-01-19T13:00:00Z", false)
}

// TestImportProgress: both passes are reported, to their end.
func TestImportProgress(t *testing.T) {
	m := newImportMarket(5)
	dir := t.TempDir()
	files := []string{
		m.write(t, dir, "a.csv", m.quotes(3000, importStart, 10*core.Hour)),
		m.write(t, dir, "b.csv", m.quotes(2000, importStart+5*core.Hour, 10*core.Hour)),
	}
	var ends []ImportProgress
	r, err := Import(t.Context(), ImportOptions{
		Store: openImportStore(t, t.TempDir()), Files: files,
		Progress: func(p ImportProgress) {
			if p.Done {
				ends = append(ends, p)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(ends) != 2 || !ends[0].Checking || ends[1].Checking {
		t.Fatalf("ends of passes: %+v", ends)
	}
	for _, p := range ends {
		if p.Rows != 5000 || p.BytesDone != p.BytesTotal || p.BytesTotal < 100_000 {
			t.Errorf("%+v, want 5000 rows and all bytes", p)
		}
	}
	if r.Files != 2 || r.Rows != 5000 || r.Stored != 5000 {
		t.Errorf("%+v, want 2 files, 5000 rows, all stored", r)
	}
}

package persist

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"tradingengine/core"
)

// TestImportRecorded imports every recorded file alone, and all of them at once, and compares all
// tables with what the naive twin says.
func TestImportRecorded(t *testing.T) {
	files := importFilesOf(t)
	sets := map[string][]string{"all": files}
	for _, f := range files {
		if !testing.Short() {
			sets[filepath.Base(f)] = []string{f}
		}
	}
	for name, set := range sets {
		t.Run(name, func(t *testing.T) {
			s := openImportStore(t, t.TempDir())
			result := mustImport(t, s, set...)
			want := naiveImport(t, naiveRead(t, set...))
			ticks, bars := naiveDump(t, want)
			sameLines(t, "ticks", dumpTicks(t, s), ticks)
			sameLines(t, "bars", dumpBars(t, s), bars)
			if n := queryLines(t, s, "SELECT * FROM seq"); len(n) > 0 {
				t.Errorf("the table seq has rows: %v", n)
			}
			checkCounts(t, result, want)
		})
	}
}

// importFilesOf returns all recorded files, or the smallest when time is short.
func importFilesOf(t *testing.T) []string {
	t.Helper()
	if testing.Short() {
		return append(recordedFiles(t, "*truefx*"), recordedFiles(t, "*20140504*")...)
	}
	return recordedFiles(t, "*.csv.gz")
}

func checkCounts(t *testing.T, r ImportResult, want map[string]*naiveSymbol) {
	t.Helper()
	if len(r.Symbols) != len(want) {
		t.Errorf("%d symbols, want %d", len(r.Symbols), len(want))
	}
	var total ImportSymbol
	for _, s := range r.Symbols {
		w := want[s.Symbol]
		if w == nil {
			t.Errorf("symbol %s is in no file", s.Symbol)
			continue
		}
		got := []int64{s.Quotes, s.Stored, s.Throttled, s.Rejected, s.Minutes, s.Replaced}
		wanted := []int64{
			w.quotes, int64(len(w.ticks)), w.throttled, w.refused, int64(len(w.minutes)), 0,
		}
		if !slices.Equal(got, wanted) {
			t.Errorf("%s: quotes, stored, throttled, rejected, minutes, replaced: %v, want %v",
				s.Symbol, got, wanted)
		}
		if int64(s.Last) != w.newestStamp {
			t.Errorf("%s: last %d, want %d", s.Symbol, s.Last, w.newestStamp)
		}
		total.Quotes += w.quotes
		total.Rejected += w.refused
	}
	if r.Rows != total.Quotes || r.Rejected != total.Rejected {
		t.Errorf("%d rows, %d rejected; want %d, %d", r.Rows, r.Rejected, total.Quotes,
			total.Rejected)
	}
}

// TestImportRecordedRefusals counts what the recorded files are known to hold of bad quotes.
func TestImportRecordedRefusals(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	f := func(pattern string, notPositive, crossed int64) {
		t.Helper()
		r := mustImport(t, openImportStore(t, t.TempDir()), recordedFiles(t, pattern)...)
		var want [core.RejectReasons]int64
		want[core.RejectNotPositive], want[core.RejectCrossed] = notPositive, crossed
		if r.RejectedBy != want {
			t.Errorf("%s: rejected %v, want %v", pattern, r.RejectedBy, want)
		}
		if len(r.Refusals) != ImportRefusalsKept {
			t.Errorf("%s: %d refusals described, want %d", pattern, len(r.Refusals),
				ImportRefusalsKept)
		}
	}
	f("*yofx*", 1398, 38)
	f("*fxcm*", 0, 12649)
}

// TestImportOrder imports the same files in several orders, at once and one by one.
func TestImportOrder(t *testing.T) {
	files := importFilesOf(t)
	s := openImportStore(t, t.TempDir())
	mustImport(t, s, files...)
	want := dumpAll(t, s)
	checkRolledUp(t, s)
	slices.Reverse(files)
	s = openImportStore(t, t.TempDir())
	mustImport(t, s, append(files, files[0])...) // One is named twice.
	sameLines(t, "reversed", dumpAll(t, s), want)
	// Files that share minutes do not add up one by one: the last one is the truth. The largest
	// recordings would say no more than the others.
	large := regexp.MustCompile("fxcm|oanda-2014050[58]|dukascopy-2019")
	files = slices.DeleteFunc(files, large.MatchString)
	s = openImportStore(t, t.TempDir())
	mustImport(t, s, files...)
	want = dumpAll(t, s)
	random := rand.New(rand.NewPCG(1, 2))
	for range 2 {
		random.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
		s := openImportStore(t, t.TempDir())
		for _, f := range files {
			mustImport(t, s, f)
		}
		sameLines(t, fmt.Sprint("one by one ", files), dumpAll(t, s), want)
	}
}

// TestImportOverlap imports two recordings of the same day, in both orders.
func TestImportOverlap(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	oanda, fxcm := recordedFiles(t, "*oanda-20140506*")[0], recordedFiles(t, "*fxcm-20140506*")[0]
	ticks, bars := naiveDump(t, naiveImport(t, naiveRead(t, oanda, fxcm)))
	for _, files := range [][]string{{oanda, fxcm}, {fxcm, oanda}} {
		s := openImportStore(t, t.TempDir())
		mustImport(t, s, files...)
		sameLines(t, "ticks", dumpTicks(t, s), ticks)
		sameLines(t, "bars", dumpBars(t, s), bars)
	}
}

// TestImportTwice imports the same files again.
func TestImportTwice(t *testing.T) {
	files := importFilesOf(t)[:2]
	s := openImportStore(t, t.TempDir())
	first := mustImport(t, s, files...)
	want := dumpAll(t, s)
	second := mustImport(t, s, files...)
	sameLines(t, "tables", dumpAll(t, s), want)
	if first.Replaced != 0 || second.Replaced != first.Minutes || second.Minutes != first.Minutes {
		t.Errorf("replaced %d of %d, then %d of %d", first.Replaced, first.Minutes,
			second.Replaced, second.Minutes)
	}
}

// TestImportInterrupted ends imports after each so many transactions, over what an earlier import
// left. What is in the file then is right in itself, and another run makes it what it would have
// been.
func TestImportInterrupted(t *testing.T) {
	m := newImportMarket(7)
	dir := t.TempDir()
	old := m.write(t, dir, "old.csv", m.quotes(300, importStart+20*core.Hour, 30*core.Hour))
	young := m.write(t, dir, "young.csv", m.quotes(2500, importStart, 200*core.Hour))
	run := func(ctx context.Context, s *Store, file string, committed func()) error {
		_, err := Import(ctx, ImportOptions{
			Store: s, Files: []string{file}, Throttle: core.DefaultThreshold,
			tuning: importTuning{buffered: 700, transaction: 400, committed: committed},
		})
		return err
	}
	clean := openImportStore(t, t.TempDir())
	commits := 0
	if err := run(t.Context(), clean, old, nil); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), clean, young, func() { commits++ }); err != nil {
		t.Fatal(err)
	}
	want := dumpAll(t, clean)
	if commits < 10 {
		t.Fatalf("only %d transactions: the test does not test", commits)
	}
	step := 2
	if testing.Short() {
		step = 11
	}
	for after := 1; after < commits; after += step {
		s := openImportStore(t, t.TempDir())
		if err := run(t.Context(), s, old, nil); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		err := run(ctx, s, young, func() {
			if n++; n == after {
				cancel()
			}
		})
		cancel()
		if !errors.Is(err, context.Canceled) || n != after {
			t.Fatalf("after %d of %d transactions: %v", n, commits, err)
		}
		if slices.Equal(dumpAll(t, s), want) {
			t.Errorf("after %d of %d transactions everything is there", after, commits)
		}
		checkRolledUp(t, s)
		if err := run(t.Context(), s, young, nil); err != nil {
			t.Fatal(err)
		}
		sameLines(t, fmt.Sprint("interrupted after ", after), dumpAll(t, s), want)
	}
}

package persist

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tradingengine/core"
)

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestImportRefusesFiles: a file that cannot be imported is refused before anything is written,
// with a sentence that says why.
func TestImportRefusesFiles(t *testing.T) {
	const good = "time_ms,symbol,bid,ask\n1767225600000,EURUSD,1.1,1.2\n"
	f := func(name, text, want string) {
		t.Helper()
		dir := t.TempDir()
		s := openImportStore(t, t.TempDir())
		before := dumpAll(t, s)
		files := []string{
			writeFile(t, filepath.Join(dir, "good.csv"), good),
			writeFile(t, filepath.Join(dir, name), text),
		}
		_, err := Import(t.Context(), ImportOptions{Store: s, Files: files})
		if !errors.Is(err, ErrImportFile) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
		if !slices.Equal(dumpAll(t, s), before) {
			t.Errorf("%s: something was written", name)
		}
	}
	f("a.csv", "symbol,bid,ask\nEURUSD,1.1,1.2\n", "has no column time or time_ms")
	f("a.csv", "", "is empty")
	f("a.csv", "EURUSD,1.1,1.2\n", "header must name symbol, bid and ask")
	f("a.csv", "time,symbol,bid,ask,bid\n", "bid is there twice")
	f("a.csv", "symbol,timeframe,time,open,high,low,close\n", "holds bars")
	f("a.ndjson", `{"symbol":"EURUSD","timeframe":"1m","time":1767225600}`, "holds bars")
	f("a.csv.gz", good, "is not compressed with gzip")
	f("a.csv.gz", zipped(t, good)[:40], "ends in the middle")
	f("a.txt", good, "must end in .csv")
	f("a.gz", zipped(t, good), "must end in .csv")

	s := openImportStore(t, t.TempDir())
	_, err := Import(t.Context(), ImportOptions{Store: s, Files: []string{"missing.csv"}})
	if !errors.Is(err, ErrImportFile) {
		t.Errorf("missing file: %v", err)
	}
	if _, err = Import(t.Context(), ImportOptions{Store: s}); !errors.Is(err, ErrImportNone) {
		t.Errorf("no files: %v", err)
	}
	_, err = Import(t.Context(), ImportOptions{Store: s, Files: []string{t.TempDir() + ".csv"}})
	if !errors.Is(err, ErrImportFile) {
		t.Errorf("missing: %v", err)
	}
}

// TestImportRefusesKinds: real quotes do not go into a directory of simulated ones.
func TestImportRefusesKinds(t *testing.T) {
	file := writeFile(t, filepath.Join(t.TempDir(), "a.csv"),
		"time_ms,symbol,bid,ask\n1767225600000,EURUSD,1.1,1.2\n")
	s := openImportStore(t, t.TempDir())
	if err := s.ClaimKind(KindSimulated); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(t.Context(), ImportOptions{Store: s, Files: []string{file}}); !errors.Is(
		err, ErrKind) {
		t.Errorf("simulated directory: %v, want %v", err, ErrKind)
	}
	if ticks := dumpTicks(t, s); len(ticks) > 0 {
		t.Errorf("ticks were written: %v", ticks)
	}
	s = openImportStore(t, t.TempDir())
	mustImport(t, s, file)
	if kind, err := s.Kind(context.Background()); kind != KindReal || err != nil {
		t.Errorf("the directory holds %q, %v; want %q", kind, err, KindReal)
	}
}

// TestImportBadRows counts and describes every reason for which a row can be refused.
func TestImportBadRows(t *testing.T) {
	rows := []struct {
		row, code, detail string
	}{
		{"1767225600000,EURUSD,1.1,1.2,", "", ""},
		{"1767225600000,EURUSD,1.1,1.2", "BAD_LINE", "fewer columns than the header names"},
		{"1767225600000,EURUSD,1.1,1.2,LP,x", "BAD_LINE", "more columns than the header names"},
		{"1767225600000,,1.1,1.2,", "MISSING_FIELD", "symbol is missing"},
		{",EURUSD,1.1,1.2,", "MISSING_FIELD", "time is missing"},
		{"1767225600000,EURUSX,1.1,1.2,", "UNKNOWN_SYMBOL", "did you mean EURUSD?"},
		{"1767225600000,EURUSD,1_1,1.2,", "BAD_NUMBER", `bid "1_1" is not a plain decimal`},
		{"1767225600000,EURUSD,1.1,NaN,", "BAD_NUMBER", `ask "NaN" is not a plain decimal`},
		{"yesterday,EURUSD,1.1,1.2,", "BAD_NUMBER", `time "yesterday" is neither RFC 3339`},
		{"1767225600000,EURUSD,1.1,1.200001,", "PRICE_DIGITS", "more than the 5 decimals"},
		{"1767225600000,EURUSD,0,1.2,", "NOT_POSITIVE", "bid 0.00000 and ask 1.20000 must both"},
		{"1767225600000,EURUSD,-1.1,1.2,", "NOT_POSITIVE", "bid -1.10000"},
		{"1767225600000,EURUSD,1.3,1.2,", "CROSSED", "ask 1.20000 below bid 1.30000"},
		{"1767225600000,EURUSD,1.9,1.9,", "ABSURD", "mid 1.90000 is more than 50 %"},
		{"1767225601000,EURUSD,1.1,1.2," + strings.Repeat("x", importLineMax), "BAD_LINE", "longer"},
		{"1767225601000,EURUSD,1.1,1.3,", "", ""},
	}
	var text strings.Builder
	text.WriteString("time,symbol,bid,ask,lp\n\n")
	var wantBy [core.RejectReasons]int64
	var want []string
	for i, r := range rows {
		text.WriteString(r.row + "\n")
		for reject := range wantBy {
			if r.code != "" && core.Reject(reject).String() == r.code {
				wantBy[reject]++
				want = append(want, fmt.Sprintf("%d: %s: %s", i+3, r.code, r.detail))
			}
		}
	}
	s := openImportStore(t, t.TempDir())
	file := writeFile(t, filepath.Join(t.TempDir(), "bad.csv"), text.String())
	r := mustImport(t, s, file)
	if r.RejectedBy != wantBy || r.Rejected != int64(len(want)) || r.Stored != 2 ||
		r.Rows != int64(len(rows)) {
		t.Errorf("rows %d, stored %d, rejected %d %v; want %d, 2, %d %v", r.Rows, r.Stored,
			r.Rejected, r.RejectedBy, len(rows), len(want), wantBy)
	}
	if len(r.Refusals) != ImportRefusalsKept {
		t.Fatalf("%d described, want %d", len(r.Refusals), ImportRefusalsKept)
	}
	for i, refusal := range r.Refusals {
		got := refusal.String()
		line, sentence, _ := strings.Cut(want[i], ": ")
		code, detail, _ := strings.Cut(sentence, ": ")
		if !strings.HasPrefix(got, file+":"+line+": "+code+": ") || !strings.Contains(got, detail) {
			t.Errorf("refusal %d: got %s, want line %s", i, got, want[i])
		}
	}
}

// TestImportReanchors: ten absurd quotes in a row that agree are the price after all.
func TestImportReanchors(t *testing.T) {
	text := "time_ms,symbol,bid,ask\n1767225600000,EURUSD,1.1,1.1\n"
	for i := range 12 {
		text += fmt.Sprintf("%d,EURUSD,2.2%d,2.3\n", 1767225600001+i, i%3)
	}
	r := mustImport(t, openImportStore(t, t.TempDir()),
		writeFile(t, filepath.Join(t.TempDir(), "a.csv"), text))
	if r.RejectedBy[core.RejectAbsurd] != 9 || r.Stored+r.Throttled != 4 {
		t.Errorf("%d absurd, %d accepted; want 9, 4", r.RejectedBy[core.RejectAbsurd],
			r.Stored+r.Throttled)
	}
}

// TestImportFormats: the same quotes in any order and form give the same tables.
func TestImportFormats(t *testing.T) {
	m := newImportMarket(3)
	n := 5000
	if testing.Short() {
		n = 500
	}
	quotes := m.quotes(n, importStart, 80*core.Hour)
	dir := t.TempDir()
	sorted := m.write(t, dir, "a.csv", quotes)
	s := openImportStore(t, t.TempDir())
	mustImport(t, s, sorted)
	want := dumpAll(t, s)
	f := func(name, text string) {
		t.Helper()
		s := openImportStore(t, t.TempDir())
		mustImport(t, s, writeFile(t, filepath.Join(t.TempDir(), name), text))
		sameLines(t, name, dumpAll(t, s), want)
	}
	lines := func(print func(q naiveQuote, at core.Time, bid, ask []byte) string) string {
		var b strings.Builder
		for _, q := range quotes {
			digits := naiveDigits(q.symbol)
			b.WriteString(print(q, core.Time(q.time), core.AppendPrice(nil, core.Price(q.bid), digits),
				core.AppendPrice(nil, core.Price(q.ask), digits)))
		}
		return b.String()
	}
	csv := "ASK,\"Time\",bid,volume,symbol,seq\r\n" +
		lines(func(q naiveQuote, at core.Time, bid, ask []byte) string {
			return fmt.Sprintf("%s,%s,\"%s\",0.5,%s,7\r\n", ask, at, bid, strings.ToLower(q.symbol))
		})
	f("columns.csv", csv)
	f("columns.CSV.gz", zipped(t, csv))
	ndjson := lines(func(q naiveQuote, at core.Time, bid, ask []byte) string {
		return fmt.Sprintf(`{"symbol":"%s","time":%d,"bid":%s,"ask":"%s","extra":[1,{}]}`+"\n",
			q.symbol, at, bid, ask)
	})
	f("a.ndjson", strings.TrimSpace(ndjson)) // No newline at the end.
	f("a.ndjson.gz", zipped(t, ndjson))
	f("a.jsonl", ndjson)

	// By symbol, so that the file is not in order of time, but the quotes of a time are.
	var bySymbol []naiveQuote
	for _, name := range []string{"USDJPY", "EURUSD", "GBPUSD"} {
		for _, q := range quotes {
			if q.symbol == name {
				bySymbol = append(bySymbol, q)
			}
		}
	}
	s = openImportStore(t, t.TempDir())
	var sorting []string
	_, err := Import(t.Context(), ImportOptions{
		Store: s, Files: []string{m.write(t, dir, "unsorted.csv", bySymbol)},
		Throttle: core.DefaultThreshold,
		Progress: func(p ImportProgress) {
			if p.SortedFirst != "" {
				sorting = append(sorting, filepath.Base(p.SortedFirst))
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	sameLines(t, "unsorted", dumpAll(t, s), want)
	if !slices.Equal(sorting, []string{"unsorted.csv"}) {
		t.Errorf("sorting reported of %v", sorting)
	}
}

package feed

import (
	"bufio"
	"compress/gzip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tradingengine/core"
)

// recordedData returns the folder of recorded days beside the repository, or skips the test.
func recordedData(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
	data := filepath.Join(dir, "..", "shared", "data")
	if _, err := os.Stat(data); err != nil {
		t.Skip("there are no recorded days beside the repository")
	}
	return data
}

// countRows counts, by floating point, the rows of a recorded file: all, those with
// a price of zero, and those that are crossed otherwise.
func countRows(t *testing.T, path string) (all, zero, crossed int64) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // Only read.
	text, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(text)
	lines.Scan()
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ",")
		bid, bidErr := strconv.ParseFloat(fields[2], 64)
		ask, askErr := strconv.ParseFloat(fields[3], 64)
		if bidErr != nil || askErr != nil {
			t.Fatalf("%s: %s", path, lines.Text())
		}
		all++
		switch {
		case bid == 0 || ask == 0:
			zero++
		case ask < bid:
			crossed++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all, zero, crossed
}

func TestReplayOfRecordedDays(t *testing.T) {
	data := recordedData(t)
	f := func(name string, wantZero, wantCrossed int64) {
		path := filepath.Join(data, name)
		all, zero, crossed := countRows(t, path)
		if zero != wantZero || crossed != wantCrossed {
			t.Errorf("%s: %d one-sided and %d crossed rows, want %d and %d", name, zero, crossed,
				wantZero, wantCrossed)
		}
		m := startMarket(t, core.Options{Symbols: defaultRegistry(t, "XAUUSD", "CHFJPY", "EURCHF")})
		var last ReplayProgress
		replay(t, ReplayOptions{
			Engine: m.engine, Files: []string{path}, Progress: func(p ReplayProgress) { last = p },
		})
		s := m.checkSums(t)
		if s.Received != all || last.Rows != all || last.Refused != 0 {
			t.Errorf("%s: %d received, %d rows read, %d not understood, want %d, %d, 0", name, s.Received,
				last.Rows, last.Refused, all, all)
		}
		if got := s.Rejected[core.RejectNotPositive]; got != zero {
			t.Errorf("%s: %d not positive, want %d", name, got, zero)
		}
		if got := s.Rejected[core.RejectCrossed]; got != crossed {
			t.Errorf("%s: %d crossed, want %d", name, got, crossed)
		}
		if s.RejectedTotal() != zero+crossed || s.Lost != 0 || s.Pending != 0 || s.Late != 0 {
			t.Errorf("%s: %+v, want nothing else rejected, late, lost or pending", name, s)
		}
		m.stop()
	}
	f("ticks-oanda-20140504.csv.gz", 0, 0)
	f("ticks-oanda-20140509.csv.gz", 0, 0)
	f("ticks-fxcm-20140506.csv.gz", 0, 12_649)
	f("ticks-yofx-20260119.csv.gz", 1_398, 38)
}

// TestReplayOfDays replays a broker's files that follow each other.
func TestReplayOfDays(t *testing.T) {
	glob := filepath.Join(recordedData(t), "ticks-oanda-2014050[479].csv.gz")
	m := startMarket(t, core.Options{Symbols: defaultRegistry(t, "XAUUSD")})
	r := replay(t, ReplayOptions{Engine: m.engine, Glob: glob})
	if n := len(r.Files()); n != 3 {
		t.Errorf("%d files, want 3", n)
	}
	if s := m.checkSums(t); s.Received != 166_019 || s.RejectedTotal() != 0 || s.Lost != 0 {
		t.Errorf("%d received, %d rejected, %d lost, want 166,019 and none", s.Received,
			s.RejectedTotal(), s.Lost)
	}
}

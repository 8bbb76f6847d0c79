package core

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tradingengine/core/naive"
)

// The recorded days lie beside the repository and are never part of it. Tests of them are skipped
// where they are absent.

// repositoryRoot is the folder of go.mod.
func repositoryRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the tests")
		}
		dir = filepath.Dir(dir)
	}
}

// recordedFiles lists the recorded days; in short runs only the small ones.
func recordedFiles(t *testing.T) []string {
	t.Helper()
	folder := filepath.Join(repositoryRoot(t), "..", "shared", "data")
	files, err := filepath.Glob(filepath.Join(folder, "ticks-*.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("no recorded quotes in " + folder)
	}
	var kept []string
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if !testing.Short() || info.Size() < 100_000 {
			kept = append(kept, file)
		}
	}
	return kept
}

// recordedLines returns the lines of a recorded file; the first is the header.
func recordedLines(t *testing.T, file string) [][]byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(text), []byte{'\n'})
}

// recordedSymbols are the default symbols with those that only the recorded days have.
func recordedSymbols(t testing.TB) *Registry {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(repositoryRoot(t), "testdata", "symbols.json"))
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := ReadSymbols(file, DefaultSymbols())
	if err != nil {
		t.Fatal(err)
	}
	registry, err := NewRegistry(symbols)
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

// recordedDay is one file, taken through an engine and through the naive market of each symbol.
type recordedDay struct {
	*tape
	markets map[string]*naive.Market
	parser  Parser
	quotes  []Quote
	line    int
}

// naiveDigits are the decimals of the symbols in the recorded files.
func naiveDigits(symbol string) int {
	if strings.HasSuffix(symbol, "JPY") || symbol == "XAUUSD" {
		return 3
	}
	return 5
}

// naivePoints reads a price by its text: cut or filled to digits decimals, without the point.
func naivePoints(t *testing.T, text string, digits int) int64 {
	whole, decimals, _ := strings.Cut(text, ".")
	decimals = strings.TrimRight(decimals, "0")
	if len(decimals) > digits {
		t.Fatalf("%s has more than %d decimals", text, digits)
	}
	decimals += strings.Repeat("0", digits-len(decimals))
	return naiveInt(t, whole+decimals)
}

func naiveInt(t *testing.T, text string) (n int64) {
	for _, c := range text {
		if c < '0' || c > '9' {
			t.Fatalf("%q is not a number", text)
		}
		n = 10*n + int64(c-'0')
	}
	return n
}

func playRecorded(t *testing.T, file string) *recordedDay {
	t.Helper()
	lines := recordedLines(t, file)
	if string(lines[0]) != "time_ms,symbol,bid,ask" {
		t.Fatalf("%s: header %s", file, lines[0])
	}
	columns, err := ParseCSVHeader(lines[0])
	if err != nil {
		t.Fatal(err)
	}
	registry := recordedSymbols(t)
	day := &recordedDay{
		tape:    newTape(t, Options{Symbols: registry, Throttle: DefaultThreshold, Shards: 2}),
		markets: map[string]*naive.Market{},
	}
	day.parser = Parser{Symbols: registry, Sources: day.e.Sources(), DefaultSource: 1}
	for _, line := range lines[1:] {
		day.take(t, columns, line)
	}
	day.flush()
	return day
}

// take gives a line to the parser and, split at its commas, to the naive market.
func (d *recordedDay) take(t *testing.T, columns *CSVColumns, line []byte) {
	d.line++
	q := Quote{Line: int32(d.line)}
	if reject := d.parser.CSV(columns, line, &q); reject != RejectNone {
		t.Fatalf("line %d %s: %v %s", d.line, line, reject, d.parser.Detail(reject))
	}
	d.quotes = append(d.quotes, q)
	if len(d.quotes) == 500 {
		d.flush()
	}
	column := strings.Split(string(line), ",")
	symbol := column[1]
	m := d.markets[symbol]
	if m == nil {
		m = &naive.Market{}
		d.markets[symbol] = m
	}
	digits := naiveDigits(symbol)
	m.Quote(0, true, naive.Offer{
		Time: 1000 * naiveInt(t, column[0]), Source: int(q.Source),
		Bid: naivePoints(t, column[2], digits), Ask: naivePoints(t, column[3], digits),
	})
}

func (d *recordedDay) flush() {
	d.batch(1_900_000_000_000_000, true, d.quotes...)
	d.quotes = d.quotes[:0]
	d.commit()
}

// bigStored counts the ticks among accepted quotes by the rule |Δ|·100000 < last in big integers.
func bigStored(quotes []naive.Quote) (stored int64) {
	rule := bigThrottle{threshold: big.NewInt(10_000)}
	for _, q := range quotes {
		if rule.stores(q.Bid + q.Ask) {
			stored++
		}
	}
	return stored
}

// TestRecordedDays takes every recorded file through a fresh engine and compares all bars, sides
// and ticks with the naive market, and the rejections with what is known of the files.
func TestRecordedDays(t *testing.T) {
	var accepted, throttled int64
	for _, file := range recordedFiles(t) {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			day := playRecorded(t, file)
			want := map[Reject]int64{}
			switch {
			case strings.Contains(name, "fxcm"):
				want[RejectCrossed] = 12_649
			case strings.Contains(name, "yofx"):
				want[RejectNotPositive], want[RejectCrossed] = 1_398, 38
			}
			stats := day.e.Stats()
			for reason, n := range stats.Rejected {
				if n != want[Reject(reason)] {
					t.Errorf("%d quotes rejected as %v; want %d", n, Reject(reason),
						want[Reject(reason)])
				}
			}
			for symbol, m := range day.markets {
				id := symbolID(t, day.e, symbol)
				day.checkBars(t, id, m)
				day.checkTicks(t, id, m)
				counts := day.e.SymbolCounts(id)
				compareCounts(t, counts, m)
				if want := bigStored(m.Accepted); counts.Stored != want {
					t.Errorf("%s: %d stored; want %d", symbol, counts.Stored, want)
				}
			}
			if !strings.Contains(name, "yofx") { // Throttled before it was recorded.
				accepted += stats.Stored + stats.Throttled
				throttled += stats.Throttled
			}
		})
	}
	share := fmt.Sprintf("%.2f %% of %d", 100*float64(throttled)/float64(accepted), accepted)
	t.Log("throttled: " + share)
	if off := 1000*throttled - 544*accepted; !testing.Short() && max(off, -off) > 2*accepted {
		t.Errorf("%s quotes are throttled; want 54.4 %% ± 0.2", share)
	}
}

// TestBadRecordedQuotesReachNoBar looks at the prices themselves: no bar has a zero or a negative
// spread in it, and one-sided quotes left no trace in the lows.
func TestBadRecordedQuotesReachNoBar(t *testing.T) {
	for _, file := range recordedFiles(t) {
		if !strings.Contains(file, "yofx") && !strings.Contains(file, "fxcm") {
			continue
		}
		day := playRecorded(t, file)
		for id := range day.symbols {
			for f, bars := range day.symbols[id].bars {
				if forming, _ := day.e.Forming(SymbolID(id), Frame(f)); forming.Volume > 0 {
					bars = append(bars, forming)
				}
				for _, b := range bars {
					if b.Bid.Low <= 0 || b.Ask.Low <= 0 || b.Mid.Low <= 0 || b.SpreadMin < 0 {
						t.Fatalf("%s: bar %+v", filepath.Base(file), b)
					}
				}
			}
		}
	}
}

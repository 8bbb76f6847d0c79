package persist

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tradingengine/core"
)

// importStart is a Thursday of the week in which New York's clock goes back.
const importStart core.Time = 1_762_387_200_000_000

// importMarket makes up quotes. Every price moves by more than the throttle, or by nothing.
type importMarket struct {
	random *rand.Rand
	mids   map[string]int64
}

func newImportMarket(seed uint64) *importMarket {
	return &importMarket{
		random: rand.New(rand.NewPCG(seed, seed)),
		mids:   map[string]int64{"EURUSD": 108_000, "GBPUSD": 130_000, "USDJPY": 150_000},
	}
}

// quotes returns n quotes in order of time within [from, from+span), in bursts, some at the same
// millisecond.
func (m *importMarket) quotes(n int, from, span core.Time) []naiveQuote {
	names := []string{"EURUSD", "GBPUSD", "USDJPY"}
	times := make([]int64, n)
	for i := range times {
		if i > 0 && m.random.IntN(4) > 0 {
			times[i] = min(times[i-1]+m.random.Int64N(3)*1000, int64(from+span)-1000)
			continue
		}
		times[i] = int64(from) + m.random.Int64N(int64(span)/1000)*1000
		if times[i]%60_000_000 > 59_000_000 {
			times[i] -= 1_000_000 // Quotes of one time never reach the next minute.
		}
	}
	slices.Sort(times)
	quotes := make([]naiveQuote, n)
	for i, at := range times {
		name := names[m.random.IntN(len(names))]
		m.mids[name] += m.random.Int64N(41) - 20
		mid, spread := m.mids[name], m.random.Int64N(9)
		quotes[i] = naiveQuote{time: at, symbol: name, bid: mid, ask: mid + spread, lp: "IMPORT"}
	}
	return quotes
}

// write makes a CSV file of quotes.
func (m *importMarket) write(t testing.TB, dir, name string, quotes []naiveQuote) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("time_ms,symbol,bid,ask\n")
	for _, q := range quotes {
		digits := naiveDigits(q.symbol)
		fmt.Fprintf(&b, "%d,%s,%s,%s\n", q.time/1000, q.symbol,
			core.AppendPrice(nil, core.Price(q.bid), digits),
			core.AppendPrice(nil, core.Price(q.ask), digits))
	}
	return writeFile(t, filepath.Join(dir, name), b.String())
}

func writeFile(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestImportReplaces imports random stretches over each other in several commands and compares the
// file with one import of what is then the truth: of each minute the quotes of the last command
// that had any.
func TestImportReplaces(t *testing.T) {
	seeds, commands := uint64(4), 8
	if testing.Short() {
		seeds, commands = 1, 4
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			m := newImportMarket(seed)
			dir := t.TempDir()
			s := openImportStore(t, t.TempDir())
			type minute struct {
				symbol string
				open   int64
			}
			truth := make(map[minute][]naiveQuote)
			for command := range commands {
				from := importStart + core.Time(m.random.IntN(240))*core.Hour
				quotes := m.quotes(1500, from, core.Time(1+m.random.IntN(60))*core.Hour)
				file := m.write(t, dir, fmt.Sprint(command, ".csv"), quotes)
				importEvery(t, s, file)
				checkRolledUp(t, s)
				touched := make(map[minute]bool)
				for _, q := range quotes {
					k := minute{q.symbol, q.time / 60_000_000}
					if !touched[k] {
						touched[k], truth[k] = true, nil
					}
					truth[k] = append(truth[k], q)
				}
			}
			var all []naiveQuote
			for _, quotes := range truth {
				all = append(all, quotes...)
			}
			slices.SortStableFunc(all, func(a, b naiveQuote) int {
				return cmp.Compare(a.time, b.time)
			})
			once := openImportStore(t, t.TempDir())
			importEvery(t, once, m.write(t, dir, "once.csv", all))
			sameLines(t, "tables", dumpAll(t, s), dumpAll(t, once))
		})
	}
}

// importEvery imports a file without a throttle, in small transactions.
func importEvery(t testing.TB, s *Store, file string) ImportResult {
	t.Helper()
	r, err := Import(t.Context(), ImportOptions{
		Store: s, Files: []string{file}, tuning: importTuning{buffered: 300, transaction: 400},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

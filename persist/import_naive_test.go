package persist

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The twin below says in the plainest way what an import has to give. It shares no code with the
// import or with package core: it parses with strings, applies every quote to every frame by
// itself, and asks package time what time it is in New York.

type naiveQuote struct {
	time     int64 // µs
	symbol   string
	bid, ask int64 // points
	lp       string
}

type naiveBar struct {
	open, high, low, close [3]int64 // mid (half points), bid, ask
	volume                 int64
	spreadMin, spreadMax   int64
	spreadLast             int64
	first, last            int64
}

// naiveFrames are the seconds of the frames as the file has them.
var naiveFrames = []int64{60, 300, 900, 1800, 3600, 14400, 86400, 604800}

type naiveSymbol struct {
	ticks []string
	bars  map[int64]map[int64]*naiveBar // By frame, by open time.

	seen        bool
	last, mid   int64
	stored      int64 // Mid of the last stored tick.
	day         string
	quotes      int64
	refused     int64
	throttled   int64
	minutes     map[int64]bool
	newestStamp int64
}

func naiveDigits(symbol string) int {
	switch {
	case strings.HasSuffix(symbol, "JPY"), symbol == "XAUUSD":
		return 3
	default:
		return 5
	}
}

func naivePoints(t testing.TB, text string, digits int) int64 {
	t.Helper()
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return int64(math.Round(f * math.Pow10(digits)))
}

// naiveFiles are the files that were read before, by their paths.
var naiveFiles = map[string][]naiveQuote{}

// naiveRead reads the recorded files, each sorted, into one list ordered by time and base name.
func naiveRead(t testing.TB, paths ...string) []naiveQuote {
	t.Helper()
	paths = append([]string(nil), paths...)
	sort.Slice(paths, func(i, j int) bool {
		return filepath.Base(paths[i]) < filepath.Base(paths[j])
	})
	var all []naiveQuote
	for _, path := range paths {
		if naiveFiles[path] == nil {
			naiveFiles[path] = naiveReadFile(t, path)
		}
		all = append(all, naiveFiles[path]...)
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].time < all[j].time })
	return all
}

func naiveReadFile(t testing.TB, path string) (all []naiveQuote) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var r io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(file); err != nil {
			t.Fatal(err)
		}
	}
	lines := bufio.NewScanner(r)
	for n := 0; lines.Scan(); n++ {
		if n == 0 {
			continue
		}
		column := strings.Split(lines.Text(), ",")
		ms, err := strconv.ParseInt(column[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		digits := naiveDigits(column[1])
		all = append(all, naiveQuote{
			time: ms * 1000, symbol: column[1],
			bid: naivePoints(t, column[2], digits), ask: naivePoints(t, column[3], digits),
			lp: "IMPORT",
		})
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

// naiveImport takes quotes, in order of time, into symbols.
func naiveImport(t testing.TB, quotes []naiveQuote) map[string]*naiveSymbol {
	t.Helper()
	clock := newNaiveClock(t)
	symbols := make(map[string]*naiveSymbol)
	for _, q := range quotes {
		s := symbols[q.symbol]
		if s == nil {
			s = &naiveSymbol{bars: make(map[int64]map[int64]*naiveBar), minutes: make(map[int64]bool)}
			for _, f := range naiveFrames {
				s.bars[f] = make(map[int64]*naiveBar)
			}
			symbols[q.symbol] = s
		}
		s.quotes++
		if q.bid <= 0 || q.ask <= 0 || q.ask < q.bid {
			s.refused++
			continue
		}
		mid := q.bid + q.ask
		opens := clock.opens(q.time)
		if day := fmt.Sprint(opens[6], q.time/86_400_000_000); day != s.day {
			s.day, s.seen, s.stored = day, false, 0
		}
		if s.seen && 2*abs(mid-s.mid) > s.mid {
			t.Fatalf("%s at %d jumps by more than 50 %%: the twin does not know what then",
				q.symbol, q.time)
		}
		stamp := max(q.time, s.last+1)
		if stamp != q.time {
			opens = clock.opens(stamp)
		}
		s.seen, s.last, s.mid, s.newestStamp = true, stamp, mid, stamp
		s.minutes[opens[0]] = true
		for i, f := range naiveFrames {
			bar := s.bars[f][opens[i]]
			if bar == nil {
				bar = &naiveBar{first: stamp, spreadMin: q.ask - q.bid, spreadMax: q.ask - q.bid}
				for k, v := range [3]int64{mid, q.bid, q.ask} {
					bar.open[k], bar.high[k], bar.low[k] = v, v, v
				}
				s.bars[f][opens[i]] = bar
			}
			bar.add(stamp, q)
		}
		if s.stored != 0 && abs(mid-s.stored)*100_000 < s.stored {
			s.throttled++
			continue
		}
		s.stored = mid
		s.ticks = append(s.ticks, naiveLine(q.symbol, stamp, q.bid, q.ask, q.lp))
	}
	return symbols
}

func (b *naiveBar) add(stamp int64, q naiveQuote) {
	for k, v := range [3]int64{q.bid + q.ask, q.bid, q.ask} {
		b.high[k], b.low[k], b.close[k] = max(b.high[k], v), min(b.low[k], v), v
	}
	spread := q.ask - q.bid
	b.spreadMin, b.spreadMax = min(b.spreadMin, spread), max(b.spreadMax, spread)
	b.spreadLast, b.last = spread, stamp
	b.volume++
}

// naiveLine prints values as a dump of the file does.
func naiveLine(values ...any) string {
	return strings.TrimSuffix(fmt.Sprintln(values...), "\n") + " "
}

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

// naiveClock knows when bars open and remembers the last answers.
type naiveClock struct {
	newYork  *time.Location
	from, to int64 // The answers hold in [from, to).
	day      [4]int64
}

func newNaiveClock(t testing.TB) *naiveClock {
	t.Helper()
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return &naiveClock{newYork: newYork}
}

// trading returns the opens of the trading day and week of t, and their ends.
func (c *naiveClock) trading(t int64) (day, dayEnd, week, weekEnd int64) {
	if t >= c.from && t < c.to {
		return c.day[0], c.day[1], c.day[2], c.day[3]
	}
	local := time.UnixMicro(t).In(c.newYork)
	close := func(days int) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+days, 17, 0, 0, 0, c.newYork)
	}
	first := 0
	if local.Before(close(0)) {
		first = -1
	}
	sunday := first
	for close(sunday).Weekday() != time.Sunday {
		sunday--
	}
	c.day = [4]int64{
		close(first).UnixMicro(), close(first + 1).UnixMicro(),
		close(sunday).UnixMicro(), close(sunday + 7).UnixMicro(),
	}
	c.from, c.to = c.day[0], c.day[1]
	return c.day[0], c.day[1], c.day[2], c.day[3]
}

// opens returns the open times of the bars of all frames that hold t.
func (c *naiveClock) opens(t int64) (opens [8]int64) {
	day, _, week, _ := c.trading(t)
	for i, f := range naiveFrames[:5] {
		opens[i] = t - t%(f*1_000_000)
	}
	const fourHours = 14_400_000_000
	opens[5] = day + (t-day)/fourHours*fourHours
	opens[6], opens[7] = day, week
	return opens
}

// end returns the end of a bar.
func (c *naiveClock) end(frame, open int64) int64 {
	_, dayEnd, _, weekEnd := c.trading(open)
	switch frame {
	case 14400:
		return min(open+frame*1_000_000, dayEnd)
	case 86400:
		return dayEnd
	case 604800:
		return weekEnd
	}
	return open + frame*1_000_000
}

// naiveDump prints the tables that the file should hold: ticks and bars, each in order.
func naiveDump(t testing.TB, symbols map[string]*naiveSymbol) (ticks, bars []string) {
	t.Helper()
	clock := newNaiveClock(t)
	var names []string
	for name := range symbols {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		s := symbols[name]
		ticks = append(ticks, s.ticks...)
		newest := s.newestStamp - s.newestStamp%60_000_000
		for _, f := range naiveFrames {
			var opens []int64
			for open := range s.bars[f] {
				opens = append(opens, open)
			}
			sort.Slice(opens, func(i, j int) bool { return opens[i] < opens[j] })
			for _, open := range opens {
				complete := 1
				if f == 60 && open == newest {
					complete = 0
				} else if clock.end(f, open) > s.newestStamp {
					continue
				}
				b := s.bars[f][open]
				line := naiveLine(name, f, open)
				for k := range 3 {
					line += naiveLine(b.open[k], b.high[k], b.low[k], b.close[k])
				}
				bars = append(bars, line+naiveLine(b.volume, b.spreadMin, b.spreadMax, b.spreadLast,
					b.first, b.last, complete, 0))
			}
		}
	}
	return ticks, bars
}

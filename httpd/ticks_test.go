package httpd

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"

	"tradingengine/core"
)

const eurusd core.SymbolID = 0

// tickLine prints a tick of EURUSD the slow way.
func tickLine(t *core.Tick, lp string) string {
	price := func(p core.Price) string { return fmt.Sprintf("%d.%05d", p/100_000, p%100_000) }
	return fmt.Sprintf(`{"symbol":"EURUSD","bid":%s,"ask":%s,"spread":%s,"timestamp":"%s",`+
		`"time":%d,"lp":%q}`, price(t.Bid), price(t.Ask), price(t.Ask-t.Bid),
		t.Time.Std().Format("2006-01-02T15:04:05.000000Z"), t.Time, lp)
}

func tickList(ticks []core.Tick) string {
	if len(ticks) == 0 {
		return "[]\n"
	}
	lines := make([]string, len(ticks))
	for i := range ticks {
		lines[i] = tickLine(&ticks[i], "API")
	}
	return "[\n" + strings.Join(lines, ",\n") + "\n]\n"
}

// postTicks stores n ticks of EURUSD, a few at a time so that a small ring is never lapped.
func (m *testMarket) postTicks(start core.Time, n int) {
	m.t.Helper()
	const few, step = 25, 700 * core.Millisecond
	for i := 0; i < n; i += few {
		m.post(quoteLines("EURUSD", start+core.Time(i)*step, step, min(few, n-i)))
	}
}

// TestTicksWindows asks for random windows of a series that lies in History, in the ring and
// encoded, in several proportions, and compares with a filter over a slice.
func TestTicksWindows(t *testing.T) {
	f := func(name string, ring, keep, ticks int) {
		t.Run(name, func(t *testing.T) {
			m := newTestMarket(t, marketOptions{ticks: ring})
			m.server.ticks[eurusd].lines.keep = keep
			m.postTicks(testNow-core.Hour, ticks)
			all := m.storage.allTicks(eurusd)
			if len(all) != ticks {
				t.Fatalf("stored %d ticks, want %d", len(all), ticks)
			}
			seed := rand.Uint64()
			rnd := rand.New(rand.NewPCG(seed, 1))
			for range rounds(60, 300) {
				w := window{timeMin, timeMax, 1 + rnd.IntN(ticks+20), false}
				path := fmt.Sprintf("/ticks?symbol=EURUSD&limit=%d", w.limit)
				near := func() core.Time {
					return all[rnd.IntN(len(all))].Time + core.Time(rnd.IntN(3)-1)
				}
				if rnd.IntN(2) == 0 {
					w.after, w.forward = near(), true
					path += fmt.Sprintf("&from=%d", w.after)
				}
				if rnd.IntN(2) == 0 {
					w.through = near()
					path += fmt.Sprintf("&to=%d", w.through)
				}
				after := w.after
				if after != timeMin {
					after++
				}
				want := tickList(naive(all, tickTime, after, w.through, w.limit, !w.forward))
				if got := m.get(path); got.body != want {
					t.Fatalf("seed %d: GET %s:\n got %s\nwant %s", seed, path, got.body, want)
				}
			}
		})
	}
	f("mostly in History", 60, 16, 700)
	f("mostly in the ring", 600, 16, 700)
	f("encoded beyond the ring", 60, 1024, 700)
	f("all in memory", 5000, 1024, 700)
	f("more than is kept", 5000, 100, 700)
}

// TestTicksFormats compares the formats with each other on a window that has all three parts.
func TestTicksFormats(t *testing.T) {
	m := newTestMarket(t, marketOptions{ticks: 60})
	m.server.ticks[eurusd].lines.keep = 16
	m.postTicks(testNow-core.Hour, 200)
	json := m.get("/ticks?symbol=EURUSD&limit=150").body
	want := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(json, "[\n"), "]\n"), "},\n", "}\n")
	if got := m.get("/ticks?symbol=EURUSD&limit=150&format=ndjson").body; got != want {
		t.Errorf("ndjson:\n got %s\nwant %s", got, want)
	}
	csv := "symbol,bid,ask,spread,timestamp,time,lp\n"
	for line := range strings.Lines(want) {
		values := strings.FieldsFunc(line, func(r rune) bool {
			return strings.ContainsRune(`{}",`+"\n", r)
		})
		var row []string
		for i, v := range values {
			switch {
			case strings.HasPrefix(v, ":") && v != ":":
				row = append(row, v[1:])
			case i > 0 && values[i-1] == ":":
				row = append(row, v)
			}
		}
		csv += strings.Join(row, ",") + "\n"
	}
	if got := m.get("/ticks?symbol=EURUSD&limit=150&format=csv").body; got != csv {
		t.Errorf("csv:\n got %s\nwant %s", got, csv)
	}
	if n := strings.Count(csv, "\n"); n != 151 {
		t.Errorf("csv has %d lines, want 151", n)
	}
}

// TestTicksAsksHistoryOnlyWhenNeeded counts the reads of History.
func TestTicksAsksHistoryOnlyWhenNeeded(t *testing.T) {
	m := newTestMarket(t, marketOptions{ticks: 60})
	f := func(path string, want int64) {
		t.Helper()
		before := m.storage.reads.Load()
		if a := m.get(path); a.status != 200 {
			t.Errorf("GET %s: %d %s", path, a.status, a.body)
		}
		if got := m.storage.reads.Load() - before; got != want {
			t.Errorf("GET %s: %d reads of History, want %d", path, got, want)
		}
	}
	m.postTicks(testNow-core.Hour, 30)
	f("/ticks?symbol=EURUSD&limit=30", 0)
	f("/ticks?symbol=EURUSD", 1) // Finds out where the series begins.
	f("/ticks?symbol=EURUSD", 0)
	f("/ticks?symbol=EURUSD&from=0", 0)
	f("/ticks?symbol=EURUSD&to=1", 0)
	m.postTicks(testNow-core.Minute, 80) // Beyond the ring, and encoded beyond it.
	f("/ticks?symbol=EURUSD&limit=60", 0)
	f("/ticks?symbol=EURUSD&limit=500", 1)
	f("/ticks?symbol=EURUSD&from=0&limit=1", 1)
	f("/ticks?symbol=EURUSD&from="+strconv.FormatInt(int64(testNow-core.Minute), 10)+"&format=csv", 1)
	f("/ticks?symbol=EURUSD&from="+strconv.FormatInt(int64(testNow-10*core.Second), 10), 0)
}

// TestTicksWhileQuotesFlow reads random windows while the ring turns over, and afterwards checks
// that each answer was a run of the final series that begins and ends where it should.
func TestTicksWhileQuotesFlow(t *testing.T) {
	m := newTestMarket(t, marketOptions{ticks: 60})
	m.server.ticks[eurusd].lines.keep = 16
	const least, wanted, step = 1000, 200, 700 * core.Millisecond
	start := testNow - 24*core.Hour
	m.postTicks(start, 100)
	type seen struct {
		path  string
		after core.Time
		least int // Ticks there were when the request was sent.
		limit int
		times []core.Time
	}
	var mu sync.Mutex
	var all []seen
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for r := range 4 {
		rnd := rand.New(rand.NewPCG(7, uint64(r)))
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				s := seen{
					after: timeMin, least: len(m.storage.allTicks(eurusd)), limit: 1 + rnd.IntN(200),
				}
				s.path = fmt.Sprintf("/ticks?symbol=EURUSD&limit=%d&format=%s", s.limit,
					tickFormats[rnd.IntN(3)])
				if rnd.IntN(2) == 0 {
					s.after = start + core.Time(rnd.IntN(s.least))*step
					s.path += fmt.Sprintf("&from=%d", s.after)
				}
				a, err := m.try("GET", s.path, "")
				if err != nil || a.status != 200 {
					t.Errorf("GET %s: %v %s", s.path, err, a.body)
					return
				}
				s.times = timesOf(t, a.body)
				mu.Lock()
				all = append(all, s)
				mu.Unlock()
			}
		})
	}
	answers := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(all)
	}
	for n := 100; (n < least || answers() < wanted) && !t.Failed(); n += 25 {
		m.postTicks(start+core.Time(n)*step, 25)
	}
	close(stop)
	readers.Wait()
	final := m.storage.allTicks(eurusd)
	at := map[core.Time]int{}
	for i := range final {
		at[final[i].Time] = i
	}
	for _, s := range all {
		if len(s.times) == 0 {
			if s.after == timeMin || at[s.after]+1 < s.least {
				t.Fatalf("GET %s: nothing, of %d", s.path, s.least)
			}
			continue
		}
		first := at[s.times[0]]
		for i, x := range s.times {
			if at[x] != first+i {
				t.Fatalf("GET %s: tick %d is %d of the series, want %d", s.path, i, at[x], first+i)
			}
		}
		if end := first + len(s.times); s.after == timeMin {
			if end < s.least || len(s.times) != min(s.limit, end) {
				t.Fatalf("GET %s: [%d, %d), of at least %d", s.path, first, end, s.least)
			}
		} else if next := at[s.after] + 1; first != next || len(s.times) > s.limit ||
			len(s.times) < min(s.limit, s.least-next) {
			t.Fatalf("GET %s: [%d, %d), want from %d, of at least %d", s.path, first, end, next, s.least)
		}
	}
}

// timesOf finds the times in an answer of any format.
func timesOf(t *testing.T, body string) (times []core.Time) {
	for line := range strings.Lines(body) {
		_, rest, ok := strings.Cut(line, `"time":`)
		if !ok {
			columns := strings.Split(line, ",")
			if len(columns) < 7 || columns[0] != "EURUSD" {
				continue
			}
			rest = columns[5]
		}
		digits, _, _ := strings.Cut(rest, ",")
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			t.Errorf("line %q: %v", line, err)
		}
		times = append(times, core.Time(n))
	}
	return times
}

// TestTicksPaging reads a whole series forward, page by page, over the border between History and
// memory.
func TestTicksPaging(t *testing.T) {
	m := newTestMarket(t, marketOptions{ticks: 60})
	m.server.ticks[eurusd].lines.keep = 16
	m.postTicks(testNow-core.Hour, 500)
	var got []core.Time
	for from := core.Time(0); ; {
		page := timesOf(t, m.get(fmt.Sprintf("/ticks?symbol=EURUSD&limit=7&from=%d", from)).body)
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		from = page[len(page)-1]
	}
	want := m.storage.allTicks(eurusd)
	if len(got) != len(want) {
		t.Fatalf("got %d ticks, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i].Time {
			t.Fatalf("tick %d: got %d, want %d", i, got[i], want[i].Time)
		}
	}
}

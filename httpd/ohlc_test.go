package httpd

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"tradingengine/core"
)

// barQuote is a quote of EURUSD as the tests of bars send it.
type barQuote struct {
	at       core.Time
	bid, ask int64
}

// walkQuotes is a random walk of n quotes at random distances of up to span.
func walkQuotes(rnd *rand.Rand, start, span core.Time, n int) []barQuote {
	quotes := make([]barQuote, n)
	bid := int64(108_000)
	for i := range quotes {
		start += 1 + core.Time(rnd.Int64N(int64(span)))
		bid += rnd.Int64N(41) - 20
		quotes[i] = barQuote{start, bid, bid + rnd.Int64N(12)}
	}
	return quotes
}

// postQuotes sends quotes in batches and waits for their commit.
func (m *testMarket) postQuotes(quotes []barQuote, batch int) {
	m.t.Helper()
	for i := 0; i < len(quotes); i += batch {
		var b strings.Builder
		b.WriteString("symbol,bid,ask,time\n")
		for _, q := range quotes[i:min(len(quotes), i+batch)] {
			fmt.Fprintf(&b, "EURUSD,%d.%05d,%d.%05d,%d\n", q.bid/100_000, q.bid%100_000,
				q.ask/100_000, q.ask%100_000, q.at)
		}
		a := m.do("POST", "/ticks", b.String(), "Content-Type", "text/csv")
		if a.status != 200 || !strings.Contains(a.body, `"rejected":0,`) {
			m.t.Fatalf("POST /ticks: %d %s", a.status, a.body)
		}
	}
}

// naiveBar is a bar in tenths of a point.
type naiveBar struct {
	open               core.Time
	o, h, l, c, volume int64
}

// naiveBars builds bars by looking at every quote again.
func naiveBars(quotes []barQuote, side string, openOf func(core.Time) core.Time) []naiveBar {
	var bars []naiveBar
	for _, q := range quotes {
		v := map[string]int64{"bid": 10 * q.bid, "ask": 10 * q.ask, "mid": 5 * (q.bid + q.ask)}[side]
		open := openOf(q.at)
		if n := len(bars); n == 0 || bars[n-1].open != open {
			bars = append(bars, naiveBar{open: open, o: v, h: v, l: v})
		}
		b := &bars[len(bars)-1]
		b.h, b.l, b.c, b.volume = max(b.h, v), min(b.l, v), v, b.volume+1
	}
	return bars
}

func (b *naiveBar) line(complete bool) string {
	price := func(v int64) string {
		return strings.TrimSuffix(fmt.Sprintf("%d.%06d", v/1_000_000, v%1_000_000), "0")
	}
	return fmt.Sprintf(`{"time":%d,"open":%s,"high":%s,"low":%s,"close":%s,"volume":%d,"complete":%v}`,
		b.open.Seconds(), price(b.o), price(b.h), price(b.l), price(b.c), b.volume, complete)
}

// naiveList filters bars and prints them; last is the forming one's place, or beyond all.
func naiveList(bars []naiveBar, w window, last int) string {
	var inside []int
	for i := range bars {
		if w.after < bars[i].open && bars[i].open <= w.through {
			inside = append(inside, i)
		}
	}
	if n := len(inside); n > w.limit {
		if w.forward {
			inside = inside[:w.limit]
		} else {
			inside = inside[n-w.limit:]
		}
	}
	if len(inside) == 0 {
		return "[]\n"
	}
	var lines []string
	for _, i := range inside {
		lines = append(lines, bars[i].line(i < last))
	}
	return "[\n" + strings.Join(lines, ",\n") + "\n]\n"
}

var newYork = sync.OnceValue(func() *time.Location {
	place, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	return place
})

// newYorkDay is the last 17:00 in New York, the slow way.
func newYorkDay(t core.Time) core.Time {
	place := newYork()
	d := t.Std().In(place)
	open := time.Date(d.Year(), d.Month(), d.Day(), 17, 0, 0, 0, place)
	if d.Before(open) {
		open = time.Date(d.Year(), d.Month(), d.Day()-1, 17, 0, 0, 0, place)
	}
	return core.TimeOf(open)
}

// TestBarsWindows asks for random windows of all kinds of bars, most of them out of memory, and
// compares with bars built from the quotes by another rule.
func TestBarsWindows(t *testing.T) {
	m := newTestMarket(t, marketOptions{bars: 40})
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 2))
	quotes := walkQuotes(rnd, testNow-120*24*core.Hour, 30*core.Minute, 9000)
	m.postQuotes(quotes, 20)
	end := quotes[len(quotes)-1].at
	floor := func(span core.Time) func(core.Time) core.Time {
		return func(t core.Time) core.Time { return t - t%span }
	}
	week := func(t core.Time) core.Time {
		day := t - t%(24*core.Hour)
		return day - core.Time(day.Std().Weekday())*24*core.Hour
	}
	f := func(parameters string, openOf func(core.Time) core.Time) {
		t.Run(parameters, func(t *testing.T) {
			for _, side := range sideNames {
				bars := naiveBars(quotes, side, openOf)
				for range rounds(8, 40) {
					w := window{timeMin, timeMax, 1 + rnd.IntN(min(len(bars)+10, 1500)), false}
					path := fmt.Sprintf("/ohlc?symbol=EURUSD&%s&price=%s&limit=%d", parameters, side, w.limit)
					near := func() core.Time {
						return bars[rnd.IntN(len(bars))].open + core.Time(rnd.IntN(3)-1)*core.Second
					}
					if rnd.IntN(2) == 0 {
						from := near()
						w.after, w.forward = from-1, true
						path += fmt.Sprintf("&from=%d", from)
					}
					if rnd.IntN(2) == 0 {
						w.through = near()
						path += fmt.Sprintf("&to=%d", w.through)
					}
					want := naiveList(bars, w, len(bars)-1)
					if got := m.get(path); got.body != want {
						t.Fatalf("seed %d: GET %s:\n got %s\nwant %s", seed, path, got.body, want)
					}
				}
			}
		})
	}
	if m.server.now() < end {
		t.Fatalf("quotes end %s, after now", end)
	}
	f("timeframe=1m", floor(core.Minute))
	f("timeframe=15m", floor(15*core.Minute))
	f("timeframe=1h&align=utc", floor(core.Hour))
	f("timeframe=1d", newYorkDay)
	f("timeframe=4h&align=utc", floor(4*core.Hour))
	f("timeframe=1d&align=utc", floor(24*core.Hour))
	f("timeframe=1w&align=utc", week)
}

// TestUTCBarsComplete follows the last UTC bar over the end of its span.
func TestUTCBarsComplete(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	evening := mustTime("2026-01-19T22:30:00Z")
	f := func(now core.Time, want string) {
		t.Helper()
		m.clock.Store(int64(now))
		m.engine.CloseBars(now)
		m.post(quoteLines("GBPUSD", now, 0, 1)) // Answered after the clock message was applied.
		got := m.get("/ohlc?symbol=EURUSD&timeframe=1d&align=utc").body
		if !strings.Contains(got, `"volume":1,"complete":`+want) {
			t.Errorf("at %s: got %s, want complete %s", now, got, want)
		}
	}
	m.clock.Store(int64(evening))
	m.postQuotes([]barQuote{{evening, 108_000, 108_002}}, 1)
	f(evening, "false")
	f(mustTime("2026-01-19T23:59:59Z"), "false") // Its last hour is closed, its day is not over.
	f(mustTime("2026-01-20T00:00:00.1Z"), "true")
}

// TestBarsWhileQuotesFlow checks while minutes close that no bar is skipped or shown twice: the
// volumes of an answer from the beginning always add up to the quotes sent, or a batch less.
func TestBarsWhileQuotesFlow(t *testing.T) {
	m := newTestMarket(t, marketOptions{bars: 20})
	quotes := walkQuotes(rand.New(rand.NewPCG(3, 3)), testNow-40*core.Hour, core.Minute, 3000)
	const batch = 15
	m.postQuotes(quotes[:batch], batch)
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for r := range 3 {
		frame := []string{"1m", "5m", "4h&align=utc"}[r]
		readers.Go(func() {
			last := 0
			for {
				select {
				case <-stop:
					return
				default:
				}
				path := "/ohlc?symbol=EURUSD&limit=5000&timeframe=" + frame
				a, err := m.try("GET", path, "")
				if err != nil {
					t.Error(err)
					return
				}
				sum, before := 0, int64(0)
				for line := range strings.Lines(a.body) {
					var open, volume int64
					if n, _ := fmt.Sscanf(line, `{"time":%d,`, &open); n == 0 {
						continue
					}
					_, rest, _ := strings.Cut(line, `"volume":`)
					fmt.Sscanf(rest, "%d", &volume)
					if open <= before {
						t.Errorf("GET %s: bar %d after %d", path, open, before)
					}
					before = open
					sum += int(volume)
				}
				if sum%batch != 0 || sum < last {
					t.Errorf("GET %s: %d quotes in the bars, after %d, in batches of %d: %s", path, sum, last,
						batch, a.body)
					return
				}
				last = sum
			}
		})
	}
	m.postQuotes(quotes[batch:], batch)
	close(stop)
	readers.Wait()
}

package torture

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"tradingengine/bench/internal/server"
	"tradingengine/bench/internal/wire"
)

// exchange answers /ticks and /ohlc with what it is given, in pages as the contract has it.
type exchange struct {
	symbol, lp string
	digits     int
	ticks      []tick
	bars       map[string][]string // Lines by time frame and side.
	times      map[string][]int64  // Their times.
	held       int64
}

// exchangeOf knows all that a market knows. The market's ticks are all fresh.
func exchangeOf(m *market) *exchange {
	e := &exchange{
		symbol: m.symbol, lp: m.source, digits: m.digits, ticks: slices.Clone(m.fresh),
		held: m.accepted, bars: make(map[string][]string), times: make(map[string][]int64),
	}
	price := func(points int64) string { return string(appendDecimal(nil, points, m.digits)) }
	mid := func(half int64) string { return string(appendDecimal(nil, half*5, m.digits+1)) }
	for f := range frames {
		for side, name := range sides {
			key, text := frames[f].name+name, price
			if side == 0 {
				text = mid
			}
			for i, b := range m.bars[f] {
				p := b.sides[side]
				e.times[key] = append(e.times[key], b.time)
				e.bars[key] = append(e.bars[key], fmt.Sprintf(
					`{"time":%d,"open":%s,"high":%s,"low":%s,"close":%s,"volume":%d,"complete":%v}`,
					b.time, text(p.open), text(p.high), text(p.low), text(p.close), b.volume,
					i < len(m.bars[f])-1))
			}
		}
	}
	return e
}

func (e *exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var limit int
	var from int64
	query := r.URL.Query()
	fmt.Sscan(query.Get("limit"), &limit)
	fmt.Sscan(query.Get("from"), &from)
	var lines []string
	switch {
	case r.URL.Path == "/ticks":
		for _, t := range e.ticks {
			if t.time > from && (from == 0 || len(lines) < limit) {
				lines = append(lines, fmt.Sprintf(`{"symbol":%q,"bid":%s,"ask":%s,"time":%d,"lp":%q}`,
					e.symbol, appendDecimal(nil, t.bid, e.digits), appendDecimal(nil, t.ask, e.digits), t.time,
					e.lp))
			}
		}
	case query.Get("timeframe") == "1w":
		lines = []string{fmt.Sprintf(`{"time":1,"open":1,"high":1,"low":1,"close":1,"volume":%d}`, e.held)}
	default:
		key := query.Get("timeframe") + query.Get("price")
		for i, line := range e.bars[key] {
			if e.times[key][i] >= from {
				lines = append(lines, line)
			}
		}
	}
	if from != 0 {
		lines = lines[:min(limit, len(lines))]
	} else {
		lines = lines[max(0, len(lines)-limit):]
	}
	fmt.Fprintf(w, "[%s]\n", strings.Join(lines, ",\n"))
}

// filled returns a market that took so many quotes.
func filled(quotes int) *market {
	m := market5(3)
	for range quotes {
		q := m.next()
		m.take(&q)
	}
	return m
}

// page is small, so that little fills many. It holds all newest bars.
const page = 700

// checked lets a run look at one market of an exchange, now or as at the end.
func checked(t *testing.T, e *exchange, m *market, all bool) *Report {
	t.Helper()
	web := httptest.NewServer(e)
	defer web.Close()
	client := server.NewClient(wire.Options{Address: web.Listener.Addr().String()})
	defer func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	}()
	run := torture{report: &Report{}, senders: []*sender{{markets: []*market{m}}}}
	c := newChecker(client, &run.report.Findings)
	c.ticksPage, c.barsPage = page, page
	if err := run.check(c, all); err != nil {
		t.Fatal(err)
	}
	return run.report
}

// Whatever a server has lost, doubled or changed is found, and counted as what it is. Every row is
// a plant: a row that finds nothing fails.
func TestWhatIsWrongIsFound(t *testing.T) {
	f := func(name string, want Findings, spoil func(*exchange)) {
		t.Helper()
		for _, all := range []bool{false, true} {
			m := filled(10_000)
			e := exchangeOf(m)
			spoil(e)
			got := checked(t, e, m, all).Findings
			if (len(got.Examples) == 0) != got.Clean() {
				t.Errorf("%s: %d examples of %+v", name, len(got.Examples), got)
			}
			got.Examples, got.TicksCompared, got.BarsCompared = nil, 0, 0
			if all && want.MissingTicks+want.ExtraTicks+want.WrongTicks > 0 { // It is seen twice.
				got.MissingTicks, got.ExtraTicks = min(got.MissingTicks, want.MissingTicks),
					min(got.ExtraTicks, want.ExtraTicks)
				got.WrongTicks = min(got.WrongTicks, want.WrongTicks)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s, all %v: got %+v, want %+v", name, all, got, want)
			}
		}
	}
	f("right", Findings{}, func(*exchange) {})
	f("quotes lost", Findings{LostQuotes: 3}, func(e *exchange) { e.held -= 3 })
	f("a quote doubled", Findings{DoubledQuotes: 1}, func(e *exchange) { e.held++ })
	f("the newest ticks lost", Findings{MissingTicks: 2}, func(e *exchange) {
		e.ticks = e.ticks[:len(e.ticks)-2]
	})
	f("a tick lost", Findings{MissingTicks: 1}, func(e *exchange) { e.ticks = slices.Delete(e.ticks, 9, 10) })
	f("a tick doubled", Findings{ExtraTicks: 1}, func(e *exchange) {
		e.ticks = slices.Insert(e.ticks, 9, e.ticks[9])
	})
	f("a tick invented", Findings{ExtraTicks: 1}, func(e *exchange) {
		again := e.ticks[9]
		again.time++
		e.ticks = slices.Insert(e.ticks, 10, again)
	})
	f("a price changed", Findings{WrongTicks: 1}, func(e *exchange) { e.ticks[9].ask++ })
	f("the newest bar's high", Findings{WrongBars: 1}, func(e *exchange) {
		list := e.bars["1mmid"]
		spoilPrice(list, len(list)-1, "high")
	})
	f("an hour's low of the ask", Findings{WrongBars: 1}, func(e *exchange) { spoilPrice(e.bars["1hask"], 0, "low") })
	f("a volume", Findings{WrongBars: 1}, func(e *exchange) {
		list := e.bars["5mbid"]
		list[len(list)-1] = strings.Replace(list[len(list)-1], `"volume":`, `"volume":1`, 1)
	})
	f("a bar that is not closed", Findings{WrongBars: 1}, func(e *exchange) {
		list := e.bars["15mmid"]
		list[len(list)-2] = strings.Replace(list[len(list)-2], "true", "false", 1)
	})
	f("a bar lost", Findings{WrongBars: 1}, func(e *exchange) {
		e.bars["30mmid"], e.times["30mmid"] = e.bars["30mmid"][1:], e.times["30mmid"][1:]
	})
}

// spoilPrice puts a digit behind a price: 1.08234 becomes 1.082341, which is a tenth of a point
// more.
func spoilPrice(lines []string, i int, field string) {
	at := strings.Index(lines[i], `"`+field+`":`)
	end := at + strings.IndexByte(lines[i][at:], ',')
	text := lines[i][at:end]
	if len(text)-strings.IndexByte(text, '.') > 6 {
		text = text[:len(text)-1]
	}
	lines[i] = lines[i][:at] + text + "1" + lines[i][end:]
}

// What was compared before is compared again at the end, however much of it there is. Seen to fail
// on a comparison that reads one page, and on a hash that leaves out the prices.
func TestOldTicksAreComparedAtTheEnd(t *testing.T) {
	m := filled(10 * page)
	e := exchangeOf(m)
	if len(e.ticks) < 2*page {
		t.Fatalf("%d ticks are hardly more than a page", len(e.ticks))
	}
	if got := checked(t, e, m, true).Findings; !got.Clean() || got.TicksCompared != 2*int64(len(e.ticks)) {
		t.Fatalf("got %+v, want %d ticks compared twice", got, len(e.ticks))
	}
	e.ticks[3].bid++
	if got := checked(t, e, m, false).Findings; !got.Clean() {
		t.Errorf("old ticks were looked at before the end: %+v", got)
	}
	if got := checked(t, e, m, true).Findings; got.WrongTicks != 1 {
		t.Errorf("got %+v, want one wrong tick", got)
	}
	e.ticks = slices.Delete(e.ticks, 3, 5)
	if got := checked(t, e, m, true).Findings; got.MissingTicks != 2 {
		t.Errorf("got %+v, want two ticks missing", got)
	}
}

// More bars than a page holds are all compared. Seen to fail on a comparison that reads one page.
func TestManyBars(t *testing.T) {
	m := market5(3)
	for n := range int64(2*page + 100) {
		q := quote{time: begin + n*60e6 + 5, bid: 100_000 + n%7, ask: 100_010, number: uint64(n + 1)}
		m.take(&q)
	}
	e := exchangeOf(m)
	if got := checked(t, e, m, true).Findings; !got.Clean() {
		t.Fatalf("got %+v", got)
	}
	spoilPrice(e.bars["1mbid"], page+10, "close")
	if got := checked(t, e, m, true).Findings; got.WrongBars != 1 {
		t.Errorf("got %+v, want one wrong bar on the second page", got)
	}
}

package persist

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"tradingengine/core"
)

// viewStore holds a few ticks and bars of two symbols.
func viewStore(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	m := startMarket(t, marketOptions{Store: Options{Dir: dir}})
	sim, api := m.source("SIM"), m.source("API")
	at := core.Time(1_768_830_564_100_000)
	m.mustSend([]core.Quote{
		{Symbol: 0, Source: sim, Time: at, Bid: 108_234, Ask: 108_236},
		{Symbol: 1, Source: api, Time: at, Bid: 155_001, Ask: 155_004},
		{Symbol: 0, Source: api, Time: at + 7, Bid: 108_240, Ask: 108_245},
		{Symbol: 0, Source: api, Time: at + core.Minute, Bid: 108_260, Ask: 108_261},
	})
	m.stop()
	return dir
}

func TestViewsShowDecimals(t *testing.T) {
	db := openSecond(t, viewStore(t))
	f := func(query, want string) {
		t.Helper()
		if got := queryText(t, db, query); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", query, got, want)
		}
	}
	f("SELECT * FROM ticks WHERE symbol = 'EURUSD' ORDER BY time",
		"EURUSD|1768830564100000|2026-01-19T13:49:24.100000Z|1.08234|1.08236|2e-05|SIM\n"+
			"EURUSD|1768830564100007|2026-01-19T13:49:24.100007Z|1.0824|1.08245|5e-05|API\n"+
			"EURUSD|1768830624100000|2026-01-19T13:50:24.100000Z|1.0826|1.08261|1e-05|API")
	f("SELECT symbol, bid, ask, spread FROM ticks WHERE bid = 155.001 AND ask = 155.004",
		"USDJPY|155.001|155.004|0.003")
	f("SELECT count(*) FROM ticks WHERE symbol = 'EURUSD' AND bid = 1.08234 AND spread = 0.00002",
		"1")
	f("SELECT symbol, frame, time, at, open, high, low, close, volume, complete FROM bars "+
		"WHERE frame = '1m' ORDER BY symbol, time",
		"EURUSD|1m|1768830540000000|2026-01-19T13:49:00Z|1.08235|1.082425|1.08235|1.082425|2|1\n"+
			"EURUSD|1m|1768830600000000|2026-01-19T13:50:00Z|1.082605|1.082605|1.082605|1.082605|1|0\n"+
			"USDJPY|1m|1768830540000000|2026-01-19T13:49:00Z|155.0025|155.0025|155.0025|155.0025|1|0")
	f("SELECT bid_open, bid_high, bid_low, bid_close, ask_open, ask_high, ask_low, ask_close, "+
		"spread_min, spread_max, spread_last FROM bars WHERE symbol = 'EURUSD' AND frame = '5m'",
		"1.08234|1.0824|1.08234|1.0824|1.08236|1.08245|1.08236|1.08245|2e-05|5e-05|5e-05")
}

// The plans of what people ask: the key is used, and nothing is sorted.
var viewQueries = []struct{ query, want string }{
	{
		"SELECT * FROM ticks WHERE symbol='EURUSD' ORDER BY time DESC LIMIT 10",
		"SEARCH t USING PRIMARY KEY (symbol_id=?)",
	},
	{
		"SELECT * FROM ticks WHERE symbol='EURUSD' AND time > 5 AND time <= 9 ORDER BY time",
		"SEARCH t USING PRIMARY KEY (symbol_id=? AND time>? AND time<?)",
	},
	{
		"SELECT * FROM bars WHERE symbol='EURUSD' AND frame='1m' ORDER BY time DESC LIMIT 10",
		"SEARCH b USING PRIMARY KEY (symbol_id=? AND frame=?)",
	},
	{
		"SELECT count(*) FROM ticks WHERE symbol='EURUSD'",
		"SEARCH t USING PRIMARY KEY (symbol_id=?)",
	},
	{
		"SELECT max(high) FROM bars WHERE symbol='EURUSD' AND frame='1h' AND time >= 5",
		"SEARCH b USING PRIMARY KEY (symbol_id=? AND frame=? AND time>?)",
	},
}

func TestViewsUseTheKey(t *testing.T) {
	db := openSecond(t, viewStore(t))
	for _, q := range viewQueries {
		checkPlan(t, "driver", q.query, queryText(t, db, "EXPLAIN QUERY PLAN "+q.query), q.want)
	}
	for _, q := range []string{ticksOldest, ticksNewest, barsOldest, barsNewest} {
		text := strings.NewReplacer("\n", " ", "\t", "").Replace(q)
		for strings.Contains(text, "?") {
			text = strings.Replace(text, "?", "1", 1)
		}
		checkPlan(t, "driver", text, queryText(t, db, "EXPLAIN QUERY PLAN "+text),
			"USING PRIMARY KEY (symbol_id=? AND ")
	}
}

// TestViewsInTheSqlite3Program asks the program that people have, which may be years older.
func TestViewsInTheSqlite3Program(t *testing.T) {
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("there is no sqlite3 program here")
	}
	file := viewStore(t) + "/" + MarketFile
	ask := func(query string) string {
		t.Helper()
		out, err := exec.Command(program, "-readonly", file, query).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", query, err, out)
		}
		return string(out)
	}
	for _, q := range viewQueries {
		checkPlan(t, "program", q.query, ask("EXPLAIN QUERY PLAN "+q.query), q.want)
	}
	const want = "EURUSD|1768830624100000|2026-01-19T13:50:24.100000Z|1.0826|1.08261|1.0e-05|API\n"
	got := ask("SELECT * FROM ticks WHERE symbol='EURUSD' ORDER BY time DESC LIMIT 1")
	if got != want {
		t.Errorf("newest tick:\ngot  %swant %s", got, want)
	}
	if got := ask("PRAGMA integrity_check"); got != "ok\n" {
		t.Errorf("integrity: got %s", got)
	}
}

func checkPlan(t *testing.T, who, query, plan, want string) {
	t.Helper()
	// The right side of a merge is the one forming minute of a symbol: older programs sort it.
	plan += "\n"
	stored, _, _ := strings.Cut(plan, "RIGHT")
	if !strings.Contains(stored, want) || strings.Contains(stored, "TEMP B-TREE") ||
		strings.Contains(plan, "SCAN t") || strings.Contains(plan, "SCAN b\n") {
		t.Errorf("%s: plan of %s:\n%s\nwant %s and nothing scanned or sorted", who, query, plan, want)
	}
}

// TestTimesBeforeTheEpochAreShown covers the rounding of negative times.
func TestTimesBeforeTheEpochAreShown(t *testing.T) {
	s := openStore(t, Options{Dir: t.TempDir()})
	err := s.transact(func(c *conn) error {
		w := newTickWriter(c)
		for _, at := range []core.Time{-1, 0, 1, -core.Second, 253_402_300_799_999_999} {
			if err := w.tick(s.StoredID(0), &core.Tick{Time: at, Bid: 1, Ask: 1}); err != nil {
				return err
			}
		}
		return w.flush()
	})
	if err != nil {
		t.Fatal(err)
	}
	got := queryText(t, openSecond(t, s.Dir()),
		"SELECT at FROM ticks WHERE symbol='EURUSD' ORDER BY time")
	var want []string
	for _, at := range []core.Time{-core.Second, -1, 0, 1, 253_402_300_799_999_999} {
		want = append(want, fmt.Sprint(at))
	}
	if got != strings.Join(want, "\n") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

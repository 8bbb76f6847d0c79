package httpd

import (
	"strings"
	"testing"

	"tradingengine/core"
)

// TestMemo asks the same again and again while the market stands still, and after it moved. The
// answers come from three places and must not differ.
func TestMemo(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	ticks := &m.server.ticks[eurusd].lines.memo
	bars := func() *memo { return &m.server.barSeries(eurusd, core.M1, sideMid).lines.memo }
	f := func(path string, memo func() *memo, count string) {
		t.Helper()
		first := m.get(path).body
		if memo().size.Load() != 0 {
			t.Errorf("GET %s: kept although asked for once", path)
		}
		for range 3 {
			if again := m.get(path).body; again != first {
				t.Errorf("GET %s: got %s, before %s", path, again, first)
			}
		}
		if got := memo().size.Load(); got < int64(len(first)) {
			t.Errorf("GET %s: %d bytes kept, want the answer's %d", path, got, len(first))
		}
		if !strings.Contains(first, count) {
			t.Errorf("GET %s: got %s, want %s in it", path, first, count)
		}
		csv := m.get(path + "&to=99999999999").body
		if csv != first {
			t.Errorf("GET %s to the end: got %s, want %s", path, csv, first)
		}
	}
	start := testNow - 10*core.Minute
	const tickPath, barPath = "/ticks?symbol=EURUSD", "/ohlc?symbol=EURUSD"
	m.post(quoteLines("EURUSD", start, core.Second, 3))
	f(tickPath, func() *memo { return ticks }, `"time":1768830572000000`)
	f(barPath, bars, `"volume":3,"complete":false`)
	m.post(quoteLines("EURUSD", start+3*core.Second, core.Second, 1))
	f(tickPath, func() *memo { return ticks }, `"time":1768830573000000`)
	f(barPath, bars, `"volume":4,"complete":false`)
	m.post(quoteLines("EURUSD", start+core.Minute, core.Second, 1))
	f(barPath, bars, `"volume":4,"complete":true`)
	f(barPath+"&limit=1", bars, `"volume":1,"complete":false`)
	if m.get(tickPath+"&format=ndjson").body == m.get(tickPath).body {
		t.Error("ndjson got the answer of json")
	}
	counted := m.server.budget.used.Load()
	sum := int64(0)
	for _, l := range m.server.budget.list {
		sum += l.drop()
	}
	if counted != sum {
		t.Errorf("the budget counts %d bytes, series held %d", counted, sum)
	}
}

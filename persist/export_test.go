package persist

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tradingengine/core"
)

func exported(t *testing.T, opts ExportOptions) string {
	t.Helper()
	var b bytes.Buffer
	opts.W = &b
	r, err := Export(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if r.Bytes != int64(b.Len()) {
		t.Errorf("%d bytes reported, %d written", r.Bytes, b.Len())
	}
	return b.String()
}

// wildTicks is how many ticks each symbol of wildStore has: several pages.
func wildTicks() int {
	if testing.Short() {
		return exportPageMax + 100
	}
	return 9000
}

// wildStore holds ticks that no quote would leave today: jumps of more than 50 %, ticks closer than
// the throttle, spreads of zero, several sources, neighbours in time.
func wildStore(t *testing.T) *Store {
	t.Helper()
	s := openImportStore(t, t.TempDir())
	m := newImportMarket(11)
	var lps []core.SourceID
	for _, name := range []string{"LMAX", "EBS Live", "API"} {
		id, err := s.Sources().Register(name)
		if err != nil {
			t.Fatal(err)
		}
		lps = append(lps, id)
	}
	err := s.transact(func(c *conn) error {
		w := newTickWriter(c)
		for _, name := range []string{"EURUSD", "USDJPY", "BTCUSD"} {
			id, err := s.opts.Symbols.Find(name)
			if err != nil {
				return err
			}
			at, price := importStart+core.Time(id), core.Price(110_000)
			for range wildTicks() {
				at += 1 + core.Time(m.random.Int64N(1000)*m.random.Int64N(20_000))
				switch m.random.IntN(4) {
				case 0:
					price = 1 + core.Price(m.random.Int64N(1_000_000))
				case 1:
					price++
				}
				tick := core.Tick{
					Time: at, Bid: price, Ask: price + core.Price(m.random.Int64N(3)),
					Source: lps[m.random.IntN(len(lps))],
				}
				if err := w.tick(s.StoredID(id), &tick); err != nil {
					return err
				}
			}
		}
		if err := w.flush(); err != nil {
			return err
		}
		_, err := s.putSources(c)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestExportImport: what an export wrote, an import reads back to identical rows.
func TestExportImport(t *testing.T) {
	s := wildStore(t)
	want := dumpTicks(t, s)
	if len(want) != 3*wildTicks() {
		t.Fatalf("%d ticks, want %d", len(want), 3*wildTicks())
	}
	f := func(name string, format ExportFormat) {
		t.Helper()
		text := exported(t, ExportOptions{Store: s, Format: format})
		if strings.HasSuffix(name, ".gz") {
			text = zipped(t, text)
		}
		back := openImportStore(t, t.TempDir())
		r := mustImport(t, back, writeFile(t, filepath.Join(t.TempDir(), name), text))
		sameLines(t, name, dumpTicks(t, back), want)
		if r.Rejected+r.Throttled > 0 {
			t.Errorf("%s: %d rejected, %d throttled: %v", name, r.Rejected, r.Throttled, r.Refusals)
		}
		checkRolledUp(t, back)
	}
	f("a.csv", ExportCSV)
	f("a.csv.gz", ExportCSV)
	f("a.ndjson", ExportNDJSON)

	// By symbol, a file each; and with raw quotes of the same time beside them.
	dir, back := t.TempDir(), openImportStore(t, t.TempDir())
	var files []string
	for _, name := range []string{"EURUSD", "USDJPY", "BTCUSD"} {
		text := exported(t, ExportOptions{Store: s, Symbols: []string{name}})
		files = append(files, writeFile(t, filepath.Join(dir, name+".csv"), text))
	}
	m := newImportMarket(1)
	quotes := m.quotes(100, importStart, core.Hour)
	for i := range quotes {
		quotes[i].symbol = "GBPUSD"
	}
	mustImport(t, back, append(files, m.write(t, dir, "raw.csv", quotes))...)
	got := queryLines(t, back, `SELECT s.name, t.time, t.bid, t.ask, o.name FROM tick AS t
		JOIN symbol AS s ON s.id = t.symbol_id JOIN source AS o ON o.id = t.source_id
		WHERE s.name <> 'GBPUSD' ORDER BY s.name, t.time`)
	sameLines(t, "by symbol", got, want)
}

func TestExportText(t *testing.T) {
	s := openImportStore(t, t.TempDir())
	mustImport(t, s, writeFile(t, filepath.Join(t.TempDir(), "a.csv"), `time,symbol,bid,ask,lp
1970-01-02T00:00:00.25Z,USDJPY,86.655,86.728,OLD
2026-01-19T13:49:24.1Z,EURUSD,1.16342,1.16349,SIM
2026-01-19T13:49:24.1Z,USDJPY,158.1,158.1,SIM
2026-01-19T13:50:24.1Z,EURUSD,1.2,1.20001,SIM
2026-01-19T13:56:24.1Z,EURUSD,1.3,1.30001,SIM
`))
	f := func(what string, opts ExportOptions, want string) {
		t.Helper()
		opts.Store = s
		if got := exported(t, opts); got != want {
			t.Errorf("%s: got\n%swant\n%s", what, got, want)
		}
	}
	f("csv", ExportOptions{}, `symbol,time,bid,ask,spread,lp
USDJPY,1970-01-02T00:00:00.250000Z,86.655,86.728,0.073,OLD
EURUSD,1768830564100000,1.16342,1.16349,0.00007,SIM
USDJPY,1768830564100000,158.100,158.100,0.000,SIM
EURUSD,1768830624100000,1.20000,1.20001,0.00001,SIM
EURUSD,1768830984100000,1.30000,1.30001,0.00001,SIM
`)
	f("ndjson", ExportOptions{Format: ExportNDJSON, Symbols: []string{"usdjpy", "USDJPY"}},
		`{"symbol":"USDJPY","bid":86.655,"ask":86.728,"spread":0.073,`+
			`"timestamp":"1970-01-02T00:00:00.250000Z","time":"1970-01-02T00:00:00.250000Z",`+
			`"lp":"OLD"}
{"symbol":"USDJPY","bid":158.100,"ask":158.100,"spread":0.000,`+
			`"timestamp":"2026-01-19T13:49:24.100000Z","time":1768830564100000,"lp":"SIM"}
`)
	f("range", ExportOptions{From: 1768830564100000, To: 1768830624100000},
		`symbol,time,bid,ask,spread,lp
EURUSD,1768830564100000,1.16342,1.16349,0.00007,SIM
USDJPY,1768830564100000,158.100,158.100,0.000,SIM
`)
	f("nothing", ExportOptions{From: 1768830984100001}, "symbol,time,bid,ask,spread,lp\n")
	f("bars", ExportOptions{Bars: true, Symbols: []string{"EURUSD"}},
		`symbol,timeframe,time,open,high,low,close,bid_open,bid_high,bid_low,bid_close,`+
			`ask_open,ask_high,ask_low,ask_close,volume,spread_min,spread_max,spread_last,`+
			`first_time,last_time,complete
EURUSD,1m,1768830540,1.163455,1.163455,1.163455,1.163455,1.16342,1.16342,1.16342,1.16342,`+
			`1.16349,1.16349,1.16349,1.16349,1,0.00007,0.00007,0.00007,`+
			`1768830564100000,1768830564100000,true
EURUSD,1m,1768830600,1.200005,1.200005,1.200005,1.200005,1.20000,1.20000,1.20000,1.20000,`+
			`1.20001,1.20001,1.20001,1.20001,1,0.00001,0.00001,0.00001,`+
			`1768830624100000,1768830624100000,true
EURUSD,1m,1768830960,1.300005,1.300005,1.300005,1.300005,1.30000,1.30000,1.30000,1.30000,`+
			`1.30001,1.30001,1.30001,1.30001,1,0.00001,0.00001,0.00001,`+
			`1768830984100000,1768830984100000,false
`)
	f("bars as ndjson", ExportOptions{
		Bars: true, Frame: core.M5, Symbols: []string{"EURUSD"}, Format: ExportNDJSON, To: 1768830600e6,
	}, `{"symbol":"EURUSD","timeframe":"5m","time":1768830300,"open":1.163455,"high":1.163455,`+
		`"low":1.163455,"close":1.163455,"bidOpen":1.16342,"bidHigh":1.16342,"bidLow":1.16342,`+
		`"bidClose":1.16342,"askOpen":1.16349,"askHigh":1.16349,"askLow":1.16349,`+
		`"askClose":1.16349,"volume":1,"spreadMin":0.00007,"spreadMax":0.00007,`+
		`"spreadLast":0.00007,"firstTime":1768830564100000,"lastTime":1768830564100000,`+
		`"complete":true}
`)
	_, err := Export(t.Context(), ExportOptions{
		Store: s, Symbols: []string{"EURUSX"}, W: &bytes.Buffer{},
	})
	if !errors.Is(err, core.ErrUnknownSymbol) || !strings.Contains(err.Error(), "EURUSD?") {
		t.Errorf("unknown symbol: %v", err)
	}
}

// TestExportForming: the forming minute is exported wherever the file keeps it.
func TestExportForming(t *testing.T) {
	s := openImportStore(t, t.TempDir())
	m := newImportMarket(2)
	importEvery(t, s, m.write(t, t.TempDir(), "a.csv", m.quotes(300, importStart, core.Hour)))
	want := exported(t, ExportOptions{Store: s, Bars: true})
	if n := strings.Count(want, "false\n"); n != 3 {
		t.Fatalf("%d forming minutes of 3 symbols", n)
	}
	err := s.transact(func(c *conn) error { // As while a server runs.
		if err := c.exec("INSERT INTO forming SELECT * FROM bar WHERE complete = 0"); err != nil {
			return err
		}
		return c.exec("DELETE FROM bar WHERE complete = 0")
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := exported(t, ExportOptions{Store: s, Bars: true}); got != want {
		t.Errorf("got %d bytes, want %d", len(got), len(want))
	}
}

// TestExportBesideServer exports through a read-only store while the file is written, pages being
// read between the commits: what was there at the start is there once, and nothing of later.
func TestExportBesideServer(t *testing.T) {
	s := wildStore(t)
	want := strings.Count(exported(t, ExportOptions{Store: s}), "\n")
	reader, err := Open(Options{Dir: s.Dir(), ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	}()
	id, err := s.opts.Symbols.Find("EURUSD")
	if err != nil {
		t.Fatal(err)
	}
	w := &writingWriter{t: t, store: s, symbol: s.StoredID(id), at: importStart + 9000*core.Hour}
	r, err := Export(t.Context(), ExportOptions{Store: reader, W: w})
	if err != nil {
		t.Fatal(err)
	}
	if w.writes < 5 {
		t.Fatalf("only %d writes: the test does not test", w.writes)
	}
	if lines := strings.Count(w.text.String(), "\n"); lines != want || r.Rows != int64(want-1) {
		t.Errorf("%d lines, %d rows; want %d lines", lines, r.Rows, want)
	}
}

// writingWriter stores another tick at every write.
type writingWriter struct {
	t      *testing.T
	store  *Store
	symbol int64
	at     core.Time
	writes int
	text   strings.Builder
}

func (w *writingWriter) Write(p []byte) (int, error) {
	w.writes++
	w.at++
	err := w.store.transact(func(c *conn) error {
		return c.exec("INSERT INTO tick VALUES (?, ?, 1, 1, 1)", w.symbol, int64(w.at))
	})
	if err != nil {
		w.t.Error(err)
	}
	return w.text.Write(p)
}

// TestExportFails: a writer that fails ends the export with its error.
func TestExportFails(t *testing.T) {
	s := wildStore(t)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	defer func() {
		if err := full.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := Export(t.Context(), ExportOptions{Store: s, W: full}); err == nil {
		t.Error("an export to a full disk did not fail")
	}
	seen := 0.0
	if _, err = Export(t.Context(), ExportOptions{
		Store: s, W: &bytes.Buffer{}, Progress: func(p ExportProgress) { seen = p.Share },
	}); err != nil || seen != 1 {
		t.Errorf("progress ends at %v, %v; want 1", seen, err)
	}
}

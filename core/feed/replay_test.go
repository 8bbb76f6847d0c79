package feed

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tradingengine/core"
)

const csvHeader = "time_ms,symbol,bid,ask\n"

// writeFile writes a recorded file, packed when its name says so.
func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	data := []byte(text)
	if strings.HasSuffix(path, ".gz") {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		data = packed.Bytes()
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// replay runs a replay to its end.
func replay(t *testing.T, opts ReplayOptions) *Replay {
	t.Helper()
	r, err := NewReplay(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return r
}

// bids returns the stored bids of a symbol in pips after 1.1, as a person would write them.
func bids(m *testMarket, id core.SymbolID) string {
	var out []string
	for _, tick := range m.store.stored(id) {
		pips, millis := (tick.Bid-110_000)/10, tick.Time.Millis()-1_600_000_000_000
		out = append(out, fmt.Sprintf("%d@%d", pips, millis))
	}
	return strings.Join(out, " ")
}

// quoteRows writes CSV rows of EURUSD from pairs of milliseconds and pips after 1.1.
func quoteRows(pairs ...int) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, "%d,EURUSD,1.1%03d0,1.1%03d2\n", 1_600_000_000_000+pairs[i], pairs[i+1],
			pairs[i+1])
	}
	return b.String()
}

func TestReplayMergesByTime(t *testing.T) {
	dir := t.TempDir()
	// Named against their order. b and c overlap, and share a millisecond: b begins first.
	writeFile(t, filepath.Join(dir, "z.csv"), csvHeader+quoteRows(0, 1, 10, 2))
	writeFile(t, filepath.Join(dir, "c.csv.gz"), csvHeader+quoteRows(30, 30, 40, 31, 70, 32))
	writeFile(t, filepath.Join(dir, "b.csv"), csvHeader+quoteRows(20, 20, 40, 21, 60, 22))
	writeFile(t, filepath.Join(dir, "a.ndjson.gz"), ""+
		`{"symbol":"EURUSD","bid":1.10400,"ask":1.10402,"time":1600000000080}`+"\n\n"+
		`{"symbol":"eurusd","bid":"1.10410","ask":1.10412,"time":"2020-09-13T12:26:40.090Z"}`)
	m := startMarket(t, core.Options{})
	r := replay(t, ReplayOptions{Engine: m.engine, Glob: filepath.Join(dir, "*")})
	want := "1@0 2@10 20@20 30@30 21@40 31@40 22@60 32@70 40@80 41@90"
	if got := bids(m, 0); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var names []string
	for _, path := range r.Files() {
		names = append(names, filepath.Base(path))
	}
	if got := strings.Join(names, " "); got != "z.csv b.csv c.csv.gz a.ndjson.gz" {
		t.Errorf("order of files: %s", got)
	}
	if s := m.checkSums(t); s.Received != 10 || s.RejectedTotal() != 0 || s.Pending != 0 {
		t.Errorf("got %+v, want 10 quotes, all committed", s)
	}
	if lp := m.engine.Sources().Name(m.store.stored(0)[0].Source); lp != ReplaySource {
		t.Errorf("got lp %q, want %s", lp, ReplaySource)
	}
}

func TestReplayCountsBadRows(t *testing.T) {
	path := writeFile(t, filepath.Join(t.TempDir(), "bad.csv"), "time_ms,symbol,bid,ask,lp\r\n"+
		"1600000000000,EURUSD,1.10000,1.10002,LMAX\r\n"+
		"1600000001000,EURUSX,1.10010,1.10012,\r\n"+
		"1600000002000,EURUSD,0,1.10012,\r\n"+
		"1600000003000,EURUSD,1.10030,1.10012,\r\n"+
		"1600000004000,EURUSD,NaN,1.10012,\r\n"+
		"1600000005000,EURUSD,1.100301,1.10040,\r\n"+
		",EURUSD,1.10030,1.10040,\r\n"+
		"yesterday,EURUSD,1.10030,1.10040,\r\n"+
		"1600000006000,EURUSD\r\n"+
		strings.Repeat("x", 3*lineMax)+"\r\n"+
		"1600000007000,EURUSD,2.10030,2.10040,\r\n"+
		"1599999000000,EURUSD,1.10030,1.10040,\r\n"+
		"1600000008000,EURUSD,1.10080,1.10082,\r\n")
	m := startMarket(t, core.Options{})
	var log bytes.Buffer
	var last ReplayProgress
	replay(t, ReplayOptions{
		Engine: m.engine, Files: []string{path}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Progress: func(p ReplayProgress) { last = p },
	})
	s := m.checkSums(t)
	want := map[core.Reject]int64{
		core.RejectUnknownSymbol: 1, core.RejectNotPositive: 1, core.RejectCrossed: 1,
		core.RejectBadNumber: 2, core.RejectPriceDigits: 1, core.RejectMissingField: 1,
		core.RejectBadLine: 2, core.RejectAbsurd: 1, core.RejectLate: 1,
	}
	for reason := range core.Reject(core.RejectReasons) {
		if s.Rejected[reason] != want[reason] {
			t.Errorf("%s: %d rejected, want %d", reason, s.Rejected[reason], want[reason])
		}
	}
	if got := bids(m, 0); got != "0@0 8@8000" || s.Received != 13 {
		t.Errorf("stored %s of %d rows, want 0@0 8@8000 of 13", got, s.Received)
	}
	if last.Rows != 13 || last.Refused != 7 || !last.Done || last.Bytes != last.BytesTotal {
		t.Errorf("progress ended with %+v, want 13 rows, 7 refused, all bytes", last)
	}
	if n := strings.Count(log.String(), "level=WARN"); n != describedMax ||
		!strings.Contains(log.String(), "line=3") ||
		!strings.Contains(log.String(), "did you mean EURUSD?") {
		t.Errorf("want %d refusals described, with line and detail:\n%s", describedMax, &log)
	}
}

func TestReplayRefusesFiles(t *testing.T) {
	dir := t.TempDir()
	m := startMarket(t, core.Options{})
	f := func(name, text, want string) {
		t.Helper()
		path := writeFile(t, filepath.Join(dir, name), text)
		_, err := NewReplay(ReplayOptions{Engine: m.engine, Files: []string{path}})
		if !errors.Is(err, ErrReplayFile) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: got %v, want %v with %q", name, err, ErrReplayFile, want)
		}
	}
	f("notes.txt", csvHeader, "neither in .csv nor .ndjson")
	f("notes.gz", csvHeader, "neither in .csv nor .ndjson")
	f("empty.csv", "", "is empty")
	f("header.csv", "a,b,c\n1,2,3\n", "header must name symbol")
	f("timeless.csv", "symbol,bid,ask\nEURUSD,1,2\n", "no time or time_ms")
	if err := os.WriteFile(filepath.Join(dir, "plain.csv.gz"), []byte(csvHeader), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, opts := range []ReplayOptions{
		{Engine: m.engine, Glob: filepath.Join(dir, "plain.csv.gz")},
		{Engine: m.engine, Glob: filepath.Join(dir, "*.missing.csv")},
		{Engine: m.engine, Files: []string{filepath.Join(dir, "missing.csv")}},
		{Engine: m.engine, Glob: "[a"},
	} {
		if _, err := NewReplay(opts); !errors.Is(err, ErrReplayFile) {
			t.Errorf("%s%s: got %v, want %v", opts.Glob, opts.Files, err, ErrReplayFile)
		}
	}
	for _, opts := range []ReplayOptions{
		{}, {Engine: m.engine}, {Engine: m.engine, Speed: -1, Glob: "x.csv"},
	} {
		if _, err := NewReplay(opts); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: got %v, want %v", opts, err, ErrOptions)
		}
	}
	nothing := writeFile(t, filepath.Join(dir, "nothing.csv"), csvHeader+"1,ABC,1,2\n")
	r, err := NewReplay(ReplayOptions{Engine: m.engine, Files: []string{nothing}, Loop: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(context.Background()); !errors.Is(err, ErrReplayFile) {
		t.Errorf("a loop over no quotes: got %v, want %v", err, ErrReplayFile)
	}
}

// TestReplayOfABrokenFile: what comes before the break is taken, and the break is told.
func TestReplayOfABrokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cut.csv.gz")
	var rows strings.Builder
	for i := range 20_000 {
		rows.WriteString(quoteRows(i*10, i*7919%800))
	}
	writeFile(t, path, csvHeader+rows.String())
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data[:len(data)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	m := startMarket(t, core.Options{})
	r, err := NewReplay(ReplayOptions{Engine: m.engine, Files: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Run(context.Background()); !errors.Is(err, ErrReplayFile) ||
		!strings.Contains(err.Error(), "after line") {
		t.Errorf("got %v, want %v and where", err, ErrReplayFile)
	}
	if s := m.checkSums(t); s.Received < 15_000 || s.Pending != 0 {
		t.Errorf("%d quotes taken, %d pending; want most of 20,000, and them committed", s.Received,
			s.Pending)
	}
}

func TestReplayRefusesAnEngineThatIsAhead(t *testing.T) {
	dir := t.TempDir()
	monday := writeFile(t, filepath.Join(dir, "monday.csv"), csvHeader+quoteRows(0, 1, 5000, 2))
	tuesday := writeFile(t, filepath.Join(dir, "tuesday.csv"), csvHeader+quoteRows(6000, 3, 9000, 4))
	m := startMarket(t, core.Options{})
	replay(t, ReplayOptions{Engine: m.engine, Files: []string{monday}})
	replay(t, ReplayOptions{Engine: m.engine, Files: []string{tuesday}})
	if got, want := bids(m, 0), "1@0 2@5000 3@6000 4@9000"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	r, err := NewReplay(ReplayOptions{Engine: m.engine, Files: []string{tuesday, monday}})
	if err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{"Check": r.Check(), "Run": r.Run(context.Background())} {
		if !errors.Is(err, ErrReplayBehind) {
			t.Fatalf("%s: got %v, want %v", what, err, ErrReplayBehind)
		}
		want := "market data in this directory reaches 2020-09-13T12:26:49Z (EURUSD), after the " +
			"replay's start 2020-09-13T12:26:40Z; use an empty -data directory"
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, want %q", what, err, want)
		}
	}
	if s := m.engine.Stats(); s.Received != 4 {
		t.Errorf("%d quotes, want the 4 of before", s.Received)
	}
	// Another symbol's quotes may be older than those there are.
	other := writeFile(t, filepath.Join(dir, "other.csv"), csvHeader+
		"1600000000000,GBPUSD,1.30000,1.30002\n")
	replay(t, ReplayOptions{Engine: m.engine, Files: []string{other}})

	named := writeFile(t, filepath.Join(dir, "named.csv"), "time_ms,symbol,bid,ask,lp\n"+
		"1600000000000,EURUSD,1.10000,1.10002,LMAX\n")
	if r, err = NewReplay(ReplayOptions{Engine: m.engine, Files: []string{named}}); err != nil {
		t.Fatal(err)
	}
	if err := r.Run(context.Background()); !errors.Is(err, ErrReplayBehind) {
		t.Errorf("got %v, want %v", err, ErrReplayBehind)
	}
	if _, ok := m.engine.Sources().Lookup([]byte("LMAX")); ok {
		t.Error("the lp of a refused replay was registered")
	}
}

// TestReplayNeverOutrunsStorage: a ring of few ticks, a slow disk, and no tick lost.
func TestReplayNeverOutrunsStorage(t *testing.T) {
	var rows strings.Builder
	const quotes = 5000
	for i := range quotes {
		rows.WriteString(quoteRows(i, i%2*500))
	}
	path := writeFile(t, filepath.Join(t.TempDir(), "fast.csv"), csvHeader+rows.String())
	for _, speed := range []float64{0, 1000} {
		inBubble(t, func(t *testing.T) {
			m := startMarket(t, core.Options{Ticks: 200})
			m.store.delay = 20 * time.Millisecond
			replay(t, ReplayOptions{Engine: m.engine, Files: []string{path}, Room: 200, Speed: speed})
			s := m.checkSums(t)
			if s.Lost != 0 || s.Committed != quotes || s.Pending != 0 {
				t.Errorf("speed %g: %d committed, %d lost, want %d and 0", speed, s.Committed, s.Lost,
					quotes)
			}
		})
	}
}

func TestReplayEndsWithContextAndEngine(t *testing.T) {
	var rows strings.Builder
	for i := range 30_000 {
		rows.WriteString(quoteRows(i, i%2*500))
	}
	path := writeFile(t, filepath.Join(t.TempDir(), "long.csv"), csvHeader+rows.String())
	f := func(what string, speed float64, end func(m *testMarket, cancel func())) {
		t.Run(what, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				m := startMarket(t, core.Options{})
				m.store.delay = time.Millisecond
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				time.AfterFunc(5500*time.Microsecond, func() { end(m, cancel) })
				r, err := NewReplay(ReplayOptions{
					Engine: m.engine, Files: []string{path}, Loop: true, Speed: speed,
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := r.Run(ctx); err != nil {
					t.Errorf("got %v, want nil", err)
				}
				m.stop()
				m.checkSums(t)
			})
		})
	}
	f("context at once", 0, func(_ *testMarket, cancel func()) { cancel() })
	f("context paced", 1, func(_ *testMarket, cancel func()) { cancel() })
	f("engine at once", 0, func(m *testMarket, _ func()) { m.engine.Close() })
	f("engine paced", 1, func(m *testMarket, _ func()) { m.engine.Close() })
}

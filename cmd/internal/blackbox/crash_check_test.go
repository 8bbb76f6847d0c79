package blackbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// lines are the elements of a list that was answered.
func lines(list string) []string {
	list = strings.TrimSuffix(strings.TrimPrefix(list, "[\n"), "\n]\n")
	if list == "[]\n" {
		return nil
	}
	return strings.Split(list, ",\n")
}

// volume is how many quotes the bars of a market hold.
func (s *server) volume(m *crashMarket) (total int64) {
	s.t.Helper()
	var bars []struct{ Volume int64 }
	text := s.get("/ohlc?limit=5000&timeframe=1w&symbol="+m.symbol, 200)
	if err := json.Unmarshal([]byte(text), &bars); err != nil {
		s.t.Fatal(err)
	}
	for _, b := range bars {
		total += b.Volume
	}
	return total
}

// checkTicks compares the ticks since the last comparison.
func (s *server) checkTicks(m *crashMarket) {
	s.t.Helper()
	const page = 50_000
	from := int64(1_000_000_000_000_000)
	if m.compared > 0 {
		from = m.ticks[m.compared-1].time
	}
	for {
		got := lines(s.get(fmt.Sprintf("/ticks?symbol=%s&limit=%d&from=%d", m.symbol, page, from), 200))
		for i, line := range got {
			if m.compared == len(m.ticks) {
				s.t.Errorf("%s: a tick too many: %s", m.symbol, line)
				return
			}
			if want := m.tickLine(m.ticks[m.compared]); line != want {
				s.t.Errorf("%s: tick %d of %d (line %d)\ngot  %s\nwant %s", m.symbol, m.compared,
					len(m.ticks), i+1, line, want)
				return
			}
			m.compared++
		}
		if len(got) < page {
			break
		}
		from = m.ticks[m.compared-1].time
	}
	if m.compared < len(m.ticks) {
		s.t.Errorf("%s: %d ticks are lost, the first is %s", m.symbol, len(m.ticks)-m.compared,
			m.tickLine(m.ticks[m.compared]))
	}
}

// checkBars compares the newest bars of every frame, and with all the older ones too.
func (s *server) checkBars(m *crashMarket, all bool) {
	s.t.Helper()
	for f, frame := range crashFrames {
		for side, name := range crashSideNames {
			path := "/ohlc?symbol=" + m.symbol + "&timeframe=" + frame + "&price=" + name
			if !all {
				s.checkBarRange(m, f, side, max(0, len(m.bars[f])-20), path+"&limit=20")
				continue
			}
			first := 0
			for {
				from := int64(1_000_000_000)
				if first > 0 {
					from = m.bars[f][first-1].open + 1
				}
				n := s.checkBarRange(m, f, side, first, fmt.Sprintf("%s&limit=5000&from=%d", path, from))
				if n < 5_000 {
					break
				}
				first += n
			}
		}
	}
}

// checkBarRange compares an answer with the bars from first on, and returns how many it had.
func (s *server) checkBarRange(m *crashMarket, frame, side, first int, path string) int {
	s.t.Helper()
	got := lines(s.get(path, 200))
	for i, line := range got {
		if first+i == len(m.bars[frame]) {
			s.t.Errorf("%s: a bar too many: %s", path, line)
			return 0
		}
		if want := m.barLine(frame, side, first+i); line != want {
			s.t.Errorf("%s: bar %d of %d\ngot  %s\nwant %s", path, first+i, len(m.bars[frame]), line, want)
			return 0
		}
	}
	if len(got) < 5_000 && first+len(got) < len(m.bars[frame]) {
		s.t.Errorf("%s: %d bars, want %d", path, first+len(got), len(m.bars[frame]))
	}
	return len(got)
}

// checkCrash compares what the server knows after a crash with what the senders know: of each
// symbol, ticks and bars must stop at the same quote, which is not before the last acknowledged
// one. It reports whether they do.
func (s *server) checkCrash(senders []*crashSender, all bool) bool {
	s.t.Helper()
	for _, sender := range senders {
		for _, m := range sender.markets {
			if !sender.settle(m, s.volume(m)) {
				return false
			}
			if all {
				m.compared = 0
			}
			s.checkTicks(m)
			s.checkBars(m, all)
		}
	}
	return !s.t.Failed()
}

// sqlite runs statements of the sqlite3 program on a file.
func sqlite(t *testing.T, file, statements string) string {
	t.Helper()
	cmd := exec.Command("sqlite3", "-batch", "-bail", file, statements)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("sqlite3 %s: %v\n%s%s", file, err, out, problems.String())
	}
	return string(out)
}

// checkIntegrity checks the file as a kill left it. It works on a copy: who opens the file itself
// would recover it before the server does.
func checkIntegrity(t *testing.T, data string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"market.db", "market.db-wal"} {
		text, err := os.ReadFile(filepath.Join(data, name))
		if os.IsNotExist(err) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	got := sqlite(t, filepath.Join(dir, "market.db"), "PRAGMA integrity_check")
	if got != "ok\n" {
		t.Errorf("integrity_check: got %q, want ok", got)
	}
}

// checkFile compares every column of every tick and bar of a stopped server's file.
func checkFile(t *testing.T, data string, senders []*crashSender) {
	t.Helper()
	file := filepath.Join(data, "market.db")
	if got := sqlite(t, file, "PRAGMA integrity_check"); got != "ok\n" {
		t.Errorf("integrity_check: got %q, want ok", got)
	}
	var rows int
	for _, sender := range senders {
		for _, m := range sender.markets {
			var ticks, bars strings.Builder
			rows += len(m.ticks)
			for _, q := range m.ticks {
				fmt.Fprintf(&ticks, "%d|%d|%d|%s\n", q.time, q.bid, q.ask, m.lp)
			}
			for f := range m.bars {
				for i := range m.bars[f] {
					if f == 0 || i < len(m.bars[f])-1 { // Of those that form only minutes are kept.
						m.bars[f][i].row(&bars, crashSeconds[f], i < len(m.bars[f])-1)
					}
				}
			}
			where := " WHERE symbol_id = (SELECT id FROM symbol WHERE name = '" + m.symbol + "')"
			got := sqlite(t, file, "SELECT time, bid, ask, (SELECT name FROM source WHERE id = source_id)"+
				" FROM tick"+where+" ORDER BY time")
			if got != ticks.String() {
				t.Errorf("%s: the file's ticks: %s", m.symbol, firstDifference(got, ticks.String()))
			}
			got = sqlite(t, file, "SELECT frame, time, mid_open, mid_high, mid_low, mid_close, bid_open, "+
				"bid_high, bid_low, bid_close, ask_open, ask_high, ask_low, ask_close, volume, spread_min, "+
				"spread_max, spread_last, first_time, last_time, complete FROM bar"+where+
				" ORDER BY frame, time")
			if got != bars.String() {
				t.Errorf("%s: the file's bars: %s", m.symbol, firstDifference(got, bars.String()))
			}
		}
	}
	if got, want := sqlite(t, file, "SELECT count(*) FROM tick"), fmt.Sprintln(rows); got != want {
		t.Errorf("the file has %s ticks, want %s", got, want)
	}
}

// row writes a bar as sqlite3 prints it.
func (b *crashBar) row(to *strings.Builder, seconds int64, complete bool) {
	fmt.Fprintf(to, "%d|%d", seconds, b.open*1_000_000)
	for _, o := range b.sides {
		fmt.Fprintf(to, "|%d|%d|%d|%d", o.open, o.high, o.low, o.close)
	}
	flag := 0
	if complete {
		flag = 1
	}
	fmt.Fprintf(to, "|%d|%d|%d|%d|%d|%d|%d\n", b.volume, b.spreadMin, b.spreadMax, b.spreadLast,
		b.first, b.last, flag)
}

package persist

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// TestDamagedPages overwrites pages of a file, one at a time, of one that was stopped and of one
// that was killed, and starts a market on it. Either nobody reads the page, or the start says which
// file is damaged and what to do, and leaves the file and its log as they were.
//
// It was seen to fail on a start that says what SQLite says, on one that closes the file, which moves
// the log into it, and on one that puts the forming minutes in their place before it has read all.
func TestDamagedPages(t *testing.T) {
	start := func(dir string) error {
		m, err := tryMarket(t, marketOptions{
			Store: Options{Dir: dir}, Engine: core.Options{Ticks: 5_000, Bars: 1_000},
			Load: LoadOptions{Ticks: 5_000, Bars: 1_000},
		})
		if err == nil {
			m.end() // It may find the page when it tidies up.
		}
		return err
	}
	dir := t.TempDir()
	m := startMarket(t, marketOptions{Store: Options{Dir: dir}})
	for i := range m.engine.Symbols().Len() {
		m.mustSend(newWalk(uint64(i), core.SymbolID(i), m.source("LP"), testStart).next(3_000))
	}
	m.stop()
	damagePages(t, MarketFile, readFiles(t, dir, MarketFile), start)

	m = startMarket(t, marketOptions{Store: Options{Dir: dir}})
	m.mustSend([]core.Quote{{Symbol: 1, Source: m.source("LP"), Bid: 155_000, Ask: 155_002}})
	m.store.writing.Lock()
	killed := readFiles(t, dir, MarketFile)
	m.store.writing.Unlock()
	m.stop()
	damagePages(t, MarketFile, killed, start)
}

// TestDamagedJournal does the same to the file of money.
//
// It was seen to fail on a start that closes the file, and on one that writes the table of currencies
// anew before it has read all.
func TestDamagedJournal(t *testing.T) {
	dir := t.TempDir()
	s, j, _ := openTestJournal(t, dir)
	b := newBook(t, s.opts.Symbols, 1)
	commit := func(steps int) {
		t.Helper()
		events := b.next(steps)
		err := j.Commit(events, []Answer{{
			Scope: "s", Key: string(rune('a' + steps)), Body: []byte("{}"), Seq: events[0].Seq,
		}}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	start := func(dir string) error {
		opts := Options{Dir: dir, Symbols: s.opts.Symbols}
		opts.setDefaults()
		j, err := openJournal(opts)
		if err != nil {
			return err
		}
		defer j.Close()
		m, err := trading.New(trading.Options{Symbols: opts.Symbols})
		if err == nil {
			_, err = j.Replay(t.Context(), m.Replay)
		}
		if err == nil {
			_, err = j.Keys(t.Context(), func(scope, key string) {})
		}
		if err == nil {
			_, err = j.Alerts(t.Context())
		}
		if err == nil {
			_, err = j.AccessKeys(t.Context())
			err = j.Refuse(err)
		}
		return err
	}
	commit(60)
	if err := errors.Join(j.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	damagePages(t, TradingFile, readFiles(t, dir, TradingFile), start)
	_, j, _ = openTestJournal(t, dir)
	commit(2)
	damagePages(t, TradingFile, readFiles(t, dir, TradingFile), start)
}

// damagePages starts on a file again and again, with another page overwritten each time.
func damagePages(
	t *testing.T, name string, files map[string][]byte, start func(dir string) error,
) {
	t.Helper()
	const pageBytes = 4096
	_, killed := files[name+"-wal"]
	pages, refused, tried := len(files[name])/pageBytes, 0, 0
	for page := 1; page < pages; page += rounds(15, 5, 1) {
		tried++
		dir := t.TempDir()
		damaged := map[string][]byte{}
		for file, content := range files {
			damaged[file] = bytes.Clone(content)
		}
		copy(damaged[name][page*pageBytes:], bytes.Repeat([]byte{0xff}, pageBytes))
		for file, content := range damaged {
			if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := start(dir)
		if err == nil {
			continue
		}
		refused++
		for _, want := range []string{"damaged", filepath.Join(dir, name), "restore a backup"} {
			if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), want) ||
				strings.Contains(err.Error(), "canceled") {
				t.Errorf("killed %v, page %d: got %v, want %q", killed, page+1, err, want)
			}
		}
		for file, content := range damaged {
			after, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil || !bytes.Equal(after, content) {
				t.Errorf("killed %v, page %d: %s was changed (%v)", killed, page+1, file, err)
			}
		}
	}
	t.Logf("killed %v: %d of %d pages were missed", killed, refused, tried)
	if refused == 0 {
		t.Errorf("killed %v: no page was missed", killed)
	}
}

// readFiles returns a file and its log, where there is one. Nothing may be written meanwhile.
func readFiles(t *testing.T, dir, name string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, file := range []string{name, name + "-wal"} {
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if len(content) > 0 {
			files[file] = content
		}
	}
	return files
}

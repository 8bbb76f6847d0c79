package persist

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradingengine/core"
)

// TestRestartGivesTheSameState stops an engine and starts it again, in the middle of minutes, and
// once with its symbols in another order.
func TestRestartGivesTheSameState(t *testing.T) {
	dir := t.TempDir()
	registry := testRegistry(t)
	options := func() marketOptions {
		return marketOptions{
			Store:  Options{Dir: dir, Symbols: registry},
			Engine: core.Options{Ticks: 5_000, Bars: 1_000},
		}
	}
	var walks []*walk
	for i := range registry.Len() {
		walks = append(walks, newWalk(uint64(i), core.SymbolID(i), core.SourceID(1+i%2), testStart))
	}
	for run := range 3 {
		m := startMarket(t, options())
		m.source("first")
		m.source("second")
		for _, w := range walks {
			for range 3 {
				m.mustSend(w.next(700))
			}
		}
		before := stateText(m.engine)
		m.stop()
		m = startMarket(t, options())
		diff(t, fmt.Sprintf("run %d", run), stateText(m.engine), before)
		for id, want := range []string{"", "first", "second"} {
			if got := m.store.Sources().Name(core.SourceID(id)); got != want {
				t.Errorf("source %d: got %q, want %q", id, got, want)
			}
		}
		m.stop()
		if wal, err := os.Stat(filepath.Join(dir, MarketFile+"-wal")); err == nil && wal.Size() > 0 {
			t.Errorf("a log of %d bytes is left after a stop", wal.Size())
		}
	}
}

// TestFormingMinuteGoesOnAfterRestart closes a minute by the clock that began before a restart.
func TestFormingMinuteGoesOnAfterRestart(t *testing.T) {
	dir := t.TempDir()
	options := marketOptions{Store: Options{Dir: dir, Symbols: testRegistry(t)}}
	m := startMarket(t, options)
	q := core.Quote{Symbol: 2, Source: m.source("LP"), Bid: 100, Ask: 102}
	m.mustSend([]core.Quote{q})
	m.stop()

	m = startMarket(t, options)
	q.Bid, q.Ask = 90, 96
	m.mustSend([]core.Quote{q})
	db := openSecond(t, dir)
	const minutes = "SELECT volume, bid_open, complete FROM bars WHERE frame = '1m'"
	if got := queryText(t, db, minutes); got != "2|1|0" {
		t.Errorf("the minute in the file: got %s, want 2|1|0", got)
	}
	if forming, _ := m.engine.Forming(2, core.M1); forming.Volume != 2 || forming.Bid.Open != 100 {
		t.Errorf("the minute after a restart is %+v, want both quotes", forming)
	}
	m.clock.Add(int64(2 * core.Minute))
	eventually(t, "closed minute", func() bool {
		return queryInt(t, db, "SELECT count(*) FROM bar WHERE frame = 60 AND complete = 1") == 1
	})
	if got := queryText(t, db, minutes); got != "2|1|1" {
		t.Errorf("the closed minute in the file: got %s, want 2|1|1", got)
	}
	if got := queryInt(t, db, "SELECT bid_low FROM bar WHERE frame = 60"); got != 90 {
		t.Errorf("low of the closed minute: got %d, want 90", got)
	}
}

// TestKilledFileHoldsWholeCuts copies the file and its log, as a kill would leave them, while
// senders of all symbols write. What the copy holds of a symbol must be exactly what its first
// quotes give, up to the number it holds, and nothing that was acknowledged may be missing.
//
// It was seen to find quotes that are acknowledged before their commit, and numbers that are
// committed after their ticks.
func TestKilledFileHoldsWholeCuts(t *testing.T) {
	const copies, size = 4, 150
	registry := testRegistry(t)
	m := startMarket(t, marketOptions{
		Store:  Options{Dir: t.TempDir(), Symbols: registry},
		Engine: core.Options{Shards: 2},
	})
	source := m.source("LP")
	acknowledged := make([]atomic.Uint64, registry.Len())
	var senders sync.WaitGroup
	var enough atomic.Bool
	for i := range registry.Len() {
		senders.Go(func() {
			for w := newWalk(uint64(i), core.SymbolID(i), source, testStart); !enough.Load(); {
				m.mustSend(w.next(size))
				acknowledged[i].Store(w.quote.Seq)
			}
		})
	}
	type killed struct {
		dir      string
		promised []uint64
	}
	var files []killed
	for range copies {
		commits := m.writer.Stats().Commits
		eventually(t, "commit", func() bool { return m.writer.Stats().Commits > commits+5 })
		k := killed{dir: t.TempDir()}
		m.store.writing.Lock()
		copyFiles(t, m.store.Dir(), k.dir)
		time.Sleep(5 * time.Millisecond) // Whoever acknowledges before the commit does it meanwhile.
		for i := range acknowledged {
			k.promised = append(k.promised, acknowledged[i].Load())
		}
		m.store.writing.Unlock()
		files = append(files, k)
	}
	enough.Store(true)
	senders.Wait()
	for _, k := range files {
		checkKilled(t, k.dir, registry, size, k.promised)
	}
}

// copyFiles copies a file and its log. Nothing may be written meanwhile.
func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	for _, name := range []string{MarketFile, MarketFile + "-wal"} {
		content, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func checkKilled(t *testing.T, dir string, registry *core.Registry, size int, promised []uint64) {
	t.Helper()
	got := startMarket(t, marketOptions{Store: Options{Dir: dir, Symbols: registry}})
	defer got.stop()
	want := startMarket(t, marketOptions{Store: Options{Dir: t.TempDir(), Symbols: registry}})
	defer want.stop()
	source := want.source("LP")
	for i := range registry.Len() {
		var cut core.Cut
		got.engine.Cut(core.SymbolID(i), &cut)
		var seq uint64
		if len(cut.Numbered) > 0 {
			seq = cut.Numbered[0].Seq
		}
		if seq < promised[i] {
			t.Errorf("symbol %d: quote %d was acknowledged, the file ends at %d", i, promised[i], seq)
		}
		w := newWalk(uint64(i), core.SymbolID(i), source, testStart)
		for w.quote.Seq < seq {
			want.mustSend(w.next(size))
		}
	}
	diff(t, "state after a kill", stateText(got.engine), stateText(want.engine))
}

// TestLessInMemoryIsTheSameMarket loads only a few ticks and bars: the forming bars, the live price
// and what is stored next must not depend on how many.
func TestLessInMemoryIsTheSameMarket(t *testing.T) {
	dir, registry := t.TempDir(), testRegistry(t)
	m := startMarket(t, marketOptions{Store: Options{Dir: dir, Symbols: registry}})
	w := newWalk(9, 2, m.source("LP"), testStart)
	for range 8 {
		m.mustSend(w.next(1000))
	}
	want := formingText(m.engine, 2)
	m.stop()
	m = startMarket(t, marketOptions{
		Store: Options{Dir: dir, Symbols: registry}, Load: LoadOptions{Ticks: 1, Bars: 1},
	})
	diff(t, "forming bars", formingText(m.engine, 2), want)
	m.mustSend(w.next(1000))
	m.stop()

	whole := startMarket(t, marketOptions{Store: Options{Dir: t.TempDir(), Symbols: registry}})
	w = newWalk(9, 2, whole.source("LP"), testStart)
	for range 9 {
		whole.mustSend(w.next(1000))
	}
	again := startMarket(t, marketOptions{Store: Options{Dir: dir, Symbols: registry}})
	diff(t, "state", stateText(again.engine), stateText(whole.engine))
}

func formingText(e *core.Engine, id core.SymbolID) string {
	live, _ := e.Live(id)
	text := fmt.Sprintln(live)
	for f := range core.Frames {
		forming, _ := e.Forming(id, core.Frame(f))
		text += fmt.Sprintln(core.Frame(f), forming)
	}
	return text
}

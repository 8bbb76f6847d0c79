package persist

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"tradingengine/core"
)

// openSecond opens the file as another program would.
func openSecond(t testing.TB, dir string) *sql.DB {
	t.Helper()
	uri, err := fileURI(filepath.Join(dir, MarketFile), "_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", uri)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func queryInt(t testing.TB, db *sql.DB, text string, args ...any) (n int64) {
	t.Helper()
	if err := db.QueryRow(text, args...).Scan(&n); err != nil {
		t.Errorf("%s: %v", text, err)
	}
	return n
}

// compareFile checks that the file holds exactly what the engine has in memory.
func compareFile(t *testing.T, s *Store, e *core.Engine) {
	t.Helper()
	const all = 1 << 30
	for i := range e.Symbols().Len() {
		id := core.SymbolID(i)
		ticks, err := s.Ticks(t.Context(), id, -1, 1<<62, all, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "ticks", lines(ticks), lines(engineTicks(e, id)))
		for f := range core.Frames {
			bars, err := s.Bars(t.Context(), id, core.Frame(f), 0, 1<<62, all, false, nil)
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "bars "+core.Frame(f).String(), lines(bars),
				lines(engineBars(e, id, core.Frame(f))))
		}
	}
}

// TestAcknowledgedIsCommitted lets senders of all symbols write at the same time. At each
// acknowledgement another connection must find what was acknowledged.
func TestAcknowledgedIsCommitted(t *testing.T) {
	const rounds, quotes = 30, 40
	dir := t.TempDir()
	m := startMarket(t, marketOptions{
		Store:  Options{Dir: dir},
		Engine: core.Options{Shards: 2},
		Writer: WriterOptions{FlushInterval: time.Minute},
	})
	db := openSecond(t, dir)
	symbols := m.engine.Symbols().Len()
	var senders sync.WaitGroup
	var stored atomic.Int64
	for sender := range 2 * symbols {
		senders.Go(func() {
			// Two senders of a symbol share it: their quotes carry no time, so none is late.
			symbol := core.SymbolID(sender % symbols)
			source := m.source(fmt.Sprintf("LP%d", sender))
			w := newWalk(uint64(sender), symbol, source, 0)
			var mine int64
			for range rounds {
				batch := w.next(quotes)
				for i := range batch {
					batch[i].Time = 0
				}
				o := m.mustSend(batch)
				if o.Stored+o.Throttled != quotes {
					t.Errorf("sender %d: got %+v, want all taken", sender, o)
				}
				mine += o.Stored
				rows := queryInt(t, db, "SELECT count(*) FROM tick WHERE source_id = ?", source)
				if rows != mine {
					t.Errorf("sender %d: %d rows when %d were acknowledged", sender, rows, mine)
				}
				last := queryInt(t, db, "SELECT last FROM seq WHERE source_id = ?", source)
				if last != int64(w.quote.Seq) {
					t.Errorf("sender %d: seq %d in the file, acknowledged %d", sender, last, w.quote.Seq)
				}
			}
			stored.Add(mine)
		})
	}
	senders.Wait()
	compareFile(t, m.store, m.engine)
	stats := m.engine.Stats()
	if q, k := stats.Remainders(); q != 0 || k != 0 || !stats.Exact {
		t.Errorf("remainders %d and %d of %+v, want none", q, k, stats)
	}
	if stats.Committed != stored.Load() || stats.Pending != 0 {
		t.Errorf("committed %d, pending %d; want %d and 0", stats.Committed, stats.Pending, stored.Load())
	}
	if volume := queryInt(t, db, "SELECT sum(volume) FROM bars WHERE frame = '1m'"); volume !=
		stats.Stored+stats.Throttled {
		t.Errorf("volume of all minutes %d, want %d quotes", volume, stats.Stored+stats.Throttled)
	}
	ws := m.writer.Stats()
	if ws.Ticks != stats.Committed || ws.LostTicks != 0 || ws.LostBars != 0 || ws.Failures != 0 {
		t.Errorf("writer: %+v, want %d ticks and nothing lost", ws, stats.Committed)
	}
}

// TestSendersShareCommits holds a commit until more senders wait: all of them share the next one.
func TestSendersShareCommits(t *testing.T) {
	const senders = 16
	held, release := make(chan struct{}), make(chan struct{})
	m := startMarket(t, marketOptions{
		Store:  Options{Dir: t.TempDir()},
		Writer: WriterOptions{FlushInterval: time.Minute},
		Before: func(w *Writer) {
			var once sync.Once
			w.beforeEnd = func() error {
				once.Do(func() { close(held); <-release })
				return nil
			}
		},
	})
	source := m.source("LP")
	var group sync.WaitGroup
	send := func(i int) {
		group.Go(func() {
			m.mustSend([]core.Quote{{Symbol: core.SymbolID(i % 4), Source: source, Bid: 100, Ask: 101}})
		})
	}
	send(0)
	<-held
	for i := range senders {
		send(i)
	}
	for applied := m.engine.Applied(nil)[0]; applied < 1+senders; {
		applied = m.engine.Applied(nil)[0]
		time.Sleep(time.Millisecond)
	}
	close(release)
	group.Wait()
	if got := m.writer.Stats().Commits; got != 2 {
		t.Errorf("%d commits for 1 and then %d senders, want 2", got, senders)
	}
}

func TestQuietTicksAreCommittedAfterTheInterval(t *testing.T) {
	m := startMarket(t, marketOptions{
		Store:  Options{Dir: t.TempDir()},
		Writer: WriterOptions{FlushInterval: 5 * time.Millisecond},
	})
	s := m.engine.Begin(testStart)
	s.Add(core.Quote{Symbol: 1, Source: m.source("LP"), Bid: 100, Ask: 101})
	if err := s.Send(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	s.Release()
	eventually(t, "a commit", func() bool { return m.engine.Stats().Committed == 1 })
	compareFile(t, m.store, m.engine)
}

// TestNothingNewIsAcknowledgedWithoutATransaction sends only quotes that are refused.
func TestNothingNewIsAcknowledgedWithoutATransaction(t *testing.T) {
	m := startMarket(t, marketOptions{
		Store:  Options{Dir: t.TempDir()},
		Writer: WriterOptions{FlushInterval: time.Minute},
	})
	q := core.Quote{Symbol: 1, Source: m.source("LP"), Seq: 7, Bid: 100, Ask: 101}
	m.mustSend([]core.Quote{q})
	before := m.writer.Stats().Commits
	if o := m.mustSend([]core.Quote{q, q}); o.Rejected != 2 {
		t.Errorf("sent again: %+v, want 2 rejected", o)
	}
	if after := m.writer.Stats().Commits; after != before {
		t.Errorf("%d commits for quotes that changed nothing", after-before)
	}
}

// TestOverwrittenTicksAreCounted sends one batch that is larger than the ring.
func TestOverwrittenTicksAreCounted(t *testing.T) {
	const ring, quotes = 100, 1000 // The ring has 128 slots, of which 100 are promised.
	m := startMarket(t, marketOptions{
		Store:  Options{Dir: t.TempDir()},
		Engine: core.Options{Ticks: ring},
		Writer: WriterOptions{FlushInterval: time.Minute},
	})
	source := m.source("LP")
	batch := make([]core.Quote, quotes)
	for i := range batch {
		bid := core.Price(100_000 + 100*(i%2))
		batch[i] = core.Quote{Symbol: 2, Source: source, Bid: bid, Ask: bid + 5}
	}
	o, lost, err := m.send(batch)
	if !errors.Is(err, core.ErrStorageLost) || lost != quotes-ring || o.Stored != quotes {
		t.Errorf("got %+v, %d lost, %v; want %d lost", o, lost, err, quotes-ring)
	}
	stats := m.engine.Stats()
	if stats.Lost != quotes-ring || stats.Committed != ring || stats.Pending != 0 {
		t.Errorf("lost %d, committed %d, pending %d; want %d, %d, 0", stats.Lost, stats.Committed,
			stats.Pending, quotes-ring, ring)
	}
	if got := m.writer.Stats().LostTicks; got != quotes-ring {
		t.Errorf("the writer counts %d lost, want %d", got, quotes-ring)
	}
	compareFile(t, m.store, m.engine)
	if _, lost, err := m.send(batch[:1]); lost != 0 || err != nil {
		t.Errorf("the next sender: %d lost, %v; want none", lost, err)
	}
}

// TestOverwrittenBarsAreCounted closes more minutes in one batch than the ring holds.
func TestOverwrittenBarsAreCounted(t *testing.T) {
	const minutes = 400
	m := startMarket(t, marketOptions{
		Store:  Options{Dir: t.TempDir()},
		Engine: core.Options{Bars: 20},
	})
	source := m.source("LP")
	quotes := make([]core.Quote, minutes)
	for i := range quotes {
		quotes[i] = core.Quote{
			Symbol: 1, Source: source, Bid: 100, Ask: 101, Time: testStart + core.Time(i)*core.Minute,
		}
	}
	m.mustSend(quotes)
	var closed int64
	for f := range core.Frames {
		_, head := m.engine.BarSpan(1, core.Frame(f))
		closed += int64(head)
	}
	rows := queryInt(t, openSecond(t, m.store.Dir()), "SELECT count(*) FROM bar")
	if got := m.writer.Stats().LostBars; got != closed-rows || got < minutes/2 {
		t.Errorf("%d bars counted as lost; %d closed, %d are in the file", got, closed, rows)
	}
	compareFile(t, m.store, m.engine)
}

// TestNumbersAreKeptWhole uses numbers that SQLite's signed integers show as negative.
func TestNumbersAreKeptWhole(t *testing.T) {
	dir := t.TempDir()
	q := core.Quote{Symbol: 1, Source: 1, Bid: 100, Ask: 101, Seq: 1<<63 + 5}
	for run := range 3 {
		m := startMarket(t, marketOptions{Store: Options{Dir: dir}})
		m.source("LP")
		if o := m.mustSend([]core.Quote{q}); (o.Rejected == 0) != (run == 0) {
			t.Errorf("run %d, the same number: %+v", run, o)
		}
		q.Seq--
		if o := m.mustSend([]core.Quote{q}); o.Rejected != 1 {
			t.Errorf("run %d, a lower number: %+v", run, o)
		}
		q.Seq++
		m.stop()
	}
}

// fakeFailure is an error with a result code of SQLite.
type fakeFailure int

func (f fakeFailure) Error() string { return fmt.Sprintf("failure %d", int(f)) }
func (f fakeFailure) Code() int     { return int(f) }

func TestFailedCommitIsTriedAgain(t *testing.T) {
	var left atomic.Int64
	m := startMarket(t, marketOptions{
		Store:  Options{Dir: t.TempDir()},
		Writer: WriterOptions{FlushInterval: time.Minute},
		Before: func(w *Writer) {
			w.beforeEnd = func() error {
				if left.Add(-1) >= 0 {
					return fakeFailure(sqlite3.SQLITE_FULL)
				}
				return nil
			}
		},
	})
	w := newWalk(5, 0, m.source("LP"), testStart)
	m.mustSend(w.next(300))
	left.Store(3)
	m.mustSend(w.next(300))
	compareFile(t, m.store, m.engine)
	stats := m.writer.Stats()
	if stats.Failures != 3 || stats.FailingSince != 0 || stats.LastError == "" || stats.Final {
		t.Errorf("got %+v, want 3 failures that are over", stats)
	}
	if s := m.engine.Stats(); s.Lost != 0 || s.Pending != 0 {
		t.Errorf("lost %d, pending %d; want none", s.Lost, s.Pending)
	}
}

func TestWriterWaitsForAnotherProgramsLock(t *testing.T) {
	dir := t.TempDir()
	m := startMarket(t, marketOptions{Store: Options{Dir: dir}})
	source := m.source("LP")
	db := openSecond(t, dir)
	other, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	acknowledged := make(chan *core.Outcome)
	go func() { acknowledged <- m.mustSend(newWalk(6, 1, source, testStart).next(50)) }()
	eventually(t, "a failed commit", func() bool { return m.writer.Stats().FailingSince != 0 })
	select {
	case o := <-acknowledged:
		t.Fatalf("acknowledged %+v while another program held the lock", o)
	default:
	}
	if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	<-acknowledged
	compareFile(t, m.store, m.engine)
	if stats := m.writer.Stats(); stats.FailingSince != 0 {
		t.Errorf("still failing after the lock is gone: %+v", stats)
	}
}

// TestFsyncErrorIsFinal was seen to fail on a writer that tries again.
func TestFsyncErrorIsFinal(t *testing.T) {
	for _, code := range []int{sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_CORRUPT} {
		var fail atomic.Bool
		m := startMarket(t, marketOptions{
			Store: Options{Dir: t.TempDir()},
			Before: func(w *Writer) {
				w.beforeEnd = func() error {
					if fail.Load() {
						return fakeFailure(code)
					}
					return nil
				}
			},
		})
		w := newWalk(7, 0, m.source("LP"), testStart)
		m.mustSend(w.next(10))
		fail.Store(true)
		if _, _, err := m.send(w.next(10)); !errors.Is(err, ErrStorageFailed) {
			t.Errorf("code %d: the sender got %v, want ErrStorageFailed", code, err)
		}
		fail.Store(false)
		if _, _, err := m.send(w.next(10)); !errors.Is(err, ErrStorageFailed) {
			t.Errorf("code %d: the next sender got %v, want ErrStorageFailed", code, err)
		}
		if err := m.end(); !errors.Is(err, ErrStorageFailed) {
			t.Errorf("code %d: Run returned %v, want ErrStorageFailed", code, err)
		}
		if !m.writer.Stats().Final {
			t.Errorf("code %d: statistics do not say that storage failed for good", code)
		}
		left := t.TempDir()
		copyFiles(t, m.store.Dir(), left)
		again := startMarket(t, marketOptions{Store: Options{Dir: left}})
		if n := len(engineTicks(again.engine, 0)); n == 0 || n > 10 {
			t.Errorf("code %d: %d ticks after a new start, want those of the first 10 quotes", code, n)
		}
	}
}

// TestSpansIgnoreTheTimeOfDay sets the clock an hour forward and back. What a commit is told to have
// happened at follows it, how long ago that was does not; and a writer that has nothing to do is not
// behind.
//
// It was seen to fail on spans measured by the time of day, and on a writer that notes only commits.
func TestSpansIgnoreTheTimeOfDay(t *testing.T) {
	var hours atomic.Int64
	m := startMarket(t, marketOptions{
		Store: Options{Dir: t.TempDir(), Now: func() core.Time {
			return testStart + core.Time(hours.Load())*core.Hour
		}},
		Writer: WriterOptions{FlushInterval: time.Millisecond},
	})
	w := newWalk(7, 0, m.source("LP"), testStart)
	soon := func(span time.Duration) bool { return span >= 0 && span < time.Minute }
	for _, h := range []int64{5, 6, 4} {
		hours.Store(h)
		m.mustSend(w.next(10))
		hours.Add(1)
		s := m.writer.Stats()
		if s.LastCommit != testStart+core.Time(h)*core.Hour || !soon(s.SinceFlush) {
			t.Errorf("hour %d: the last commit was at %s, a flush %s ago", h, s.LastCommit, s.SinceFlush)
		}
	}
	m.writer.failed(fakeFailure(sqlite3.SQLITE_FULL))
	hours.Add(-1)
	if s := m.writer.Stats(); s.FailingSince == 0 || !soon(s.Failing) {
		t.Errorf("commits fail since %s, for %s", s.FailingSince, s.Failing)
	}
	m.writer.published.Lock()
	m.writer.published.flushed = time.Now().Add(-time.Hour)
	m.writer.published.Unlock()
	eventually(t, "flush without quotes", func() bool { return soon(m.writer.Stats().SinceFlush) })
}

// TestLastCommitThatFailsIsReported stops a writer whose disk stays full.
func TestLastCommitThatFailsIsReported(t *testing.T) {
	m := startMarket(t, marketOptions{
		Store:  Options{Dir: t.TempDir()},
		Writer: WriterOptions{FinalTimeout: 30 * time.Millisecond, FlushInterval: time.Minute},
		Before: func(w *Writer) {
			w.beforeEnd = func() error { return fakeFailure(sqlite3.SQLITE_FULL) }
		},
	})
	s := m.engine.Begin(testStart)
	s.Add(core.Quote{Symbol: 1, Source: m.source("LP"), Bid: 100, Ask: 101})
	if err := s.Send(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	s.Release()
	if err := m.end(); !errors.Is(err, ErrStorageFailed) {
		t.Errorf("got %v, want ErrStorageFailed", err)
	}
}

// eventually waits for a condition that must come true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s after 20 s", what)
		}
	}
}

// TestNoQuoteIsKeptBeforeItsEffects: a quote that was handed over, and its number, reach the file
// when what it did is in the journal, and never when that failed.
//
// It was seen to find a writer that does not wait, and one that commits after the failure.
func TestNoQuoteIsKeptBeforeItsEffects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := startMarket(t, marketOptions{Store: Options{Dir: t.TempDir()}})
		watcher := m.engine.Watcher()
		watcher.Watch(0, true)
		w := newWalk(1, 0, m.source("LP"), 0)
		numbered := func() (last int64) {
			time.Sleep(3 * time.Second)
			synctest.Wait()
			err := m.store.reading(t.Context(), func(_ context.Context, c *conn) (err error) {
				last, err = c.int("SELECT coalesce(max(last), 0) FROM seq")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return last
		}
		hand := func() *core.Handover {
			s := m.engine.Begin(core.Now())
			defer s.Release()
			for _, q := range w.next(3) {
				s.Add(q)
			}
			if err := s.Send(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			return watcher.Receive()
		}
		h := hand()
		if got := numbered(); got != 0 {
			t.Errorf("number %d is in the file before what its quote did", got)
		}
		watcher.Journaled([]uint64{h.Number})
		watcher.Release(h)
		if got := numbered(); got != 3 {
			t.Errorf("number %d is in the file; want 3", got)
		}
		watcher.Release(hand())
		watcher.Fail(errors.New("the journal failed"))
		if got := numbered(); got != 3 {
			t.Errorf("number %d is in the file, and what its quote did is lost", got)
		}
	})
}

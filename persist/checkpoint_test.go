package persist

import (
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tradingengine/core"
)

// quoteAll sends quotes of every symbol until the condition holds.
func quoteAll(m *market, walks []*walk, until func() bool) {
	for !until() {
		for _, w := range walks {
			m.mustSend(w.next(10)) // Pages of the log count, not ticks.
		}
	}
}

func allWalks(m *market) (walks []*walk) {
	for i := range m.engine.Symbols().Len() {
		walks = append(walks, newWalk(uint64(i), core.SymbolID(i), m.source("LP"), testStart))
	}
	return walks
}

func TestLogStartsAgain(t *testing.T) {
	m := startMarket(t, marketOptions{Store: Options{Dir: t.TempDir()}})
	quoteAll(m, allWalks(m), func() bool { return m.writer.Stats().Checkpoints >= 3 })
	wal, err := os.Stat(m.store.Path() + "-wal")
	if err != nil || wal.Size() > 2*walCheckpointPages*walPageBytes {
		t.Errorf("the log has %d bytes, %v; want it to have started again at %d", wal.Size(), err,
			walCheckpointPages*walPageBytes)
	}
	if n := m.writer.Stats().LogBytes; n <= 0 || n > wal.Size() {
		t.Errorf("statistics say %d bytes of log, the file has %d", n, wal.Size())
	}
}

// lockedText is a log that is read while it is written.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestReaderThatHoldsTheLog keeps a read open while quotes flow. The log grows, commits go on, it is
// said once a minute for how long and how large, and when the reader is gone the log starts again.
func TestReaderThatHoldsTheLog(t *testing.T) {
	dir := t.TempDir()
	var log lockedText
	m := startMarket(t, marketOptions{
		Store:  Options{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))},
		Before: func(w *Writer) { w.checkpoints.warn = walWaitPages },
	})
	walks := allWalks(m)
	quoteAll(m, walks[:1], func() bool { return m.writer.Stats().Commits > 2 })
	db := openSecond(t, dir)
	rows, err := db.Query("SELECT time FROM tick ORDER BY time")
	if err != nil || !rows.Next() {
		t.Fatal("no row to hold the log with", err)
	}
	quoteAll(m, walks, func() bool {
		return m.writer.Stats().LogBytes > (walWaitPages+walCheckpointPages)*walPageBytes
	})
	held := regexp.MustCompile(`msg="a long read by another program keeps the write-ahead log growing" ` +
		`bytes=(\d+) for=\d+s file=\S+market.db\n`)
	if lines := held.FindAllStringSubmatch(log.String(), -1); len(lines) != 1 ||
		len(lines[0][1]) != len("16000000") {
		t.Errorf("the log does not say once how large its reader lets it grow: %q", log.String())
	}
	if took := m.writer.Stats().MaxTook; took > 5*time.Second {
		t.Errorf("a commit took %v beside a reader", took)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	quoteAll(m, walks, func() bool {
		return m.writer.Stats().LogBytes < walCheckpointPages*walPageBytes
	})
	quoteAll(m, walks, func() bool {
		wal, err := os.Stat(m.store.Path() + "-wal")
		return err == nil && wal.Size() <= walKeepBytes+walCheckpointPages*walPageBytes
	})
	compareFile(t, m.store, m.engine)
}

// TestOwnReadsDoNotHoldTheLog lets a read of this process last for ever: it is ended before the
// log has 64 MB.
//
// It was seen to fail on a writer that ends reads only from 96 MB on.
func TestOwnReadsDoNotHoldTheLog(t *testing.T) {
	m := startMarket(t, marketOptions{
		Store: Options{Dir: t.TempDir(), ReadTimeout: time.Hour},
	})
	walks := allWalks(m)
	m.mustSend(walks[0].next(10))
	started, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- m.store.endlessRead(t.Context(), func() { close(started) })
	}()
	<-started
	var largest int64
	quoteAll(m, walks, func() bool {
		largest = max(largest, m.writer.Stats().LogBytes)
		return len(ended) > 0
	})
	if err := <-ended; err == nil {
		t.Error("the endless read ended without an error")
	}
	if largest < walEndPages*walPageBytes*9/10 || largest > 64<<20 {
		t.Errorf("the log grew to %d bytes, want more than %d (or the read did not hold it) and less "+
			"than 64 MB", largest, walEndPages*walPageBytes*9/10)
	}
	quoteAll(m, walks, func() bool {
		return m.writer.Stats().LogBytes < walCheckpointPages*walPageBytes
	})
}

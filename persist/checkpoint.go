package persist

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"
)

// The write-ahead log is measured in pages. While nobody reads it, it starts again from its
// beginning every walCheckpointPages; a longer one means that a reader holds it.
const (
	walPageBytes = 4096 + 24

	// walCheckpointPages are moved into the file at once. More would make fewer writes of the same
	// pages, but one stall longer: a thousand take one or two milliseconds.
	walCheckpointPages = 1_000
	// From walWaitPages on a checkpoint waits a little for readers to end.
	walWaitPages = 4_000
	// From walEndPages (32 MB) on, reads that have lasted walReadMax are ended.
	walEndPages = 8_000
	walReadMax  = 200 * time.Millisecond
	// From walWarnPages on somebody is told: the reader is not one of ours.
	walWarnPages = 16_000
)

// walRetry is how long after a failed checkpoint the next one is tried, without waiting for more.
const walRetry = time.Second

// walKeepBytes is what the log keeps on the disk after it started again.
const walKeepBytes = 16 << 20

// The modes of a checkpoint that are used.
const (
	checkpointNoop     = "NOOP"     // Only says how large the log is.
	checkpointPassive  = "PASSIVE"  // Moves what it can without waiting for anybody.
	checkpointRestart  = "RESTART"  // Also waits for readers, so that the log starts again.
	checkpointTruncate = "TRUNCATE" // Also empties the log.
)

// checkpointRow is what SQLite says about a checkpoint. It reports a log that could not be moved
// with busy and no error.
type checkpointRow struct {
	busy       bool
	log, moved int64 // Pages in the log, and those of them that are in the file too.
}

// checkpoint moves pages from the log into the file.
func checkpoint(c *conn, mode string) (r checkpointRow, err error) {
	err = c.query(context.Background(), "PRAGMA wal_checkpoint("+mode+")",
		func(row []driver.Value) error {
			busy, ok1 := row[0].(int64)
			log, ok2 := row[1].(int64)
			moved, ok3 := row[2].(int64)
			if !ok1 || !ok2 || !ok3 {
				return fmt.Errorf("persist: a checkpoint gives %v", row)
			}
			r = checkpointRow{busy != 0, log, moved}
			return nil
		})
	return r, err
}

// checkpoints keep the log short, after commits. It belongs to the writer.
type checkpoints struct {
	file   *database
	every  int64     // walCheckpointPages; tests have it earlier,
	warn   int64     // and walWarnPages, too.
	log    int64     // Pages in the log when last looked.
	next   int64     // Pages at which the next one is due.
	begun  time.Time // When the log last started again, as far as is known.
	warned time.Time
	failed time.Time // When the last one failed, of the disk; zero when it did not.
}

// after is called after each commit, with the connection that made it, and reports whether the
// log may start again. Its error is one of the disk: a log that cannot be moved because somebody
// reads is none.
func (k *checkpoints) after(c *conn) (moved bool, err error) {
	r, err := checkpoint(c, checkpointNoop)
	if err != nil {
		return false, err
	}
	if r.log < k.log || k.next == 0 {
		k.next, k.begun = k.every, time.Now() // It started again.
	}
	k.log = r.log
	if r.log < k.next && (k.failed.IsZero() || time.Since(k.failed) < walRetry) {
		return false, nil
	}
	if r.log >= walEndPages {
		k.file.reads.end(walReadMax)
	}
	if r.log < walWaitPages {
		r, err = checkpoint(c, checkpointPassive)
	} else {
		r, err = k.restart(c)
	}
	k.next = k.log + k.every
	k.failed = time.Time{}
	if err != nil && !resultIsBusy(err) {
		k.failed = time.Now()
		return false, err
	}
	if k.log >= k.warn && time.Since(k.warned) > time.Minute {
		k.warned = time.Now()
		k.file.log.Warn("a long read by another program keeps the write-ahead log growing",
			"bytes", k.bytes(), "for", time.Since(k.begun).Round(time.Second), "file", k.file.path)
	}
	return err == nil && r.moved == r.log, nil
}

// restart waits for readers, but not long: senders are waiting too.
func (k *checkpoints) restart(c *conn) (r checkpointRow, err error) {
	if err = c.exec("PRAGMA busy_timeout=50"); err != nil {
		return r, err
	}
	r, err = checkpoint(c, checkpointRestart)
	if e := c.exec(busyTimeout); err == nil {
		err = e
	}
	return r, err
}

// bytes is how large the part of the log is that counts.
func (k *checkpoints) bytes() int64 { return k.log * walPageBytes }

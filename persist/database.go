package persist

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// database is one SQLite file: a connection that writes and a pool that reads. Reads may come from
// any goroutine. What writes takes turns by a mutex.
type database struct {
	path        string
	schema      *schema
	log         *slog.Logger
	readers     int
	readTimeout time.Duration
	resync      func(path string) error // Tests have disks of their own; nil means resync.

	read  *sql.DB
	reads reads

	writing struct {
		sync.Mutex
		conn   *conn // Nil in a file that is only read.
		broken bool  // The file is not touched any more.
	}
}

// busyTimeout is how long the writing connection waits for a lock, in milliseconds.
const busyTimeout = "PRAGMA busy_timeout=1000"

// openWriter opens the connection that writes, whose commits sync as synchronous says, and brings
// the tables up to date. The directory's lock is held.
func (d *database) openWriter(synchronous string) error {
	c, err := openConn(d.path, "mode=rwc")
	if err != nil {
		return openFailure(d.path, err)
	}
	d.writing.conn = c
	if _, err = d.schema.versionOf(c, d.path); err != nil {
		return err
	}
	for _, pragma := range writePragmas(synchronous) {
		if err = c.script("PRAGMA " + pragma); err != nil {
			return openFailure(d.path, err)
		}
	}
	if err = d.resyncLog(c); err != nil {
		return openFailure(d.path, err)
	}
	return d.upgrade(c)
}

// writePragmas are set on a connection that writes.
func writePragmas(synchronous string) []string {
	return []string{
		// Waiting for another program's transaction is better than failing at once; longer waits
		// are the writer's own, which can be watched.
		strings.TrimPrefix(busyTimeout, "PRAGMA "),
		// Small pages make a transaction that touches many symbols write less.
		"page_size=4096",
		// One sync a commit, and readers and the writer never wait for each other.
		"journal_mode=WAL",
		"synchronous=" + synchronous,
		// Checkpoints come when the writer says so, not inside somebody's commit.
		"wal_autocheckpoint=0",
		// The log keeps this much after it starts again: overwriting a file is cheaper to sync
		// than growing it.
		fmt.Sprintf("journal_size_limit=%d", walKeepBytes),
		// There are no foreign keys: rows of ticks are not checked one by one.
		"foreign_keys=0",
		// The pages at the end of every symbol's ticks and bars stay in memory.
		"cache_size=-16384",
		// What a statement sets aside for its own undoing needs no file.
		"temp_store=MEMORY",
	}
}

// openReading opens the pool that reads.
func (d *database) openReading() error {
	// A reader waits only while a checkpoint starts the log anew, which is short. query_only says
	// no to writes in SQLite's words; mode=ro already makes them impossible.
	const query = "mode=ro&_pragma=busy_timeout(1000)&_pragma=query_only(1)" +
		"&_pragma=cache_size(-4096)"
	uri, err := fileURI(d.path, query)
	if err != nil {
		return err
	}
	if d.read, err = sql.Open("sqlite", uri); err != nil {
		return openFailure(d.path, err)
	}
	d.read.SetMaxOpenConns(d.readers)
	d.read.SetMaxIdleConns(d.readers)
	return nil
}

// close closes the file. It may be called more than once; nothing else may use it then. After
// storage failed for good it leaves the file open, for the process to end with: closing would move
// pages of the log into the file that may never have reached the disk, while a new start takes only
// those whose checksums are right. A file that was refused stays open too, if it has a log: that
// belongs to whoever looks what can be saved.
func (d *database) close() error {
	var all error
	if d.read != nil {
		all = errors.Join(all, d.read.Close())
		d.read = nil
	}
	d.writing.Lock()
	defer d.writing.Unlock()
	if d.writing.conn != nil && !(d.writing.broken && hasJournal(d.path)) {
		// The last connection to close moves the log into the file and removes it.
		all = errors.Join(all, d.writing.conn.close())
	}
	d.writing.conn = nil
	return all
}

// transact runs f in a transaction of the connection that writes. Only one runs at a time.
func (d *database) transact(f func(c *conn) error) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.transactLocked(f)
}

func (d *database) transactLocked(f func(c *conn) error) error {
	c := d.writing.conn
	switch {
	case c == nil:
		return errors.New("persist: the file is read-only or closed")
	case d.writing.broken:
		return ErrStorageFailed
	}
	return c.transact(func() error { return f(c) })
}

// abandon says that the file must not be touched any more.
func (d *database) abandon() {
	d.writing.Lock()
	defer d.writing.Unlock()
	d.writing.broken = true
}

// Refuse says in plain words why a file cannot be worked with, where err does not yet. A file that
// is damaged, of another program or of a newer version is not touched any more. It is for errors of
// a start, which then does not go on.
func (d *database) Refuse(err error) error {
	if isDamage(resultCode(err)) && !isRefusal(err) {
		err = openFailure(d.path, err)
	}
	if isRefusal(err) {
		d.abandon()
	}
	return err
}

// readConn borrows a connection of the pool for f.
func (d *database) readConn(ctx context.Context, f func(c *conn) error) error {
	pooled, err := d.read.Conn(ctx)
	if err != nil {
		return err
	}
	err = pooled.Raw(func(raw any) error {
		c := borrowConn(raw)
		return errors.Join(f(c), c.closeStatements())
	})
	return errors.Join(err, pooled.Close())
}

// reading runs f with a connection of the pool, under the deadline for reads.
func (d *database) reading(ctx context.Context, f func(ctx context.Context, c *conn) error) error {
	ctx, done := d.reads.begin(ctx, d.readTimeout)
	defer done()
	err := d.readConn(ctx, func(c *conn) error { return f(ctx, c) })
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

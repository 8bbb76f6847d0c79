package persist

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"

	"tradingengine/core"
)

// MarketFile is the name of the file in a data directory.
const MarketFile = "market.db"

// Sync says what a commit survives.
type Sync uint8

// The values of Sync.
const (
	SyncFull   Sync = iota // Each commit is on the disk when it returns: survives a power cut.
	SyncNormal             // The disk follows later: survives a kill, not a power cut.
)

// Options configure a Store. Zero values mean the default given.
type Options struct {
	Dir      string         // The data directory; created when missing. Required.
	Symbols  *core.Registry // Required, but for a read-only store, which then knows none.
	ReadOnly bool           // Only read, also beside a running server: no lock is taken.
	Sync     Sync

	Readers     int           // Connections that read at the same time; default 4.
	ReadTimeout time.Duration // How long one read may last; default 2 s.

	Log      *slog.Logger     // Nil discards.
	Progress func(Progress)   // Told about long work at start; may be nil.
	Now      func() core.Time // The time of day, for statistics only; default core.Now.
}

// Progress tells how far a piece of long work is.
type Progress struct {
	Task        string // In plain words, e.g. "rescaling EURUSD".
	Done, Total int64
}

// Store is the market file of one data directory. Its reads may come from any goroutine. What
// writes takes turns by a mutex; in a running server only the Writer does.
type Store struct {
	opts    Options
	lock    *Lock
	read    *sql.DB
	ids     []int64 // The file's id by core.SymbolID; 0 for a symbol the file does not know.
	sources *core.Sources
	reads   reads

	writing struct {
		sync.Mutex
		conn    *conn // Nil in a read-only store.
		sources int   // Source names that are in the file.
		broken  bool  // The file is not touched any more.
	}
}

// busyTimeout is how long the writing connection waits for a lock, in milliseconds.
const busyTimeout = "PRAGMA busy_timeout=1000"

// syncOnce sets how the driver syncs, which holds for the whole process.
var syncOnce sync.Once

// Open opens the market file of a directory, creating or upgrading it, and brings its symbols in
// line with opts.Symbols. A file that is damaged, foreign or of a newer version is refused with a
// plain error and left as it is.
func Open(opts Options) (*Store, error) {
	if opts.Dir == "" || (opts.Symbols == nil && !opts.ReadOnly) {
		return nil, errors.New("persist: Dir and Symbols are required")
	}
	if opts.Readers == 0 {
		opts.Readers = 4
	}
	if opts.ReadTimeout == 0 {
		opts.ReadTimeout = 2 * time.Second
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Progress == nil {
		opts.Progress = func(Progress) {}
	}
	if opts.Now == nil {
		opts.Now = core.Now
	}
	syncOnce.Do(func() {
		// fdatasync leaves out the file's timestamps, which nobody needs after a crash, and so
		// most of what a commit waits for. Where it does not exist fsync stays.
		_, _ = sqlite.Fdatasync(runtime.GOOS == "linux")
	})
	s := &Store{opts: opts}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open() (err error) {
	if s.opts.ReadOnly {
		if _, err := os.Stat(s.Path()); err != nil {
			return fmt.Errorf("no market file: %w", err)
		}
	} else if err = s.takeDir(); err != nil {
		return err
	}
	if err = inspectHeader(s.Path()); err != nil {
		return err
	}
	if s.opts.ReadOnly {
		if err = s.openReading(); err != nil {
			return err
		}
		return s.knowFile()
	}
	if err = s.openWriting(); err != nil {
		return err
	}
	return s.openReading()
}

// takeDir takes the lock of the directory, and ends a restore that was stopped half way.
func (s *Store) takeDir() (err error) {
	if s.lock, err = LockDir(s.opts.Dir); err != nil {
		return err
	}
	kept, err := finishRestore(s.opts.Dir, time.Now())
	if err == nil && kept != "" {
		s.opts.Log.Info("a restore that was stopped half way is done now", "kept", kept)
	}
	return err
}

// openWriting opens the connection that writes, and brings the file up to date.
func (s *Store) openWriting() error {
	c, err := openConn(s.Path(), "mode=rwc")
	if err != nil {
		return openFailure(s.Path(), err)
	}
	s.writing.conn = c
	if _, err = schemaVersion(c, s.Path()); err != nil {
		return err
	}
	for _, pragma := range s.writePragmas() {
		if err = c.script("PRAGMA " + pragma); err != nil {
			return openFailure(s.Path(), err)
		}
	}
	if err = migrate(c, s.Path()); err != nil {
		return err
	}
	if err = settleForming(c); err != nil {
		return openFailure(s.Path(), err)
	}
	if err = s.loadSources(c); err != nil {
		return err
	}
	return s.adoptSymbols(c)
}

// writePragmas are set on the connection that writes.
func (s *Store) writePragmas() []string {
	synchronous := "FULL" // A commit waits for the disk: that is what an acknowledgement says.
	if s.opts.Sync == SyncNormal {
		synchronous = "NORMAL"
	}
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
func (s *Store) openReading() error {
	// A reader waits only while a checkpoint starts the log anew, which is short. query_only says
	// no to writes in SQLite's words; mode=ro already makes them impossible.
	const query = "mode=ro&_pragma=busy_timeout(1000)&_pragma=query_only(1)" +
		"&_pragma=cache_size(-4096)"
	uri, err := fileURI(s.Path(), query)
	if err != nil {
		return err
	}
	if s.read, err = sql.Open("sqlite", uri); err != nil {
		return openFailure(s.Path(), err)
	}
	s.read.SetMaxOpenConns(s.opts.Readers)
	s.read.SetMaxIdleConns(s.opts.Readers)
	return nil
}

// Close gives the file and the directory free. It may be called more than once; nothing else may
// use the store then. After storage failed for good it leaves the file open, for the process to end
// with: closing would move pages of the log into the file that may never have reached the disk,
// while a new start takes only those whose checksums are right.
func (s *Store) Close() error {
	var all error
	if s.read != nil {
		all = errors.Join(all, s.read.Close())
		s.read = nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.writing.conn != nil && !s.writing.broken {
		// The last connection to close moves the log into the file and removes it.
		all = errors.Join(all, s.writing.conn.close())
	}
	s.writing.conn = nil
	if s.lock != nil {
		all = errors.Join(all, s.lock.Release())
		s.lock = nil
	}
	return all
}

// Dir returns the data directory.
func (s *Store) Dir() string { return s.opts.Dir }

// Path returns the path of the market file.
func (s *Store) Path() string { return filepath.Join(s.opts.Dir, MarketFile) }

// Sources returns the table of source names, as the file has them and as they are added in this
// run. The engine is made with it, so that ids mean the same in memory and in the file.
func (s *Store) Sources() *core.Sources { return s.sources }

// transact runs f in a transaction of the connection that writes. Only one runs at a time.
func (s *Store) transact(f func(c *conn) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.transactLocked(f)
}

// abandon says that the file must not be touched any more.
func (s *Store) abandon() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.writing.broken = true
}

func (s *Store) transactLocked(f func(c *conn) error) error {
	c := s.writing.conn
	switch {
	case c == nil:
		return errors.New("persist: the store is read-only or closed")
	case s.writing.broken:
		return ErrStorageFailed
	}
	return c.transact(func() error { return f(c) })
}

// readConn borrows a connection of the pool for f.
func (s *Store) readConn(ctx context.Context, f func(c *conn) error) error {
	pooled, err := s.read.Conn(ctx)
	if err != nil {
		return err
	}
	err = pooled.Raw(func(d any) error {
		c := borrowConn(d)
		return errors.Join(f(c), c.closeStatements())
	})
	return errors.Join(err, pooled.Close())
}

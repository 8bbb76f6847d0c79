package persist

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
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

	resync func(path string) error // Tests have disks of their own; nil means resync.
	schema *schema                 // Tests have versions of their own; nil means marketSchema.
}

// Progress tells how far a piece of long work is.
type Progress struct {
	Task        string // In plain words, e.g. "rescaling EURUSD".
	Done, Total int64
}

// Store is the market file of one data directory. Its reads may come from any goroutine. What
// writes takes turns by a mutex; in a running server only the Writer does.
type Store struct {
	database
	opts    Options
	lock    *Lock
	ids     []int64 // The file's id by core.SymbolID; 0 for a symbol the file does not know.
	sources *core.Sources
	written int // Source names that are in the file; changed by who holds writing.
}

// syncOnce sets how the driver syncs, which holds for the whole process.
var syncOnce sync.Once

// Open opens the market file of a directory, creating or upgrading it, and brings its symbols in
// line with opts.Symbols. A file that is damaged, foreign or of a newer version is refused with a
// plain error and left as it is.
func Open(opts Options) (*Store, error) {
	if opts.Dir == "" || (opts.Symbols == nil && !opts.ReadOnly) {
		return nil, errors.New("persist: Dir and Symbols are required")
	}
	opts.setDefaults()
	syncOnce.Do(func() {
		// fdatasync leaves out the file's timestamps, which nobody needs after a crash, and so
		// most of what a commit waits for. Where it does not exist fsync stays.
		_, _ = sqlite.Fdatasync(runtime.GOOS == "linux")
	})
	s := &Store{opts: opts, database: database{
		path: filepath.Join(opts.Dir, MarketFile), schema: opts.schema, log: opts.Log,
		readers: opts.Readers, readTimeout: opts.ReadTimeout, resync: opts.resync,
	}}
	if err := s.open(); err != nil {
		return nil, errors.Join(s.Refuse(err), s.Close())
	}
	return s, nil
}

// setDefaults fills in what was not given.
func (opts *Options) setDefaults() {
	if opts.schema == nil {
		opts.schema = &marketSchema
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
}

func (s *Store) open() (err error) {
	if s.opts.ReadOnly {
		if _, err := os.Stat(s.Path()); err != nil {
			return fmt.Errorf("no market file: %w", err)
		}
	} else if err = s.takeDir(); err != nil {
		return err
	}
	if err = s.schema.inspect(s.path); err != nil {
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
	synchronous := "FULL" // A commit waits for the disk: that is what an acknowledgement says.
	if s.opts.Sync == SyncNormal {
		synchronous = "NORMAL"
	}
	if err := s.openWriter(synchronous); err != nil {
		return err
	}
	c := s.writing.conn
	if err := s.loadSources(c); err != nil {
		return err
	}
	return s.adoptSymbols(c)
}

// Close gives the file and the directory free. It may be called more than once; nothing else may
// use the store then. A file that is not touched any more is left open, as database.close says.
func (s *Store) Close() error {
	all := s.close()
	if s.lock != nil {
		all = errors.Join(all, s.lock.Release())
		s.lock = nil
	}
	return all
}

// Dir returns the data directory.
func (s *Store) Dir() string { return s.opts.Dir }

// Path returns the path of the market file.
func (s *Store) Path() string { return s.path }

// Sources returns the table of source names, as the file has them and as they are added in this
// run. The engine is made with it, so that ids mean the same in memory and in the file.
func (s *Store) Sources() *core.Sources { return s.sources }

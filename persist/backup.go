package persist

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
)

// ErrTarget is returned for a backup to a place where something is.
var ErrTarget = errors.New("there is something at the target of the backup")

// BackupOptions say what to copy where. Dir and Target are required.
type BackupOptions struct {
	Dir      string         // The data directory; a server may run on it.
	Target   string         // The folder to make. It must not exist yet, or be empty.
	Progress func(Progress) // May be nil.
}

// BackupResult is what was copied.
type BackupResult struct {
	Files []string
	Bytes int64
	Took  time.Duration
}

// partial is what a folder is called while it is not whole.
const partial = ".partial"

// Backup copies the files of a data directory, each as of one commit, also beside a running server,
// which is not waited for and does not wait. The folder gets its name when all of it is on the
// disk. A backup that fails or is ended leaves nothing.
func Backup(ctx context.Context, opts BackupOptions) (r BackupResult, err error) {
	start := time.Now()
	target := filepath.Clean(opts.Target)
	if err := checkTarget(target); err != nil {
		return r, err
	}
	if _, err := os.Stat(filepath.Join(opts.Dir, MarketFile)); err != nil {
		return r, fmt.Errorf("no market file: %w", err)
	}
	made := target + partial
	if err := removeFiles(made); err != nil {
		return r, err
	}
	if err := os.MkdirAll(made, 0o750); err != nil {
		return r, fmt.Errorf("cannot create the folder of the backup: %w", err)
	}
	if r, err = copyDataFiles(ctx, opts.Dir, made, openRead, opts.Progress); err == nil {
		err = takeName(made, target)
	}
	if err != nil {
		return BackupResult{}, errors.Join(err, removeFiles(made))
	}
	r.Took = time.Since(start)
	return r, nil
}

// checkTarget refuses a place where something is.
func checkTarget(target string) error {
	entries, err := os.ReadDir(target)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("%w: %w", ErrTarget, err)
	case len(entries) > 0:
		return fmt.Errorf("%w: %s is not empty", ErrTarget, target)
	}
	return nil
}

// takeName gives a whole folder its name, over an empty one.
func takeName(made, target string) error {
	if err := os.Remove(target); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrTarget, err)
	}
	if err := os.Rename(made, target); err != nil {
		return fmt.Errorf("cannot name the backup: %w", err)
	}
	return syncPath(filepath.Dir(target))
}

// copyDataFiles copies what data files there are, and waits until they are on the disk.
func copyDataFiles(
	ctx context.Context, from, to string, open func(string) (*conn, error), progress func(Progress),
) (r BackupResult, err error) {
	for _, file := range dataFiles {
		source := filepath.Join(from, file.name)
		if there, err := exists(source); err != nil {
			return r, err
		} else if !there {
			continue
		}
		c, err := open(source)
		if err != nil {
			return r, err
		}
		n, err := copyDatabase(ctx, c, filepath.Join(to, file.name), progress)
		if err = errors.Join(err, c.close()); err != nil {
			return r, fmt.Errorf("cannot copy %s: %w", source, err)
		}
		r.Files = append(r.Files, file.name)
		r.Bytes += n
	}
	return r, syncPath(to)
}

// copyRun is how many pages are copied between two looks at the context, 4 MB.
const copyRun = 1024

// copyDatabase copies one file as of one commit. The read transaction around the copying keeps it
// at that commit: without it, SQLite starts again whenever somebody commits. While it lasts the
// write-ahead log of the source grows by what is written, so the copying does not dawdle.
func copyDatabase(
	ctx context.Context, c *conn, to string, progress func(Progress),
) (bytes int64, err error) {
	if err := c.script("BEGIN"); err != nil {
		return 0, err
	}
	if _, err := c.int("SELECT count(*) FROM sqlite_schema"); err != nil {
		return 0, err
	}
	// The copy is synced once, when it is whole.
	uri, err := fileURI(to, "mode=rwc&_pragma=synchronous(0)&_pragma=journal_mode(off)")
	if err != nil {
		return 0, err
	}
	backup, err := c.driver.(interface {
		NewBackup(uri string) (*sqlite.Backup, error)
	}).NewBackup(uri)
	if err != nil {
		return 0, err
	}
	err = copyPages(ctx, backup, filepath.Base(to), progress)
	pages := backup.PageCount()
	if err = errors.Join(err, backup.Finish()); err != nil {
		return 0, err
	}
	if err := c.script("COMMIT"); err != nil {
		return 0, err
	}
	size, err := c.int("PRAGMA page_size")
	return size * int64(pages), errors.Join(err, syncPath(to))
}

func copyPages(
	ctx context.Context, b *sqlite.Backup, name string, progress func(Progress),
) error {
	for {
		more, err := b.Step(copyRun)
		if err == nil && more {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if progress != nil {
			total := int64(b.PageCount())
			progress(Progress{"copying " + name, total - int64(b.Remaining()), total})
		}
		if !more {
			return nil
		}
	}
}

// openRead opens a file for reading only, also beside a server.
func openRead(path string) (*conn, error) {
	return openAs(path, "mode=ro"+readPragmas)
}

// openAtRest opens a file that nobody writes, for reading only. One that no log lies beside is not
// even locked, so that it may lie where nothing can be written.
func openAtRest(path string) (*conn, error) {
	log, err := os.Stat(path + "-wal")
	if errors.Is(err, os.ErrNotExist) || err == nil && log.Size() == 0 {
		return openAs(path, "mode=ro&immutable=1"+readPragmas)
	}
	if err != nil {
		return nil, err
	}
	return openRead(path)
}

const readPragmas = "&_pragma=busy_timeout(5000)&_pragma=query_only(1)&_pragma=cache_size(-16384)"

func openAs(path, query string) (*conn, error) {
	c, err := openConn(path, query)
	if err != nil {
		return nil, openFailure(path, err)
	}
	return c, nil
}

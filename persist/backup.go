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
	if _, err := os.Stat(filepath.Join(opts.Dir, MarketFile)); err != nil {
		return r, fmt.Errorf("no market file: %w", err)
	}
	c := copier{open: openRead, progress: opts.Progress}
	if c.gentle, err = inUse(opts.Dir); err != nil {
		return r, err
	}
	if r, err = c.folder(ctx, opts.Dir, opts.Target); err != nil {
		return BackupResult{}, err
	}
	r.Took = time.Since(start)
	return r, nil
}

// folder copies a directory to a folder that has its name only when it is whole.
func (k *copier) folder(ctx context.Context, dir, target string) (r BackupResult, err error) {
	target = filepath.Clean(target)
	if err := checkTarget(target); err != nil {
		return r, err
	}
	made := target + partial
	if err := removeFiles(made); err != nil {
		return r, err
	}
	if err := makeDir(made, syncPath); err != nil {
		return r, fmt.Errorf("cannot create the folder of the backup: %w", err)
	}
	if r, err = k.files(ctx, dir, made); err == nil {
		err = takeName(made, target)
	}
	if err != nil {
		return r, errors.Join(err, removeFiles(made))
	}
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

// inUse reports whether somebody holds a directory.
func inUse(dir string) (bool, error) {
	lock, err := LockDir(dir)
	if errors.Is(err, ErrInUse) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, lock.Release()
}

// copier copies the files of a directory.
type copier struct {
	open     func(path string) (*conn, error)
	progress func(Progress) // May be nil.
	// gentle leaves a server half of the time, and the disk all of it now and then: after each run
	// of pages it waits as long as they took.
	gentle bool
}

// files copies what data files there are, and waits until they are on the disk.
func (k *copier) files(ctx context.Context, from, to string) (r BackupResult, err error) {
	for _, file := range dataFiles {
		source := filepath.Join(from, file.name)
		if there, err := exists(source); err != nil {
			return r, err
		} else if !there {
			continue
		}
		c, err := k.open(source)
		if err != nil {
			return r, err
		}
		n, err := k.database(ctx, c, filepath.Join(to, file.name))
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

// database copies one file as of one commit. The read transaction around the copying keeps it at
// that commit: without it, SQLite starts again whenever somebody commits. While it lasts the
// write-ahead log of the source grows by what is written.
func (k *copier) database(ctx context.Context, c *conn, to string) (bytes int64, err error) {
	if err := c.script("BEGIN"); err != nil {
		return 0, err
	}
	if _, err := c.int("SELECT count(*) FROM sqlite_schema"); err != nil {
		return 0, err
	}
	// SQLite need not sync the copy, nor be able to undo anything in it: it is synced here.
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
	err = k.pages(ctx, backup, to)
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

func (k *copier) pages(ctx context.Context, b *sqlite.Backup, to string) error {
	for more := true; more; {
		start := time.Now()
		var err error
		if more, err = b.Step(copyRun); err != nil {
			return err
		}
		if k.progress != nil {
			total := int64(b.PageCount())
			k.progress(Progress{
				"copying " + filepath.Base(to), total - int64(b.Remaining()), total,
			})
		}
		if !more || !k.gentle {
			if err := ctx.Err(); more && err != nil {
				return err
			}
			continue
		}
		// Syncing little and often keeps the commits of the server from waiting for all of it.
		if err := syncPath(to); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Since(start)):
		}
	}
	return nil
}

// openRead opens a file for reading only, also beside a server.
func openRead(path string) (*conn, error) {
	return openAs(path, "mode=ro"+readPragmas)
}

// openAtRest opens a file that nobody writes, for reading only.
func openAtRest(path string) (*conn, error) {
	mode, err := modeAtRest(path)
	if err != nil {
		return nil, err
	}
	return openAs(path, mode+readPragmas)
}

// modeAtRest is how a file is opened that nobody writes. One that no log lies beside is not even
// locked, so that it may lie where nothing can be written.
func modeAtRest(path string) (string, error) {
	log, err := os.Stat(path + "-wal")
	if errors.Is(err, os.ErrNotExist) || err == nil && log.Size() == 0 {
		return "mode=ro&immutable=1", nil
	}
	return "mode=ro", err
}

const readPragmas = "&_pragma=busy_timeout(5000)&_pragma=query_only(1)&_pragma=cache_size(-16384)"

func openAs(path, query string) (*conn, error) {
	c, err := openConn(path, query)
	if err != nil {
		return nil, openFailure(path, err)
	}
	return c, nil
}

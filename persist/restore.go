package persist

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ErrRestore is returned for a backup that cannot be put in place of a data directory.
var ErrRestore = errors.New("the backup was not restored")

// RestoreOptions say what to put where. Source and Dir are required.
type RestoreOptions struct {
	Source   string         // The folder of a backup.
	Dir      string         // The data directory; no server may use it. Created when missing.
	Progress func(Progress) // May be nil.
	Now      func() time.Time
}

// RestoreResult is what was put in place.
type RestoreResult struct {
	Files []string
	Bytes int64
	Kept  string // The folder with the files that were there before; empty when there were none.
}

// A restore goes through three folders inside the data directory, so that it can be stopped
// anywhere. Until the second has its name nothing has changed; from then on whoever opens the
// directory next brings it to its end.
const (
	restoreCopies = "restore-copies" // The copies are being made. Worth nothing.
	restoreClears = "restore-clears" // Copies that are whole. What was there moves away, below kept.
	restorePlaces = "restore-places" // The copies move in.
	restoreKept   = "before"         // In the folder of the restore: what was there.
)

// Restore verifies a backup and puts it in place of all files of a data directory. What was there
// is moved to a folder of its own, which is not removed.
func Restore(ctx context.Context, opts RestoreOptions) (r RestoreResult, err error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	lock, err := LockDir(opts.Dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	if _, err := finishRestore(opts.Dir, opts.Now()); err != nil {
		return r, err
	}
	if err := checkSource(ctx, &opts); err != nil {
		return r, err
	}
	copies := filepath.Join(opts.Dir, restoreCopies)
	if err := removeFiles(copies); err != nil {
		return r, err
	}
	if err := os.Mkdir(copies, 0o750); err != nil {
		return r, fmt.Errorf("%w: %w", ErrRestore, err)
	}
	c := copier{open: openAtRest, progress: opts.Progress}
	copied, err := c.files(ctx, opts.Source, copies)
	if err == nil {
		err = rename(copies, filepath.Join(opts.Dir, restoreClears))
	}
	if err != nil {
		return r, errors.Join(fmt.Errorf("%w: %w", ErrRestore, err), removeFiles(copies))
	}
	r.Files, r.Bytes = copied.Files, copied.Bytes
	r.Kept, err = finishRestore(opts.Dir, opts.Now())
	return r, err
}

// checkSource refuses a backup that does not hold together.
func checkSource(ctx context.Context, opts *RestoreOptions) error {
	from, err1 := os.Stat(opts.Source)
	to, err2 := os.Stat(opts.Dir)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("%w: %w", ErrRestore, err)
	}
	if os.SameFile(from, to) {
		return fmt.Errorf("%w: %s is the data directory itself", ErrRestore, opts.Source)
	}
	// The source may be a directory that a server uses, instead of a backup of it.
	if there, err := exists(filepath.Join(opts.Source, lockFile)); err != nil {
		return err
	} else if there {
		lock, err := LockDir(opts.Source)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrRestore, err)
		}
		if err := lock.Release(); err != nil {
			return err
		}
	}
	if err := marketSchema.inspect(filepath.Join(opts.Source, MarketFile)); err != nil {
		return fmt.Errorf("%w: %w", ErrRestore, err)
	}
	found, err := verifyDir(ctx, opts.Source, opts.Progress)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrRestore, err)
	case found.Wrong > 0:
		return fmt.Errorf("%w: %s has %d faults, the first: %s", ErrRestore, opts.Source, found.Wrong,
			found.Faults[0])
	}
	return nil
}

// rename moves something, and waits until the disk knows.
func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	if err := syncPath(filepath.Dir(to)); err != nil {
		return err
	}
	if filepath.Dir(from) != filepath.Dir(to) {
		return syncPath(filepath.Dir(from))
	}
	return nil
}

// finishRestore brings a restore whose copies are whole to its end, from wherever it was stopped.
// It returns the folder with what was there before, or "". Whoever calls it holds the lock.
func finishRestore(dir string, now time.Time) (kept string, err error) {
	clears, places := filepath.Join(dir, restoreClears), filepath.Join(dir, restorePlaces)
	there, err := exists(clears)
	if err == nil && there {
		if err = clearAway(dir, clears); err == nil {
			err = rename(clears, places)
		}
	}
	if err != nil {
		return "", fmt.Errorf("cannot move the files that are to be replaced: %w", err)
	}
	if there, err = exists(places); err != nil || !there {
		return "", err
	}
	for _, file := range dataFiles {
		if err := moveIfThere(places, dir, file.name); err != nil {
			return "", fmt.Errorf("cannot put the restored files in place: %w", err)
		}
	}
	kept = filepath.Join(dir, "before-restore-"+now.UTC().Format(folderTime))
	if there, err = exists(filepath.Join(places, restoreKept)); err != nil {
		return "", err
	} else if !there {
		return "", os.Remove(places)
	}
	if err := rename(filepath.Join(places, restoreKept), kept); err != nil {
		return "", err
	}
	return kept, os.Remove(places)
}

// clearAway moves the data files of a directory, and what SQLite keeps beside them, into the folder
// of the restore.
func clearAway(dir, clears string) error {
	before := filepath.Join(clears, restoreKept)
	for _, file := range dataFiles {
		for _, suffix := range append([]string{""}, companions...) {
			there, err := exists(filepath.Join(dir, file.name+suffix))
			if err != nil {
				return err
			}
			if !there {
				continue
			}
			if err := os.MkdirAll(before, 0o750); err != nil {
				return err
			}
			if err := rename(filepath.Join(dir, file.name+suffix),
				filepath.Join(before, file.name+suffix)); err != nil {
				return err
			}
		}
	}
	return nil
}

func moveIfThere(from, to, name string) error {
	there, err := exists(filepath.Join(from, name))
	if err != nil || !there {
		return err
	}
	return rename(filepath.Join(from, name), filepath.Join(to, name))
}

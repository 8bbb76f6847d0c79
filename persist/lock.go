package persist

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"
)

// ErrInUse is returned for a data directory that another instance works on.
var ErrInUse = errors.New("the data directory is in use")

// lockFile is locked, not read: its content means nothing, and it stays when the lock is gone.
const lockFile = "engine.lock"

// Lock is held on a data directory by whoever may change its files. The operating system drops it
// with the process, however that ends.
type Lock struct{ file *flock.Flock }

// LockDir takes the lock of a data directory, which is created when it is missing. It does not
// wait: a directory that another instance holds is ErrInUse.
func LockDir(dir string) (*Lock, error) {
	if err := makeDir(dir, syncPath); err != nil {
		return nil, fmt.Errorf("cannot create the data directory: %w", err)
	}
	l := &Lock{file: flock.New(filepath.Join(dir, lockFile))}
	taken, err := l.file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("cannot lock the data directory %s: %w", dir, err)
	}
	if !taken {
		return nil, fmt.Errorf("%w: another engine holds %s; stop it or choose another with -data",
			ErrInUse, dir)
	}
	return l, nil
}

// Release gives the directory free. It may be called more than once.
func (l *Lock) Release() error {
	if err := l.file.Unlock(); err != nil {
		return fmt.Errorf("cannot unlock the data directory: %w", err)
	}
	return nil
}

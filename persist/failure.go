package persist

import (
	"errors"
	"fmt"

	sqlite3 "modernc.org/sqlite/lib"

	"tradingengine/core/trading"
)

// ErrStorageFailed is what senders get when the file can no longer be trusted: after an fsync
// failed the operating system may have dropped what was to be written, so that trying again would
// report a success that is none.
var ErrStorageFailed = errors.New("storage failed for good")

// resultCode returns SQLite's extended result code of an error, or 0.
func resultCode(err error) int {
	var e interface{ Code() int } // *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// isFinal reports whether err means that nothing may be committed to the file any more. All else
// (a full disk, a lock held by another program, a failed write) may pass, and is tried again.
func isFinal(err error) bool {
	switch code := resultCode(err); code {
	case sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC:
		return true
	default:
		return isDamage(code)
	}
}

// plainReason says what an operator has to know of an error of the disk.
func plainReason(err error) string {
	switch code := resultCode(err); {
	case code&0xff == sqlite3.SQLITE_FULL:
		return "the disk is full"
	case isFinal(err) && !isDamage(code):
		return "the disk did not confirm a sync: " + err.Error()
	}
	return err.Error()
}

// resultIsBusy reports whether somebody else's lock was in the way.
func resultIsBusy(err error) bool { return resultCode(err)&0xff == sqlite3.SQLITE_BUSY }

func isDamage(code int) bool {
	primary := code & 0xff
	return primary == sqlite3.SQLITE_CORRUPT || primary == sqlite3.SQLITE_NOTADB
}

// isRefusal reports whether err says that a file is to be left as it is.
func isRefusal(err error) bool {
	return errors.Is(err, ErrDamaged) || errors.Is(err, ErrForeignFile) ||
		errors.Is(err, ErrNewerSchema) || errors.Is(err, trading.ErrJournal)
}

// openFailure says in plain words what SQLite thinks of a file.
func openFailure(path string, err error) error {
	switch code := resultCode(err); {
	case code&0xff == sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %s: %w", ErrForeignFile, path, err)
	case isDamage(code):
		return fmt.Errorf("%w: %s: %w; restore a backup", ErrDamaged, path, err)
	}
	return fmt.Errorf("cannot open %s: %w", path, err)
}

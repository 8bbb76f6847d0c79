package persist

import (
	"context"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"time"
)

// VerifyOptions say what to look at.
type VerifyOptions struct {
	Dir      string         // A data directory that no server uses, or a backup.
	Progress func(Progress) // May be nil.
}

// VerifyResult is what was looked at, and what is wrong with it.
type VerifyResult struct {
	Files       []string
	Symbols     int64
	Ticks, Bars int64
	Events      int64 // Of the journal.
	Took        time.Duration

	Wrong  int64    // Findings; 0 for files that hold together.
	Faults []string // The first of them, in plain words.
}

// faultsKept is how many findings are told.
const faultsKept = 20

// verifier gathers what is found in the files, one after another.
type verifier struct {
	*VerifyResult
	conn     *conn
	file     string
	path     string
	progress func(Progress)
	symbols  []StoredSymbol // Of the file of the market, once it was looked at.
}

// fault notes a finding.
func (v *verifier) fault(format string, args ...any) {
	v.Wrong++
	if len(v.Faults) < faultsKept {
		v.Faults = append(v.Faults, v.file+": "+fmt.Sprintf(format, args...))
	}
}

// Verify reads all of a data directory and looks for what cannot be right: what SQLite finds in its
// own structures, ticks and bars that contradict each other, bars that are not what their minutes
// give, events that do not follow from each other, lists that are not what the events give. Faults
// are a result; an error means that the looking itself failed. The directory is locked meanwhile.
func Verify(ctx context.Context, opts VerifyOptions) (r VerifyResult, err error) {
	lock, err := LockDir(opts.Dir)
	if err != nil {
		return r, err
	}
	r, err = verifyDir(ctx, opts.Dir, opts.Progress)
	if e := lock.Release(); err == nil {
		err = e
	}
	return r, err
}

// verifyDir is Verify of a directory that nobody writes to.
func verifyDir(
	ctx context.Context, dir string, progress func(Progress),
) (r VerifyResult, err error) {
	if progress == nil {
		progress = func(Progress) {}
	}
	start := time.Now()
	v := &verifier{VerifyResult: &r, progress: progress}
	for _, file := range dataFiles {
		path := filepath.Join(dir, file.name)
		there, err := exists(path)
		if err != nil {
			return r, err
		}
		if !there && file.name == MarketFile {
			return r, fmt.Errorf("there is no %s in %s", MarketFile, dir)
		}
		if !there {
			continue
		}
		r.Files = append(r.Files, file.name)
		v.file, v.path = file.name, path
		if err := v.run(ctx, file.verify); err != nil {
			return r, err
		}
	}
	r.Took = time.Since(start)
	return r, nil
}

// run verifies one file. When its structures are damaged nothing else is looked at.
func (v *verifier) run(
	ctx context.Context, deeper func(context.Context, *verifier) error,
) (err error) {
	if v.conn, err = openAtRest(v.path); err != nil {
		return err
	}
	v.progress(Progress{"checking the structure of " + v.file, 0, 1})
	before := v.Wrong
	err = v.conn.query(ctx, fmt.Sprintf("PRAGMA integrity_check(%d)", faultsKept),
		func(row []driver.Value) error {
			if text := fmt.Sprint(row[0]); text != "ok" {
				v.fault("%s", text)
			}
			return nil
		})
	if isDamage(resultCode(err)) {
		v.fault("%v", err)
		err = nil
	}
	if err == nil && v.Wrong == before {
		err = deeper(ctx, v)
	}
	if e := v.conn.close(); err == nil {
		err = e
	}
	return err
}

package persist

import (
	"embed"
	"errors"
	"fmt"
	"os"
)

// Errors of a file that cannot be used. It is left as it was.
var (
	ErrForeignFile = errors.New("not a market file")
	ErrDamaged     = errors.New("the market file is damaged")
	ErrNewerSchema = errors.New("the market file is of a newer version")
	ErrOlderSchema = errors.New("the market file is of an older version")
)

// applicationID stands in the header of every market file ("TEMD"), so that no other SQLite file
// is taken for one.
const applicationID = 0x54454D44

// A schema version is major·1000 + minor, kept as the file's user_version. A minor step only adds
// what an older program may ignore; a major one does not.
const minorVersions = 1000

// migrations lead from one version to the next, each in one transaction.
var migrations = []struct {
	version int64
	file    string
}{
	{1_000, "migrations/001_market.sql"},
}

//go:embed migrations/*.sql
var migrationFiles embed.FS

func latestVersion() int64 { return migrations[len(migrations)-1].version }

// inspectHeader looks at the first bytes of a file before SQLite does, because opening a file is
// already enough to change some. A missing or empty file is fresh.
func inspectHeader(path string) error {
	const size = 100
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot open the market file: %w", err)
	}
	var header [size]byte
	n, err := f.Read(header[:])
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if n == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the market file: %w", err)
	}
	if n < size || string(header[:16]) != "SQLite format 3\x00" {
		return fmt.Errorf("%w: %s is not an SQLite file", ErrForeignFile, path)
	}
	word := func(at int) int64 {
		return int64(header[at])<<24 | int64(header[at+1])<<16 | int64(header[at+2])<<8 |
			int64(header[at+3])
	}
	const versionAt, applicationAt = 60, 68
	return checkVersion(path, word(applicationAt), word(versionAt))
}

// checkVersion refuses files of other programs and of newer ones. An application id of 0 is left
// to the check of the open file: a new file has it until its first transaction is in place.
func checkVersion(path string, application, version int64) error {
	if application != 0 && application != applicationID {
		return fmt.Errorf("%w: %s belongs to another program", ErrForeignFile, path)
	}
	if version/minorVersions > latestVersion()/minorVersions {
		return fmt.Errorf("%w: %s has schema %d.%d, this program knows up to %d.%d; "+
			"use the newer program or restore a backup", ErrNewerSchema, path,
			version/minorVersions, version%minorVersions,
			latestVersion()/minorVersions, latestVersion()%minorVersions)
	}
	return nil
}

// schemaVersion reads and checks the version of an open file; 0 is a fresh one. It is the first
// thing that is read, so a file that is cut short shows here.
func schemaVersion(c *conn, path string) (int64, error) {
	tables, err := c.int("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return 0, openFailure(path, err)
	}
	application, err := c.int("PRAGMA application_id")
	if err != nil {
		return 0, openFailure(path, err)
	}
	version, err := c.int("PRAGMA user_version")
	if err != nil {
		return 0, openFailure(path, err)
	}
	if application == 0 && tables > 0 {
		return 0, fmt.Errorf("%w: %s belongs to another program", ErrForeignFile, path)
	}
	return version, checkVersion(path, application, version)
}

// migrate brings an open file to the latest version.
func migrate(c *conn, path string) error {
	version, err := schemaVersion(c, path)
	if err != nil {
		return err
	}
	for _, m := range migrations {
		if m.version <= version {
			continue
		}
		text, err := migrationFiles.ReadFile(m.file)
		if err != nil {
			return fmt.Errorf("cannot read a migration: %w", err)
		}
		err = c.transact(func() error {
			return c.script(fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d;\n%s",
				applicationID, m.version, text))
		})
		if err != nil {
			return fmt.Errorf("cannot bring %s to version %d.%d: %w", path,
				m.version/minorVersions, m.version%minorVersions, err)
		}
	}
	return nil
}

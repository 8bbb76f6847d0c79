package persist

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	sqlite3 "modernc.org/sqlite/lib"
)

// Errors of a file that cannot be used. It is left as it was.
var (
	ErrForeignFile = errors.New("not a file of the engine")
	ErrDamaged     = errors.New("the file is damaged")
	ErrNewerSchema = errors.New("the file is of a newer version")
	ErrOlderSchema = errors.New("the file is of an older version")
)

// schema is what a kind of file is made of.
type schema struct {
	// application stands in the header of every such file, so that no other is taken for one.
	application int64
	migrations  []migration // At least one.
	files       fs.FS       // Where they are; nil for those of this program.
}

// migration leads to a version from the one before, in one transaction.
type migration struct {
	version int64
	file    string
}

// A schema version is major·1000 + minor, kept as the file's user_version. A minor step only adds
// what an older program may ignore; a major one does not.
const minorVersions = 1000

var (
	marketSchema = schema{
		application: 0x54454D44, // TEMD
		migrations:  []migration{{1_000, "migrations/001_market.sql"}},
	}
	tradingSchema = schema{
		application: 0x54455452, // TETR
		migrations: []migration{
			{1_000, "migrations/trading_001.sql"},
			{1_001, "migrations/trading_002_alerts.sql"},
			{1_002, "migrations/trading_003_webhooks.sql"},
			{keysVersion, "migrations/trading_004_keys.sql"},
		},
	}
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

func (x *schema) latest() int64 { return x.migrations[len(x.migrations)-1].version }

func (x *schema) read(file string) ([]byte, error) {
	if x.files == nil {
		return migrationFiles.ReadFile(file)
	}
	return fs.ReadFile(x.files, file)
}

// inspect looks at the first bytes of a file before SQLite does, because opening a file is
// already enough to change some. A missing or empty file is fresh.
func (x *schema) inspect(path string) error {
	const size = 100
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot open a file: %w", err)
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
		return fmt.Errorf("cannot read a file: %w", err)
	}
	if n < size || string(header[:16]) != "SQLite format 3\x00" {
		if hasJournal(path) {
			return x.look(path)
		}
		return fmt.Errorf("%w: %s is not an SQLite file", ErrForeignFile, path)
	}
	word := func(at int) int64 {
		return int64(header[at])<<24 | int64(header[at+1])<<16 | int64(header[at+2])<<8 |
			int64(header[at+3])
	}
	const versionAt, applicationAt = 60, 68
	err = x.check(path, word(applicationAt), word(versionAt))
	if err == nil && word(applicationAt) == 0 {
		return x.look(path)
	}
	return err
}

// look asks SQLite whose a file is whose first page does not say so, by a connection that only
// reads: one that writes would move the log of another program into its file when it closes.
func (x *schema) look(path string) error {
	c, err := openConn(path, "mode=ro")
	if err != nil {
		return openFailure(path, err)
	}
	_, err = x.versionOf(c, path)
	if resultCode(err)&0xff == sqlite3.SQLITE_READONLY {
		err = nil // A journal has to be played back first, which only a writer can.
	}
	return errors.Join(err, c.close())
}

// hasJournal reports whether a journal or log of SQLite lies beside a file. A power cut may leave
// the first page torn, and then they hold a whole one.
func hasJournal(path string) bool {
	for suffix, magic := range map[string]string{
		"-journal": "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", "-wal": "\x37\x7f\x06",
	} {
		f, err := os.Open(path + suffix)
		if err != nil {
			continue
		}
		start := make([]byte, len(magic))
		_, err = io.ReadFull(f, start)
		if err = errors.Join(err, f.Close()); err == nil && string(start) == magic {
			return true
		}
	}
	return false
}

// check refuses files of other programs and of newer ones. An application id of 0 is left
// to the check of the open file: a new file has it until its first transaction is in place.
func (x *schema) check(path string, application, version int64) error {
	if application != 0 && application != x.application {
		return fmt.Errorf("%w: %s belongs to another program", ErrForeignFile, path)
	}
	if version/minorVersions > x.latest()/minorVersions {
		return fmt.Errorf("%w: %s has schema %d.%d, this program knows up to %d.%d; "+
			"use the newer program or restore a backup", ErrNewerSchema, path,
			version/minorVersions, version%minorVersions,
			x.latest()/minorVersions, x.latest()%minorVersions)
	}
	return nil
}

// versionOf reads and checks the version of an open file; 0 is a fresh one. It is the first
// thing that is read, so a file that is cut short shows here.
func (x *schema) versionOf(c *conn, path string) (int64, error) {
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
	return version, x.check(path, application, version)
}

// migrate brings an open file to the latest version.
func (x *schema) migrate(c *conn, path string) error {
	version, err := x.versionOf(c, path)
	if err != nil {
		return err
	}
	for _, m := range x.migrations {
		if m.version <= version {
			continue
		}
		text, err := x.read(m.file)
		if err != nil {
			return fmt.Errorf("cannot read a migration: %w", err)
		}
		err = c.transact(func() error {
			return c.script(fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d;\n%s",
				x.application, m.version, text))
		})
		if err != nil {
			return fmt.Errorf("cannot bring %s to version %d.%d: %w", path,
				m.version/minorVersions, m.version%minorVersions, err)
		}
	}
	return nil
}

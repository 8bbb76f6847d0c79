package persist

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// keysVersion is the schema that brought access keys to trading.db.
const keysVersion = 1_003

// accessKeysMax is how many keys may be valid at once.
const accessKeysMax = 10_000

// Errors of a change of keys, which then changed nothing.
var (
	ErrUnknownKey  = errors.New("there is no such key")
	ErrTooManyKeys = fmt.Errorf("there are %d keys, which is the most there may be", accessKeysMax)
)

// AccessKey is what is kept of a key by which somebody is let in: not the key itself.
type AccessKey struct {
	ID       int64    // Given by KeyFile.Add; never used twice.
	Hash     [32]byte // SHA-256 of the key.
	Role     string
	Accounts []trading.AccountID
	Name     string
	Created  core.Time
	Revoked  core.Time // 0 while the key is valid.
}

// AccessKeys returns all keys there are or were, by id. Any goroutine may ask.
func (j *Journal) AccessKeys(ctx context.Context) (keys []AccessKey, err error) {
	err = j.reading(ctx, func(ctx context.Context, c *conn) error {
		return c.query(ctx, `SELECT id, hash, role, accounts, name, created, revoked
			FROM access_key ORDER BY id`, func(row []driver.Value) error {
			k, err := accessKeyOf(row)
			keys = append(keys, k)
			return err
		})
	})
	return keys, err
}

func accessKeyOf(row []driver.Value) (k AccessKey, err error) {
	id, ok1 := row[0].(int64)
	hash, ok2 := row[1].([]byte)
	role, ok3 := row[2].(string)
	accounts, ok4 := row[3].(string)
	name, ok5 := row[4].(string)
	created, ok6 := row[5].(int64)
	revoked, ok7 := row[6].(int64)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || !ok7 || len(hash) != len(k.Hash) {
		return k, fmt.Errorf("%w: an access key is %v", ErrDamaged, row)
	}
	k = AccessKey{
		ID: id, Hash: [32]byte(hash), Role: role, Name: name, Created: core.Time(created),
		Revoked: core.Time(revoked),
	}
	for text := range strings.SplitSeq(accounts, ",") {
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return k, fmt.Errorf("%w: an access key has the accounts %q", ErrDamaged, accounts)
		}
		k.Accounts = append(k.Accounts, trading.AccountID(n))
	}
	return k, nil
}

// KeyFile changes the keys of a data directory, also beside the server that runs on it. It belongs
// to one goroutine of a process that does not serve.
//
// Alone it holds the directory's lock and opens the file as a server does: after a crash it makes
// sure of the log before it writes behind it. Beside a server it is one more connection that
// writes. Its transaction is one row and a sync; the server's committer waits for that as for any
// program's, and its statements are not touched, because no table changes. It never moves the log
// into the file, which is the server's business, and is not the last to close it: the server is.
// (Should the server stop in that moment, closing moves the log, as the server's own end would.)
type KeyFile struct {
	database
	lock *Lock // Nil beside a server.
}

// OpenKeyFile opens trading.db of a directory, creating or upgrading it where no server runs.
func OpenKeyFile(dir string) (*KeyFile, error) {
	f := &KeyFile{database: database{
		path: filepath.Join(dir, TradingFile), schema: &tradingSchema,
		log: slog.New(slog.DiscardHandler),
	}}
	err := f.take(dir)
	switch {
	case err != nil:
	case f.lock == nil:
		err = f.openBeside()
	default:
		if err = f.schema.inspect(f.path); err == nil {
			err = f.openWriter("FULL")
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// take takes the directory, unless a server has it.
func (f *KeyFile) take(dir string) (err error) {
	f.lock, err = LockDir(dir)
	if errors.Is(err, ErrInUse) {
		f.lock = nil
		return nil
	}
	if err == nil {
		_, err = finishRestore(dir, time.Now())
	}
	return err
}

// openBeside opens the file that a server has open.
func (f *KeyFile) openBeside() error {
	c, err := openConn(f.path, "mode=rw")
	if err != nil {
		return openFailure(f.path, err)
	}
	f.writing.conn = c
	version, err := f.schema.versionOf(c, f.path)
	if err == nil && version < keysVersion {
		err = fmt.Errorf("%w: the server that runs on it is older than this program", ErrOlderSchema)
	}
	if err != nil {
		return err
	}
	for _, pragma := range []string{
		// Longer than a server holds the lock, but for a disk that hangs.
		"busy_timeout=10000",
		"synchronous=FULL",
		"wal_autocheckpoint=0",
	} {
		if err := c.script("PRAGMA " + pragma); err != nil {
			return openFailure(f.path, err)
		}
	}
	return nil
}

// Add stores a new key, whose ID it sets, and returns when that is on the disk.
func (f *KeyFile) Add(k *AccessKey) error {
	accounts := make([]string, len(k.Accounts))
	for i, id := range k.Accounts {
		accounts[i] = strconv.FormatInt(int64(id), 10)
	}
	return f.transact(func(c *conn) error {
		valid, err := c.int("SELECT count(*) FROM access_key WHERE revoked = 0")
		if err != nil {
			return err
		}
		if valid >= accessKeysMax {
			return ErrTooManyKeys
		}
		err = c.exec(`INSERT INTO access_key (hash, role, accounts, name, created, revoked)
			VALUES (?, ?, ?, ?, ?, 0)`, k.Hash[:], k.Role, strings.Join(accounts, ","), k.Name,
			int64(k.Created))
		if err != nil {
			return err
		}
		k.ID, err = c.int("SELECT last_insert_rowid()")
		return err
	})
}

// Revoke makes a key invalid, for ever. One that is invalid already stays as it is.
func (f *KeyFile) Revoke(id int64, now core.Time) error {
	return f.transact(func(c *conn) error {
		n, err := c.int("SELECT count(*) FROM access_key WHERE id = ?", id)
		if err == nil && n == 0 {
			err = fmt.Errorf("%w: %d", ErrUnknownKey, id)
		}
		if err != nil {
			return err
		}
		return c.exec("UPDATE access_key SET revoked = ? WHERE id = ? AND revoked = 0", int64(now), id)
	})
}

// Close gives file and directory free. It may be called more than once.
func (f *KeyFile) Close() error {
	all := f.close()
	if f.lock != nil {
		all = errors.Join(all, f.lock.Release())
		f.lock = nil
	}
	return all
}

// ListAccessKeys returns the keys of a directory, also beside a server. One that has no trading.db
// yet has none.
func ListAccessKeys(ctx context.Context, dir string) ([]AccessKey, error) {
	j, err := ReadJournal(Options{Dir: dir})
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	keys, err := j.AccessKeys(ctx)
	return keys, errors.Join(err, j.Close())
}

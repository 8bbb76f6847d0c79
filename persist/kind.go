package persist

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// Kind is what the quotes of a data directory are. Kinds never mix in one directory.
type Kind string

// The kinds there are.
const (
	KindSimulated Kind = "simulated"
	KindReal      Kind = "real"
	KindReplay    Kind = "replay"
)

// ErrKind is returned for a directory that holds quotes of another kind.
var ErrKind = errors.New("the data directory holds another kind of quotes")

// Kind returns what the directory holds, or "" when nobody has said yet.
func (s *Store) Kind(ctx context.Context) (Kind, error) {
	var kind Kind
	err := s.reading(ctx, func(ctx context.Context, c *conn) (err error) {
		kind, err = kindOf(ctx, c)
		return err
	})
	return kind, s.Refuse(err)
}

func kindOf(ctx context.Context, c *conn) (kind Kind, err error) {
	err = c.query(ctx, "SELECT value FROM meta WHERE key = 'kind'",
		func(row []driver.Value) error {
			kind = Kind(fmt.Sprint(row[0]))
			return nil
		})
	return kind, err
}

// ClaimKind says what the directory will hold. The first kind is remembered; from then on any
// other is refused with ErrKind.
func (s *Store) ClaimKind(kind Kind) error {
	return s.Refuse(s.transact(func(c *conn) error {
		held, err := kindOf(context.Background(), c)
		if err != nil {
			return err
		}
		switch held {
		case kind:
			return nil
		case "":
			return c.exec("INSERT INTO meta (key, value) VALUES ('kind', ?)", string(kind))
		}
		return fmt.Errorf("%w: %s holds %s quotes, not %s ones; choose another directory with -data",
			ErrKind, s.opts.Dir, held, kind)
	}))
}

package persist

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"tradingengine/core"
)

// Errors of symbols whose configuration does not go with what is stored.
var (
	// Fewer digits than the stored prices have could not keep them exactly.
	ErrDigitsLowered = errors.New("the digits of a symbol cannot be lowered")
	// A read-only store cannot rescale prices.
	ErrDigitsDiffer = errors.New("the digits of a symbol are not those of its stored prices")
)

// StoredSymbol is a symbol as the file has it, which may be one the configuration has no more.
type StoredSymbol struct {
	ID     int64
	Name   string
	Digits int
}

// StoredSymbols returns the symbols of the file in the order of their ids.
func (s *Store) StoredSymbols(ctx context.Context) ([]StoredSymbol, error) {
	var symbols []StoredSymbol
	err := s.reading(ctx, func(ctx context.Context, c *conn) (err error) {
		symbols, err = storedSymbols(ctx, c)
		return err
	})
	return symbols, err
}

func storedSymbols(ctx context.Context, c *conn) ([]StoredSymbol, error) {
	var symbols []StoredSymbol
	err := c.query(ctx, "SELECT id, name, digits FROM symbol ORDER BY id",
		func(row []driver.Value) error {
			id, ok1 := row[0].(int64)
			name, ok2 := row[1].(string)
			digits, ok3 := row[2].(int64)
			if !ok1 || !ok2 || !ok3 || digits < 0 || digits > core.DigitsMax {
				return fmt.Errorf("%w: a row of the table symbol is %v", ErrDamaged, row)
			}
			symbols = append(symbols, StoredSymbol{id, name, int(digits)})
			return nil
		})
	return symbols, err
}

// StoredID returns the file's id of a symbol, or 0 when the file does not know it, which only
// happens in a read-only store.
func (s *Store) StoredID(id core.SymbolID) int64 {
	if int(id) >= len(s.ids) {
		return 0
	}
	return s.ids[id]
}

// adoptSymbols gives each symbol of the configuration its id of the file. New ones are added; of
// those with more digits than before the stored prices are rescaled.
func (s *Store) adoptSymbols(c *conn) error {
	stored, err := storedSymbols(context.Background(), c)
	if err != nil {
		return err
	}
	byName := make(map[string]StoredSymbol, len(stored))
	for _, old := range stored {
		byName[old.Name] = old
	}
	s.ids = make([]int64, s.opts.Symbols.Len())
	var raised []core.SymbolID
	err = c.transact(func() error {
		for i := range s.ids {
			id := core.SymbolID(i)
			sym := s.opts.Symbols.Symbol(id)
			old, known := byName[sym.Name]
			switch {
			case !known:
				if old.ID, err = addSymbol(c, sym); err != nil {
					return err
				}
			case sym.Digits < old.Digits:
				return fmt.Errorf("%w: %s is stored with %d digits in %s, and configured with %d",
					ErrDigitsLowered, sym.Name, old.Digits, s.opts.Dir, sym.Digits)
			case sym.Digits > old.Digits:
				raised = append(raised, id)
			}
			s.ids[id] = old.ID
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range raised {
		sym := s.opts.Symbols.Symbol(id)
		if err := s.raiseSymbol(c, byName[sym.Name], sym.Digits); err != nil {
			return fmt.Errorf("cannot raise the digits of %s to %d: %w", sym.Name, sym.Digits, err)
		}
	}
	return nil
}

// addSymbol puts a symbol into the file and returns its id there.
func addSymbol(c *conn, sym *core.Symbol) (id int64, err error) {
	if id, err = c.int("SELECT coalesce(max(id), 0) + 1 FROM symbol"); err != nil {
		return 0, err
	}
	return id, c.exec("INSERT INTO symbol (id, name, digits, scale) VALUES (?, ?, ?, ?)",
		id, sym.Name, int64(sym.Digits), float64(core.Pow10(sym.Digits)))
}

// knowFile is what a read-only store learns from the file instead of changing it.
func (s *Store) knowFile() error {
	return s.reading(context.Background(), s.knowFileBy)
}

func (s *Store) knowFileBy(ctx context.Context, c *conn) error {
	version, err := s.schema.versionOf(c, s.path)
	if err != nil {
		return err
	}
	if version/minorVersions < s.schema.latest()/minorVersions {
		return fmt.Errorf("%w: %s has schema %d.%d; start the server on it once",
			ErrOlderSchema, s.Path(), version/minorVersions, version%minorVersions)
	}
	if err := s.loadSources(c); err != nil {
		return err
	}
	if s.opts.Symbols == nil {
		return nil
	}
	stored, err := storedSymbols(ctx, c)
	if err != nil {
		return err
	}
	s.ids = make([]int64, s.opts.Symbols.Len())
	for _, old := range stored {
		id, ok := s.opts.Symbols.Lookup([]byte(old.Name))
		if !ok || s.opts.Symbols.Symbol(id).Name != old.Name {
			continue
		}
		if now := s.opts.Symbols.Symbol(id).Digits; now != old.Digits {
			return fmt.Errorf("%w: %s is stored with %d in %s, and configured with %d",
				ErrDigitsDiffer, old.Name, old.Digits, s.opts.Dir, now)
		}
		s.ids[id] = old.ID
	}
	return nil
}

// loadSources makes the table of sources from the names in the file.
func (s *Store) loadSources(c *conn) error {
	var names []string
	err := c.query(context.Background(), "SELECT id, name FROM source ORDER BY id",
		func(row []driver.Value) error {
			id, ok1 := row[0].(int64)
			name, ok2 := row[1].(string)
			if !ok1 || !ok2 || id != int64(len(names)+1) {
				return fmt.Errorf("%w: a row of the table source is %v", ErrDamaged, row)
			}
			names = append(names, name)
			return nil
		})
	if err != nil {
		return err
	}
	if s.sources, err = core.NewSources(names); err != nil {
		return fmt.Errorf("%w: table source: %w", ErrDamaged, err)
	}
	s.written = len(names)
	return nil
}

// putSources adds the source names that are not in the file yet. It returns how many names the
// file has once the transaction is committed.
func (s *Store) putSources(c *conn) (int, error) {
	n := s.sources.Len()
	for id := s.written + 1; id <= n; id++ {
		err := c.exec("INSERT INTO source (id, name) VALUES (?, ?)",
			int64(id), s.sources.Name(core.SourceID(id)))
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}

// storedSources notes that so many source names are in the file.
func (s *Store) storedSources(n int) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.written = n
}

package persist

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"

	"tradingengine/core"
)

// The order decides which end of a range a limit cuts.
const (
	ticksOldest = `SELECT time, bid, ask, source_id FROM tick
		WHERE symbol_id = ? AND time > ? AND time <= ? ORDER BY time LIMIT ?`
	ticksNewest = `SELECT time, bid, ask, source_id FROM tick
		WHERE symbol_id = ? AND time > ? AND time <= ? ORDER BY time DESC LIMIT ?`
)

// Ticks appends the stored ticks of a symbol after from up to to, oldest first, at most limit of
// them: the newest of the range, or its oldest. It ends with ctx or the store's deadline, and then
// with an error.
func (s *Store) Ticks(
	ctx context.Context, id core.SymbolID, from, to core.Time, limit int, newest bool,
	dst []core.Tick,
) ([]core.Tick, error) {
	key := s.StoredID(id)
	if key == 0 {
		return dst, nil
	}
	start := len(dst)
	err := s.reading(ctx, func(ctx context.Context, c *conn) (err error) {
		dst, err = readTicks(ctx, c, key, from, to, limit, newest, dst)
		return err
	})
	if err != nil {
		return dst[:start], fmt.Errorf("cannot read ticks: %w", err)
	}
	return dst, nil
}

func readTicks(
	ctx context.Context, c *conn, key int64, from, to core.Time, limit int, newest bool,
	dst []core.Tick,
) ([]core.Tick, error) {
	text := ticksOldest
	if newest {
		text = ticksNewest
	}
	start := len(dst)
	err := c.query(ctx, text, func(row []driver.Value) error {
		var w [4]int64
		if err := wholes(row, w[:]); err != nil {
			return err
		}
		dst = append(dst, core.Tick{
			Time: core.Time(w[0]), Bid: core.Price(w[1]), Ask: core.Price(w[2]),
			Source: core.SourceID(w[3]),
		})
		return nil
	}, key, int64(from), int64(to), int64(limit))
	if newest {
		slices.Reverse(dst[start:])
	}
	return dst, err
}

// wholes takes the columns of a row as whole numbers, which they are unless somebody changed the
// file by hand.
func wholes(row []driver.Value, dst []int64) error {
	for i := range dst {
		v, ok := row[i].(int64)
		if !ok {
			return fmt.Errorf("%w: %v where a whole number should be", ErrDamaged, row[i])
		}
		dst[i] = v
	}
	return nil
}

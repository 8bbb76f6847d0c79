package persist

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"

	"tradingengine/core"
)

// The order decides which end of a range a limit cuts. A minute that still forms is left out, but
// for the loading of a symbol, which asks for complete from 0 on.
const (
	barsOldest = `SELECT ` + barColumns + ` FROM bar WHERE symbol_id = ? AND frame = ?
		AND time >= ? AND time <= ? AND complete >= ? ORDER BY time LIMIT ?`
	barsNewest = `SELECT ` + barColumns + ` FROM bar WHERE symbol_id = ? AND frame = ?
		AND time >= ? AND time <= ? AND complete >= ? ORDER BY time DESC LIMIT ?`
)

// storedBar is a row of the table bar.
type storedBar struct {
	core.Bar
	complete, clocked bool
}

// Bars appends the closed bars of a symbol and frame that open from from to to, both included,
// oldest first, at most limit of them: the newest of the range, or its oldest. It ends with ctx or
// the store's deadline, and then with an error.
func (s *Store) Bars(
	ctx context.Context, id core.SymbolID, f core.Frame, from, to core.Time, limit int,
	newest bool, dst []core.Bar,
) ([]core.Bar, error) {
	key := s.StoredID(id)
	if key == 0 {
		return dst, nil
	}
	text := barsOldest
	if newest {
		text = barsNewest
	}
	start := len(dst)
	err := s.reading(ctx, func(ctx context.Context, c *conn) error {
		return readBars(ctx, c, text, func(b *storedBar) { dst = append(dst, b.Bar) },
			key, frameSeconds(f), int64(from), int64(to), int64(1), int64(limit))
	})
	if err != nil {
		return dst[:start], fmt.Errorf("cannot read bars: %w", err)
	}
	if newest {
		slices.Reverse(dst[start:])
	}
	return dst, nil
}

// readBars gives each row of a statement on the columns of bar to take, which must copy it.
func readBars(
	ctx context.Context, c *conn, text string, take func(*storedBar), args ...driver.Value,
) error {
	var b storedBar
	return c.query(ctx, text, func(row []driver.Value) error {
		var w [barWidth]int64
		if err := wholes(row, w[:]); err != nil {
			return err
		}
		b.Time = core.Time(w[2])
		b.Mid = core.OHLC{Open: w[3], High: w[4], Low: w[5], Close: w[6]}
		b.Bid = core.OHLC{Open: w[7], High: w[8], Low: w[9], Close: w[10]}
		b.Ask = core.OHLC{Open: w[11], High: w[12], Low: w[13], Close: w[14]}
		b.Volume, b.SpreadMin, b.SpreadMax, b.SpreadLast = w[15], w[16], w[17], w[18]
		b.First, b.Last = core.Time(w[19]), core.Time(w[20])
		b.complete, b.clocked = w[21] != 0, w[22] != 0
		take(&b)
		return nil
	}, args...)
}

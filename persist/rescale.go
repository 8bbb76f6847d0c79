package persist

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"strings"

	"tradingengine/core"
)

// ErrPriceRange is returned when a stored price would be too large with more digits.
var ErrPriceRange = errors.New("a stored price is too large for so many digits")

// raise raises the digits of a stored symbol.
type raise struct {
	symbol StoredSymbol
	digits int
	factor int64 // What its prices in points are multiplied by.

	progress Progress
	report   func(Progress)
}

// raiseRun is how many rows are changed between two reports of progress.
const raiseRun = 50_000

// raiseSymbol multiplies every stored price of a symbol. All of it is one transaction: a file that
// holds half of its prices in old points would be wrong for whoever reads it, and so a kill in the
// middle leaves the file as it was. What that costs is a log as large as the symbol's rows.
func (s *Store) raiseSymbol(c *conn, old StoredSymbol, digits int) error {
	r := raise{
		symbol: old, digits: digits, factor: core.Pow10(digits - old.Digits),
		report: s.opts.Progress,
	}
	s.opts.Log.Info("rescaling stored prices", "symbol", old.Name, "from", old.Digits, "to", digits)
	r.progress.Task = fmt.Sprintf("rescaling %s from %d to %d digits", old.Name, old.Digits, digits)
	var err error
	r.progress.Total, err = c.int(`SELECT (SELECT count(*) FROM tick WHERE symbol_id = ?1) +
		(SELECT count(*) FROM bar WHERE symbol_id = ?1)`, old.ID)
	if err != nil {
		return err
	}
	if err = c.transact(func() error { return r.tables(c) }); err != nil {
		return err
	}
	_, err = checkpoint(c, checkpointTruncate)
	return err
}

func (r *raise) tables(c *conn) error {
	if err := r.rows(c, "tick", "symbol_id = ?1", "ask", "bid", "ask"); err != nil {
		return err
	}
	if err := r.rows(c, "forming", "symbol_id = ?1", "ask_high", barPrices...); err != nil {
		return err
	}
	for f := range core.Frames {
		of := fmt.Sprintf("symbol_id = ?1 AND frame = %d", frameSeconds(core.Frame(f)))
		if err := r.rows(c, "bar", of, "ask_high", barPrices...); err != nil {
			return err
		}
	}
	return c.exec("UPDATE symbol SET digits = ?, scale = ? WHERE id = ?",
		int64(r.digits), float64(core.Pow10(r.digits)), r.symbol.ID)
}

// rows multiplies columns of the rows of a table that fulfil a condition, a run of them at a time
// in the order of their times. No price of a row is above its highest.
func (r *raise) rows(c *conn, table, of, highest string, columns ...string) error {
	run := fmt.Sprintf(`SELECT max(time), max(%s), count(*) FROM
		(SELECT time, %[1]s FROM %s WHERE %s AND time > ?2 ORDER BY time LIMIT ?3)`,
		highest, table, of)
	sets := make([]string, len(columns))
	for i, column := range columns {
		sets[i] = fmt.Sprintf("%s = %[1]s * ?4", column)
	}
	update := fmt.Sprintf("UPDATE %s SET %s WHERE %s AND time > ?2 AND time <= ?3",
		table, strings.Join(sets, ", "), of)
	for after := int64(math.MinInt64); ; {
		var last, price, n int64
		err := c.query(context.Background(), run, func(row []driver.Value) error {
			last, _ = row[0].(int64) // Without rows both are null, and n is 0.
			price, _ = row[1].(int64)
			n, _ = row[2].(int64)
			return nil
		}, r.symbol.ID, after, int64(raiseRun))
		if err != nil || n == 0 {
			return err
		}
		if price > int64(core.PriceMax)/r.factor {
			return fmt.Errorf("%w: %s", ErrPriceRange,
				core.AppendPrice(nil, core.Price(price), r.symbol.Digits))
		}
		if err := c.exec(update, r.symbol.ID, after, last, r.factor); err != nil {
			return err
		}
		after = last
		r.progress.Done += n
		r.report(r.progress)
	}
}

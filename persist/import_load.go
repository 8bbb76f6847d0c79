package persist

import (
	"context"
	"database/sql/driver"

	"tradingengine/core"
)

// load finds out what the file holds of a symbol before the import changes it.
func (w *importWriter) load(t *importTarget, symbol int64) error {
	t.loaded, t.symbol = true, symbol
	tick, err := w.conn.int("SELECT coalesce(max(time), 0) FROM tick WHERE symbol_id = ?", symbol)
	if err != nil {
		return err
	}
	t.lastTick = core.Time(tick)
	err = w.conn.query(context.Background(), "SELECT time, complete FROM bar "+
		"WHERE symbol_id = ? AND frame = ? ORDER BY time DESC LIMIT 1",
		func(row []driver.Value) error {
			var v [2]int64
			err := wholes(row, v[:])
			t.newest, t.sealed = core.Time(v[0]), v[1] != 0
			return err
		}, symbol, frameSeconds(core.M1))
	if err != nil || t.newest == 0 {
		return err
	}
	opened := core.D1.Open(t.newest)
	if err := w.loadWeek(t, opened); err != nil {
		return err
	}
	minutes, err := w.minutes(t, opened, core.D1.End(opened))
	if err != nil {
		return err
	}
	t.rollDay(minutes, nil)
	return nil
}

// loadWeek rolls up the days that the file holds of the week of a day, unless they are at hand.
func (w *importWriter) loadWeek(t *importTarget, opened core.Time) error {
	week := core.W1.Open(opened)
	if t.week == week {
		return nil
	}
	t.week, t.days = week, t.days[:0]
	if t.newest < week {
		return nil
	}
	minutes, err := w.minutes(t, week, core.W1.End(week))
	for _, d := range rollUp(core.D1, minutes) {
		t.days = append(t.days, d.bar)
	}
	return err
}

// minutes reads the minute bars of a symbol that open in [from, to).
func (w *importWriter) minutes(t *importTarget, from, to core.Time) ([]core.Bar, error) {
	var bars []core.Bar
	err := readBars(context.Background(), w.conn, "SELECT "+barColumns+" FROM bar "+
		"WHERE symbol_id = ? AND frame = ? AND time >= ? AND time < ? ORDER BY time",
		func(b *storedBar) { bars = append(bars, b.Bar) },
		t.symbol, frameSeconds(core.M1), int64(from), int64(to))
	return bars, err
}

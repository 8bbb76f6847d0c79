package persist

import (
	"database/sql/driver"
	"fmt"
	"strings"

	"tradingengine/core"
)

// The columns of the tables that many rows are written to, in the order of their values.
const (
	tickColumns = "symbol_id, time, bid, ask, source_id"

	barColumns = "symbol_id, frame, time, " +
		"mid_open, mid_high, mid_low, mid_close, " +
		"bid_open, bid_high, bid_low, bid_close, " +
		"ask_open, ask_high, ask_low, ask_close, " +
		"volume, spread_min, spread_max, spread_last, first_time, last_time, " +
		"complete, clocked"

	tickWidth = 5
	barWidth  = 23
)

// barPrices are the columns of a bar that are prices or differences of them.
var barPrices = []string{
	"mid_open", "mid_high", "mid_low", "mid_close",
	"bid_open", "bid_high", "bid_low", "bid_close",
	"ask_open", "ask_high", "ask_low", "ask_close",
	"spread_min", "spread_max", "spread_last",
}

// frameSeconds is how a frame stands in the file.
func frameSeconds(f core.Frame) int64 { return f.Span().Seconds() }

// rowWriter gathers rows and writes them by statements of many rows each, so that what a statement
// costs is shared. It belongs to whoever holds the connection. Rows added since flush are written
// at the latest by flush.
type rowWriter struct {
	conn  *conn
	width int
	args  []driver.NamedValue
	texts []string // Of 1, 2, 4, … rows; the last is the most.
	used  int      // Values in args.
	rows  int64    // Written or gathered since the last reset.
}

// newRowWriter prepares for rows of a table. verb is an INSERT with its conflict clause; rows is
// the most a statement holds, a power of two.
func newRowWriter(c *conn, verb, table, columns string, rows int) *rowWriter {
	width := strings.Count(columns, ",") + 1
	w := &rowWriter{conn: c, width: width, args: make([]driver.NamedValue, rows*width)}
	for i := range w.args {
		w.args[i].Ordinal = i + 1
	}
	row := ", (" + strings.Repeat(", ?", width)[2:] + ")"
	for n := 1; n <= rows; n *= 2 {
		w.texts = append(w.texts, fmt.Sprintf("%s INTO %s (%s) VALUES %s", verb, table, columns,
			strings.Repeat(row, n)[2:]))
	}
	return w
}

// newTickWriter writes ticks. A tick that is there already is an error.
func newTickWriter(c *conn) *rowWriter {
	return newRowWriter(c, "INSERT", "tick", tickColumns, 128)
}

// newBarWriter writes bars over what is there of the same key.
func newBarWriter(c *conn) *rowWriter {
	return newRowWriter(c, "INSERT OR REPLACE", "bar", barColumns, 16)
}

// newFormingWriter writes forming minutes, each over the one before of its symbol.
func newFormingWriter(c *conn) *rowWriter {
	return newRowWriter(c, "INSERT OR REPLACE", "forming", barColumns, 16)
}

func (w *rowWriter) put(v int64) { w.putValue(v) }

// putText and putBytes keep v until the row is written.
func (w *rowWriter) putText(v string)  { w.putValue(v) }
func (w *rowWriter) putBytes(v []byte) { w.putValue(v) }

func (w *rowWriter) putValue(v driver.Value) {
	w.args[w.used].Value = v
	w.used++
}

// rowDone writes the gathered rows when they fill a statement.
func (w *rowWriter) rowDone() error {
	w.rows++
	if w.used < len(w.args) {
		return nil
	}
	return w.flush()
}

// tick adds a tick of the symbol with the file's id.
func (w *rowWriter) tick(symbol int64, t *core.Tick) error {
	w.put(symbol)
	w.put(int64(t.Time))
	w.put(int64(t.Bid))
	w.put(int64(t.Ask))
	w.put(int64(t.Source))
	return w.rowDone()
}

// bar adds a bar of the symbol with the file's id.
func (w *rowWriter) bar(symbol int64, f core.Frame, b *core.Bar, complete, clocked bool) error {
	w.put(symbol)
	w.put(frameSeconds(f))
	w.put(int64(b.Time))
	w.ohlc(&b.Mid)
	w.ohlc(&b.Bid)
	w.ohlc(&b.Ask)
	w.put(b.Volume)
	w.put(b.SpreadMin)
	w.put(b.SpreadMax)
	w.put(b.SpreadLast)
	w.put(int64(b.First))
	w.put(int64(b.Last))
	w.put(oneIf(complete))
	w.put(oneIf(clocked))
	return w.rowDone()
}

func (w *rowWriter) ohlc(o *core.OHLC) {
	w.put(o.Open)
	w.put(o.High)
	w.put(o.Low)
	w.put(o.Close)
}

func oneIf(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// flush writes what is gathered, by as few statements as there are for its number of rows.
func (w *rowWriter) flush() error {
	for n, size := w.used, len(w.texts)-1; n > 0; {
		values := w.width << size
		if values > n {
			size--
			continue
		}
		stmt, err := w.conn.prepare(w.texts[size])
		if err != nil {
			return err
		}
		// The first of a run of values always have the ordinals 1, 2, …: they are moved there.
		from := w.used - n
		for i := range values {
			w.args[i].Value = w.args[from+i].Value
		}
		if err := execStmt(stmt, w.args[:values]); err != nil {
			return err
		}
		n -= values
	}
	w.used = 0
	return nil
}

// reset drops what is gathered and starts counting anew.
func (w *rowWriter) reset() { w.used, w.rows = 0, 0 }

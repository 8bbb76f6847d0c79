package persist

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"

	"tradingengine/core"
)

const (
	exportPageMax = 4096 // Rows that one read takes: some milliseconds.
	exportPageMin = 128
	exportRows    = 1 << 18 // Rows in memory over all symbols.
)

// exportKind is what ticks and bars differ in.
type exportKind struct {
	table   string // With a condition ready for more: "FROM … WHERE symbol_id = ?1 …".
	columns string // Time first.
	width   int
	source  int    // Which column names a source; 0 for none.
	header  string // Of a CSV file.
	csv     func(dst []byte, s *StoredSymbol, row []int64, e *export) []byte
	json    func(dst []byte, s *StoredSymbol, row []int64, e *export) []byte
}

// exportSeries reads the rows of one symbol page by page.
type exportSeries struct {
	symbol *StoredSymbol
	from   core.Time // Of the next page.
	to     core.Time // The last time of all, inclusive.
	rows   int       // In a full page.
	page   []int64
	next   int // In page.
}

func (s *exportSeries) time() core.Time { return core.Time(s.page[s.next]) }

func (s *exportSeries) before(o *exportSeries) bool {
	a, b := s.time(), o.time()
	return a < b || a == b && s.symbol.Name < o.symbol.Name
}

// run writes the rows of all symbols in order of time.
func (e *export) run(ctx context.Context, k *exportKind) error {
	encode, header := k.csv, k.header
	if e.opts.Format == ExportNDJSON {
		encode, header = k.json, ""
	}
	if err := e.write([]byte(header)); err != nil {
		return err
	}
	open, err := e.open(ctx, k)
	if err != nil {
		return err
	}
	var line []byte
	for len(open.items) > 0 {
		s := open.first()
		line = encode(line[:0], s.symbol, s.page[s.next:s.next+k.width], e)
		if err := e.write(line); err != nil {
			return err
		}
		e.wrote(s.time())
		if s.next += k.width; s.next == len(s.page) {
			if err := e.fill(ctx, k, s); err != nil {
				return err
			}
			if len(s.page) == 0 {
				open.drop()
				continue
			}
		}
		open.settle()
	}
	return nil
}

func (e *export) write(line []byte) error {
	e.result.Bytes += int64(len(line))
	if _, err := e.buffer.Write(line); err != nil {
		return fmt.Errorf("cannot write the export: %w", err)
	}
	return nil
}

// open reads the first page of each symbol that has rows in the range.
func (e *export) open(ctx context.Context, k *exportKind) (*mergeHeap[*exportSeries], error) {
	h := &mergeHeap[*exportSeries]{before: (*exportSeries).before}
	rows := min(max(exportRows/max(len(e.symbols), 1), exportPageMin), exportPageMax)
	last := core.Time(math.MaxInt64)
	if e.opts.To != 0 {
		last = e.opts.To - 1
	}
	for i := range e.symbols {
		s := &exportSeries{symbol: &e.symbols[i], rows: rows, from: e.opts.From}
		newest, ok, err := e.newest(ctx, k, s.symbol.ID)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		s.to = min(last, newest)
		if err := e.fill(ctx, k, s); err != nil {
			return nil, err
		}
		if len(s.page) == 0 {
			continue
		}
		if at := s.time(); len(h.items) == 0 || at < e.from {
			e.from = at
		}
		e.to = max(e.to, s.to)
		h.push(s)
	}
	return h, nil
}

// newest returns the time of the newest row of a symbol.
func (e *export) newest(ctx context.Context, k *exportKind, symbol int64) (
	t core.Time, ok bool, err error,
) {
	rows, err := e.rows(ctx, "SELECT time "+k.table+" ORDER BY time DESC LIMIT 1", symbol)
	if err != nil || len(rows) == 0 {
		return 0, false, err
	}
	return core.Time(rows[0]), true, nil
}

// fill reads the next page, which is empty after the last.
func (e *export) fill(ctx context.Context, k *exportKind, s *exportSeries) (err error) {
	s.next = 0
	s.page, err = e.rows(ctx, "SELECT "+k.columns+" "+k.table+
		" AND time >= ?2 AND time <= ?3 ORDER BY time LIMIT ?4",
		s.symbol.ID, int64(s.from), int64(s.to), int64(s.rows))
	if err != nil || len(s.page) == 0 {
		return err
	}
	s.from = core.Time(s.page[len(s.page)-k.width]) + 1
	return e.knowSources(ctx, k, s.page)
}

// knowSources makes sure that the names of the sources in a page are at hand: a server may have
// added some since the last page.
func (e *export) knowSources(ctx context.Context, k *exportKind, page []int64) error {
	var highest int64
	for i := k.source; k.source != 0 && i < len(page); i += k.width {
		highest = max(highest, page[i])
	}
	if int(highest) < len(e.sources) {
		return nil
	}
	if err := e.loadSources(ctx); err != nil {
		return err
	}
	if int(highest) >= len(e.sources) {
		return fmt.Errorf("%w: a tick is of source %d, which has no name", ErrDamaged, highest)
	}
	return nil
}

// rows runs one short read.
func (e *export) rows(ctx context.Context, text string, args ...driver.Value) ([]int64, error) {
	var all []int64
	err := e.opts.Store.reading(ctx, func(ctx context.Context, c *conn) error {
		return c.query(ctx, text, func(row []driver.Value) error {
			n := len(all)
			all = append(all, make([]int64, len(row))...)
			return wholes(row, all[n:])
		}, args...)
	})
	return all, err
}

func (e *export) loadSources(ctx context.Context) error {
	e.sources = []string{""} // Ids start at 1.
	return e.opts.Store.reading(ctx, func(ctx context.Context, c *conn) error {
		return c.query(ctx, "SELECT name FROM source ORDER BY id", func(row []driver.Value) error {
			e.sources = append(e.sources, fmt.Sprint(row[0]))
			return nil
		})
	})
}

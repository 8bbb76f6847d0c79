package persist

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"tradingengine/core"
)

// importCheckEvery is how many lines are read between two looks at the context.
const importCheckEvery = 4096

// scan reads a file once without its prices, to find out before anything is written whether it can
// be read to its end, has what an import needs, and is sorted by time.
func (f *importFile) scan(ctx context.Context, symbols *core.Registry, meter *importMeter,
) error {
	lines, err := f.open(&meter.done)
	if err != nil {
		return err
	}
	timeOf, err := f.timeReader(lines, symbols)
	if err == nil {
		err = f.scanLines(ctx, lines, meter, timeOf)
	}
	return errors.Join(err, lines.close())
}

func (f *importFile) scanLines(ctx context.Context, lines *importLines, meter *importMeter,
	timeOf func([]byte) (core.Time, bool),
) error {
	f.sorted = true
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			meter.rows(f.rows % importCheckEvery)
			return nil
		}
		if err != nil {
			return f.readError(err)
		}
		f.rows++
		if f.rows == 1 && f.json && bytes.Contains(line, []byte(`"timeframe"`)) {
			return f.holdsBars()
		}
		if f.rows%importCheckEvery == 0 {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			meter.rows(importCheckEvery)
		}
		t, ok := timeOf(line)
		if !ok {
			continue // It is refused later, with its reason.
		}
		f.sorted = f.sorted && t >= f.last
		if f.first == 0 || t < f.first {
			f.first = t
		}
		f.last = max(f.last, t)
	}
}

// timeReader returns the function that finds the time in a line; the header is read by then.
func (f *importFile) timeReader(lines *importLines, symbols *core.Registry) (
	func([]byte) (core.Time, bool), error,
) {
	if !f.json {
		columns, err := f.columns(lines)
		if err != nil {
			return nil, err
		}
		f.stored = columns.Stored()
		return columns.Time, nil
	}
	sources, err := core.NewSources(nil)
	if err != nil {
		return nil, err
	}
	parser := core.Parser{Symbols: symbols, Sources: sources}
	var seen bool
	return func(line []byte) (core.Time, bool) {
		if !seen {
			seen, f.stored = true, bytes.Contains(line, []byte(`"spread"`))
		}
		var q core.Quote
		reject := parser.JSON(line, &q)
		return q.Time, reject == core.RejectNone && q.Time != 0
	}, nil
}

// columns reads the header of a CSV file.
func (f *importFile) columns(lines *importLines) (*core.CSVColumns, error) {
	line, err := lines.next()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %s is empty", ErrImportFile, f.path)
	}
	if err != nil {
		return nil, f.readError(err)
	}
	columns, err := core.ParseCSVHeader(line)
	switch {
	case err != nil && bytes.Contains(bytes.ToLower(line), []byte("timeframe")):
		return nil, f.holdsBars()
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", ErrImportFile, f.path, err)
	case !columns.HasTime():
		return nil, fmt.Errorf("%w: %s has no column time or time_ms, and an import must know "+
			"when each quote was made", ErrImportFile, f.path)
	}
	return columns, nil
}

func (f *importFile) holdsBars() error {
	return fmt.Errorf("%w: %s holds bars; bars are rebuilt from quotes, import those",
		ErrImportFile, f.path)
}

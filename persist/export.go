package persist

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tradingengine/core"
)

// ExportFormat is how an export is written.
type ExportFormat uint8

// The formats there are.
const (
	ExportCSV ExportFormat = iota
	ExportNDJSON
)

// ParseExportFormat reads csv or ndjson.
func ParseExportFormat(s string) (ExportFormat, error) {
	switch strings.ToLower(s) {
	case "csv":
		return ExportCSV, nil
	case "ndjson":
		return ExportNDJSON, nil
	}
	return 0, fmt.Errorf("no export format %q; there are csv and ndjson", s)
}

// ExportOptions say what is exported. Zero values mean the default given.
type ExportOptions struct {
	// Store may be read-only, beside a running server. Required.
	Store   *Store
	Symbols []string  // Default all that are in the file.
	From    core.Time // The first time that is written; default the oldest.
	To      core.Time // Times from here on are left out; default up to the newest at the start.
	Format  ExportFormat
	Bars    bool       // Bars instead of ticks.
	Frame   core.Frame // Of the bars.
	W       io.Writer  // Required.

	Progress func(ExportProgress) // Called now and then by Export's goroutine; may be nil.
	Now      func() time.Time     // For progress; default time.Now.
}

// ExportResult is what an export wrote.
type ExportResult struct {
	Rows, Bytes int64
	First, Last core.Time // Of the rows.
	Took        time.Duration
}

// ExportProgress tells how far an export is.
type ExportProgress struct {
	Rows       int64
	Bytes      int64
	At         core.Time // The time of the row at hand; they are written in order of time.
	Share      float64   // Of the range of time, 0 to 1.
	RowsPerSec float64
	Elapsed    time.Duration
	ETA        time.Duration // 0 when unknown.
	Done       bool          // The last call.
}

// Export writes stored ticks, or bars, in order of time, rows of equal time in order of their
// symbols' names. It reads in many short steps, so that it holds up no checkpoint of a server that
// works on the same file; what is stored after it began is left out. What it writes of ticks,
// Import reads back to identical rows.
func Export(ctx context.Context, opts ExportOptions) (ExportResult, error) {
	if opts.Store == nil || opts.W == nil {
		return ExportResult{}, errors.New("persist: Store and W are required")
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	e := &export{opts: opts, buffer: bufio.NewWriterSize(opts.W, 64<<10), start: opts.Now()}
	e.last = e.start
	if err := e.choose(ctx); err != nil {
		return ExportResult{}, err
	}
	kind := tickExport
	if opts.Bars {
		kind = barExport(opts.Frame)
	}
	err := e.run(ctx, &kind)
	if err == nil {
		err = e.checkDigits(ctx)
	}
	err = errors.Join(err, e.buffer.Flush())
	e.result.Took = opts.Now().Sub(e.start)
	if err == nil {
		e.report(opts.Now(), true)
	}
	return e.result, err
}

// export is the state of one export.
type export struct {
	opts    ExportOptions
	symbols []StoredSymbol
	sources []string // By id, from 1 on; more may be added while the export runs.
	from    core.Time
	to      core.Time // The latest end of a symbol.
	buffer  *bufio.Writer
	result  ExportResult
	start   time.Time
	last    time.Time // When progress was last reported.
}

// choose finds the symbols asked for.
func (e *export) choose(ctx context.Context) error {
	stored, err := e.opts.Store.StoredSymbols(ctx)
	if err != nil {
		return err
	}
	if len(e.opts.Symbols) == 0 {
		e.symbols = stored
		return nil
	}
	var names []string
	byName := make(map[string]StoredSymbol, len(stored))
	for _, s := range stored {
		names = append(names, s.Name)
		byName[s.Name] = s
	}
	chosen := make(map[string]bool)
	for _, asked := range e.opts.Symbols {
		name := strings.ToUpper(strings.TrimSpace(asked))
		s, ok := byName[name]
		switch near := core.NearestName(name, names); {
		case !ok && near != "":
			return fmt.Errorf("%w: no symbol %q in the file; did you mean %s?",
				core.ErrUnknownSymbol, asked, near)
		case !ok:
			return fmt.Errorf("%w: no symbol %q in the file", core.ErrUnknownSymbol, asked)
		}
		if !chosen[name] {
			chosen[name] = true
			e.symbols = append(e.symbols, s)
		}
	}
	return nil
}

// checkDigits makes sure that the prices of all pages were in the same points: a server that was
// started with more digits meanwhile would have changed them.
func (e *export) checkDigits(ctx context.Context) error {
	stored, err := e.opts.Store.StoredSymbols(ctx)
	if err != nil {
		return err
	}
	now := make(map[int64]int, len(stored))
	for _, s := range stored {
		now[s.ID] = s.Digits
	}
	for _, s := range e.symbols {
		if now[s.ID] != s.Digits {
			return fmt.Errorf("the digits of %s were changed while it was exported; export again",
				s.Name)
		}
	}
	return nil
}

// exportProgressEvery is the least time between two calls of the callback.
const exportProgressEvery = 250 * time.Millisecond

// wrote counts a row and reports if it is time to.
func (e *export) wrote(at core.Time) {
	r := &e.result
	if r.Rows == 0 {
		r.First = at
	}
	r.Rows++
	r.Last = at
	const look = 1024 // Rows between two looks at the clock.
	if r.Rows%look == 0 {
		if now := e.opts.Now(); now.Sub(e.last) >= exportProgressEvery {
			e.report(now, false)
		}
	}
}

func (e *export) report(now time.Time, done bool) {
	e.last = now
	if e.opts.Progress == nil {
		return
	}
	r := &e.result
	p := ExportProgress{
		Rows: r.Rows, Bytes: r.Bytes, At: r.Last, Elapsed: now.Sub(e.start), Done: done,
	}
	if seconds := p.Elapsed.Seconds(); seconds > 0 {
		p.RowsPerSec = float64(r.Rows) / seconds
	}
	if done {
		p.Share = 1
	} else if e.to > e.from {
		p.Share = float64(r.Last-e.from) / float64(e.to-e.from)
		p.ETA = time.Duration((1 - p.Share) / max(p.Share, 1e-9) * float64(p.Elapsed))
	}
	e.opts.Progress(p)
}

package persist

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tradingengine/core"
)

// ImportOptions say what is imported and how. Zero values mean the default given.
type ImportOptions struct {
	// Store is open for writing, so that no server runs on the directory. Its symbols are those
	// that are known. Required.
	Store *Store
	// Files of quotes, CSV or NDJSON, also compressed with gzip, told by their names. Their order
	// does not matter. Required.
	Files    []string
	Throttle core.Threshold // Of symbols without their own; 0 stores every quote.
	Source   string         // The lp of quotes that name none; default IMPORT.

	Progress func(ImportProgress) // Called now and then by Import's goroutine; may be nil.
	Log      *slog.Logger         // Nil discards.
	Now      func() time.Time     // For progress; default time.Now.

	tuning importTuning // Of tests.
}

// importTuning is when an import lets go of what it has. Zero values mean the constants.
type importTuning struct {
	buffered    int    // Weight of what is not sent to the writer yet.
	transaction int    // Weight after which a transaction is committed.
	committed   func() // Called after each transaction.
}

// ImportResult is what an import did: Rows = Stored + Throttled + Rejected.
type ImportResult struct {
	Files                             int
	Rows, Stored, Throttled, Rejected int64
	RejectedBy                        [core.RejectReasons]int64
	Refusals                          []ImportRefusal // The first, by file and line.
	Minutes, Replaced                 int64           // Minutes written; those that held data before.
	Symbols                           []ImportSymbol  // Those with a row that could be read.
	Took                              time.Duration
}

// Import takes recorded quotes into the file as if they had been quoted live: the same tests, the
// same bars, the same throttle, which only starts anew with every UTC and every trading day.
//
// For each minute that holds a quote the import is the truth: ticks and bar that the file has of
// that minute are replaced, and the bars above it are rolled up again. Importing the same files
// again changes nothing. Each transaction leaves the file right in itself, so an import that was
// interrupted is only run again.
//
// Rows of a file that Export wrote are ticks already. They are stored as they are.
func Import(ctx context.Context, opts ImportOptions) (ImportResult, error) {
	if opts.Store == nil {
		return ImportResult{}, errors.New("persist: Store is required")
	}
	if opts.Source == "" {
		opts.Source = "IMPORT"
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	opts.tuning.buffered = cmp.Or(opts.tuning.buffered, importBuffered)
	opts.tuning.transaction = cmp.Or(opts.tuning.transaction, importTransaction)
	if opts.tuning.committed == nil {
		opts.tuning.committed = func() {}
	}
	if _, err := core.NewSources([]string{opts.Source}); err != nil {
		return ImportResult{}, err
	}
	start := opts.Now()
	files, err := importFiles(opts.Files)
	if err != nil {
		return ImportResult{}, err
	}
	meter := &importMeter{call: opts.Progress, now: opts.Now}
	if err := scanFiles(ctx, opts, files, meter); err != nil {
		return ImportResult{}, err
	}
	if err := opts.Store.ClaimKind(KindReal); err != nil {
		return ImportResult{}, err
	}
	if err := opts.Store.settle(); err != nil {
		return ImportResult{}, fmt.Errorf("import: %w", opts.Store.Refuse(err))
	}
	result, err := importQuotes(ctx, opts, files, meter)
	if err != nil {
		return ImportResult{}, fmt.Errorf("import: %w", opts.Store.Refuse(err))
	}
	now := opts.Now()
	result.Files, result.Took = len(files), now.Sub(start)
	for _, s := range result.Symbols {
		if s.Last > core.TimeOf(now) {
			opts.Log.Warn("imported quotes lie in the future; live quotes before them come too late",
				"symbol", s.Symbol, "last", s.Last)
		}
	}
	return result, nil
}

// scanFiles looks through all files before anything is written.
func scanFiles(ctx context.Context, opts ImportOptions, files []*importFile,
	meter *importMeter,
) error {
	var total int64
	for _, f := range files {
		total += f.size
	}
	meter.begin(true, total)
	for _, f := range files {
		if err := f.scan(ctx, opts.Store.opts.Symbols, meter); err != nil {
			return err
		}
		if f.stored {
			opts.Log.Info("rows are stored ticks and stay as they are", "file", f.path)
		}
	}
	meter.end()
	for _, f := range files {
		if !f.sorted {
			opts.Log.Info("file is not in order of time and is sorted in memory", "file", f.path,
				"rows", f.rows)
		}
	}
	meter.begin(false, total)
	return nil
}

// importQuotes is the second pass: files are read and parsed in goroutines of their own, this one
// merges them and builds bars and ticks, and one writes.
func importQuotes(ctx context.Context, opts ImportOptions, files []*importFile,
	meter *importMeter,
) (ImportResult, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := newImportWriter(opts.Store, opts.tuning)
	written := make(chan struct{})
	go func() {
		defer close(written)
		if err := w.run(ctx); err != nil {
			cancel(err)
		}
	}()
	b := &importBuilder{
		symbols: opts.Store.opts.Symbols, sources: opts.Store.Sources(), throttle: opts.Throttle,
		series: make([]*importSeries, opts.Store.opts.Symbols.Len()),
		limit:  opts.tuning.buffered, flushAt: opts.tuning.buffered, send: w.send,
	}
	m := &importMerge{
		symbols: b.symbols, lp: opts.Source, meter: meter, refused: &b.refused,
	}
	err := m.run(ctx, files, func(from *importSource, q *core.Quote) error {
		return b.take(ctx, from, q)
	})
	if err == nil {
		err = b.finish(ctx)
	}
	if err != nil {
		cancel(err)
	}
	close(w.chunks)
	<-written
	if cause := context.Cause(ctx); cause != nil {
		return ImportResult{}, cause
	}
	meter.end()
	return b.result(w), nil
}

// result sums up what builder and writer did.
func (b *importBuilder) result(w *importWriter) ImportResult {
	r := ImportResult{
		Rejected: b.refused.total, RejectedBy: b.refused.counts, Refusals: b.refused.described(),
	}
	for id, s := range b.series {
		if s == nil {
			continue
		}
		t := &w.targets[id]
		s.Minutes, s.Replaced = t.minutes, t.replaced
		r.Stored += s.Stored
		r.Throttled += s.Throttled
		r.Minutes += s.Minutes
		r.Replaced += s.Replaced
		r.Symbols = append(r.Symbols, s.ImportSymbol)
	}
	r.Rows = r.Stored + r.Throttled + r.Rejected
	return r
}

package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"tradingengine/cmd/internal/config"
	"tradingengine/cmd/internal/logs"
	"tradingengine/core"
	"tradingengine/persist"
)

// consoleLog prints the few messages of an offline verb like the server's log.
func consoleLog(w io.Writer) *slog.Logger {
	return slog.New(logs.NewHandler(w, slog.LevelInfo, time.Now))
}

// runImport is the verb import: files of quotes into a directory that no server uses.
func runImport(ctx context.Context, args []string, s streams) error {
	fs := config.NewFlags("import")
	dir := fs.String("data", "data/market", "`directory` to import into; no server may use it")
	file := fs.String("symbols", "", "`file` of symbols, as for the server")
	lp := fs.String("lp", "IMPORT", "`name` of who quoted, where the file does not say")
	threshold := config.ThrottleFlag(fs)
	if err := fs.Parse(args, s.getenv, s.out); err != nil {
		return err
	}
	if fs.NArg() == 0 {
		return fmt.Errorf("%w: import needs files: server import [flags] FILE…", config.ErrUsage)
	}
	symbols, err := readSymbols(*file)
	if err != nil {
		return err
	}
	log := consoleLog(s.err)
	progress := newProgress(s.out, log)
	store, err := persist.Open(persist.Options{
		Dir: *dir, Symbols: symbols, Log: log,
		Progress: progress.of,
	})
	if err != nil {
		return err
	}
	result, err := persist.Import(ctx, persist.ImportOptions{
		Store: store, Files: fs.Args(), Throttle: *threshold, Source: *lp, Log: log,
		Progress: func(p persist.ImportProgress) {
			task := "importing"
			if p.Checking {
				task = "checking"
			}
			progress.show(fmt.Sprintf("%s, %.0f rows/s, %s left", task, p.RowsPerSec,
				p.ETA.Round(time.Second)), p.BytesDone, p.BytesTotal)
		},
	})
	progress.end()
	if err = errors.Join(err, store.Close()); err != nil {
		return err
	}
	return printImport(s.out, &result)
}

// printImport sums an import up.
func printImport(out io.Writer, r *persist.ImportResult) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "%d files, %d rows in %s: %d stored, %d throttled, %d rejected\n", r.Files, r.Rows,
		r.Took.Round(time.Millisecond), r.Stored, r.Throttled, r.Rejected)
	for reason, n := range r.RejectedBy {
		if n > 0 {
			fmt.Fprintf(w, "  rejected %s: %d\n", core.Reject(reason), n)
		}
	}
	for _, refusal := range r.Refusals {
		fmt.Fprintf(w, "  %s\n", refusal)
	}
	fmt.Fprintf(w, "%d minutes written, %d of them held data before\n", r.Minutes, r.Replaced)
	for i := range r.Symbols {
		p := &r.Symbols[i]
		fmt.Fprintf(w, "  %s: %d stored of %d, %s to %s\n", p.Symbol, p.Stored, p.Quotes, p.First, p.Last)
	}
	return w.Flush()
}

// runExport is the verb export: stored ticks or bars to standard output, also beside a server.
func runExport(ctx context.Context, args []string, s streams) error {
	fs := config.NewFlags("export")
	dir := fs.String("data", "data/market", "`directory` to export from; a server may use it")
	names := fs.String("symbol", "", "`names` to export, separated by commas; all when not given")
	from := fs.String("from", "", "first `time` to export, RFC 3339 or epoch")
	to := fs.String("to", "", "`time` to stop before")
	format := fs.String("format", "csv", "`form` of the rows: csv or ndjson")
	bars := fs.String("bars", "", "export bars of this time `frame` instead of ticks")
	if err := fs.Parse(args, s.getenv, s.out); err != nil {
		return err
	}
	opts := persist.ExportOptions{W: s.out}
	if err := exportOptions(&opts, *names, *from, *to, *format, *bars); err != nil {
		return fmt.Errorf("%w: %w", config.ErrUsage, err)
	}
	store, err := persist.Open(persist.Options{Dir: *dir, ReadOnly: true})
	if err != nil {
		return err
	}
	// Standard output is the data, so progress goes where messages go.
	progress := newProgress(s.err, consoleLog(s.err))
	opts.Store = store
	opts.Progress = func(p persist.ExportProgress) {
		progress.show(fmt.Sprintf("exporting, %d rows", p.Rows), int64(p.Share*1000), 1000)
	}
	_, err = persist.Export(ctx, opts)
	progress.end()
	return errors.Join(err, store.Close())
}

func exportOptions(o *persist.ExportOptions, names, from, to, format, bars string) (err error) {
	if names != "" {
		o.Symbols = strings.Split(strings.ToUpper(names), ",")
	}
	if o.Format, err = persist.ParseExportFormat(format); err != nil {
		return err
	}
	if from != "" {
		if o.From, err = core.ParseTime(from); err != nil {
			return fmt.Errorf("-from: %w", err)
		}
	}
	if to != "" {
		if o.To, err = core.ParseTime(to); err != nil {
			return fmt.Errorf("-to: %w", err)
		}
	}
	if bars != "" {
		o.Bars = true
		o.Frame, err = core.ParseFrame(bars)
	}
	return err
}

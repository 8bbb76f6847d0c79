package app

import (
	"context"
	"fmt"
	"time"

	"tradingengine/cmd/internal/config"
	"tradingengine/cmd/internal/process"
	"tradingengine/persist"
)

// runBackup is the verb backup: a copy of a data directory, also beside a server.
func runBackup(ctx context.Context, args []string, s streams) error {
	fs := config.NewFlags("backup")
	dir := fs.String("data", "data/market", "`directory` to copy; a server may use it")
	targets, err := fs.ParseMixed(args, s.getenv, s.out, "TARGET")
	if err != nil {
		return err
	}
	process.Yield()
	progress := newProgress(s.err, consoleLog(s.err))
	r, err := persist.Backup(ctx, persist.BackupOptions{
		Dir: *dir, Target: targets[0], Progress: progress.of,
	})
	progress.end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "copied %s of %s to %s: %d files, %d bytes in %s\n", files(r.Files),
		*dir, targets[0], len(r.Files), r.Bytes, r.Took.Round(time.Millisecond))
	return err
}

// runRestore is the verb restore: a backup in the place of a data directory.
func runRestore(ctx context.Context, args []string, s streams) error {
	fs := config.NewFlags("restore")
	dir := fs.String("data", "data/market", "`directory` to replace; no server may use it")
	sources, err := fs.ParseMixed(args, s.getenv, s.out, "SOURCE")
	if err != nil {
		return err
	}
	progress := newProgress(s.err, consoleLog(s.err))
	r, err := persist.Restore(ctx, persist.RestoreOptions{
		Source: sources[0], Dir: *dir, Progress: progress.of,
	})
	progress.end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "restored %s from %s to %s: %d bytes\n", files(r.Files), sources[0],
		*dir, r.Bytes)
	if err == nil && r.Kept != "" {
		_, err = fmt.Fprintf(s.out, "what was there is in %s; remove it when all is well\n", r.Kept)
	}
	return err
}

// runVerify is the verb verify: whether a data directory or a backup holds together.
func runVerify(ctx context.Context, args []string, s streams) error {
	fs := config.NewFlags("verify")
	dir := fs.String("data", "data/market", "`directory` to read; no server may use it")
	if _, err := fs.ParseMixed(args, s.getenv, s.out); err != nil {
		return err
	}
	progress := newProgress(s.err, consoleLog(s.err))
	r, err := persist.Verify(ctx, persist.VerifyOptions{Dir: *dir, Progress: progress.of})
	progress.end()
	if err != nil {
		return err
	}
	for _, fault := range r.Faults {
		if _, err := fmt.Fprintln(s.out, fault); err != nil {
			return err
		}
	}
	if r.Wrong > 0 {
		return fmt.Errorf("%s does not hold together: %d faults; restore a backup", *dir, r.Wrong)
	}
	_, err = fmt.Fprintf(s.out, "ok: %s of %s, %d symbols, %d ticks, %d bars, %d events in %s\n",
		files(r.Files), *dir, r.Symbols, r.Ticks, r.Bars, r.Events, r.Took.Round(time.Millisecond))
	return err
}

// files joins names for a sentence.
func files(names []string) string {
	if len(names) == 2 {
		return names[0] + " and " + names[1]
	}
	return fmt.Sprint(names[0])
}

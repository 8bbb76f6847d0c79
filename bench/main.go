package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"tradingengine/bench/internal/options"
	"tradingengine/bench/internal/report"
	"tradingengine/bench/internal/server"
	"tradingengine/bench/internal/torture"
)

// Exit codes.
const (
	exitOK     = 0
	exitMissed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second interrupt kills at once.
	context.AfterFunc(ctx, stop)
	os.Exit(bench(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// bench is the program without the process: it returns the exit code.
func bench(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "torture" {
		return tortured(ctx, args[1:], stdout, stderr)
	}
	opts, err := options.Parse(args, stdout)
	if errors.Is(err, options.ErrHelp) {
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v (bench -h explains all flags)\n", err)
		return exitUsage
	}
	progressTo := stderr
	if opts.Quiet {
		progressTo = nil
	}
	result, err := measure(ctx, opts, report.NewProgress(progressTo, isTerminal(stderr)))
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		if errors.Is(err, server.ErrSymbol) {
			return exitUsage
		}
		return exitMissed
	}
	if err := write(result, opts.JSON, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return exitMissed
	}
	if !result.OK {
		return exitMissed
	}
	return exitOK
}

// tortured is the mode that starts and kills a server.
func tortured(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := options.ParseTorture(args, stdout)
	if errors.Is(err, options.ErrHelp) {
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v (bench torture -h explains all flags)\n", err)
		return exitUsage
	}
	progress := report.NewProgress(stderr, false)
	result, err := torture.Run(ctx, opts, progress.Show)
	if result != nil {
		err = errors.Join(err, result.WriteTable(stdout))
	}
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return exitMissed
	}
	if !result.OK() {
		return exitMissed
	}
	return exitOK
}

// write puts the table on standard output, unless that is for the JSON.
func write(result *report.Result, jsonTo string, stdout, stderr io.Writer) error {
	switch jsonTo {
	case "":
		return result.WriteTable(stdout)
	case "-":
		return errors.Join(result.WriteTable(stderr), result.WriteJSON(stdout))
	}
	if err := result.WriteTable(stdout); err != nil {
		return err
	}
	file, err := os.Create(jsonTo)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return errors.Join(result.WriteJSON(file), file.Close())
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

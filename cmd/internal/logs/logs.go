// Package logs writes what operators read: server.log and the same lines on standard error, and
// debug.log. Every line is one token of time, then the text:
//
//	2026-01-19T12:00:00.000Z [OptimizedTickStore] Flushed 500 ticks to disk
//	2026-01-19T12:00:00.000Z replay finished rows=94662 took=1.2s
//
// Warnings and errors carry their level as a word after the time, so that a search for "error"
// finds the errors and nothing else.
package logs

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"
)

// Files turn over at this size and this many old ones are kept.
const (
	turnOverMB = 100
	filesKept  = 5
)

// Options say where to log.
type Options struct {
	File   string    // server.log; debug.log lies in the same directory.
	Audit  string    // The audit log, beside File unless it names a directory; "" for none.
	Stderr io.Writer // Gets the lines of File too; nil for none.
	Debug  bool      // Let debug messages into debug.log.
	Now    func() time.Time
}

// Logs are the two logs of a server.
type Logs struct {
	Main  *slog.Logger // server.log and standard error.
	Debug *slog.Logger // debug.log; always takes Info, takes Debug with -debug.

	// Audit takes the lines of the audit log, one a write; nil when there is none.
	Audit io.Writer

	files []*lumberjack.Logger
}

// Open makes sure the files can be written.
func Open(opts Options) (*Logs, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	debugName := filepath.Join(filepath.Dir(opts.File), "debug.log")
	for _, name := range []string{opts.File, debugName} {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			return nil, fmt.Errorf("log file: %w", err)
		}
	}
	l := &Logs{}
	main := io.Writer(l.rotating(opts.File))
	if opts.Stderr != nil {
		main = &both{first: opts.Stderr, second: main}
	}
	level := slog.LevelInfo
	if opts.Debug {
		level = slog.LevelDebug
	}
	debug := slog.New(NewHandler(l.rotating(debugName), level, opts.Now))
	l.Debug = debug
	l.Main = slog.New(NewHandler(main, slog.LevelInfo, opts.Now))
	if opts.Debug {
		l.Main = slog.New(&split{main: l.Main.Handler(), debug: debug.Handler()})
	}
	if opts.Audit == "" {
		return l, nil
	}
	name := opts.Audit
	if filepath.Base(name) == name {
		name = filepath.Join(filepath.Dir(opts.File), name)
	}
	// Who traded what is nobody's business but the operator's.
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("audit log: %w", err), l.Close())
	}
	l.Audit = l.rotating(name)
	return l, nil
}

// Close closes the files.
func (l *Logs) Close() error {
	var err error
	for _, f := range l.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

func (l *Logs) rotating(name string) io.Writer {
	f := &lumberjack.Logger{Filename: name, MaxSize: turnOverMB, MaxBackups: filesKept}
	l.files = append(l.files, f)
	return f
}

// both writes to first and second; a first that fails (a closed terminal) does not keep a line
// from the file.
type both struct{ first, second io.Writer }

func (b *both) Write(p []byte) (int, error) {
	_, firstErr := b.first.Write(p)
	n, err := b.second.Write(p)
	if err == nil && firstErr != nil {
		return n, nil // The file has the line.
	}
	return n, err
}

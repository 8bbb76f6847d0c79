package feed

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"tradingengine/core"
)

// ErrReplayBehind is returned when the engine already holds quotes that are later than the
// replay's.
var ErrReplayBehind = errors.New("replay refused")

// recordingsOf finds the files of a replay and puts them in order of their first quotes.
func recordingsOf(opts *ReplayOptions) ([]recording, error) {
	paths := slices.Clone(opts.Files)
	if opts.Glob != "" {
		matches, err := filepath.Glob(opts.Glob)
		if err != nil {
			return nil, fmt.Errorf("%w %s: %w", ErrReplayFile, opts.Glob, err)
		}
		if len(matches) == 0 {
			return nil, fmt.Errorf("%w %s: no such file", ErrReplayFile, opts.Glob)
		}
		paths = append(paths, matches...)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%w: a replay needs files", ErrOptions)
	}
	parser, err := lookingParser(opts.Engine)
	if err != nil {
		return nil, err
	}
	files := make([]recording, len(paths))
	for i, path := range paths {
		if files[i], err = lookInto(path, parser); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(files, func(a, b recording) int {
		switch {
		case a.first < b.first:
			return -1
		case a.first > b.first:
			return 1
		}
		return 0
	})
	return files, nil
}

// lookingParser reads quotes that are not taken: the lp names in them are not registered.
func lookingParser(e *core.Engine) (*core.Parser, error) {
	sources, err := core.NewSources(nil)
	return &core.Parser{Symbols: e.Symbols(), Sources: sources}, err
}

// lookInto reads a file as far as its first quote.
func lookInto(path string, parser *core.Parser) (recording, error) {
	info, err := os.Stat(path)
	if err != nil {
		return recording{}, fmt.Errorf("%w: %w", ErrReplayFile, err)
	}
	rec := recording{path: path, size: info.Size()}
	err = eachQuote(path, parser, func(q *core.Quote) bool {
		rec.first = q.Time
		return false
	})
	return rec, err
}

// eachQuote calls each with the quotes of a file until it returns false; rows that are no quotes
// are passed over.
func eachQuote(path string, parser *core.Parser, each func(*core.Quote) bool) error {
	r, err := openFile(path, parser)
	if err != nil {
		return err
	}
	var q core.Quote
	for more := true; more && err == nil; {
		var reject core.Reject
		if reject, err = r.next(&q); err == nil && reject == core.RejectNone {
			more = each(&q)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, r.close())
}

// Check refuses, with ErrReplayBehind, a replay that begins before the newest quote the engine
// holds of a symbol: its quotes would be late, all of them or those of the overlap. It reads the
// files only as far as the newest quote there is, so it costs nothing on an empty engine.
func (r *Replay) Check() error {
	engine := r.opts.Engine
	newest := core.Time(0)
	for id := range engine.Symbols().Len() {
		if live, ok := engine.Live(core.SymbolID(id)); ok {
			newest = max(newest, live.Time)
		}
	}
	if newest == 0 {
		return nil
	}
	parser, err := lookingParser(engine)
	if err != nil {
		return err
	}
	for _, file := range r.files {
		var behind error
		err := eachQuote(file.path, parser, func(q *core.Quote) bool {
			if live, ok := engine.Live(q.Symbol); ok && q.Time < live.Time {
				behind = r.behind(q, live.Time)
			}
			return behind == nil && q.Time <= newest
		})
		if err = errors.Join(err, behind); err != nil {
			return err
		}
	}
	return nil
}

func (r *Replay) behind(q *core.Quote, live core.Time) error {
	const layout = "2006-01-02T15:04:05Z"
	return fmt.Errorf("%w: market data in this directory reaches %s (%s), after the replay's start "+
		"%s; use an empty -data directory, or files that begin later", ErrReplayBehind,
		live.Std().Format(layout), r.opts.Engine.Symbols().Symbol(q.Symbol).Name,
		q.Time.Std().Format(layout))
}

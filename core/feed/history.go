package feed

import (
	"context"
	"fmt"

	"tradingengine/core"
)

// HistoryOptions configure History. Zero values mean the default given.
type HistoryOptions struct {
	Engine        *core.Engine // Required; it runs, and its commits are taken.
	Source        core.SourceID
	Days          int    // Default 3.
	Seed          uint64 // Default 1.
	CloseWeekends bool   // As of the simulator that goes on from here.
	Now           func() core.Time
	// Room bounds the quotes sent and not committed yet; default 8,000. It must not exceed the
	// ticks that a ring holds.
	Room int
	// Progress is told how many of the total minutes are done.
	Progress func(done, total int)
}

const (
	historyDays    = 3
	historyDaysMax = 366
	// A minute of history holds a handful of quotes of each symbol: enough for a bar with a shape,
	// few enough to write days of them in seconds.
	historyRate    = 0.03 // Quotes a second of a symbol, apart from those that Silence asks for.
	historySilence = 12 * core.Second
	historySlice   = 10 * core.Minute
)

// History fills an engine that knows no prices with simulated quotes of the days before now, so
// that charts have something to show. Symbols that have a price already are left alone. It returns
// when everything is committed, up to less than a second before now; a Simulator then goes on.
func History(ctx context.Context, opts HistoryOptions) error {
	if opts.Engine == nil || opts.Days < 0 || opts.Days > historyDaysMax {
		return fmt.Errorf("%w: history needs an engine and at most %d days", ErrOptions,
			historyDaysMax)
	}
	if opts.Days == 0 {
		opts.Days = historyDays
	}
	if opts.Now == nil {
		opts.Now = core.Now
	}
	if opts.Progress == nil {
		opts.Progress = func(int, int) {}
	}
	var err error
	if opts.Source, err = sourceOr(opts.Engine, opts.Source, SimulatorSource); err != nil {
		return err
	}
	mids, wanted := liveMids(opts.Engine), 0
	for _, mid := range mids {
		if mid == 0 {
			wanted++
		}
	}
	if wanted == 0 {
		return nil
	}
	if err := writeHistory(ctx, &opts, mids); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return nil
}

// writeHistory sends the history of the symbols whose mid is 0.
func writeHistory(ctx context.Context, opts *HistoryOptions, mids []core.Mid) error {
	start := opts.Now() - core.Time(opts.Days)*day
	symbols := opts.Engine.Symbols()
	model, err := NewModel(ModelOptions{
		Symbols: symbols, Source: opts.Source, Rate: historyRate * float64(symbols.Len()),
		Seed: opts.Seed, Start: start, Mids: mids, CloseWeekends: opts.CloseWeekends,
		Silence: historySilence,
	})
	if err != nil {
		return err
	}
	p := newPipe(opts.Engine, opts.Now, opts.Room)
	err = fillHistory(ctx, opts, p, model, start, mids)
	if unsent := p.drain(ctx); err == nil {
		err = unsent
	}
	return err
}

func fillHistory(
	ctx context.Context, opts *HistoryOptions, p *pipe, model *Model, start core.Time, mids []core.Mid,
) error {
	total := opts.Days * int(day/core.Minute)
	var batch []core.Quote
	// Writing takes time as well: the end is where the clock is by then.
	for at := start; opts.Now()-at >= core.Second; {
		at = min(at+historySlice, opts.Now()-1)
		batch = model.Step(at, batch[:0])
		for _, q := range batch {
			if mids[q.Symbol] != 0 {
				continue
			}
			p.add(q)
			if !p.full() {
				continue
			}
			if err := p.send(ctx, true); err != nil {
				return err
			}
		}
		opts.Progress(min(int((at-start+core.Second)/core.Minute), total), total)
	}
	return nil
}

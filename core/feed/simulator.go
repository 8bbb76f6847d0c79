package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"tradingengine/core"
)

// SimulatorSource is the lp of simulated quotes unless another one is given.
const SimulatorSource = "SIM"

// SimulatorOptions configure a Simulator. Zero values mean the default given.
type SimulatorOptions struct {
	Engine        *core.Engine     // Required.
	Source        core.SourceID    // Who the quotes are from; default SimulatorSource.
	Rate          float64          // Quotes a second over all symbols; default 200.
	Seed          uint64           // Default 1.
	CloseWeekends bool             // Keep the sessions of the symbols.
	Now           func() core.Time // Default core.Now.
	Log           *slog.Logger     // Default discards.
}

// Simulator feeds a Model's quotes to an engine as time goes by. It goes on from the prices that
// the engine has when Run is called.
type Simulator struct {
	opts    SimulatorOptions
	model   *Model
	newest  core.Time // The latest time that a quote was sent with.
	batch   []core.Quote
	warned  time.Time
	unsaid  int64 // Dropped since the last warning.
	sent    atomic.Int64
	dropped atomic.Int64
}

const (
	sendEvery = 25 * time.Millisecond
	warnEvery = 10 * time.Second
	// lagMax is how far the model may be behind the clock. Beyond it the machine slept, or the
	// engine took nothing for long, and the quotes of that time are not made up afterwards.
	lagMax = 2 * core.Second
)

// NewSimulator checks the options.
func NewSimulator(opts SimulatorOptions) (*Simulator, error) {
	if opts.Engine == nil {
		return nil, fmt.Errorf("%w: a simulator needs an engine", ErrOptions)
	}
	if opts.Now == nil {
		opts.Now = core.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	var err error
	if opts.Source, err = sourceOr(opts.Engine, opts.Source, SimulatorSource); err != nil {
		return nil, err
	}
	s := &Simulator{opts: opts}
	_, err = s.newModel() // Only to refuse bad options here rather than in Run.
	return s, err
}

// Run sends quotes until ctx ends or the engine closes, and then returns nil. It is called once.
func (s *Simulator) Run(ctx context.Context) error {
	var err error
	if s.model, err = s.newModel(); err != nil {
		return err
	}
	for id := range s.opts.Engine.Symbols().Len() {
		if live, ok := s.opts.Engine.Live(core.SymbolID(id)); ok {
			s.newest = max(s.newest, live.Time)
		}
	}
	ticker := time.NewTicker(sendEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := s.pump(ctx); errors.Is(err, core.ErrClosed) || ctx.Err() != nil {
			return nil
		} else if err != nil {
			return fmt.Errorf("simulator: %w", err)
		}
	}
}

// Sent returns how many quotes the engine took. Any goroutine may call it.
func (s *Simulator) Sent() int64 { return s.sent.Load() }

// Dropped returns how many quotes the engine had no room for. Any goroutine may call it.
func (s *Simulator) Dropped() int64 { return s.dropped.Load() }

func (s *Simulator) newModel() (*Model, error) {
	return NewModel(ModelOptions{
		Symbols: s.opts.Engine.Symbols(), Source: s.opts.Source, Rate: s.opts.Rate,
		Seed: s.opts.Seed, Start: s.opts.Now(), Mids: liveMids(s.opts.Engine),
		CloseWeekends: s.opts.CloseWeekends,
	})
}

// pump sends the quotes up to now.
func (s *Simulator) pump(ctx context.Context) error {
	now := s.opts.Now()
	if next := s.model.Next(); next < now-lagMax || s.model.Time() > now+lagMax {
		s.model.Skip(now)
	}
	s.batch = s.model.Step(now, s.batch[:0])
	if len(s.batch) == 0 {
		return nil
	}
	submission := s.opts.Engine.Begin(now)
	defer submission.Release()
	for _, q := range s.batch {
		if q.Time < s.newest {
			// Our clock was set back. Without a time of its own the engine stamps the quote behind
			// the last one, and the market goes on.
			q.Time = 0
		}
		s.newest = max(s.newest, q.Time)
		submission.Add(q)
	}
	switch err := submission.Send(ctx, false); {
	case errors.Is(err, core.ErrInboxFull):
		s.drop(int64(len(s.batch)))
		return nil
	case err != nil:
		return err
	}
	s.sent.Add(int64(len(s.batch)))
	return nil
}

// drop counts quotes that found no room, and says so now and then.
func (s *Simulator) drop(n int64) {
	s.dropped.Add(n)
	s.unsaid += n
	if now := time.Now(); now.Sub(s.warned) >= warnEvery {
		s.opts.Log.Warn("the engine is full, simulated quotes were dropped", "quotes", s.unsaid)
		s.warned, s.unsaid = now, 0
	}
}

// sourceOr registers name unless a source is given.
func sourceOr(e *core.Engine, source core.SourceID, name string) (core.SourceID, error) {
	if source != 0 {
		return source, nil
	}
	id, err := e.Sources().Register(name)
	if err != nil {
		return 0, fmt.Errorf("lp %s: %w", name, err)
	}
	return id, nil
}

// liveMids returns the live mid of every symbol, 0 for those without.
func liveMids(e *core.Engine) []core.Mid {
	mids := make([]core.Mid, e.Symbols().Len())
	for id := range mids {
		if live, ok := e.Live(core.SymbolID(id)); ok {
			mids[id] = core.MidOf(live.Bid, live.Ask)
		}
	}
	return mids
}

package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tradingengine/cmd/internal/config"
	"tradingengine/core/feed"
)

// prepareFeed refuses a feed that cannot run on what the directory holds.
func (v *server) prepareFeed() error {
	if v.config.Feed.Kind != config.FeedReplay {
		return nil
	}
	replay, err := v.newReplay(nil)
	if err == nil {
		err = replay.Check()
	}
	return err
}

// feed sends quotes until ctx ends or the feed does.
func (v *server) feed(ctx context.Context) error {
	switch v.config.Feed.Kind {
	case config.FeedSimulator:
		return v.simulate(ctx)
	case config.FeedReplay:
		return v.replay(ctx)
	default:
		return nil
	}
}

// simulate gives an empty directory some history and then goes on living.
func (v *server) simulate(ctx context.Context) error {
	c := v.config
	if v.loaded.Bars == 0 && c.History > 0 {
		progress := newProgress(v.streams.out, v.logs.Main)
		err := feed.History(ctx, feed.HistoryOptions{
			Engine: v.engine, Days: c.History, Seed: c.Seed, Room: v.room(),
			Progress: func(done, total int) {
				progress.show(fmt.Sprintf("simulating %d days of history", c.History), int64(done),
					int64(total))
			},
		})
		progress.end()
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	simulator, err := feed.NewSimulator(feed.SimulatorOptions{
		Engine: v.engine, Rate: c.Rate, Seed: c.Seed, Log: v.logs.Main,
	})
	if err != nil {
		return err
	}
	v.logs.Main.Info("the simulated market is open", "quotesPerSecond", c.Rate)
	return simulator.Run(ctx)
}

func (v *server) newReplay(progress func(feed.ReplayProgress)) (*feed.Replay, error) {
	spec, err := feed.ParseReplay("replay:" + v.config.Feed.Replay)
	if err != nil {
		return nil, fmt.Errorf("%w: -feed: %w", config.ErrUsage, err)
	}
	return feed.NewReplay(feed.ReplayOptions{
		Engine: v.engine, Glob: spec.Glob, Speed: spec.Speed, Loop: spec.Loop,
		Room: v.room(), Progress: progress, Log: v.logs.Main,
	})
}

// replay sends recorded quotes; the server goes on serving when they end.
func (v *server) replay(ctx context.Context) error {
	progress := newProgress(v.streams.out, v.logs.Main)
	defer progress.end()
	replay, err := v.newReplay(func(p feed.ReplayProgress) {
		progress.show(fmt.Sprintf("replaying %s, %d rows, %s left", p.Time, p.Rows,
			p.ETA.Round(time.Second)), p.Bytes,
			p.BytesTotal)
	})
	if err != nil {
		return err
	}
	if err := replay.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	v.logs.Main.Info("the replay has ended; what it brought stays to be read")
	return nil
}

// room is how many quotes a feed that waits may have uncommitted: few enough that neither ticks nor
// closed minutes are overwritten before they are stored, and that the queue is never full.
func (v *server) room() int {
	c := v.config
	return max(1, min(8000, c.Ring/4, c.Queue*4/5))
}

package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"tradingengine/cmd/internal/config"
	"tradingengine/cmd/internal/logs"
	"tradingengine/cmd/internal/process"
	"tradingengine/cmd/internal/watch"
	"tradingengine/cmd/internal/webhook"
	"tradingengine/core"
	"tradingengine/core/desk"
	"tradingengine/httpd"
	"tradingengine/httpd/web"
	"tradingengine/persist"
)

// stopWithin bounds the time that clients get to take their last answers.
const stopWithin = 3 * time.Second

// server is everything that runs.
type server struct {
	config  *config.Server
	streams streams
	logs    *logs.Logs

	store   *persist.Store
	engine  *core.Engine
	writer  *persist.Writer
	journal *persist.Journal
	desk    *desk.Desk
	courier *webhook.Courier
	http    *httpd.Server
	loaded  persist.Loaded
	stuck   *shardWatch
	sums    *conservation

	keyed       bool                // Keys are asked for.
	loopback    bool                // Only this machine can reach us.
	certificate *certificate        // Nil: plain HTTP.
	keys        []persist.AccessKey // Those that are valid. After the start they are watchAccess's.

	failed chan error // What ends the server before it is asked to stop.
}

// Serve runs the server until ctx ends, and returns when everything accepted is committed.
func Serve(ctx context.Context, c *config.Server, s streams) (err error) {
	v := &server{config: c, streams: s, failed: make(chan error, 8)}
	if err := v.checkExposure(); err != nil {
		return err
	}
	v.logs, err = logs.Open(logs.Options{
		File: c.Log, Audit: c.Audit, Stderr: s.err, Debug: c.Debug,
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			v.logs.Main.Error("stopping", "reason", err)
		}
		err = errors.Join(err, v.logs.Close())
	}()
	if c.TLS() {
		v.certificate, err = openCertificate(c.TLSCert, c.TLSKey, v.logs.Main)
		if err != nil {
			return fmt.Errorf("%w: %w", config.ErrUsage, err)
		}
	}
	listeners, err := httpd.Listen(c.Addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", c.Addr, err)
	}
	if err := v.open(ctx); err != nil {
		for _, l := range listeners {
			err = errors.Join(err, l.Close())
		}
		return err
	}
	defer func() { err = errors.Join(err, v.closeFiles()) }()
	return v.run(ctx, listeners)
}

// open brings store and engine to where the last run left them.
func (v *server) open(ctx context.Context) error {
	c := v.config
	log := v.logs.Main
	setGC(c.GOGC, c.GOMEMLIMIT, log)
	symbols, err := readSymbols(c.Symbols)
	if err != nil {
		return err
	}
	ring := ringSize(c.Ring, symbols.Len())
	if ring < c.Ring {
		log.Info("fewer ticks are kept in memory so that all symbols fit", "ticks", ring)
	}
	log.Info(fmt.Sprintf("[OptimizedTickStore] maxTicksPerSymbol=%d batchSize=%d queueCapacity=%d",
		ring, c.Batch, c.Queue))
	sync := persist.SyncFull
	if c.Sync == "normal" {
		sync = persist.SyncNormal
	}
	progress := newProgress(v.streams.out, log)
	v.store, err = persist.Open(persist.Options{
		Dir: c.Data, Symbols: symbols, Sync: sync, Log: log,
		Progress: progress.of,
	})
	if err != nil {
		return err
	}
	if err := v.restore(ctx, symbols, ring); err != nil {
		return errors.Join(err, v.closeFiles())
	}
	progress.end()
	return nil
}

func (v *server) restore(ctx context.Context, symbols *core.Registry, ring int) (err error) {
	c := v.config
	if err = v.claimKind(ctx); err != nil {
		return err
	}
	v.engine, err = core.New(core.Options{
		Symbols: symbols, Sources: v.store.Sources(), Throttle: c.Throttle, Shards: c.Shards,
		Ticks: ring, Bars: c.Bars, Inbox: c.Inbox, Batch: c.Batch, Queue: c.Queue,
		Watched: c.DeskQuotes, Messages: c.Commands,
	})
	if err != nil {
		return err
	}
	v.loaded, err = v.store.Load(ctx, v.engine, persist.LoadOptions{})
	if err != nil {
		return err
	}
	v.logs.Main.Info(fmt.Sprintf("[OHLCCache] Loaded %d bars across %d symbols", v.loaded.Bars,
		v.loaded.Symbols))
	if err = v.openTrading(ctx, symbols); err != nil {
		return err
	}
	v.courier = v.newCourier()
	v.writer = v.store.NewWriter(persist.WriterOptions{
		FlushInterval: c.FlushInterval, RetainTicks: c.RetainTicks, RetainBars: c.RetainBars,
	})
	v.stuck = &shardWatch{now: time.Now, progress: func() []core.ShardProgress {
		return append(v.engine.Progress(), v.desk.Progress())
	}}
	v.sums = &conservation{stats: v.engine.Stats}
	v.http, err = httpd.New(v.httpOptions(ring))
	if err != nil {
		return err
	}
	if err = v.loadKeys(ctx); err != nil {
		return err
	}
	// What the start needed is not needed again.
	debug.FreeOSMemory()
	return v.prepareFeed()
}

// claimKind says what quotes the directory will hold. Without a feed a directory of replayed quotes
// may be opened too, because they were real once; simulated ones never mix with others.
func (v *server) claimKind(ctx context.Context) error {
	switch v.config.Feed.Kind {
	case config.FeedSimulator:
		return v.store.ClaimKind(persist.KindSimulated)
	case config.FeedReplay:
		return v.store.ClaimKind(persist.KindReplay)
	}
	if kind, err := v.store.Kind(ctx); err != nil || kind == persist.KindReplay {
		return err
	}
	return v.store.ClaimKind(persist.KindReal)
}

// ringSize returns how many ticks a symbol's ring can hold when all rings together may take 1 GiB.
// A ring has a power of two of slots, one of which is not promised.
func ringSize(asked, symbols int) int {
	const tickBytes, all = 32, 1 << 30
	slots := 1
	for 2*slots*tickBytes*max(symbols, 1) <= all {
		slots *= 2
	}
	return min(asked, slots-1)
}

// run starts everything, waits for the end, and stops it in the order of the data.
func (v *server) run(ctx context.Context, listeners []net.Listener) error {
	log := v.logs.Main
	var shards, trading, writer, serving, feeding, beside sync.WaitGroup
	writerCtx, stopWriter := context.WithCancel(context.Background())
	defer stopWriter()
	besideCtx, stopBeside := context.WithCancel(context.Background())
	defer stopBeside()
	feedCtx, stopFeed := context.WithCancel(ctx)
	defer stopFeed()

	shards.Go(func() { v.engine.Run(besideCtx) })
	trading.Go(func() { v.fail(v.desk.Run()) })
	writer.Go(func() { v.fail(v.writer.Run(writerCtx, v.engine)) })
	serving.Go(func() { v.fail(v.http.Serve(listeners...)) })
	beside.Go(func() { v.fail(v.courier.Run(besideCtx)) })
	beside.Go(func() { v.newWatch().Run(besideCtx) })
	operators := &operatorLog{
		engine: v.engine, log: log, debug: v.logs.Debug, queue: v.config.Queue, watch: v.stuck,
	}
	beside.Go(func() { operators.run(besideCtx) })
	beside.Go(func() { v.watchAccess(besideCtx) })
	v.banner(listeners)
	feeding.Go(func() { v.fail(v.feed(feedCtx)) })

	var err error
	select {
	case <-ctx.Done():
		log.Info("stopping, everything accepted is committed first")
	case err = <-v.failed:
	}
	stopFeed()
	feeding.Wait()
	v.engine.Close()
	shards.Wait()
	v.desk.Close()
	trading.Wait()
	stopWriter()
	writer.Wait()
	stopping, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	// A client that does not take its last answer in time does not make the stop a failed one.
	if late := v.http.Shutdown(stopping); !errors.Is(late, context.DeadlineExceeded) {
		err = errors.Join(err, late)
	}
	serving.Wait()
	stopBeside()
	beside.Wait()
	for len(v.failed) > 0 {
		err = errors.Join(err, <-v.failed)
	}
	if err == nil {
		s := v.engine.Stats()
		log.Info("stopped", "committed", s.Committed, "pending", s.Pending, "lost", s.Lost)
	}
	return err
}

// newWatch makes who tells the desk what the checks find.
func (v *server) newWatch() *watch.Watch {
	return watch.New(watch.Options{
		Checks: v.http.Checks(), Symbols: watch.NewSymbols(v.engine), Tell: v.desk.Tell,
	})
}

// fail ends the server when something that must not end did.
func (v *server) fail(err error) {
	if err != nil {
		v.failed <- err
	}
}

// unlimited says "no limit" as package httpd does.
func unlimited(n int) int64 {
	if n == 0 {
		return -1
	}
	return int64(n)
}

// httpOptions describe the server to its clients.
func (v *server) httpOptions(ring int) httpd.Options {
	c := v.config
	var secure *tls.Config
	if v.certificate != nil {
		secure = v.certificate.config()
	}
	return httpd.Options{
		Engine: v.engine, History: v.store, Desk: v.desk, Trades: v.journal, Page: web.Files,
		Webhooks: v.hooks(), Log: v.logs.Main,
		RequireKeys: v.keyed, Loopback: v.loopback, TLS: secure, Audit: v.logs.Audit,
		Hosts: c.Hosts, Origins: c.Origins, Pprof: c.Pprof,
		Limits: httpd.Limits{
			Sessions: c.Sessions, Unsent: c.Unsent, IngestBody: c.MaxBody,
			EncodedBytes: int64(c.Encoded), Connections: c.Connections,
			Senders: c.Senders, IngestFrame: c.MaxFrame, Bodies: int64(c.Bodies),
			KeyRequests: unlimited(c.KeyRequests), KeyCancels: unlimited(c.KeyCancels),
			KeyBytes: unlimited(c.KeyBytes),
		},
		Checks: v.checks(), Writer: v.writerFields, Trading: v.tradingFields, Metrics: v.metrics,
		Memory: process.Memory, CPU: process.CPU,
		Config: httpd.Config{
			BrokerName: c.BrokerName, Version: Version, MaxTicksPerSymbol: ring,
			Throttle: c.Throttle, BatchSize: c.Batch, FlushInterval: c.FlushInterval,
			QueueCapacity: c.Queue, Feed: c.Feed.Kind.String(),
			Simulated: c.Feed.Kind == config.FeedSimulator, Recorded: c.Clock == "quotes",
		},
	}
}

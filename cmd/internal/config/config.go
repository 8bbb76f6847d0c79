// Package config reads flags and environment, and nothing else does. A flag wins over its
// environment variable (ENGINE_ADDR for -addr), which wins over the value built in.
package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tradingengine/core"
)

// ErrUsage is wrapped by everything that is wrong with a command line; the process exits with 2.
var ErrUsage = errors.New("usage")

// Addr is where a server is unless it is told otherwise.
const Addr = "localhost:7999"

// Server is the configuration of a running server.
type Server struct {
	Addr    string
	Data    string // Directory of the files; empty until Finish chose one by the feed.
	Feed    Feed
	Symbols string // A symbol file, or empty.

	Throttle      core.Threshold
	Batch         int
	FlushInterval time.Duration
	Queue         int
	Ring          int
	Bars          int
	Inbox         int
	Shards        int
	Sync          string // full or normal.
	Clock         string // wall or quotes.

	RetainTicks time.Duration // Age at which ticks are deleted; 0 for never.
	RetainBars  time.Duration

	Trading

	Rate    float64 // Simulated quotes a second.
	Seed    uint64
	History int // Days of simulated history for an empty directory.

	BrokerName string
	Log        string
	Debug      bool
	Pprof      bool
	Audit      string // The audit log; empty for none.
	Origins    []string
	Hosts      []string // Names under which requests may ask for a server on loopback.
	Sessions   int
	Senders    int // WebSocket sessions that send quotes.

	MaxBody     int // Bytes of a POST /ticks.
	MaxFrame    int // Bytes of a WebSocket message of quotes.
	Bodies      int // Bytes of all large request bodies together.
	Unsent      int // Bytes kept for a WebSocket session that is behind.
	Encoded     int // Bytes of encoded ticks and bars kept for all series together.
	Connections int // HTTP connections at once.

	Access

	PrivateHooks bool // Webhooks may be reached at addresses that are not public.
	InsecureHTTP bool // Listen where other machines can reach the port, without TLS.

	GOGC, GOMEMLIMIT string // As the environment has them, or empty.
}

// ParseServer reads the flags of the server. It returns flag.ErrHelp after printing the reference
// to out.
func ParseServer(args []string, getenv func(string) string, out io.Writer) (*Server, error) {
	c := &Server{GOGC: getenv("GOGC"), GOMEMLIMIT: getenv("GOMEMLIMIT")}
	fs := NewFlags("server")
	feed := Feed{Kind: FeedSimulator}

	fs.StringVar(&c.Addr, "addr", Addr,
		"`host:port` to serve on; localhost means both loopback addresses")
	fs.StringVar(&c.Data, "data", "",
		"`directory` of the files; when not given: data/demo under the simulator,\n"+
			"data/replay under replay, else data/market")
	fs.Var(&feed, "feed",
		"`source` of quotes: simulator, none (only what clients post), or\n"+
			"replay:GLOB[,speed=10|max][,loop] (CSV or CSV.gz files)")
	fs.StringVar(&c.Symbols, "symbols", "",
		"`file` of symbols, a JSON array: known names override fields, new names are added")
	throttle := ThrottleFlag(fs)
	fs.IntVar(&c.Batch, "batch", 500, "ticks that start a transaction when nobody waits (`rows`)")
	fs.DurationVar(&c.FlushInterval, "flush-interval", time.Second,
		"longest `time` ticks stay uncommitted when nobody waits")
	fs.IntVar(&c.Queue, "queue", 10_000,
		"uncommitted `ticks` above which \"Queue full\" is logged")
	fs.IntVar(&c.Ring, "ring", 50_000, "newest `ticks` of each symbol kept in memory")
	fs.IntVar(&c.Bars, "bars", 5_000,
		"newest closed `bars` of each symbol and time frame kept in memory")
	fs.IntVar(&c.Inbox, "inbox", 262_144,
		"`quotes` that may wait for a shard before senders wait, then get 503")
	fs.IntVar(&c.Shards, "shards", 1,
		"goroutines that own the symbols; one takes millions of quotes a second (`count`)")
	fs.StringVar(&c.Sync, "sync", "full",
		"`mode` of commits: full (survives a power cut) or normal (survives a kill)")
	fs.StringVar(&c.Clock, "clock", "",
		"`source` of trading time: wall (our clock; when not given) or quotes (the newest\n"+
			"quote; when not given under replay); with quotes no quote is too far ahead")
	retainTicks, retainBars := retentionFlags(fs)
	fs.Float64Var(&c.Rate, "rate", 200,
		"simulator: `quotes` a second over all symbols, averaged over a day")
	fs.Uint64Var(&c.Seed, "seed", 1, "simulator: `number` that decides the random walk")
	fs.IntVar(&c.History, "history", 3,
		"simulator: `days` of history that an empty directory is given first; 0 for none")
	fs.StringVar(&c.BrokerName, "broker", "Trading Engine", "`name` shown in /api/config")
	fs.StringVar(&c.Log, "log", "server.log",
		"log `file`; debug.log lies beside it; both turn over at 100 MB, 5 are kept")
	fs.BoolVar(&c.Debug, "debug", false, "write more to debug.log")
	fs.BoolVar(&c.Pprof, "pprof", false, "serve profiles on /debug/pprof/ (loopback only)")
	origins := fs.String("origins", "",
		"further web `origins` that may call, separated by commas; loopback ones always may")
	c.limitFlags(fs)
	fs.BoolVar(&c.PrivateHooks, "webhook-allow-private", false,
		"deliver to webhooks at addresses that are not public, such as this machine's own")
	fs.BoolVar(&c.InsecureHTTP, "insecure-http", false,
		"allow an -addr that other machines can reach without TLS: keys pass in the clear")
	c.Access.flags(fs)
	fs.StringVar(&c.Audit, "audit", "audit.log",
		"log `file` of all that changes accounts or settings; turns over as -log does; \"\" for none")
	hosts := fs.String("hosts", "",
		"`names` under which requests may ask for a server on loopback, separated by commas, beside\n"+
			"localhost and those of -origins")

	if err := fs.Parse(args, getenv, out); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("%w: %q is not a flag", ErrUsage, fs.Arg(0))
	}
	c.Feed, c.Throttle = feed, *throttle
	c.RetainTicks, c.RetainBars = retainTicks.of(feed.Kind), retainBars.of(feed.Kind)
	c.Origins, c.Hosts = words(*origins), words(*hosts)
	return c, c.finish()
}

// words splits a list.
func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// limitFlags are the bounds of what clients can make the server hold.
func (c *Server) limitFlags(fs Flags) {
	fs.IntVar(&c.Sessions, "sessions", 10_000, "most WebSocket sessions at once (`count`)")
	fs.IntVar(&c.Senders, "senders", 256,
		"most WebSocket sessions at once that send quotes (`count`)")
	fs.IntVar(&c.MaxBody, "max-body", 4<<20, "most `bytes` of a POST /ticks, also when unzipped")
	fs.IntVar(&c.Bodies, "bodies", 256<<20,
		"most `bytes` of request bodies above 16 KiB in work at once, also when unzipped")
	fs.IntVar(&c.MaxFrame, "max-frame", 1<<20, "most `bytes` of a message to /ws/ingest")
	fs.IntVar(&c.Unsent, "unsent", 256<<10,
		"`bytes` kept for a WebSocket session that is behind, before it gets a gap")
	fs.IntVar(&c.Encoded, "encoded", 64<<20,
		"`bytes` of encoded ticks and bars kept ready for all series together")
	fs.IntVar(&c.Connections, "connections", 8192, "most HTTP connections at once (`count`)")
	c.Trading.flags(fs)
}

// finish checks what flags cannot check by themselves and fills what depends on other flags.
func (c *Server) finish() error {
	positive := func(name string, v, most int) error { return between(name, v, 1, most) }
	err := errors.Join(
		positive("batch", c.Batch, 1_000_000),
		positive("queue", c.Queue, 100_000_000),
		positive("ring", c.Ring, 10_000_000),
		positive("bars", c.Bars, 1_000_000),
		positive("shards", c.Shards, 64),
		positive("sessions", c.Sessions, 100_000),
		positive("senders", c.Senders, 100_000),
		positive("max-body", c.MaxBody, 1<<30),
		positive("max-frame", c.MaxFrame, 1<<30),
		positive("bodies", c.Bodies, 1<<40),
		positive("unsent", c.Unsent, 1<<30),
		positive("encoded", c.Encoded, 1<<30),
		positive("connections", c.Connections, 1_000_000),
		c.Trading.check(), c.Access.check(),
		oneOf("sync", c.Sync, "full", "normal"),
	)
	if err != nil {
		return err
	}
	switch {
	case c.Bodies < c.MaxBody:
		return fmt.Errorf("%w: -bodies must be at least -max-body, %d", ErrUsage, c.MaxBody)
	case c.Inbox < 4*core.BatchMax:
		return fmt.Errorf("%w: -inbox must be at least %d", ErrUsage, 4*core.BatchMax)
	case c.FlushInterval < time.Millisecond || c.FlushInterval > time.Minute:
		return fmt.Errorf("%w: -flush-interval must be 1ms to 1m", ErrUsage)
	case c.RetainTicks != 0 && c.RetainTicks < time.Hour, c.RetainBars != 0 && c.RetainBars < day:
		return fmt.Errorf("%w: -retain-ticks must be 0 or at least 1h, -retain-bars at least 1d",
			ErrUsage)
	case c.Rate <= 0 || c.Rate > 1_000_000:
		return fmt.Errorf("%w: -rate must be above 0 and at most 1000000", ErrUsage)
	case c.History < 0 || c.History > 30:
		return fmt.Errorf("%w: -history must be 0 to 30 days", ErrUsage)
	}
	if c.Clock == "" {
		c.Clock = "wall"
		if c.Feed.Kind == FeedReplay {
			c.Clock = "quotes"
		}
	}
	if c.Data == "" {
		c.Data = filepath.Join("data", c.Feed.Kind.directory())
	}
	return oneOf("clock", c.Clock, "wall", "quotes")
}

func between(name string, v, least, most int) error {
	if v < least || v > most {
		return fmt.Errorf("%w: -%s must be %d to %d, not %d", ErrUsage, name, least, most, v)
	}
	return nil
}

func oneOf(name, value string, choices ...string) error {
	for _, c := range choices {
		if value == c {
			return nil
		}
	}
	return fmt.Errorf("%w: -%s must be %s, not %q", ErrUsage, name, strings.Join(choices, " or "),
		value)
}

// threshold is a core.Threshold as a flag.
type threshold core.Threshold

func (t *threshold) String() string { return core.Threshold(*t).String() }

func (t *threshold) Set(s string) error {
	v, err := core.ParseThreshold(s)
	*t = threshold(v)
	return err
}

// Environment is os.Getenv; tests pass their own.
func Environment(name string) string { return os.Getenv(name) }

var _ flag.Value = (*threshold)(nil)

// ThrottleFlag adds the flag -throttle to a verb's flags.
func ThrottleFlag(fs Flags) *core.Threshold {
	t := core.DefaultThreshold
	fs.Var((*threshold)(&t), "throttle",
		"smallest `move` of the mid that is stored as a tick, as 0.001% or 0.00001")
	return &t
}

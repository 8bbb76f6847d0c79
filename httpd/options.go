package httpd

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"tradingengine/core"
	"tradingengine/core/desk"
)

// History is what lies behind the engine's memory: everything committed. Results are appended to
// dst in ascending order of time. limit cuts the older end when newest is set, else the newer end.
type History interface {
	// Ticks returns stored ticks with from < time ≤ to.
	Ticks(ctx context.Context, id core.SymbolID, from, to core.Time, limit int, newest bool,
		dst []core.Tick) ([]core.Tick, error)
	// Bars returns closed bars that open at from ≤ time ≤ to.
	Bars(ctx context.Context, id core.SymbolID, frame core.Frame, from, to core.Time, limit int,
		newest bool, dst []core.Bar) ([]core.Bar, error)
}

// Config is what /api/config tells and what the handlers go by. It does not change.
type Config struct {
	BrokerName string
	Version    string

	ExecutionMode   string // Default BBOOK.
	MarginMode      string // Default HEDGING.
	DefaultLeverage int    // Default 100.
	DefaultBalance  int    // Whole units of account currency; default 5000.

	MaxTicksPerSymbol int
	Throttle          core.Threshold
	BatchSize         int
	FlushInterval     time.Duration
	QueueCapacity     int

	Feed      string // Where quotes come from: simulator, none or replay.
	Simulated bool   // Quotes are invented, so nobody may post any.
	Recorded  bool   // Trading time is that of the quotes: none is too far ahead of our clock.
}

// Limits bound what clients can make the server hold. Zero values mean the default given.
type Limits struct {
	Connections   int           // HTTP connections at once; default 8,192. Streams do not count.
	Sessions      int           // WebSocket sessions at once; default 10,000.
	Senders       int           // Of these on /ws/ingest; default 256.
	Unsent        int           // Bytes kept for a session that is behind; default 256 KiB.
	Header        int           // Bytes of request line and headers; default 16 KiB.
	IngestBody    int           // Bytes of POST /ticks, also after gunzip; default 4 MiB.
	IngestFrame   int           // Bytes of a message to /ws/ingest; default 1 MiB.
	Body          int           // Bytes of any other body; default 16 KiB.
	Bodies        int64         // Bytes of all bodies longer than that together; default 256 MiB.
	EncodedBytes  int64         // Encoded elements kept for all series together; default 64 MiB.
	ReadTimeout   time.Duration // To receive a request; default 15 s.
	WriteTimeout  time.Duration // To send an answer; default 30 s.
	IdleTimeout   time.Duration // Between requests of a connection; default 2 min.
	CommitTimeout time.Duration // To wait for a commit; default 30 s.
	ReadHistory   time.Duration // To read from History; default 10 s.
	Verify        time.Duration // To read the whole journal again; default 2 min.

	// What a key may do in a second, and twice as much at once; negative for no limit.
	KeyRequests int64 // Requests, but for those with quotes and those below; default 100.
	KeyCancels  int64 // Requests that cancel an order or close positions; default 100.
	KeyBytes    int64 // Bytes of quotes, unpacked; default 64 MiB.
}

// Field is one named value of an object that another package describes, such as the state of the
// storage writer.
type Field struct {
	Name  string
	Value any // Encoded by encoding/json.
}

// Options configure a Server.
type Options struct {
	Engine  *core.Engine // Required.
	History History      // Nil: there is nothing but memory.
	Config  Config
	Limits  Limits
	// Desk owns the trading state and Trades is the past of it; without them nothing is traded.
	Desk   *desk.Desk
	Trades TradeHistory
	// Webhooks are told of what happens; nil when there are none.
	Webhooks Webhooks
	Checks   []Check        // What /health looks at, in this order.
	Writer   func() []Field // State of the storage writer for /api/stats; nil for none.
	Trading  func() []Field // State of the desk and its journal, likewise.
	Memory   func() int64   // Resident bytes of the process; nil when nobody knows.
	// CPU returns the processor time the process has used; nil when nobody knows.
	CPU     func() time.Duration
	Metrics func(*Metrics) // Adds what others count to /metrics; nil for none.
	Pprof   bool           // Serve profiles below /debug/pprof/, to loopback only.
	// RequireKeys lets nobody in without a key, but for what is open; SetKeys says which there are.
	RequireKeys bool
	// Loopback says that only this machine can reach the server: then requests must call it by a
	// loopback name, or one of Hosts or Origins; otherwise they must if there are Hosts.
	Loopback bool
	Hosts    []string
	TLS      *tls.Config // Nil: plain HTTP.
	Audit    io.Writer   // Gets a line of JSON for each trade or admin write; nil for none.
	Origins  []string    // Web origins that may write, beside loopback ones.
	Page     fs.FS       // Files of the page: index.html for /, all of them under /web/. May be nil.

	Now func() core.Time // Default core.Now.
	// clock is what budgets go by; tests have clocks of their own.
	clock func() time.Time
	Log   *slog.Logger // Nil discards.
}

func (o *Options) setDefaults() error {
	if o.Engine == nil {
		return fmt.Errorf("httpd: Engine is required")
	}
	if (o.Desk == nil) != (o.Trades == nil) {
		return fmt.Errorf("httpd: Desk and Trades belong together")
	}
	if o.Now == nil {
		o.Now = core.Now
	}
	if o.clock == nil {
		o.clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, fields := range []*func() []Field{&o.Writer, &o.Trading} {
		if *fields == nil {
			*fields = func() []Field { return nil }
		}
	}
	if o.History == nil {
		o.History = noHistory{}
	}
	c := &o.Config
	setDefault(&c.ExecutionMode, "BBOOK")
	setDefault(&c.MarginMode, "HEDGING")
	setDefault(&c.DefaultLeverage, 100)
	setDefault(&c.DefaultBalance, 5000)
	l := &o.Limits
	setDefault(&l.Connections, 8192)
	setDefault(&l.Header, 16<<10)
	setDefault(&l.Senders, 256)
	setDefault(&l.IngestBody, 4<<20)
	setDefault(&l.IngestFrame, 1<<20)
	setDefault(&l.Body, 16<<10)
	setDefault(&l.Bodies, 256<<20)
	setDefault(&l.EncodedBytes, 64<<20)
	setDefault(&l.ReadTimeout, 15*time.Second)
	setDefault(&l.WriteTimeout, 30*time.Second)
	setDefault(&l.IdleTimeout, 2*time.Minute)
	setDefault(&l.CommitTimeout, 30*time.Second)
	setDefault(&l.ReadHistory, 10*time.Second)
	setDefault(&l.Verify, 2*time.Minute)
	setDefault(&l.KeyRequests, 100)
	setDefault(&l.KeyCancels, 100)
	setDefault(&l.KeyBytes, 64<<20)
	return nil
}

func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// noHistory is the History of a market that is only in memory.
type noHistory struct{}

func (noHistory) Ticks(_ context.Context, _ core.SymbolID, _, _ core.Time, _ int, _ bool,
	dst []core.Tick,
) ([]core.Tick, error) {
	return dst, nil
}

func (noHistory) Bars(_ context.Context, _ core.SymbolID, _ core.Frame, _, _ core.Time, _ int,
	_ bool, dst []core.Bar,
) ([]core.Bar, error) {
	return dst, nil
}

package options

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"tradingengine/bench/internal/quotes"
	"tradingengine/bench/internal/server"
)

// ErrUsage is returned for a command line that makes no sense; the message says why.
var ErrUsage = errors.New("usage")

// ErrHelp is returned when help was asked for and has been printed.
var ErrHelp = flag.ErrHelp

// Options are a whole run. The JSON report repeats them.
type Options struct {
	URL      string        `json:"url"`
	Duration time.Duration `json:"durationNanos"`
	Count    int64         `json:"count"`
	Timeout  time.Duration `json:"timeoutNanos"`
	Seed     uint64        `json:"seed"`
	Quotes   Quotes        `json:"quotes"`
	Gets     Gets          `json:"gets"`
	Orders   Orders        `json:"orders"`
	Sessions int           `json:"webSocketSessions"`
	Slow     int           `json:"slowSessions"`
	SlowRate int           `json:"slowBytesPerSecond"`
	Stuck    int           `json:"stuckSessions"`
	PID      int           `json:"pid,omitempty"`

	JSON  string `json:"-"`
	Quiet bool   `json:"-"`

	address, bare server.Address
}

// Quotes are the options of the load of quotes.
type Quotes struct {
	Rate        Rate          `json:"rate"`
	RateMin     float64       `json:"rateMin,omitempty"`
	Batch       int           `json:"batch"`
	Connections int           `json:"connections"`
	Format      quotes.Format `json:"format"`
	Ack         quotes.Ack    `json:"ack"`
	Via         quotes.Via    `json:"via"`
	Symbols     []string      `json:"symbols,omitempty"`
	Times       bool          `json:"times"`
	Sequence    uint64        `json:"firstSequence,omitempty"`
	Source      string        `json:"lp,omitempty"`
	Write       bool          `json:"write"`
}

// Gets are the options of the load of GETs.
type Gets struct {
	Rate        Rate     `json:"rate"`
	Connections int      `json:"connections"`
	Paths       []string `json:"paths,omitempty"`
	Compare     string   `json:"compare,omitempty"`
	Rounds      int      `json:"rounds,omitempty"`
}

// Orders are the options of the load of orders.
type Orders struct {
	Rate        Rate    `json:"rate"`
	RateMin     float64 `json:"rateMin,omitempty"`
	Connections int     `json:"connections"`
	Batch       int     `json:"batch"`
}

// Readers is how many WebSocket sessions there are in all.
func (o *Options) Readers() int { return o.Sessions + o.Slow + o.Stuck }

// Address is the engine's.
func (o *Options) Address() server.Address { return o.address }

// Bare is the address of the server that the engine is compared with.
func (o *Options) Bare() server.Address { return o.bare }

// list is a flag that may be given more than once.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// Parse reads the arguments after the program's name. Help goes to out.
func Parse(args []string, out io.Writer) (Options, error) {
	var o Options
	var symbols string
	fs := o.flags(&symbols)
	err := parse(fs, args, func() error {
		return printReference(out, fs, introduction, groups, examples)
	})
	if err != nil {
		return Options{}, err
	}
	if symbols != "" {
		o.Quotes.Symbols = strings.Split(strings.ToUpper(symbols), ",")
	}
	given := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if err := o.complete(given); err != nil {
		return Options{}, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return o, nil
}

// parse reads flags, and nothing but flags.
func parse(fs *flag.FlagSet, args []string, help func() error) error {
	fs.SetOutput(io.Discard)
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return errors.Join(err, help())
	case err != nil:
		return explain(fs, err)
	case fs.NArg() > 0:
		return fmt.Errorf("%w: unexpected argument %q", ErrUsage, fs.Arg(0))
	}
	return nil
}

// flags defines every flag. The text in back quotes is the unit that the reference shows.
func (o *Options) flags(symbols *string) *flag.FlagSet {
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.StringVar(&o.URL, "url", "http://localhost:7999", "`address` of the engine under load")
	fs.DurationVar(&o.Duration, "duration", 30*time.Second,
		"`time` that requests are due in, such as 90s or 10m; 0 is no limit, if -count sets one")
	fs.Int64Var(&o.Count, "count", 0,
		"most `quotes`, most GETs and most orders that are sent, each by itself; 0 is no limit")
	fs.DurationVar(&o.Timeout, "timeout", 10*time.Second,
		"`time` for one request, and for the backlog that is left when -duration is over")
	fs.Uint64Var(&o.Seed, "seed", 1, "`number` that decides all prices and the order of GETs")
	o.quoteFlags(fs, symbols)
	o.readFlags(fs)
	o.orderFlags(fs)
	fs.IntVar(&o.PID, "pid", 0,
		"`process` of the engine on this machine, to find its resident memory where /api/stats "+
			"does not say it")
	fs.StringVar(&o.JSON, "json", "", "`file` for the whole report as JSON; - is standard output")
	fs.BoolVar(&o.Quiet, "quiet", false, "no progress line")
	return fs
}

func (o *Options) quoteFlags(fs *flag.FlagSet, symbols *string) {
	q := &o.Quotes
	fs.TextVar(&q.Rate, "quotes-rate", Rate{PerSecond: 50_000},
		"`quotes/s` over all connections; max is flat out, 0 posts nothing")
	fs.Float64Var(&q.RateMin, "quotes-min", 0,
		"`quotes/s` that must be taken, for runs flat out; less is a missed target, 0 asks nothing")
	fs.IntVar(&q.Batch, "batch", 500, "`quotes` in a request")
	fs.IntVar(&q.Connections, "conns", 4,
		"`connections` that post; each has symbols of its own, so at most one a symbol")
	fs.TextVar(&q.Format, "format", quotes.NDJSON, "`format` of the quotes: ndjson, csv or json")
	fs.TextVar(&q.Ack, "ack", quotes.Commit,
		"what the answer waits for: commit or accept (`ack` of POST /ticks)")
	fs.TextVar(&q.Via, "via", quotes.Post,
		"`way` of the quotes: post is POST /ticks, ws is frames of NDJSON to /ws/ingest")
	fs.StringVar(symbols, "symbols", "", "`names`, with commas between, to quote; empty is all")
	fs.BoolVar(&q.Times, "times", false, "write the time at which it is due into each quote, else it "+
		"has that of arrival; on when -ws reads what is posted")
	fs.Uint64Var(&q.Sequence, "seq", 0,
		"`number` of the first quote of each symbol, counted up (seq); 0 leaves numbers out")
	fs.StringVar(&q.Source, "lp", "", "`name` of the source in each quote; empty leaves it out")
	fs.BoolVar(&q.Write, "write", false,
		"post even if the market has prices; invented ones then mix with them for good")
}

func (o *Options) readFlags(fs *flag.FlagSet) {
	g := &o.Gets
	fs.TextVar(&g.Rate, "get-rate", Rate{PerSecond: 2_000},
		"`GETs/s` over all connections; max is flat out, 0 sends none")
	fs.IntVar(&g.Connections, "get-conns", 54, "`connections` that send GETs")
	fs.Var((*list)(&g.Paths), "path",
		"`path` to GET instead of the mix over all endpoints; may be given more than once")
	fs.StringVar(&g.Compare, "compare", "",
		"`address` of a bare server (see bench/barehttp): measure each -path flat out on both in "+
			"turns and judge the ratio; -duration is then shared by all slices")
	fs.IntVar(&g.Rounds, "rounds", 10, "`turns` of each server in a comparison")
	fs.IntVar(&o.Sessions, "ws", 10, "WebSocket `sessions` that read every tick: a gap, or a tick "+
		"that does not follow on the one before, is a missed target")
	fs.IntVar(&o.Slow, "ws-slow", 0, "`sessions` that read too slowly; what their gaps say is "+
		"compared with what a -ws session saw")
	fs.IntVar(&o.SlowRate, "ws-slow-rate", 100_000, "`bytes/s` that each -ws-slow session reads")
	fs.IntVar(&o.Stuck, "ws-stuck", 0, "`sessions` that read nothing after the handshake")
}

func (o *Options) orderFlags(fs *flag.FlagSet) {
	r := &o.Orders
	fs.TextVar(&r.Rate, "orders-rate", Rate{},
		"`orders/s` over all connections, buys and sells in turns on an account opened for them; max "+
			"is flat out, 0 sends none")
	fs.Float64Var(&r.RateMin, "orders-min", 0,
		"`orders/s` that must be acknowledged; less is a missed target, 0 asks nothing")
	fs.IntVar(&r.Connections, "orders-connections", 8, "`connections` that send orders")
	fs.IntVar(&r.Batch, "orders-batch", 1,
		"`orders` in a request; above 1 they are lists (POST /api/orders/batch), taken whole or not")
}

// complete checks what belongs together and fills in what follows from it.
func (o *Options) complete(given map[string]bool) error {
	var err error
	if o.address, err = server.ParseAddress(o.URL); err != nil {
		return fmt.Errorf("-url: %w", err)
	}
	if o.Gets.Compare != "" {
		if o.bare, err = server.ParseAddress(o.Gets.Compare); err != nil {
			return fmt.Errorf("-compare: %w", err)
		}
		if err := o.completeComparison(given); err != nil {
			return err
		}
	} else {
		o.Gets.Rounds = 0
	}
	if !given["times"] {
		o.Quotes.Times = o.Quotes.Rate.On() && o.Sessions > 0
	}
	return o.check()
}

func (o *Options) completeComparison(given map[string]bool) error {
	if len(o.Gets.Paths) == 0 {
		return errors.New("-compare needs at least one -path")
	}
	if !given["get-rate"] {
		o.Gets.Rate = Rate{FlatOut: true}
	}
	if !given["quotes-rate"] {
		o.Quotes.Rate = Rate{}
	}
	if !given["ws"] {
		o.Sessions = 0
	}
	switch {
	case !o.Gets.Rate.FlatOut:
		return errors.New("-compare is flat out: -get-rate must be max")
	case o.Quotes.Rate.On() || o.Orders.Rate.On() || o.Readers() > 0:
		return errors.New("-compare measures GETs alone: -quotes-rate, -orders-rate and -ws must be 0")
	case o.Duration == 0 || o.Count > 0:
		return errors.New("-compare is limited by -duration alone")
	case o.Gets.Rounds < 1 || o.Gets.Rounds > 1000:
		return errors.New("-rounds is 1 to 1000")
	}
	return nil
}

// requests reports whether there is a load with a rate.
func (o *Options) requests() bool {
	return o.Quotes.Rate.On() || o.Gets.Rate.On() || o.Orders.Rate.On()
}

func (o *Options) check() error {
	q, g := &o.Quotes, &o.Gets
	within := func(name string, n, least, most int) error {
		if n < least || n > most {
			return fmt.Errorf("-%s is %d to %d, not %d", name, least, most, n)
		}
		return nil
	}
	err := errors.Join(
		within("batch", q.Batch, 1, 50_000), within("conns", q.Connections, 1, 2048),
		within("get-conns", g.Connections, 1, 10_000), within("ws", o.Sessions, 0, 10_000),
		within("orders-connections", o.Orders.Connections, 1, 10_000),
		within("orders-batch", o.Orders.Batch, 1, 100),
		within("ws-slow", o.Slow, 0, 10_000), within("ws-stuck", o.Stuck, 0, 10_000),
		within("ws-slow-rate", o.SlowRate, 10, 1<<30),
		within("pid", o.PID, 0, 1<<30))
	switch {
	case err != nil:
		return err
	case o.Duration < 0 || o.Timeout <= 0 || o.Count < 0 || q.RateMin < 0 || o.Orders.RateMin < 0:
		return errors.New("times and counts are not negative, and -timeout is not 0")
	case o.Duration == 0 && o.Count == 0:
		return errors.New("a run needs an end: -duration or -count")
	case o.Duration == 0 && !o.requests():
		return errors.New("-count counts quotes, GETs and orders, and there are none: give -duration")
	case !o.requests() && o.Readers() == 0:
		return errors.New("nothing to do: -quotes-rate, -get-rate, -orders-rate and -ws are all 0")
	case q.Via == quotes.Socket && q.Format != quotes.NDJSON:
		return errors.New("-via ws sends -format ndjson")
	case strings.ContainsAny(q.Source, "\"\\,\r\n"):
		return errors.New("-lp is a plain name")
	}
	for _, path := range g.Paths {
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " \r\n") {
			return fmt.Errorf("-path begins with / and has no blanks: %q", path)
		}
	}
	return nil
}

package httpd

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
	"tradingengine/core/desk"
	"tradingengine/core/trading"
)

// hubOptions configure a hub. Zero values mean the default given.
type hubOptions struct {
	engine  *core.Engine // Required.
	desk    *desk.Desk   // Nil: there are no accounts.
	history History      // What ticks and bars are replayed from when the engine has them no more.
	log     *slog.Logger // Nil discards.
	// identify finds out whose key a text is that came from an address. Required where sessions of
	// strangers begin.
	identify func(key []byte, from net.Addr) (*caller, *problem)
	// fail answers a request that is refused before it becomes a stream. Required by serve.
	fail func(ctx *fasthttp.RequestCtx, err error)

	sessions int              // Sessions at once; default 10,000.
	unsent   int              // Bytes kept for a session that is behind; default 256 KiB.
	message  int              // Bytes of a client's message; default 16 KiB.
	now      func() core.Time // What heartbeats tell; default core.Now.

	heartbeat time.Duration // Silence of ours after which one is sent; default 5 s.
	ping      time.Duration // Between pings; default 10 s.
	silence   time.Duration // Silence of a client that ends its session; default 30 s.
	slow      time.Duration // A connection that takes nothing for this long is closed; default 9 s.
	closing   time.Duration // How long a client may take to answer a close frame; default 1 s.
	strangers int           // Sessions at once that have not said who they are; default 256.
	proof     time.Duration // How long a client may take to say who it is; default 10 s.
	readPast  time.Duration // Deadline of one read of history; default 10 s.

	// After a pass the hub waits for pace, and paceSession for every session it woke more, so that
	// under load many ticks go out in one write; defaults 1 ms and 5 µs.
	pace        time.Duration
	paceSession time.Duration
	// How late the readers of ticks may make the hub; default 1 s.
	patience time.Duration
}

func (o *hubOptions) setDefaults() {
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	if o.now == nil {
		o.now = core.Now
	}
	if o.history == nil {
		o.history = noHistory{}
	}
	setDefault(&o.sessions, 10_000)
	setDefault(&o.unsent, 256<<10)
	setDefault(&o.message, 16<<10)
	setDefault(&o.heartbeat, 5*time.Second)
	setDefault(&o.ping, 10*time.Second)
	setDefault(&o.silence, 30*time.Second)
	setDefault(&o.slow, 9*time.Second)
	setDefault(&o.closing, time.Second)
	setDefault(&o.strangers, strangersMax)
	setDefault(&o.proof, proofWithin)
	setDefault(&o.readPast, 10*time.Second)
	setDefault(&o.pace, time.Millisecond)
	setDefault(&o.paceSession, 5*time.Microsecond)
	setDefault(&o.patience, time.Second)
}

// hub streams the market to WebSocket sessions. One goroutine, run, reads the engine with cursors,
// encodes and frames what came once, and appends it to logs (stream_log.go), one for each content
// that some session takes. Sessions write to their connections from there; nothing is copied for a
// session and nothing waits for one, but see hubPace.
//
//	engine's rings ─► hub goroutine ─► logs ─► session's writer ─► connection
//	                      ▲                         ▲
//	                      └── commands ─ session's reader ◄─ connection
//
// The second group of fields, the logs, and which session reads which log belong to the hub
// goroutine. Other goroutines let it work for them with do. What it decides for a session it puts
// into the session's orders, so everything reaches the client in the order in which it was decided.
type hub struct {
	opts    hubOptions
	engine  *core.Engine
	symbols *core.Registry
	texts   []streamText // By SymbolID.

	logs    map[streamLogKey]*streamLog
	changed []*streamLog // With something to publish.
	ticks   tickFeed
	quotes  quoteFeed
	bars    [core.Frames]barFeed
	// accounts and alerts are the desk's; all others are the engine's.
	accounts accountFeed
	alerts   alertFeed
	now      time.Time // When the pass began.
	passes   uint64
	pending  bool      // The engine signalled since the last pass, or the last one was not finished.
	woken    int       // Sessions that got something to do in the last pass, but for stuck ones.
	next     time.Time // Before this no pass begins.
	due      time.Time // When something is to be sent though the engine is quiet; zero for never.
	pacing   hubPace
	timer    *time.Timer
	scratch  []byte

	commands chan hubCommand
	stopped  chan struct{} // Closed when the hub goroutine has ended.
	sessions hubSessions
	counts   hubCounts
	past     chan struct{} // Holds one token for every read of history under way.
}

// hubSessions are the sessions there are.
type hubSessions struct {
	sync.Mutex
	all    map[*session]struct{}
	closed bool // No more come in.
	// strangers are those of which nobody knows yet who they are.
	strangers int
	count     atomic.Int64
	ended     sync.WaitGroup
}

type hubCommand struct {
	run  func()
	done chan struct{}
}

// scratchBytes holds the longest message about one symbol.
const scratchBytes = 1024

// pastReadsMax is how many sessions may read history at once; others wait their turn.
const pastReadsMax = 4

func newHub(opts hubOptions) *hub {
	opts.setDefaults()
	h := &hub{
		opts: opts, engine: opts.engine, symbols: opts.engine.Symbols(),
		texts:    newStreamTexts(opts.engine.Symbols()),
		commands: make(chan hubCommand), stopped: make(chan struct{}),
		past: make(chan struct{}, pastReadsMax), scratch: make([]byte, 0, scratchBytes),
	}
	h.accounts = accountFeed{desk: opts.desk, logs: make(map[trading.AccountID]*[]logPlace)}
	h.sessions.all = make(map[*session]struct{})
	h.clear()
	return h
}

// clear makes the hub know of no stream.
func (h *hub) clear() {
	h.logs, h.changed = make(map[streamLogKey]*streamLog), nil
	h.pacing, h.pending, h.due = hubPace{}, false, time.Time{}
	h.alerts = newAlertFeed(h.opts.desk)
	n := h.symbols.Len()
	h.ticks = tickFeed{symbols: make([]tickSymbol, n), read: make([]core.Tick, tickRun)}
	h.quotes = quoteFeed{symbols: make([]quoteSymbol, n), read: make([]core.Move, moveRun)}
	for i := range h.quotes.rates {
		h.quotes.rates[i].symbols = make([]rateSymbol, n)
	}
	for f := range h.bars {
		h.bars[f] = barFeed{
			frame: core.Frame(f), symbols: make([]barSymbol, n), read: make([]core.Bar, barRun),
		}
	}
}

// run works until ctx ends. It is called once. What sessions are left are then cut off.
func (h *hub) run(ctx context.Context) {
	h.timer = time.NewTimer(0)
	defer h.timer.Stop()
	work := h.work
	for {
		signal := h.engine.StreamSignal()
		if h.pending || len(h.logs) == 0 {
			signal = nil
		}
		select {
		case <-ctx.Done():
			close(h.stopped)
			h.cutAll()
			return
		case c := <-h.commands:
			h.now = time.Now()
			h.guard(c.run)
			close(c.done)
		case <-signal:
			h.pending = true
		case <-h.accounts.changed:
			h.accounts.changed = h.accounts.desk.Changed()
			h.pending = true
		case <-h.alerts.changed:
			h.alerts.changed = h.alerts.desk.Changed()
			h.pending = true
		case <-h.timer.C:
		}
		h.guard(work)
	}
}

// do lets the hub goroutine run f between two passes and waits for it. It reports false, and f did
// not run, when the hub has ended.
func (h *hub) do(f func()) bool {
	c := hubCommand{run: f, done: make(chan struct{})}
	select {
	case h.commands <- c:
		<-c.done
		return true
	case <-h.stopped:
		return false
	}
}

// work makes a pass if it is time for one, and sets the timer for the next.
func (h *hub) work() {
	now := time.Now()
	if (h.pending || h.isDue(now)) && !now.Before(h.next) {
		h.pass(now)
		now = time.Now()
		h.next = now.Add(h.opts.pace + h.opts.paceSession*time.Duration(h.woken))
	}
	switch {
	case h.pending:
		h.timer.Reset(h.next.Sub(now))
	case !h.due.IsZero():
		h.timer.Reset(max(h.due.Sub(now), h.next.Sub(now)))
	default:
		h.timer.Stop()
	}
}

func (h *hub) isDue(now time.Time) bool { return !h.due.IsZero() && !now.Before(h.due) }

// pass takes what came since the last one from the engine to the logs and wakes their readers.
func (h *hub) pass(now time.Time) {
	h.now, h.due = now, time.Time{}
	h.passes++
	h.pending = h.passTicks()
	h.passQuotes()
	for f := range h.bars {
		h.passBars(&h.bars[f])
	}
	h.passAccounts()
	h.passAlerts()
	h.publish()
}

// dueAt makes sure that a pass begins at t, or soon after.
func (h *hub) dueAt(t time.Time) {
	if h.due.IsZero() || t.Before(h.due) {
		h.due = t
	}
}

// emit appends one frame to all logs of a list.
func (h *hub) emit(logs []logPlace, frame []byte, mark streamMark) {
	for _, p := range logs {
		if !p.log.changed {
			p.log.changed = true
			h.changed = append(h.changed, p.log)
		}
		p.log.append(frame, p.slot, mark, h.now)
		h.pacing.full = h.pacing.full || p.log.position() > p.log.pacedTo
	}
	h.counts.framed.Add(1)
}

// publish shows readers what the pass appended and wakes them.
func (h *hub) publish() {
	h.woken = 0
	for i, l := range h.changed {
		l.changed = false
		l.publish()
		for _, c := range l.readers {
			c.reader.signal()
			if !c.reader.blocked(h.now) {
				h.woken++
			}
		}
		h.changed[i] = nil
	}
	h.changed = h.changed[:0]
}

// logPlace is a log in the list of the logs that take a symbol.
type logPlace struct {
	log  *streamLog
	slot int // Of the symbol in the log.
}

// enlist puts a log into the list of each of its symbols; list finds it.
func (l *streamLog) enlist(list func(id core.SymbolID) *[]logPlace) {
	for slot, id := range l.symbols {
		logs := list(id)
		l.places[slot] = len(*logs)
		*logs = append(*logs, logPlace{l, slot})
	}
}

// delist is the reverse of enlist.
func (l *streamLog) delist(list func(id core.SymbolID) *[]logPlace) {
	for slot, id := range l.symbols {
		logs := list(id)
		last := len(*logs) - 1
		moved := (*logs)[last]
		(*logs)[l.places[slot]] = moved
		moved.log.places[moved.slot] = l.places[slot]
		(*logs)[last] = logPlace{}
		*logs = (*logs)[:last]
	}
}

package sockets

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fasthttp/websocket"

	"tradingengine/bench/internal/latency"
)

const (
	samplesMax      = 5
	readBufferBytes = 16 << 10
)

// LoadOptions describe the readers.
type LoadOptions struct {
	// Address is host:port.
	Address string
	// Path is where sessions are opened, "/ws" if empty.
	Path string
	// Sessions is how many good readers there are, Slow and Stuck how many of those kinds.
	Sessions, Slow, Stuck int
	// SlowBytes is how many bytes a second a slow reader takes.
	SlowBytes int
	// Timeout bounds the opening of each session; 0 means 10 s.
	Timeout time.Duration
}

// Load is a number of open sessions. Open once, Close once; the rest at any time from anywhere.
type Load struct {
	opts       LoadOptions
	good, slow group
	stuck      []*stuck // Set by Open, then only read.
	pulse      time.Duration
	running    sync.WaitGroup
	mu         struct {
		sync.Mutex
		samples []string
	}
}

// group are the readers of one kind.
type group struct {
	readers  []*reader // Set by Open, then only read.
	recorder *latency.Recorder
	// dropped sessions are no failure: it is what they are there for.
	dropped bool
}

// NewLoad returns a load that has not connected yet.
func NewLoad(opts LoadOptions) *Load {
	if opts.Path == "" {
		opts.Path = "/ws"
	}
	if opts.Timeout == 0 {
		opts.Timeout = 10 * time.Second
	}
	return &Load{
		opts: opts, pulse: stuckPulse, good: group{recorder: latency.NewRecorder()},
		slow: group{recorder: latency.NewRecorder(), dropped: true},
	}
}

// Recorder has the ages of the ticks of good sessions.
func (l *Load) Recorder() *latency.Recorder { return l.good.recorder }

// Open connects all sessions; good ones are read from the moment they are open, because an engine
// closes sessions that do not read. On failure those already open are closed.
func (l *Load) Open(ctx context.Context) error {
	dialer := websocket.Dialer{
		HandshakeTimeout: l.opts.Timeout, ReadBufferSize: readBufferBytes,
	}
	err := l.openAll(ctx, dialer, "session", l.opts.Sessions, func(conn *websocket.Conn) error {
		return l.read(&l.good, conn)
	})
	if err == nil && l.opts.Slow > 0 {
		dialer.NetDialContext = dialSlow(l.opts.SlowBytes)
		err = l.openAll(ctx, dialer, "slow session", l.opts.Slow, func(conn *websocket.Conn) error {
			return l.read(&l.slow, conn)
		})
	}
	if err == nil {
		dialer.NetDialContext, dialer.ReadBufferSize = dialSmall, smallBufferBytes
		err = l.openAll(ctx, dialer, "stuck session", l.opts.Stuck, func(conn *websocket.Conn) error {
			s := newStuck(conn, l.pulse)
			l.stuck = append(l.stuck, s)
			l.running.Go(s.run)
			return nil
		})
	}
	if err != nil {
		l.Close()
	}
	return err
}

func (l *Load) openAll(ctx context.Context, dialer websocket.Dialer, what string, sessions int,
	use func(*websocket.Conn) error,
) error {
	for n := range sessions {
		conn, response, err := dialer.DialContext(ctx, "ws://"+l.opts.Address+l.opts.Path, nil)
		status := ""
		if err == nil {
			err = use(conn)
		} else if response != nil {
			status = " (" + response.Status + ")"
		}
		if err != nil {
			return fmt.Errorf("open %s %d of %d at %s: %w%s",
				what, n+1, sessions, l.opts.Path, err, status)
		}
	}
	return nil
}

// read subscribes a session and lets it read.
func (l *Load) read(g *group, conn *websocket.Conn) error {
	r := newReader(l, g, conn)
	r.chain.witness = g == &l.good && len(g.readers) == 0 && l.opts.Slow > 0
	if err := r.subscribe(); err != nil {
		_ = conn.Close() // err says what is wrong.
		return err
	}
	g.readers = append(g.readers, r)
	l.running.Go(r.run)
	return nil
}

// Close ends all sessions and waits for their readers.
func (l *Load) Close() {
	for _, r := range l.good.readers {
		r.close()
	}
	for _, r := range l.slow.readers {
		r.close()
	}
	for _, s := range l.stuck {
		close(s.closing)
	}
	l.running.Wait()
}

// Totals returns what the good sessions have seen so far.
func (l *Load) Totals() Totals {
	sum := l.good.totals()
	l.mu.Lock()
	defer l.mu.Unlock()
	sum.Samples = append([]string(nil), l.mu.samples...)
	return sum
}

// Slow returns what the slow sessions have seen so far.
func (l *Load) Slow() Totals { return l.slow.totals() }

func (g *group) totals() Totals {
	sum := Totals{
		Sessions: int64(len(g.readers)), Age: latency.Summarize(g.recorder).Latency,
		Codes: make(map[int]int64),
	}
	for _, r := range g.readers {
		r.addTo(&sum)
	}
	return sum
}

// Misjudged is by how many ticks the slow sessions' ticks and gaps differ from what a good session
// saw in the same stretches. It is false when there is nothing to compare. For after Close.
func (l *Load) Misjudged() (ticks int64, compared bool) {
	if len(l.good.readers) == 0 {
		return 0, false
	}
	witness := &l.good.readers[0].chain
	for _, r := range l.slow.readers {
		off, symbols := r.chain.off(witness)
		ticks += off
		compared = compared || symbols > 0
	}
	return ticks, compared
}

func (l *Load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.mu.samples) < samplesMax {
		l.mu.samples = append(l.mu.samples, err.Error())
	}
}

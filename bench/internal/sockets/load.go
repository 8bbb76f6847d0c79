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
	// Sessions is how many readers there are.
	Sessions int
	// Timeout bounds the opening of each session; 0 means 10 s.
	Timeout time.Duration
}

// Load is a number of open sessions. Open once, Close once; the rest at any time from anywhere.
type Load struct {
	opts     LoadOptions
	readers  []*reader // Set by Open, then only read.
	running  sync.WaitGroup
	recorder *latency.Recorder
	mu       struct {
		sync.Mutex
		samples []string
	}
}

// NewLoad returns a load that has not connected yet.
func NewLoad(opts LoadOptions) *Load {
	if opts.Path == "" {
		opts.Path = "/ws"
	}
	if opts.Timeout == 0 {
		opts.Timeout = 10 * time.Second
	}
	return &Load{opts: opts, recorder: latency.NewRecorder()}
}

// Recorder has the ages of the ticks.
func (l *Load) Recorder() *latency.Recorder { return l.recorder }

// Open connects all sessions; each is read from the moment it is open, because an engine closes
// sessions that do not read. On failure those already open are closed.
func (l *Load) Open(ctx context.Context) error {
	dialer := websocket.Dialer{
		HandshakeTimeout: l.opts.Timeout, ReadBufferSize: readBufferBytes,
	}
	for range l.opts.Sessions {
		conn, response, err := dialer.DialContext(ctx, "ws://"+l.opts.Address+l.opts.Path, nil)
		if err != nil {
			l.Close()
			status := ""
			if response != nil {
				status = " (" + response.Status + ")"
			}
			return fmt.Errorf("open session %d of %d at %s: %w%s",
				len(l.readers)+1, l.opts.Sessions, l.opts.Path, err, status)
		}
		r := newReader(l, conn)
		l.readers = append(l.readers, r)
		l.running.Go(r.run)
	}
	return nil
}

// Close ends all sessions and waits for their readers.
func (l *Load) Close() {
	for _, r := range l.readers {
		r.close()
	}
	l.running.Wait()
}

// Totals returns what the sessions have seen so far.
func (l *Load) Totals() Totals {
	sum := Totals{Sessions: int64(len(l.readers)), Age: latency.Summarize(l.recorder).Latency}
	for _, r := range l.readers {
		r.addTo(&sum)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	sum.Samples = append([]string(nil), l.mu.samples...)
	return sum
}

func (l *Load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.mu.samples) < samplesMax {
		l.mu.samples = append(l.mu.samples, err.Error())
	}
}

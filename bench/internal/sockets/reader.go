package sockets

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/fasthttp/websocket"

	"tradingengine/bench/internal/latency"
)

const (
	messageBytesMax = 1 << 20
	// examineEvery is how many ticks lie between two that are decoded in full.
	examineEvery = 4096
	// Ages are handed to the shared recorder in lots, or when one is older than agesWait.
	agesLot  = 256
	agesWait = 200 * time.Millisecond
	// goodbye bounds the sending of the close message.
	goodbye = time.Second
)

// counts are written by one reader and read by whoever asks for totals.
type counts struct {
	messages, ticks, snapshot, bytes atomic.Int64
	gaps, skipped                    atomic.Int64
	bad, errors, broken              atomic.Int64
	disconnected                     atomic.Bool
	code                             atomic.Int64 // Of the close message that ended the session.
}

// reader is one session. Its goroutine owns everything but counts and closing.
type reader struct {
	counts

	load       *Load
	group      *group
	conn       *websocket.Conn
	closing    atomic.Bool
	opened     int64 // Milliseconds; what is stamped earlier is the snapshot.
	text       []byte
	ages       []time.Duration
	flushed    time.Time
	subscribed bool
	chain      chain
}

func newReader(load *Load, group *group, conn *websocket.Conn) *reader {
	conn.SetReadLimit(messageBytesMax)
	return &reader{
		load: load, group: group, conn: conn, opened: time.Now().UnixMilli(),
		text: make([]byte, 4<<10), ages: make([]time.Duration, 0, agesLot),
	}
}

// subscribe asks for the ticks of all symbols with their times.
func (r *reader) subscribe() error {
	return r.conn.WriteMessage(websocket.TextMessage,
		[]byte(`{"type":"subscribe","channel":"ticks"}`))
}

// run reads until the session is closed, by either side.
func (r *reader) run() {
	err := r.readAll()
	r.flush(time.Now())
	if r.closing.Load() {
		// The session is over and the run has its numbers: a failed goodbye changes nothing.
		_ = r.conn.WriteControl(websocket.CloseMessage,
			websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""),
			time.Now().Add(goodbye))
	} else {
		var closed *websocket.CloseError
		if errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure {
			r.code.Store(int64(closed.Code))
		}
		r.disconnected.Store(true)
		if !r.group.dropped {
			r.load.fail(fmt.Errorf("session ended: %w", err))
		}
	}
	_ = r.conn.Close()
}

// close makes run return soon; safe from any goroutine.
func (r *reader) close() {
	r.closing.Store(true)
	// On failure the connection is broken and the reader already returns.
	_ = r.conn.SetReadDeadline(time.Now())
}

func (r *reader) readAll() error {
	for {
		kind, source, err := r.conn.NextReader()
		if err != nil {
			return err
		}
		text, err := r.read(source)
		if err != nil {
			return err
		}
		now := time.Now()
		r.messages.Add(1)
		r.bytes.Add(int64(len(text)))
		if kind != websocket.TextMessage {
			r.bad.Add(1)
			r.load.fail(fmt.Errorf("%w: not text", ErrMessage))
			continue
		}
		if err := r.take(text, now); err != nil {
			r.bad.Add(1)
			r.load.fail(err)
		}
	}
}

// read returns one message in the reader's own buffer, valid until the next.
func (r *reader) read(source io.Reader) ([]byte, error) {
	n := 0
	for {
		if n == len(r.text) {
			r.text = append(r.text, make([]byte, len(r.text))...)
		}
		m, err := source.Read(r.text[n:])
		n += m
		if errors.Is(err, io.EOF) {
			return r.text[:n], nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (r *reader) take(text []byte, now time.Time) error {
	m, symbol, err := parse(text)
	if err != nil {
		return err
	}
	switch m.Type {
	case "tick":
		return r.takeTick(text, &m, symbol, now)
	case "gap":
		r.gaps.Add(1)
		r.skipped.Add(m.Skipped)
		if !r.chain.gap(symbol, m.From, m.To, m.Skipped) {
			r.breaks("gap of %s from %d to %d", symbol, m.From, m.To)
		}
	case "subscribed":
		r.subscribed = true
	case "error":
		r.errors.Add(1)
		r.load.fail(fmt.Errorf("the engine sent an error: %s: %s", m.Code, m.Detail))
	}
	return nil
}

func (r *reader) breaks(format string, args ...any) {
	r.broken.Add(1)
	r.load.fail(fmt.Errorf("does not follow on what came before: "+format, args...))
}

func (r *reader) takeTick(text []byte, m *message, symbol []byte, now time.Time) error {
	count := r.ticks.Add(1)
	switch {
	case m.Time == 0 && r.subscribed:
		return fmt.Errorf("%w: a tick that was subscribed to has no time: %.120q", ErrMessage, text)
	case m.Time == 0: // Of the stream that a session gets before it asks for anything.
		m.Time = m.Timestamp * 1000
	case !r.chain.tick(symbol, m.Time, m.Prev):
		r.breaks("tick of %s at %d after %d", symbol, m.Time, m.Prev)
	}
	if m.Timestamp < r.opened {
		r.snapshot.Add(1)
	} else {
		r.ages = append(r.ages, now.Sub(time.UnixMicro(m.Time)))
		if len(r.ages) == agesLot || now.Sub(r.flushed) > agesWait {
			r.flush(now)
		}
	}
	if count%examineEvery == 1 {
		return examineTick(text)
	}
	return nil
}

func (r *reader) flush(now time.Time) {
	r.group.recorder.RecordAges(r.ages)
	r.ages, r.flushed = r.ages[:0], now
}

// Totals add up all sessions.
type Totals struct {
	// Sessions were opened; Disconnected of them ended before the run did, by close code: 0 is a
	// reset, or an end without a close message.
	Sessions     int64         `json:"sessions"`
	Disconnected int64         `json:"disconnected"`
	Codes        map[int]int64 `json:"closeCodes,omitempty"`
	Messages     int64         `json:"messages"`
	Bytes        int64         `json:"bytes"`
	// Ticks include the snapshot at connect.
	Ticks    int64 `json:"ticks"`
	Snapshot int64 `json:"snapshotTicks"`
	// Gaps are notices that a session did not keep up, Skipped the ticks they stand for.
	Gaps    int64 `json:"gaps"`
	Skipped int64 `json:"skippedTicks"`
	// Broken are ticks and gaps that do not follow on what came before.
	Broken int64 `json:"brokenChains"`
	// Bad messages are no JSON of the contract, Errors are messages of type error.
	Bad     int64    `json:"badMessages"`
	Errors  int64    `json:"errorMessages"`
	Samples []string `json:"errorSamples,omitempty"`
	// Age is how old ticks are on arrival.
	Age latency.Times `json:"ageMs"`
}

// Accounted are the ticks that came and those that the engine said it left out.
func (t Totals) Accounted() int64 { return t.Ticks + t.Skipped }

// Failures are what must not happen to a good session.
func (t Totals) Failures() int64 { return t.Disconnected + t.Misspoken() }

// Misspoken are messages that no session may get.
func (t Totals) Misspoken() int64 { return t.Bad + t.Errors }

func (r *reader) addTo(sum *Totals) {
	sum.Messages += r.messages.Load()
	sum.Bytes += r.bytes.Load()
	sum.Ticks += r.ticks.Load()
	sum.Snapshot += r.snapshot.Load()
	sum.Gaps += r.gaps.Load()
	sum.Skipped += r.skipped.Load()
	sum.Broken += r.broken.Load()
	sum.Bad += r.bad.Load()
	sum.Errors += r.errors.Load()
	if r.disconnected.Load() {
		sum.Disconnected++
		sum.Codes[int(r.code.Load())]++
	}
}

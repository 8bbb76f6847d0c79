package sockets

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/fasthttp/websocket"
)

// A stuck session sends a pong every stuckPulse: so it is not closed for being silent, and notices
// when it is closed, without reading. It may notice two pulses late.
const stuckPulse = time.Second

// leftovers bounds the reading of what came before a stuck session was closed.
const leftovers = 2 * time.Second

// stuck is a session that reads nothing after its handshake. Its goroutine owns conn; the rest is
// written before ended is set and read after.
type stuck struct {
	conn    *websocket.Conn
	pulse   time.Duration
	opened  time.Time
	closing chan struct{}

	lived time.Duration
	code  int // Of the close message, 0 if there was none.
	ended atomic.Bool
}

func newStuck(conn *websocket.Conn, pulse time.Duration) *stuck {
	// When everything is read in the end, pings need no answer any more.
	conn.SetPingHandler(func(string) error { return nil })
	return &stuck{conn: conn, pulse: pulse, opened: time.Now(), closing: make(chan struct{})}
}

func (s *stuck) run() {
	ticker := time.NewTicker(s.pulse)
	defer ticker.Stop()
	defer func() { _ = s.conn.Close() }()
	for {
		select {
		case <-s.closing:
			// A goodbye that cannot be sent changes nothing.
			_ = s.conn.WriteControl(websocket.CloseMessage,
				websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""),
				time.Now().Add(goodbye))
			return
		case <-ticker.C:
		}
		err := s.conn.WriteControl(websocket.PongMessage, nil, time.Now().Add(time.Second))
		if err == nil {
			continue
		}
		s.lived = time.Since(s.opened)
		s.code = s.closeCode()
		s.ended.Store(true)
		return
	}
}

// closeCode looks for the close message behind everything that was never read.
func (s *stuck) closeCode() int {
	if err := s.conn.SetReadDeadline(time.Now().Add(leftovers)); err != nil {
		return 0
	}
	for {
		_, _, err := s.conn.NextReader()
		if err == nil {
			continue
		}
		var closed *websocket.CloseError
		if errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure {
			return closed.Code
		}
		return 0
	}
}

// Stuck are the sessions that read nothing.
type Stuck struct {
	Sessions int64 `json:"sessions"`
	// Closed by the engine, by close code; 0 is a reset, or an end without a close message.
	Closed int64         `json:"closed"`
	Codes  map[int]int64 `json:"closeCodes,omitempty"`
	// Lived is how long those that were closed had been open.
	LivedP50 float64 `json:"livedSecondsP50,omitempty"`
	LivedMax float64 `json:"livedSecondsMax,omitempty"`
	LivedMin float64 `json:"livedSecondsMin,omitempty"`
}

// Stuck returns what became of the stuck sessions so far.
func (l *Load) Stuck() Stuck {
	sum := Stuck{Sessions: int64(len(l.stuck)), Codes: make(map[int]int64)}
	var lived []time.Duration
	for _, s := range l.stuck {
		if s.ended.Load() {
			sum.Codes[s.code]++
			lived = append(lived, s.lived)
		}
	}
	sum.Closed = int64(len(lived))
	if len(lived) > 0 {
		slices.Sort(lived)
		sum.LivedMin = lived[0].Seconds()
		sum.LivedP50 = lived[len(lived)/2].Seconds()
		sum.LivedMax = lived[len(lived)-1].Seconds()
	}
	return sum
}

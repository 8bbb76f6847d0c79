package quotes

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"tradingengine/bench/internal/latency"
	"tradingengine/bench/internal/wire"
)

const patience = 20 * time.Second

// overSocket sends to sessions of /ws/ingest, each answered frame by frame: no answer closes it.
func overSocket(t *testing.T, answer func(session, frame int, body []byte) []string,
	opts LoadOptions,
) *Load {
	t.Helper()
	var mu sync.Mutex
	sessions := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if want := "/ws/ingest?ack=" + opts.Ack.String(); r.URL.String() != want {
			t.Errorf("got %s, want %s", r.URL, want)
		}
		upgrader := websocket.Upgrader{}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		mu.Lock()
		sessions++
		session := sessions
		mu.Unlock()
		for frame := 1; ; frame++ {
			kind, body, err := conn.ReadMessage()
			if err != nil {
				return
			}
			if kind != websocket.TextMessage {
				t.Errorf("got a frame of kind %d, want text", kind)
			}
			mu.Lock()
			messages := answer(session, frame, body)
			mu.Unlock()
			for _, m := range messages {
				if err := conn.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
					t.Error(err)
				}
			}
			if messages == nil {
				return
			}
		}
	}))
	defer server.Close()
	opts.Via = Socket
	opts.Wire = wire.Options{Address: server.Listener.Addr().String(), Timeout: 5 * time.Second}
	opts.Writer.Instruments = instruments
	l := NewLoad(opts)
	if err := l.Open(); err != nil {
		t.Fatal(err)
	}
	if err := l.Run(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	return l
}

// Batches go over sockets as they would be posted, one frame each, and messages that answer nothing
// are passed over. Seen to fail on a socket that takes the first message for the answer, and on one
// that is opened again for each batch.
func TestFramesCarryTheSameQuotes(t *testing.T) {
	for _, ack := range []Ack{Commit, Accept} {
		var got []byte
		sessions := 0
		l := overSocket(t, func(session, frame int, body []byte) []string {
			got = append(got, body...)
			sessions = max(sessions, session)
			n := len(readBody(t, NDJSON, body))
			return []string{`{"type":"heartbeat","time":1}`, fmt.Sprintf(
				`{"type":"ack","frame":%d,"received":%d,"stored":%d,"throttled":0,"rejected":0,`+
					`"errors":[],"committed":%v}`, frame, n, n, ack == Commit)}
		}, LoadOptions{Ack: ack, Connections: 1, Batch: 100, Count: 950})
		totals := l.Totals()
		if totals.Sent != 950 || totals.Received != 950 || totals.Failed != 0 ||
			totals.Remainder != 0 || sessions != 1 {
			t.Errorf("%v: got %+v over %d sessions, want 950 quotes over one", ack, totals, sessions)
		}
		if requests := latency.Summarize(l.Recorder()); requests.Count != 10 || requests.Errors != 0 {
			t.Errorf("%v: recorded %+v, want 10 frames", ack, requests)
		}
		want := NewWriter(WriterOptions{Instruments: instruments}).Write(950, time.Time{})
		if !slices.Equal(got, want) {
			t.Errorf("%v: other quotes than those that are posted", ack)
		}
	}
}

// Seen to fail on a socket that takes a refusal for an answer, and on one that stays closed.
func TestRefusedFrames(t *testing.T) {
	const good = `{"type":"ack","received":10,"stored":10,"throttled":0,"rejected":0,"committed":true}`
	f := func(want Totals, sample string, answers ...string) {
		t.Helper()
		l := overSocket(t, func(_, _ int, _ []byte) []string {
			next := answers[0]
			answers = answers[1:]
			if next == "" {
				return nil
			}
			return []string{next}
		}, LoadOptions{Connections: 1, Batch: 10, Count: int64(10 * len(answers)), Rate: 1e6, Grace: patience})
		got := l.Totals()
		samples := strings.Join(got.Errors, "\n")
		got.Errors = nil
		if fmt.Sprint(got) != fmt.Sprint(want) || !strings.Contains(samples, sample) {
			t.Errorf("got %+v, %s\nwant %+v, %s", got, samples, want, sample)
		}
	}
	taken := Totals{Sent: 20, Received: 10, Stored: 10, Failed: 1}
	f(taken, "WS /ws/ingest: status 400", `{"type":"error","code":"EMPTY_BODY","detail":"x"}`, good)
	f(taken, "read answer", "", good)
	f(taken, "invalid character", "nonsense", good)
	busy := taken
	busy.Busy, busy.Lost = 1, 3
	f(busy, "status 503", `{"type":"error","code":"STORAGE_LOST","lost":3,"retryAfter":1}`, good)
}

func TestNoSocketThere(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	l := NewLoad(LoadOptions{
		Via: Socket, Wire: wire.Options{Address: s.Listener.Addr().String()}, Connections: 1,
		Batch: 1, Writer: WriterOptions{Instruments: instruments},
	})
	if err := l.Open(); err == nil || !strings.Contains(err.Error(), "/ws/ingest?ack=commit") ||
		!strings.Contains(err.Error(), "404") {
		t.Errorf("got %v, want the address and the status", err)
	}
}

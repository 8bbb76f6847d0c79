package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
)

// engine is a small engine over net/http, written from the contract alone: it applies the mid rule
// in floating point, keeps no history and never commits, but answers every route.
type engine struct {
	*httptest.Server

	// What a test may change before the first request.
	config      string
	accounts    bool
	memory      int64
	throttleAll bool
	forget      int                         // Ticks that are stored and not streamed.
	breakChain  int                         // Ticks whose prev is wrong.
	gapOf       int64                       // What the one gap says is skipped; 0 sends none.
	answers     map[string]http.HandlerFunc // In place of the right ones.
	readers     int                         // Sessions that must have subscribed before a quote is taken.

	mu       sync.Mutex
	joined   *sync.Cond         // A session has subscribed.
	stored   map[string]float64 // Last stored mid.
	live     map[string]string  // Last quote as JSON fields.
	times    map[string]int64   // Of the last stored tick, in microseconds.
	counts   struct{ received, stored, throttled int64 }
	posts    int
	sessions map[*websocket.Conn]bool
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	e := &engine{
		config: `{"version":"test","feed":"none"}`, memory: 50 << 20,
		answers: make(map[string]http.HandlerFunc), stored: make(map[string]float64),
		live: make(map[string]string), times: make(map[string]int64), sessions: make(map[*websocket.Conn]bool),
	}
	e.joined = sync.NewCond(&e.mu)
	e.Server = httptest.NewServer(http.HandlerFunc(e.serve))
	t.Cleanup(e.Close)
	return e
}

var engineSymbols = []string{"EURUSD", "GBPUSD", "AUDUSD", "NZDUSD", "USDCAD"}

func (e *engine) serve(w http.ResponseWriter, r *http.Request) {
	if answer := e.answers[r.URL.Path]; answer != nil {
		answer(w, r)
		return
	}
	if r.URL.Path == "/ws" {
		e.stream(w, r)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch r.URL.Path {
	case "/health":
		fmt.Fprint(w, "OK")
	case "/api/config":
		fmt.Fprint(w, e.config)
	case "/api/symbols":
		e.list(w, `{"symbol":%q,"digits":5%s}`, `,"bid":null,"ask":null`)
	case "/api/quotes":
		e.list(w, `{"symbol":%q%s}`, "")
	case "/api/stats":
		e.stats(w)
	case "/ticks":
		if r.Method == http.MethodPost {
			e.post(w, r)
			return
		}
		fmt.Fprint(w, "[\n{\"symbol\":\"EURUSD\"}\n]\n")
	case "/ohlc":
		fmt.Fprint(w, "[]\n")
	case "/api/account/summary":
		if e.accounts {
			fmt.Fprint(w, `{"accountId":1}`)
			return
		}
		w.WriteHeader(http.StatusNotFound)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// list writes the symbols; those without a price get the fields of none, or are left out.
func (e *engine) list(w http.ResponseWriter, format, none string) {
	var lines []string
	for _, s := range engineSymbols {
		fields, priced := e.live[s]
		if !priced {
			if none == "" {
				continue
			}
			fields = none
		}
		lines = append(lines, fmt.Sprintf(format, s, fields))
	}
	fmt.Fprintf(w, "[%s]\n", strings.Join(lines, ",\n"))
}

func (e *engine) stats(w http.ResponseWriter) {
	c := e.counts
	fmt.Fprintf(w, `{"quotes":{"received":%d,"stored":%d,"throttled":%d,"rejected":0},`+
		`"ticks":{"stored":%d,"committed":%d,"pending":0,"lost":0}`,
		c.received, c.stored, c.throttled, c.stored, c.stored)
	if e.memory > 0 {
		fmt.Fprintf(w, `,"server":{"residentBytes":%d}`, e.memory)
	}
	fmt.Fprint(w, "}")
}

func (e *engine) post(w http.ResponseWriter, r *http.Request) {
	e.posts++
	for len(e.sessions) < e.readers {
		e.joined.Wait()
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(r.Body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	before := e.counts
	for line := range bytes.Lines(body.Bytes()) {
		var q struct {
			Symbol   string
			Bid, Ask float64
			Time     int64
		}
		if err := json.Unmarshal(line, &q); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		e.take(q.Symbol, q.Bid, q.Ask, q.Time)
	}
	received := e.counts.received - before.received
	if r.URL.Query().Get("ack") == "accept" {
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, `{"received":%d,"rejected":0,"errors":[],"committed":false}`, received)
		return
	}
	fmt.Fprintf(w, `{"received":%d,"stored":%d,"throttled":%d,"rejected":0,"errors":[],`+
		`"committed":true}`,
		received, e.counts.stored-before.stored, e.counts.throttled-before.throttled)
}

func (e *engine) take(symbol string, bid, ask float64, at int64) {
	e.counts.received++
	e.live[symbol] = fmt.Sprintf(`,"bid":%.5f,"ask":%.5f`, bid, ask)
	mid, last := (bid+ask)/2, e.stored[symbol]
	if last != 0 && (e.throttleAll || max(mid-last, last-mid)/last < 0.00001) {
		e.counts.throttled++
		return
	}
	e.counts.stored++
	e.stored[symbol] = mid
	if at == 0 {
		at = time.Now().UnixMicro()
	}
	prev := e.times[symbol]
	at = max(at, prev+1)
	e.times[symbol] = at
	switch {
	case e.forget > 0:
		e.forget--
		return
	case e.breakChain > 0 && prev != 0:
		e.breakChain--
		prev--
	case e.gapOf != 0 && prev != 0:
		e.say(fmt.Sprintf(`{"type":"gap","symbol":%q,"from":%d,"to":%d,"skipped":%d}`, symbol, prev, at,
			e.gapOf))
		e.gapOf = 0
		return
	}
	e.say(fmt.Sprintf(`{"type":"tick","symbol":%q,"bid":%.5f,"ask":%.5f,"spread":%.5f,`+
		`"timestamp":%d,"lp":"API","time":%d,"prev":%d}`, symbol, bid, ask, ask-bid, at/1000, at, prev))
}

// say sends a message to all sessions.
func (e *engine) say(text string) {
	for conn := range e.sessions {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			delete(e.sessions, conn)
		}
	}
}

// stream opens a session, which must subscribe to ticks before it gets any.
func (e *engine) stream(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	for {
		_, text, err := conn.ReadMessage()
		e.mu.Lock()
		if err != nil {
			delete(e.sessions, conn)
			e.mu.Unlock()
			_ = conn.Close()
			return
		}
		if string(text) == `{"type":"subscribe","channel":"ticks"}` {
			e.sessions[conn] = true
			e.joined.Broadcast()
		}
		e.mu.Unlock()
	}
}

func (e *engine) postCount() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.posts
}

// httpUpgrade opens a session that nobody serves.
func httpUpgrade(w http.ResponseWriter, r *http.Request) *websocket.Conn {
	upgrader := websocket.Upgrader{}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		panic(err)
	}
	return conn
}

package httpd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fasthttp/websocket"

	"tradingengine/core"
)

// sender opens a session of /ws/ingest; query is empty or begins with a question mark.
func (m *testMarket) sender(query string) *streamClient {
	m.t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws://"+m.addr+"/ws/ingest"+query, nil)
	check(m.t, err)
	m.t.Cleanup(func() { _ = conn.Close() })
	return &streamClient{m.t, conn}
}

// until waits for something that other goroutines bring about.
func (m *testMarket) until(what string, done func() bool) {
	m.t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(end) {
			m.t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// closed reads the close frame that must come next.
func (c *streamClient) closed(code int, reason string) {
	c.t.Helper()
	text, err := c.tryNext()
	var got *websocket.CloseError
	if !errors.As(err, &got) || got.Code != code || got.Text != reason {
		c.t.Fatalf("got %q, %v; want close %d %s", text, err, code, reason)
	}
}

// TestIngestFrames sends frames and compares every answer with what POST /ticks says of the same
// quotes at the same place in the same order.
func TestIngestFrames(t *testing.T) {
	hour := fmt.Sprint(int64(testNow + core.Hour))
	bodies := []string{
		`{"symbol":"EURUSD","bid":1.08234,"ask":1.08236}`,
		`{"symbol":"EURUSD","bid":1.08235,"ask":1.08236}` + "\n\n" +
			`{"symbol":"EURUSD","bid":1.08234,"ask":1.08230}` + "\r\n",
		`{"symbol":"EURUSX","bid":1,"ask":2}` + "\nnonsense\n" + `{"symbol":"EURUSD","bid":1.08}`,
		`{"symbol":"GBPUSD","bid":1.25,"ask":1.2501,"seq":7,"lp":"LP1"}` + "\n" +
			`{"symbol":"GBPUSD","bid":1.26,"ask":1.2601,"seq":7,"lp":"LP1"}`,
		`{"symbol":"EURUSD","bid":1.08334,"ask":1.08336,"time":` + hour + `}`,
		`{"symbol":"EURUSD","bid":1.08334,"ask":1.08336,"time":1}`,
		"", " \n \n", "[]", "\xff", quoteLines("EURUSD", testNow, 1, 3000),
	}
	for _, ack := range []string{"", "?ack=commit", "?ack=accept"} {
		posted, sent := newTestMarket(t, marketOptions{}), newTestMarket(t, marketOptions{})
		c := sent.sender(ack)
		for i, body := range bodies {
			want := posted.do("POST", "/ticks"+ack, body, "Content-Type", ndjsonType)
			kind := websocket.BinaryMessage
			if i%2 == 0 {
				kind = websocket.TextMessage
			}
			check(t, c.conn.WriteMessage(kind, []byte(body)))
			got, start := c.next(), fmt.Sprintf(`{"type":"ack","frame":%d,`, i+1)
			if want.status > 202 {
				_, want.body, _ = strings.Cut(want.body, `"code":`)
				start = fmt.Sprintf(`{"type":"error","frame":%d,"code":`, i+1)
				want.body = " " + want.body
			}
			if got+"\n" != start+want.body[1:] {
				t.Errorf("ack %q: frame %d was answered\n%s\nPOST says %d\n%s", ack, i+1, got,
					want.status, want.body)
			}
		}
		stats := sent.get("/api/stats").body
		want := `"ingest":{"sessions":1,"turnedAway":0,"frames":11,"framesRefused":2,"framesWaited":0}`
		if !strings.Contains(stats, want) {
			t.Errorf("statistics are %s, want %s", stats, want)
		}
		for _, m := range []*testMarket{posted, sent} {
			m.until("all is committed", func() bool {
				s := m.engine.Stats()
				return s.Exact && s.Queued == 0 && s.Pending == 0
			})
		}
		a, b := posted.engine.Stats(), sent.engine.Stats()
		if a.Received != b.Received || a.Stored != b.Stored || a.RejectedTotal() != b.RejectedTotal() {
			t.Errorf("ack %q: POST left %+v, frames %+v", ack, a, b)
		}
	}
}

// TestIngestHandshake: who may not send is told before there is a session.
func TestIngestHandshake(t *testing.T) {
	f := func(m *testMarket, path string, status int, code string, headers ...string) {
		t.Helper()
		headers = append(headers, "Connection", "Upgrade", "Upgrade", "websocket",
			"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")
		if a := m.do("GET", path, "", headers...); a.status != status ||
			!strings.Contains(a.body, `"code":"`+code+`"`) {
			t.Errorf("%s %v: got %d %s, want %d %s", path, headers, a.status, a.body, status, code)
		}
	}
	m := newTestMarket(t, marketOptions{server: func(o *Options) { o.Limits.Senders = 2 }})
	f(m, "/ws/ingest?ack=no", 400, "BAD_PARAMETER")
	f(m, "/ws/ingest", 403, "ORIGIN_NOT_ALLOWED", "Origin", "https://evil.example")
	if a := m.get("/ws/ingest"); a.status != 426 {
		t.Errorf("a plain GET gets %d %s", a.status, a.body)
	}
	first, _ := m.sender(""), m.sender("")
	m.until("both are counted", func() bool { return m.server.ingest.sessions.Load() == 2 })
	f(m, "/ws/ingest", 503, "TOO_MANY_SENDERS")
	check(t, first.conn.Close())
	m.until("one has gone", func() bool { return m.server.ingest.sessions.Load() == 1 })
	c := m.sender("")
	c.send(quoteLines("EURUSD", testNow, 0, 1))
	c.next()

	// Those who come at the same moment are counted once more when their session begins.
	client, server := net.Pipe()
	s := m.server.hub.open(server, newIngesting(m.server, true), &anybody)
	go s.run()
	p := &pipeClient{t: t, conn: client, r: newPipeReader(client)}
	p.expectFrame(frameClose, "\x03\xf5no more senders")
	check(t, client.Close())
	if n := m.server.ingest.turned.Load(); n != 2 {
		t.Errorf("%d were turned away, want 2", n)
	}

	m = newTestMarket(t, marketOptions{server: func(o *Options) { o.Config.Simulated = true }})
	f(m, "/ws/ingest", 409, "FEED_SIMULATED")
}

// TestIngestFrameTooLarge: a frame over the limit ends the session and changes nothing; what came
// before it is answered first.
func TestIngestFrameTooLarge(t *testing.T) {
	m := newTestMarket(t, marketOptions{server: func(o *Options) { o.Limits.IngestFrame = 1000 }})
	c := m.sender("")
	line := quoteLines("EURUSD", testNow, 0, 1)
	c.send(line + strings.Repeat("\n", 1000-len(line)))
	c.send(line + strings.Repeat("\n", 1001-len(line)))
	c.send(line)
	if got := c.next(); !strings.HasPrefix(got, `{"type":"ack","frame":1,"received":1`) {
		t.Errorf("got %s", got)
	}
	c.closed(closeTooBig, "a message is longer than 1000 bytes")
	if got := m.engine.Stats().Received; got != 1 {
		t.Errorf("%d quotes were taken, want 1", got)
	}
}

// TestIngestFramesNoRoom: a frame that finds the inbox full is refused whole, and so are those
// behind it, until their sender has had the time to hear of it. Sent again from there, all quotes
// are taken in order.
//
// It was seen to fail when frames behind a refused one were taken: sent again, its quotes are
// duplicates then.
func TestIngestFramesNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := makeTestMarket(t, marketOptions{engine: func(o *core.Options) {
			o.Inbox, o.Throttle = 4*core.BatchMax, 0
		}})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { m.server.hub.run(ctx) })
		client, server := net.Pipe()
		go m.server.hub.open(server, newIngesting(m.server, false), &anybody).run()
		c := &pipeClient{t: t, conn: client, r: newPipeReader(client)}
		first, second, third := numberedQuotes(1, 4000), numberedQuotes(4001, 500),
			numberedQuotes(4501, 10)
		for _, text := range []string{first, second, third} {
			c.send(text)
		}
		refused := func(frame int, why string) {
			t.Helper()
			c.expect(fmt.Sprintf(`{"type":"error","frame":%d,"code":"INBOX_FULL","detail":"%s",`+
				`"retryAfter":1}`, frame, why))
		}
		const behind = "a frame before this one found no room; send again from there"
		taken := func(frame, quotes int) {
			t.Helper()
			c.expect(fmt.Sprintf(`{"type":"ack","frame":%d,"received":%d,"rejected":0,"errors":[],`+
				`"committed":false}`, frame, quotes))
		}
		taken(1, 4000)
		refused(2, "the engine takes no more quotes at the moment; nothing of this request was taken")
		refused(3, behind)
		running.Go(func() { m.engine.Run(context.Background()) })
		running.Go(func() { m.storage.run(ctx) })
		time.Sleep(999 * time.Millisecond)
		c.send(third)
		refused(4, behind)
		time.Sleep(time.Millisecond)
		c.send(second)
		taken(5, 500)
		c.send(third)
		taken(6, 10)
		c.send(numberedQuotes(1, 4*core.BatchMax+1))
		c.expect(`{"type":"error","frame":7,"code":"TOO_MANY_QUOTES","detail":"the engine never ` +
			`takes that many quotes of one request; send fewer at once"}`)
		c.send(third) // Such a frame bars nobody.
		taken(8, 10)
		time.Sleep(time.Second)
		if s := m.engine.Stats(); s.Stored != 4510 || s.Rejected[core.RejectDuplicate] != 10 {
			t.Errorf("stats %+v", s)
		}
		check(t, client.Close())
		m.engine.Close()
		time.Sleep(time.Second)
		stop()
		running.Wait()
	})
}

// numberedQuotes is n quotes of EURUSD that are numbered from first, as NDJSON.
func numberedQuotes(first, n int) string {
	var b strings.Builder
	for i := first; i < first+n; i++ {
		fmt.Fprintf(&b, `{"symbol":"EURUSD","bid":1.%05d,"ask":1.2,"seq":%d}`+"\n", i, i)
	}
	return b.String()
}

// TestIngestInFlight: a sender that does not wait for answers is not read beyond what may be in
// flight, be it in frames or in quotes. All is answered in order in the end.
func TestIngestInFlight(t *testing.T) {
	f := func(perFrame, flying int) {
		t.Helper()
		m := newTestMarket(t, marketOptions{engine: func(o *core.Options) { o.Throttle = 0 }})
		m.storage.held.Store(true)
		c := m.sender("")
		frames := flying + 30
		sent := make(chan error, 1)
		go func() {
			for i := range frames {
				text := quoteLines("EURUSD", testNow+core.Time(i*perFrame), 1, perFrame)
				if err := c.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
					sent <- err
					return
				}
			}
			sent <- nil
		}()
		m.until("a frame waits", func() bool { return m.server.ingest.waited.Load() == 1 })
		m.until("the rest is applied", func() bool { return m.engine.Stats().Queued == 0 })
		if n := m.engine.Stats().Received; n != int64(flying*perFrame) {
			t.Errorf("%d quotes are in flight, want %d frames of %d", n, flying, perFrame)
		}
		m.storage.held.Store(false)
		for i := range frames {
			want := fmt.Sprintf(`{"type":"ack","frame":%d,"received":%d,"stored":%d,`, i+1, perFrame,
				perFrame)
			if got := c.next(); !strings.HasPrefix(got, want) {
				t.Fatalf("got %s, want %s", got, want)
			}
		}
		check(t, <-sent)
		if got := len(m.storage.allTicks(eurusd)); got != frames*perFrame {
			t.Errorf("%d ticks are stored, want %d", got, frames*perFrame)
		}
	}
	f(1, ingestFlights)
	f(1000, ingestQuotes/1000)
}

// TestIngestShutdown: what was taken is committed and answered before the goodbye, and nothing that
// comes later is taken.
//
// It was seen to fail when the goodbye did not wait for the answers.
func TestIngestShutdown(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	m.storage.held.Store(true)
	c, idle := m.sender(""), m.sender("?ack=accept")
	for i := range 5 {
		c.send(quoteLines("EURUSD", testNow+core.Time(i), 0, 1))
	}
	m.until("all are in flight", func() bool { return m.engine.Stats().Received == 5 })
	down := make(chan struct{})
	go func() { m.shut(); close(down) }()
	idle.expect(streamShutdown)
	idle.closed(closeGoingAway, "shutdown")
	c.send(quoteLines("EURUSD", testNow+10, 0, 1)) // Taken and answered, or neither.
	m.storage.held.Store(false)
	answers, got := int64(0), c.next()
	for ; strings.HasPrefix(got, `{"type":"ack"`); got = c.next() {
		answers++
	}
	if got != streamShutdown || answers < 5 {
		t.Errorf("after %d answers comes %s", answers, got)
	}
	c.closed(closeGoingAway, "shutdown")
	<-down
	if got := m.engine.Stats(); got.Received != answers || got.Pending != 0 {
		t.Errorf("%d answers, stats %+v", answers, got)
	}
}

// TestIngestEngineCloses: frames that come after the engine has closed are refused.
func TestIngestEngineCloses(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	c := m.sender("")
	m.engine.Close()
	c.send(quoteLines("EURUSD", testNow, 0, 1))
	c.expect(`{"type":"error","frame":1,"code":"SHUTTING_DOWN","detail":"the engine is shutting ` +
		`down; nothing of this request was taken","retryAfter":5}`)
}

// TestIngestGoodbye: a client that closes gets its answers first.
func TestIngestGoodbye(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	m.storage.held.Store(true)
	c := m.sender("")
	c.send(quoteLines("EURUSD", testNow, 0, 1))
	goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	check(t, c.conn.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(time.Second)))
	m.until("the quote is in flight", func() bool { return m.engine.Stats().Received == 1 })
	m.storage.held.Store(false)
	if got := c.message(); got.Type != "ack" {
		t.Errorf("got %s", got)
	}
	c.closed(websocket.CloseNormalClosure, "")
}

// TestIngestStorageTrouble: a commit that does not come, or comes with losses, is told frame by
// frame.
func TestIngestStorageTrouble(t *testing.T) {
	m := newTestMarket(t, marketOptions{
		engine: func(o *core.Options) { o.Throttle = 0 },
		server: func(o *Options) { o.Limits.CommitTimeout = 300 * time.Millisecond },
	})
	m.storage.held.Store(true)
	c := m.sender("")
	f := func(at core.Time, want string) {
		t.Helper()
		c.send(quoteLines("EURUSD", at, core.Second, 1))
		if got := c.next(); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f(testNow, `"frame":1,"code":"STORAGE_TIMEOUT"`)
	m.storage.loses.Store(true)
	m.storage.held.Store(false)
	m.until("the first is lost", func() bool { return m.engine.Stats().Pending == 0 })
	f(testNow+core.Second, `"stored":1,"throttled":0,"rejected":0,"errors":[],"committed":false,"lost":1}`)
	m.engine.StorageFailed(errors.New("/secret/place"))
	f(testNow+core.Second, `{"type":"error","frame":3,"code":"STORAGE_FAILED","detail":"storage has `+
		`failed, so nothing can be acknowledged any more"}`)
}

// TestIngestUnread: a sender that never reads its answers is read no more, and cut off.
func TestIngestUnread(t *testing.T) {
	t.Parallel() // It waits for the server's patience to end.
	m := newTestMarket(t, marketOptions{hub: func(o *hubOptions) { o.slow = 2 * time.Second }})
	m.storage.forgets = true
	c := m.sender("?ack=accept")
	// Answers of a thousand bytes for frames of ten, so that they fill the buffers soon.
	frame := []byte(strings.Repeat("x\n", 10))
	n := 0
	for ; n < 1_000_000; n++ {
		_ = c.conn.SetWriteDeadline(time.Now().Add(20 * time.Second))
		if c.conn.WriteMessage(websocket.BinaryMessage, frame) != nil {
			break
		}
	}
	m.until("it is gone", func() bool { return m.server.hub.stats().Sessions == 0 })
	if got := m.server.hub.stats(); got.Slow != 1 {
		t.Errorf("after %d frames: stats %+v", n, got)
	}
	if got := m.server.ingest.sessions.Load(); got != 0 {
		t.Errorf("%d senders are counted", got)
	}
}

// faultySender is a sender at whose second frame the reader panics.
type faultySender struct{ *ingesting }

func (f faultySender) take(s *session, kind byte, payload []byte) {
	if f.frame == 1 {
		panic("planted")
	}
	f.ingesting.take(s, kind, payload)
}

// TestIngestPanics: a panic of either goroutine of a sender ends that session alone, and what it
// had sent before is taken.
func TestIngestPanics(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	good := m.sender("")
	f := func(who string, faulty purpose) {
		t.Helper()
		client, server := net.Pipe()
		go m.server.hub.open(server, faulty, &anybody).run()
		p := &pipeClient{t: t, conn: client, r: newPipeReader(client)}
		frame := clientFrame(frameFinal|frameText, quoteLines("EURUSD", testNow, 0, 1))
		for range 2 {
			_, _ = io.WriteString(client, frame) // The session may have ended before.
		}
		_, _, _ = p.frame() // An answer or the end.
		m.until("it is gone", func() bool { return m.server.hub.stats().Sessions == 1 })
		if n := strings.Count(m.log.String(), "goroutine="+who); n != 1 {
			t.Errorf("%s: %d lines in the log", who, n)
		}
		check(t, client.Close())
	}
	f("reader", faultySender{newIngesting(m.server, true)})
	in := newIngesting(m.server, true)
	in.flights <- ingestFlight{sub: &core.Submission{}} // Of no engine.
	f("acknowledger", in)
	good.send(quoteLines("EURUSD", testNow, 0, 1))
	if got := good.message(); got.Type != "ack" {
		t.Errorf("afterwards: %s", got)
	}
	if got := m.server.hub.stats().Panics; got != 2 {
		t.Errorf("%d panics are counted, want 2", got)
	}
}

// TestIngestTogetherByFrames lets several senders stream frames without waiting for answers, each
// its own symbol, and some leave in the middle. What was acknowledged is stored, in order.
func TestIngestTogetherByFrames(t *testing.T) {
	m := newTestMarket(t, marketOptions{engine: func(o *core.Options) { o.Throttle, o.Shards = 0, 2 }})
	symbols := []string{"EURUSD", "GBPUSD", "NZDUSD", "AUDUSD"}
	const frames, perFrame = 60, 40
	acknowledged := make([]int, len(symbols))
	var sending sync.WaitGroup
	for k, name := range symbols {
		c := m.sender("")
		sending.Go(func() {
			for i := range frames {
				c.send(quoteLines(name, testNow+core.Time(i*perFrame), 1, perFrame))
			}
		})
		sending.Go(func() {
			for range frames / (1 + k%2) { // Every second one leaves half way.
				text, err := c.tryNext()
				if err != nil || !strings.Contains(text, fmt.Sprintf(`"stored":%d,`, perFrame)) {
					t.Errorf("%s: %s %v", name, text, err)
					return
				}
				acknowledged[k] += perFrame
			}
		})
	}
	sending.Wait()
	m.shut()
	for k, name := range symbols {
		id, err := m.engine.Symbols().Find(name)
		check(t, err)
		ticks := m.storage.allTicks(id)
		if len(ticks) < acknowledged[k] || len(ticks)%perFrame != 0 {
			t.Errorf("%s: %d ticks are stored, %d were acknowledged", name, len(ticks), acknowledged[k])
		}
		last := core.Time(math.MinInt64)
		for i := range ticks {
			if want := testNow + core.Time(i); ticks[i].Time != want || want <= last {
				t.Fatalf("%s: tick %d is of %v, want %v", name, i, ticks[i].Time, want)
			}
			last = ticks[i].Time
		}
	}
}

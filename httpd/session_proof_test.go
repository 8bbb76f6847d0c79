package httpd

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
)

// socket is a WebSocket client of a market with keys.
type socket struct {
	*websocket.Conn
	t testing.TB
}

// open connects, with a key in the header unless it is "".
func (m *keyedMarket) open(key, path string) (*socket, int) {
	m.t.Helper()
	header := http.Header{}
	if key != "" {
		header.Set("Authorization", "Bearer "+m.texts[key])
	}
	conn, response, err := websocket.DefaultDialer.Dial("ws://"+m.addr+path, header)
	if response == nil {
		m.t.Fatal(err)
	}
	_ = response.Body.Close() // The reason does not matter.
	if err != nil {
		return nil, response.StatusCode
	}
	m.t.Cleanup(func() { _ = conn.Close() })
	check(m.t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	return &socket{conn, m.t}, response.StatusCode
}

func (s *socket) say(format string, args ...any) {
	s.t.Helper()
	check(s.t, s.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, format, args...)))
}

// end reads to the end and returns all messages and the close code.
func (s *socket) end() (texts string, code int) {
	s.t.Helper()
	for {
		_, text, err := s.ReadMessage()
		texts += string(text) + "\n"
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			return texts, closed.Code
		}
		check(s.t, err)
	}
}

func (s *socket) next() string {
	s.t.Helper()
	_, text, err := s.ReadMessage()
	check(s.t, err)
	return string(text)
}

// TestProof: what a client that came without a key may do, and what becomes of it.
//
// It was seen to find a stream that begins before its client has said who it is, and a role that is
// not looked at when the key comes in a message.
func TestProof(t *testing.T) {
	m := newKeyedMarket(t, marketOptions{hub: func(o *hubOptions) { o.proof = 300 * time.Millisecond }})
	f := func(path, first, code string) {
		t.Helper()
		s, _ := m.open("", path)
		if first != "" {
			s.say("%s", first)
		}
		texts, closed := s.end()
		if closed != closePolicy || strings.Contains(texts, `"tick"`) || code != "" &&
			!strings.Contains(texts, `{"type":"error","code":"`+code+`"`) {
			t.Errorf("%s %s: got %s and %d, want %s and %d", path, first, texts, closed, code, closePolicy)
		}
	}
	auth := func(key string) string { return `{"type":"auth","key":"` + m.texts[key] + `"}` }
	for _, path := range []string{"/ws", "/ws/ingest"} {
		f(path, `{"type":"auth","key":"ek_0"}`, "BAD_KEY")
		f(path, `{"type":"auth"}`, "BAD_KEY")
		f(path, `{"type":"subscribe","channel":"ticks"}`, "KEY_REQUIRED")
		f(path, `{"symbol":"EURUSD","bid":1.1,"ask":1.2}`, "KEY_REQUIRED")
		f(path, `nonsense`, "KEY_REQUIRED")
		f(path, "", "") // Silence.
	}
	f("/ws", auth("ingest"), "ROLE_NOT_ALLOWED")
	f("/ws/ingest", auth("trader"), "ROLE_NOT_ALLOWED")
	long, _ := m.open("", "/ws/ingest")
	long.say("%s", strings.Repeat("x", proofMax+1))
	if texts, closed := long.end(); closed != closeTooBig {
		t.Errorf("a long first message: %s, %d", texts, closed)
	}

	s, _ := m.open("", "/ws")
	s.say("%s", auth("trader"))
	if got := s.next(); got != `{"type":"authenticated","role":"trade","accounts":[2,3]}` {
		t.Errorf("got %s", got)
	}
	has(t, s.next(), `"type":"tick"`)
	s.say("%s", auth("trader"))
	has(t, s.next(), `"code":"BAD_MESSAGE"`)
	s, _ = m.open("", "/ws/ingest")
	s.say("%s", auth("ingest"))
	s.say(`{"symbol":"EURUSD","bid":1.2,"ask":1.2001,"time":%d}`, testNow)
	has(t, s.next(), `{"type":"authenticated","role":"ingest"}`)
	has(t, s.next(), `"frame":1,"received":1,"stored":1`)
	m.until("nobody is a stranger", func() bool { return m.strangers() == 0 })
	if got := m.server.engine.Stats().Received; got != 2 {
		t.Errorf("%d quotes were taken, want the two of whom may send", got)
	}
	free := newTestMarket(t, marketOptions{}).accountClient()
	free.send(`{"type":"auth","key":"ek_1"}`)
	free.expect(`{"type":"authenticated","role":"admin"}`)
}

// strangers is how many sessions have not said who they are.
func (m *testMarket) strangers() int {
	m.server.hub.sessions.Lock()
	defer m.server.hub.sessions.Unlock()
	return m.server.hub.sessions.strangers
}

// TestHandshakeKeys: keys in the header of a handshake, channels of accounts, and more strangers
// than may be.
func TestHandshakeKeys(t *testing.T) {
	m := newKeyedMarket(t, marketOptions{hub: func(o *hubOptions) { o.strangers = 2 }})
	for _, key := range []string{"ingest", "read", "trader", "admin"} {
		_, stream := m.open(key, "/ws")
		_, ingest := m.open(key, "/ws/ingest")
		want := map[string][2]int{
			"ingest": {403, 101}, "read": {101, 403}, "trader": {101, 403}, "admin": {101, 101},
		}[key]
		if stream != want[0] || ingest != want[1] {
			t.Errorf("%s: got %d and %d, want %v", key, stream, ingest, want)
		}
	}
	m.texts["wrong"] = "ek_wrong"
	if _, status := m.open("wrong", "/ws"); status != 401 {
		t.Errorf("a wrong key: %d", status)
	}
	channel := func(key, channel, want string) {
		t.Helper()
		s, _ := m.open(key, "/ws?symbols=GBPUSD")
		s.say(`{"type":"subscribe","channel":%q}`, channel)
		has(t, s.next(), want)
	}
	channel("read", "account:2", `"code":"ROLE_NOT_ALLOWED"`)
	channel("trader", "account:2", `"type":"subscribed"`)
	channel("trader", "account:4", `"code":"UNKNOWN_ACCOUNT","detail":"there is no account 4"`)
	channel("trader", "account:9", `"code":"UNKNOWN_ACCOUNT","detail":"there is no account 9"`)
	channel("trader", "account:0", `"code":"UNKNOWN_ACCOUNT"`)
	channel("admin", "account:0", `"type":"subscribed"`)
	for i, want := range []int{101, 101, 503} {
		if _, status := m.open("", "/ws"); status != want {
			t.Errorf("stranger %d: got %d, want %d", i+1, status, want)
		}
		m.until("the stranger is counted", func() bool { return m.strangers() == min(i+1, 2) })
	}
	if _, status := m.open("read", "/ws"); status != 101 {
		t.Errorf("with a key, beside strangers: %d", status)
	}
}

// TestRevokedSessions: a key that is revoked ends its sessions and lets nobody in again; others stay.
//
// It was seen to find sessions of revoked keys that go on.
func TestRevokedSessions(t *testing.T) {
	m := newKeyedMarket(t, marketOptions{hub: func(o *hubOptions) {
		o.ping, o.silence = time.Hour, time.Hour // Nothing else wakes a reader.
	}})
	stream, _ := m.open("trader", "/ws")
	has(t, stream.next(), `"tick"`)
	sender, _ := m.open("ingest", "/ws/ingest")
	sender.say(`{"symbol":"EURUSD","bid":1.2,"ask":1.2001,"time":%d}`, testNow)
	has(t, sender.next(), `"frame":1`)
	late, _ := m.open("", "/ws")
	late.say(`{"type":"auth","key":%q}`, m.texts["trader"])
	has(t, late.next(), "authenticated")
	stays, _ := m.open("read", "/ws")
	has(t, stays.next(), `"tick"`)
	m.as("trader", 200, "GET", "/api/config", "")

	m.server.SetKeys([]Key{m.keys[1], m.keys[4]}) // read and admin
	for _, s := range []*socket{stream, sender, late} {
		if _, code := s.end(); code != closePolicy {
			t.Errorf("a session of a revoked key ended with %d, want %d", code, closePolicy)
		}
	}
	has(t, m.as("trader", 401, "GET", "/api/config", ""), `"code":"BAD_KEY"`)
	stays.say(`{"type":"ping"}`)
	for {
		if text := stays.next(); strings.Contains(text, `"pong"`) {
			break
		}
	}
}

package blackbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// stat returns a counter of /api/stats whose name stands there once.
func (s *server) stat(name string) int64 {
	s.t.Helper()
	m := regexp.MustCompile(`"` + name + `":(\d+)`).FindStringSubmatch(s.get("/api/stats", 200))
	if m == nil {
		s.t.Fatalf("/api/stats has no %s", name)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// sums are the counters that must add up.
type sums struct {
	Quotes struct{ Received, Stored, Throttled, Rejected int64 }
	Ticks  struct{ Stored, Committed, Pending, Lost int64 }
}

func (s *server) sums() (got sums) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.get("/api/stats", 200)), &got); err != nil {
		s.t.Fatal(err)
	}
	return got
}

// steady posts quotes of one symbol that all become ticks, batch after batch, until it is stopped.
type steady struct {
	symbol, ack string
	size        int
	every       time.Duration

	stopped                       atomic.Bool
	sent, acknowledged, forgotten atomic.Int64 // Quotes; of the last the fate was not told.
}

func (p *steady) run(t *testing.T, url string) {
	client := &http.Client{Timeout: 60 * time.Second}
	defer client.CloseIdleConnections()
	for !p.stopped.Load() {
		var body bytes.Buffer
		for i := range p.size {
			n := p.sent.Load() + int64(i)
			bid := 126_000 + 10*(n%50) // 0.008 % each time.
			fmt.Fprintf(&body, `{"symbol":"%s","bid":1.%05d,"ask":1.%05d}`+"\n", p.symbol, bid-100_000,
				bid-100_000+2)
		}
		resp, err := client.Post(url+"/ticks?ack="+p.ack, "application/x-ndjson", &body)
		if err != nil {
			t.Error(err)
			return
		}
		resp.Body.Close()
		p.sent.Add(int64(p.size))
		switch resp.StatusCode {
		case http.StatusOK, http.StatusAccepted:
			p.acknowledged.Add(int64(p.size))
		case http.StatusServiceUnavailable: // Not committed within the time there is.
			p.forgotten.Add(int64(p.size))
		default:
			t.Errorf("POST /ticks: %s", resp.Status)
		}
		time.Sleep(p.every)
	}
}

// listen counts the ticks that a WebSocket client gets, until the server ends.
func (s *server) listen(symbol string) *atomic.Int64 {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET /ws?symbols=%s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", symbol)
	ticks := new(atomic.Int64)
	go func() {
		// Each message ends with a brace, and no frame of the server is masked.
		messages := bufio.NewReader(conn)
		for {
			message, err := messages.ReadBytes('}')
			if err != nil {
				return
			}
			if bytes.Contains(message, []byte(`"type":"tick"`)) {
				ticks.Add(1)
			}
		}
	}()
	return ticks
}

// healthText is what /health says, whatever its status.
func (s *server) healthText() (status int, text string) {
	s.t.Helper()
	resp, err := http.Get(s.url + "/health")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	line, _ := bufio.NewReader(resp.Body).ReadString('\n') // OK has no line end.
	return resp.StatusCode, line
}

// How soon /health has to tell that the disk is full, and that it is not any more. It takes some
// milliseconds and at most the second between two tries.
const (
	fullDiskSeen = 2 * time.Second
	fullDiskOver = 5 * time.Second
)

// TestFullDiskAndSpaceAgain fills the disk under a sender that waits for commits and one that does
// not, until ticks are overwritten that could not be stored, and then makes room. Prices, bars and
// streams go on, /health says what is wrong and when it is over, and in the end every tick is either
// in the file or counted as lost, none that was acknowledged among them. Bars lose nothing.
//
// It was seen to fail on a server whose health looks only at the time of the last commit, on a
// writer that forgets what a failed commit had taken, and on one that lets senders go when a commit
// fails.
func TestFullDiskAndSpaceAgain(t *testing.T) {
	need(t, "sqlite3")
	const ring = 2_000
	dir := t.TempDir()
	f := startFaulty(t, dir, "-ring", strconv.Itoa(ring))
	streamed := f.listen("GBPUSD")
	careful := &steady{symbol: "EURUSD", ack: "commit", size: 20}
	careless := &steady{symbol: "GBPUSD", ack: "accept", size: 100, every: 10 * time.Millisecond}
	var senders sync.WaitGroup
	senders.Go(func() { careful.run(t, f.url) })
	senders.Go(func() { careless.run(t, f.url) })
	f.until(20*time.Second, "quotes are acknowledged", func() bool {
		return careful.acknowledged.Load() > 200 && streamed.Load() > 200
	})

	f.disk("full")
	begin := time.Now()
	f.until(fullDiskSeen, "the health is bad", func() bool {
		status, text := f.healthText()
		return status == 503 && strings.Contains(text, "the disk is full")
	})
	t.Logf("/health failed after %s", time.Since(begin).Round(time.Millisecond))
	acknowledged, ticks, volume := careful.acknowledged.Load(), streamed.Load(), f.volumeOf("GBPUSD")
	f.until(30*time.Second, "prices, bars and streams go on", func() bool {
		return f.volumeOf("GBPUSD") > volume+2*ring && streamed.Load() > ticks+2*ring
	})
	if n := careful.acknowledged.Load(); n > acknowledged+int64(careful.size) {
		t.Errorf("%d quotes were acknowledged while the disk was full", n-acknowledged)
	}

	f.disk("works")
	begin = time.Now()
	f.until(fullDiskOver, "the health is good again", func() bool {
		status, _ := f.healthText()
		return status == 200
	})
	t.Logf("/health was OK %s after there was space", time.Since(begin).Round(time.Millisecond))
	f.until(10*time.Second, "quotes are acknowledged again", func() bool {
		return careful.acknowledged.Load() > acknowledged+100
	})
	careful.stopped.Store(true)
	careless.stopped.Store(true)
	senders.Wait()
	f.checkFull(dir, careful, careless)
}

// volumeOf is how many quotes the bars of a symbol hold.
func (s *server) volumeOf(symbol string) int64 { return s.volume(&crashMarket{symbol: symbol}) }

// checkFull compares what was sent with the sums of the server, and with its file.
func (f *faulty) checkFull(dir string, careful, careless *steady) {
	f.t.Helper()
	f.until(10*time.Second, "all is committed", func() bool { return f.sums().Ticks.Pending == 0 })
	s := f.sums()
	f.t.Logf("sums: %+v", s)
	sent := careful.sent.Load() + careless.sent.Load()
	if s.Quotes.Received != sent || s.Quotes.Stored != sent {
		f.t.Errorf("%d received and %d stored of %d quotes", s.Quotes.Received, s.Quotes.Stored, sent)
	}
	if s.Ticks.Stored != s.Ticks.Committed+s.Ticks.Lost || s.Ticks.Lost == 0 {
		f.t.Errorf("%+v does not add up, or nothing was lost", s.Ticks)
	}
	if code := f.stop(); code != 0 {
		f.t.Errorf("exit code %d, want 0", code)
	}
	rows := func(query string) int64 {
		text := sqlite(f.t, filepath.Join(dir, "d", "market.db"), query)
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			f.t.Fatal(err)
		}
		return n
	}
	if got := rows("SELECT count(*) FROM tick"); got != s.Ticks.Committed {
		f.t.Errorf("the file has %d ticks, %d were committed", got, s.Ticks.Committed)
	}
	if got := rows("SELECT count(*) FROM ticks WHERE symbol = 'EURUSD'"); got != careful.sent.Load() {
		f.t.Errorf("the file has %d ticks of the careful sender, who sent %d", got, careful.sent.Load())
	}
	if got := rows("SELECT sum(volume) FROM bars WHERE frame = '1m'"); got != sent {
		f.t.Errorf("the minutes in the file hold %d quotes, want %d", got, sent)
	}
}

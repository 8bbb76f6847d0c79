package blackbox

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tradingengine/cmd/internal/process"
)

// attackMemory is how much more memory the server may hold after an attack, or in the midst of it:
// large bodies may take 256 MiB, their quotes as much, and garbage as much again.
const attackMemory = 900 << 20

// TestAttacks does to one server what bad neighbours do: thousands of connections that do nothing,
// announced and packed bodies of gigabytes, names that nobody knows. After each, and during those
// that take their time, the server answers, its memory is bounded and its log is quiet.
//
// It was seen to fail on a server that makes room for every announced body (it answered nobody any
// more), that unpacks without a limit, and that logs refused quotes.
func TestAttacks(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "-feed", "none", "-data", "d")
	s.post("/ticks", "application/json", `{"symbol":"EURUSD","bid":1.08,"ask":1.09}`, 200)
	before := s.stats().Server.ResidentBytes
	log := len(s.log())
	attack := func(name string, run func(t *testing.T, s *server)) {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			run(t, s)
			for _, path := range []string{"/health", "/ticks?symbol=EURUSD", "/ohlc?symbol=EURUSD"} {
				s.get(path, 200)
			}
			grown := s.stats().Server.ResidentBytes - before
			if grown > attackMemory {
				t.Errorf("the server holds %d MiB more than before", grown>>20)
			}
			t.Logf("%d MiB more than before, after %s", grown>>20, time.Since(begin).Round(time.Millisecond))
		})
	}
	attack("connections", attackConnections)
	attack("announced bodies", attackAnnouncedBodies)
	attack("large bodies", attackLargeBodies)
	attack("packed bodies", attackPackedBodies)
	attack("unknown names", attackUnknownNames)
	attack("half open peers", attackHalfOpen)
	lines := s.log()[log:]
	if regexp.MustCompile(`(?i)error|panic|fatal`).MatchString(lines) || len(lines) > 4<<10 {
		t.Errorf("the attacks left %d bytes in the log:\n%s", len(lines), tail(lines, 20))
	}
	for _, name := range []string{"server.log", "debug.log"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Size() > 64<<10 {
			t.Errorf("%s has %d bytes", name, info.Size())
		}
	}
	if got := s.stats().Quotes; got.Received-got.Rejected != 1 {
		t.Errorf("quotes were taken: %+v", got)
	}
	if code := s.stop(); code != 0 {
		t.Errorf("SIGTERM: exit code %d, want 0", code)
	}
}

// attackFiles is how many files this process may have to open: the largest crowds, and some more.
const attackFiles = 5_000 + 500

// crowd opens n connections, writes the same to each and keeps them until the end of the test.
func crowd(t *testing.T, s *server, n int, text string) (connections []net.Conn) {
	t.Helper()
	if files, ok := process.OpenFilesMax(); ok && files < attackFiles {
		if os.Getenv("ENGINE_TEST_STRICT") != "" {
			t.Fatalf("%d files are needed; the limit is %d", attackFiles, files)
		}
		t.Skipf("%d files are needed; the limit is %d", attackFiles, files)
	}
	connections = make([]net.Conn, n)
	t.Cleanup(func() {
		for _, c := range connections {
			if c != nil {
				_ = c.Close()
			}
		}
	})
	for i := range connections {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		connections[i] = c
		if text != "" {
			_, _ = io.WriteString(c, text) // It may have been turned away.
		}
	}
	return connections
}

func attackConnections(t *testing.T, s *server) {
	crowd(t, s, 2500, "")
	crowd(t, s, 2500, "GET /health HTTP/1.1\r\nHost: localhost\r\n")
}

const attackPost = "POST /ticks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"

// attackAnnouncedBodies announces eight gigabytes in two thousand bodies, none of which comes.
func attackAnnouncedBodies(t *testing.T, s *server) {
	crowd(t, s, 2000, attackPost+"Content-Length: 4194304\r\n\r\n")
	crowd(t, s, 200, attackPost+"Content-Length: 999999999999\r\n\r\n")
	s.until(20*time.Second, "some are refused", func() bool {
		return s.stats().Server.BodiesRefused > 0
	})
}

// attackLargeBodies sends bodies that are as long as they may be, or longer, in chunks.
func attackLargeBodies(t *testing.T, s *server) {
	most := strings.Repeat(strings.Repeat(" ", 1<<10-1)+"\n", 4<<10)
	var sending sync.WaitGroup
	for k := range 8 {
		sending.Go(func() {
			for i := range 4 {
				body, want := most, http.StatusBadRequest // Nothing but blanks.
				if (i+k)%2 == 0 {
					body, want = most+"\n", http.StatusRequestEntityTooLarge
				}
				// A reader of unknown length is sent in chunks.
				answer, err := http.Post(s.url+"/ticks", "application/x-ndjson",
					io.MultiReader(strings.NewReader(body)))
				if err != nil {
					continue // Cut off while it still sent.
				}
				answer.Body.Close()
				if answer.StatusCode != want && answer.StatusCode != http.StatusServiceUnavailable {
					t.Errorf("a body of %d bytes: %s", len(body), answer.Status)
				}
			}
		})
	}
	sending.Wait()
}

// attackPackedBodies sends small bodies that unpack to 256 MiB.
func attackPackedBodies(t *testing.T, s *server) {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	zeros := make([]byte, 1<<20)
	for i := 0; err == nil && i < 256; i++ {
		_, err = w.Write(zeros)
	}
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	var sending sync.WaitGroup
	for range 16 {
		sending.Go(func() {
			for range 4 {
				r, err := http.NewRequest(http.MethodPost, s.url+"/ticks", bytes.NewReader(packed.Bytes()))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header.Set("Content-Type", "application/x-ndjson")
				r.Header.Set("Content-Encoding", "gzip")
				answer, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				answer.Body.Close()
				if answer.StatusCode != http.StatusRequestEntityTooLarge {
					t.Errorf("256 MiB in %d bytes: %s", packed.Len(), answer.Status)
				}
			}
		})
	}
	sending.Wait()
}

// attackUnknownNames names a hundred thousand symbols that there are not, in every way.
func attackUnknownNames(t *testing.T, s *server) {
	for i := range 100 {
		var b strings.Builder
		for k := range 1000 {
			fmt.Fprintf(&b, `{"symbol":"X%d","bid":1,"ask":2,"lp":"L%d"}`+"\n", i*1000+k, i*1000+k)
		}
		s.post("/ticks", "application/x-ndjson", b.String(), 200)
	}
	socket, err := s.dial("/ws?symbols=XRPUSD")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.close()
	for i := range 2000 {
		s.get(fmt.Sprintf("/ticks?symbol=X%d", i), 404)
		err := socket.send(fmt.Sprintf(`{"type":"subscribe","channel":"ticks","symbols":["X%d"]}`, i))
		if err != nil {
			t.Fatal(err)
		}
		m, err := socket.message()
		if err != nil || m.Code != "UNKNOWN_SYMBOL" && m.Type != "heartbeat" {
			t.Fatalf("got %s %v", m.text, err)
		}
	}
}

// attackHalfOpen opens streams and senders that never say anything more and never read.
func attackHalfOpen(t *testing.T, s *server) {
	const upgrade = " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
	crowd(t, s, 500, "GET /ws"+upgrade)
	// A frame of a megabyte that never comes.
	crowd(t, s, 300, "GET /ws/ingest"+upgrade+"\x82\xff\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00")
	s.until(20*time.Second, "all senders are there that may", func() bool {
		got := s.stats().Ingest
		return got.Sessions == 256 && got.TurnedAway > 0
	})
}

package blackbox

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// soakTime is for how long TestSoak loads its server. Below a minute it shares the machine with
// another test and takes 20,000 quotes a second, from then on 50,000.
var soakTime = flag.Duration("soak", 30*time.Second, "how long TestSoak loads its server")

const soakClients = 50 // WebSocket clients that stay.

// soak is a server under a steady load of everything: quotes, orders, streams, reads, and clients
// that come and go.
type soak struct {
	*server
	client *http.Client
	length time.Duration
	rate   int // Quotes a second.
	stop   atomic.Bool
	over   chan struct{} // Closed after stop was set.
	begun  time.Time

	sent    atomic.Int64 // Quotes of batches that were taken.
	slowed  atomic.Int64 // Batches and requests that were refused for lack of room.
	rounds  atomic.Int64 // Of trading.
	visits  atomic.Int64 // Of clients that come and go.
	viewers []*soakViewer
	samples []soakSample
}

// TestSoak loads a server for a while: 30 s, a minute in the gate, half an hour with -long. What
// must be as it was: memory, goroutines and files, once all have left; the sums, all the time; the
// log, which has no word of an error and the line of flushes; and what every client saw.
//
// It was seen to find 64 bytes kept of every quote, a session that leaves a goroutine, a gap that
// counts one too few, and an error in the log.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	need(t, "sqlite3")
	t.Parallel() // With the checklist, which mostly waits.
	k := &soak{
		length: *soakTime, rate: 20_000, over: make(chan struct{}),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: 30 * time.Second},
	}
	if *long {
		k.length = max(k.length, 30*time.Minute)
	}
	if k.length >= time.Minute {
		k.rate = 50_000
	}
	k.server = startSoak(t, "-ring", "10000", "-bars", "1000")
	k.send(201, "POST", "/api/alerts/rules", soakRule)
	before := k.atRest()

	var working sync.WaitGroup
	k.begun = time.Now()
	working.Go(k.quotes)
	working.Go(k.trade)
	working.Go(k.visit)
	for i := range soakClients {
		v := &soakViewer{soak: k, kind: i % len(soakKinds), slow: i == 0}
		k.viewers = append(k.viewers, v)
		working.Go(v.run)
	}
	for time.Since(k.begun) < k.length && !t.Failed() {
		k.samples = append(k.samples, k.sample())
		time.Sleep(time.Second)
	}
	k.stop.Store(true)
	close(k.over)
	working.Wait()
	k.checkRate()
	k.checkMemory()
	k.checkLeft(before)
	k.checkMoney()
	if got := k.post("/api/verify", "application/json", "", 200); !strings.HasPrefix(got, `{"ok":true`) {
		t.Error(got)
	}
	if code := k.server.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	k.checkLog()
	k.checkViewers()
	mustRun(t, k.dir, "verify", "-data", "d")
}

// startSoak starts the server under another name, because the checklist looks for the processes
// named server.exe.
func startSoak(t *testing.T, args ...string) *server {
	t.Helper()
	dir := t.TempDir()
	exe, err := os.ReadFile(executable())
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "engine")
	if err := os.WriteFile(name, exe, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := command(dir, append([]string{"-addr", "127.0.0.1:0", "-feed", "none", "-data", "d"}, args...)...)
	cmd.Path, cmd.Args[0] = name, name
	if cmd.Err != nil {
		t.Fatal(cmd.Err)
	}
	s := launchCommand(t, dir, cmd)
	s.waitServing()
	return s
}

// checkViewers compares what each viewer of ticks saw with the file: as many as lie between its
// first and its last, those it was told that it missed included.
func (k *soak) checkViewers() {
	k.t.Helper()
	seen := int64(0)
	for i, v := range k.viewers {
		seen += v.seen
		if v.seen == 0 {
			k.t.Errorf("client %d (%s) saw nothing", i, soakKinds[v.kind].name)
		}
		if soakKinds[v.kind].name != "ticks" {
			continue
		}
		got := strings.TrimSpace(sqlite(k.t, filepath.Join(k.dir, "d", "market.db"), fmt.Sprintf(
			`SELECT count(*) FROM tick JOIN symbol ON symbol.id = symbol_id WHERE name = 'EURUSD' AND
			time > %d AND time <= %d`, v.first, v.last)))
		if want := fmt.Sprint(v.seen - 1 + v.skipped); got != want {
			k.t.Errorf("client %d: the file has %s ticks after its first, it saw and was told of %s",
				i, got, want)
		}
		if v.slow && v.gaps == 0 {
			k.t.Error("a client that was slow on purpose missed nothing")
		}
	}
	first, last := k.samples[0], k.samples[len(k.samples)-1]
	k.t.Logf("%s: %.0f quotes/s, %d rounds of trading, %d visits, %d messages seen by %d clients; "+
		"%d times refused for lack of room; resident %d to %d MiB, live heap %d to %d KiB",
		k.length, float64(k.sent.Load())/k.length.Seconds(), k.rounds.Load(), k.visits.Load(), seen,
		soakClients, k.slowed.Load(), int(first.resident)>>20, int(last.resident)>>20,
		int(first.heap)>>10, int(last.heap)>>10)
}

package httpd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradingengine/core"
)

// slowHistory takes its time once it is told to.
type slowHistory struct {
	History
	pause atomic.Int64
}

func (h *slowHistory) Ticks(ctx context.Context, id core.SymbolID, from, to core.Time, limit int,
	newest bool, dst []core.Tick,
) ([]core.Tick, error) {
	time.Sleep(time.Duration(h.pause.Load()))
	return h.History.Ticks(ctx, id, from, to, limit, newest, dst)
}

// TestVitalsOfARunningServer makes each condition happen: quotes that do not move, storage that
// stands still, reads that fail and reads that are slow. Only what the system tells of memory and
// processor is the test's, and the time between samples.
//
// It was seen to find failures and full queues that no sample holds.
func TestVitalsOfARunningServer(t *testing.T) {
	var memory, cpu atomic.Int64
	history := &slowHistory{}
	m := newTestMarket(t, marketOptions{
		engine: func(o *core.Options) { o.Queue = 1 },
		server: func(o *Options) {
			history.History = o.History
			o.History = history
			o.Memory = memory.Load
			o.CPU = func() time.Duration { return time.Duration(cpu.Load()) }
		},
	})
	find := func(name string) CheckResult {
		for _, c := range m.server.Checks() {
			if c.Name == name {
				return c.Find()
			}
		}
		t.Fatalf("there is no check %s", name)
		return CheckResult{}
	}
	names := []string{"throttle", "failures", "latency", "queue", "memory", "cpu"}
	m.until("the first sample is there", func() bool {
		from, _ := m.server.rates.over(1)
		return !from.at.IsZero()
	})
	for _, name := range names {
		if r := find(name); !r.OK {
			t.Errorf("%s: %+v before anything happened", name, r)
		}
	}

	m.storage.held.Store(true)
	var quotes strings.Builder
	for i := range 700 {
		fmt.Fprintf(&quotes, `{"symbol":"EURUSD","bid":1.1%d000,"ask":1.1%d010}`+"\n", i/690*(i%2),
			i/690*(i%2))
	}
	a := m.do("POST", "/ticks?ack=accept", quotes.String(), "Content-Type", ndjsonType)
	if a.status != 202 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	const old = "/ticks?symbol=GBPUSD&from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z"
	broken := errors.New("the disk is gone")
	m.storage.broken.Store(&broken)
	if a := m.get(old); a.status != 503 {
		t.Fatalf("a read of broken storage: %d %s", a.status, a.body)
	}
	m.storage.broken.Store(nil)
	history.pause.Store(int64(600 * time.Millisecond))
	var reading sync.WaitGroup
	for range 2 * slowRequests {
		reading.Go(func() { _, _ = m.try("GET", old, "") })
	}
	reading.Wait()
	memory.Store(memoryCritical + 1)
	cpu.Store(int64(time.Minute) * int64(processors()))
	// A busy machine may be even slower than the history, so that level is not compared.
	for name, want := range map[string]Level{
		"throttle": Warning, "failures": Critical, "latency": "", "queue": Warning,
		"memory": Critical, "cpu": Warning,
	} {
		// The server takes samples of its own, which come in between.
		m.until(name+" is noticed", func() bool {
			m.server.takeSample(time.Now().Add(time.Minute))
			r := find(name)
			return !r.OK && (r.Level == want || want == "") && r.Reason != ""
		})
	}
	m.storage.held.Store(false)
}

package httpd

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tradingengine/core"
)

// TestStatsWatermarks holds both commits back: what is applied and what is committed differ by that.
// It was seen to find what is applied told for what is committed.
func TestStatsWatermarks(t *testing.T) {
	m := newTradeMarket(t, marketOptions{})
	m.ask(201, "POST", "/api/orders", marketOrder)
	m.storage.held.Store(true)
	release := m.journal.holdCommits()
	defer release()
	events := uint64(m.desk.Committed())
	ack := m.do("POST", "/ticks?ack=accept", quoteLines("EURUSD", testNow+core.Second, 1000, 8),
		"Content-Type", ndjsonType)
	var waiting sync.WaitGroup
	waiting.Go(func() { _, _ = m.try("POST", "/api/orders", marketOrder) })
	var got struct {
		Symbols    []struct{ Pending int64 }
		Watermarks struct {
			Events struct{ Applied, Committed uint64 }
			Shards []struct{ Applied, Committed int64 }
		}
	}
	m.until("both are behind", func() bool {
		check(t, json.Unmarshal([]byte(m.get("/api/stats").body), &got))
		w := &got.Watermarks
		return w.Events.Committed == events && w.Events.Applied == events+3 &&
			w.Shards[0].Committed < w.Shards[0].Applied && got.Symbols[0].Pending == 8
	})
	if ack.status != 202 {
		t.Errorf("got %d %s", ack.status, ack.body)
	}
	m.storage.held.Store(false)
	release()
	waiting.Wait()
	m.until("neither is", func() bool {
		check(t, json.Unmarshal([]byte(m.get("/api/stats").body), &got))
		w := &got.Watermarks
		return w.Events.Committed == events+3 && w.Shards[0].Committed == w.Shards[0].Applied &&
			got.Symbols[0].Pending == 0
	})
}

// TestStats compares the answer with what was sent.
func TestStats(t *testing.T) {
	m := newTestMarket(t, marketOptions{server: func(o *Options) {
		o.Writer = func() []Field {
			return []Field{{"commits", 3}, {"lastError", nil}, {"tookMs", 1.5}, {"odd", func() {}}}
		}
	}})
	m.post(quoteLines("EURUSD", testNow-core.Minute, core.Second, 8) +
		quoteLines("EURUSD", testNow-core.Minute, 0, 1) + "x\n" +
		strings.Repeat(`{"symbol":"USDJPY","bid":150,"ask":150.1}`+"\n", 4))
	m.get("/nowhere")
	m.server.takeSample(time.Now().Add(time.Second))
	a := m.get("/api/stats")
	var got struct {
		Quotes struct {
			Received, Stored, Throttled, Rejected, Late int64
			RejectedBy                                  map[string]int64
			Exact                                       bool
		}
		Ticks         struct{ Stored, Committed, Pending, Lost int64 }
		ThrottleShare float64
		Symbols       []struct {
			Symbol                                string
			Received, Stored, Throttled, Rejected int64
			ThrottleShare                         float64
			Time                                  int64
		}
		Writer  map[string]any
		Rates   map[string]map[string]float64
		Latency []struct {
			Route    string
			Requests int64
			P50Ms    float64
		}
		Watermarks struct {
			NewestQuote int64
			Shards      []struct{ Applied, Committed, Journaled, QuotesQueued int64 }
		}
		Server map[string]int64
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	f := func(name string, got, want any) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	f("quotes", got.Quotes, "{14 9 3 2 0 map[BAD_LINE:1 LATE:1] true}")
	f("ticks", got.Ticks, "{9 9 0 0}")
	f("throttleShare", got.ThrottleShare, 0.25)
	f("symbols", len(got.Symbols), 21)
	f("EURUSD", got.Symbols[0], "{EURUSD 9 8 0 1 0 1768831117000000}")
	f("USDJPY", got.Symbols[2], "{USDJPY 4 1 3 0 0.75 1768831170000003}")
	f("writer", got.Writer["commits"], 3)
	f("writer", got.Writer["lastError"], nil)
	w := got.Watermarks
	f("newest quote", w.NewestQuote, 1768831170000003)
	if len(w.Shards) != 1 || w.Shards[0].Committed < 1 || w.Shards[0].Committed > w.Shards[0].Applied {
		t.Errorf("watermarks of a shard that committed: %+v", w.Shards)
	}
	for _, name := range []string{
		"quotes", "ticks", "throttled", "committed", "commands", "requests", "failures",
	} {
		f("rates of "+name, len(got.Rates[name]), 3)
	}
	f("routes", got.Latency[0].Route, "POST /ticks")
	f("routes", got.Latency[1].Route, "other")
	f("server", got.Server["batches"], m.engine.Stats().Batches)
	if n := strings.Count(a.body, "\n{\"symbol\""); n != 21 {
		t.Errorf("%d symbols at the beginning of a line, want 21", n)
	}
}

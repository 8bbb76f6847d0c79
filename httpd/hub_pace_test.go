package httpd

import (
	"testing"
	"time"

	"tradingengine/core"
)

// burst stores n ticks of each symbol at once.
func (m *streamMarket) burst(n int, names ...string) {
	m.t.Helper()
	m.clock.Add(int64(core.Second))
	at := core.Time(m.clock.Load() - int64(core.Second))
	var quotes []core.Quote
	for i := range n {
		for _, name := range names {
			bid := core.Price(100_000 + 1000*(i%2))
			quotes = append(quotes, m.quote(name, bid, bid+2, at+core.Time(i)))
		}
	}
	m.quotes(quotes...)
}

// TestBurstLapsNobody: far more ticks at once than a log keeps reach every client that reads, while
// one that does not is lapped and holds up the others only for a moment.
func TestBurstLapsNobody(t *testing.T) {
	o := streamMarketOptions{hub: func(o *hubOptions) { o.slow = time.Hour }}
	inBubble(t, o, func(t *testing.T, m *streamMarket) {
		ticks := rounds(6_000, 20_000)
		names := []string{"EURUSD", "USDJPY"}
		stuck := m.pipe(names...)
		watchers, errs := make([]*tickWatcher, 3), make(chan error, 3)
		clients := make([]*pipeClient, len(watchers))
		for i := range watchers {
			clients[i], watchers[i] = m.pipe("GBPUSD"), newTickWatcher(m)
			clients[i].send(`{"type":"subscribe","channel":"ticks","symbols":["EURUSD","USDJPY"]}`)
			check(t, watchers[i].take(clients[i].message()))
		}
		start := time.Now()
		m.burst(ticks, names...)
		for i := range watchers {
			go func() { errs <- readTicks(clients[i], watchers[i], 2*ticks) }()
		}
		for range watchers {
			check(t, <-errs)
		}
		// Each round of a quarter of what a log keeps costs a pause of the hub.
		if took := time.Since(start); took > time.Second {
			t.Errorf("the burst took %v", took)
		}
		got := m.hub.stats()
		if got.Lapses != 0 || watchers[0].gaps+watchers[1].gaps+watchers[2].gaps > 0 {
			t.Errorf("clients that read saw gaps; stats %+v", got)
		}
		for _, c := range clients {
			c.close()
		}
		// The stuck one had the default stream: what is left of its segment, then the gaps.
		kinds := map[string]int{}
		for kinds["gap"] < 2 {
			kinds[stuck.message().Type]++
		}
		if kinds["tick"] > 1000 {
			t.Errorf("the stuck client was still sent %d ticks", kinds["tick"])
		}
		stuck.close()
	})
}

// TestPatienceEnds: a session that gets no processor for its writer makes the hub no later than its
// patience, however much there is to send.
func TestPatienceEnds(t *testing.T) {
	o := streamMarketOptions{hub: func(o *hubOptions) {
		o.slow, o.patience = time.Hour, 500*time.Millisecond
	}}
	inBubble(t, o, func(t *testing.T, m *streamMarket) {
		good := m.pipe("GBPUSD")
		w := newTickWatcher(m)
		good.send(`{"type":"subscribe","channel":"ticks","symbols":["EURUSD"]}`)
		check(t, w.take(good.message()))
		var starved *streamCursor
		m.hub.do(func() {
			for _, l := range m.hub.logs {
				starved = l.add(&session{})
			}
		})
		const ticks = 20_000
		start := time.Now()
		m.burst(ticks, "EURUSD")
		check(t, readTicks(good, w, ticks))
		took := time.Since(start)
		if took < 500*time.Millisecond || took > 600*time.Millisecond {
			t.Errorf("the good client had everything after %v", took)
		}
		if w.gaps > 1 || int64(w.ticks)+w.skipped != ticks {
			t.Errorf("the good client saw %d ticks and %d gaps of %d", w.ticks, w.gaps, w.skipped)
		}
		m.hub.do(func() { starved.log.remove(starved) })
		m.sendMany(1, "EURUSD")
		check(t, w.take(good.message()))
		good.close()
	})
}

// TestStrikes: each strike counts for twice as long as the one before, up to a bound, and they are
// forgotten after a while without.
func TestStrikes(t *testing.T) {
	h, s := &hub{now: time.Unix(1000, 0)}, &session{}
	strike := func(want time.Duration) {
		t.Helper()
		h.strike(s)
		if got := s.unpaced.Sub(h.now); got != want {
			t.Errorf("a strike counts for %v, want %v", got, want)
		}
	}
	strike(time.Second)
	strike(2 * time.Second)
	h.now = s.unpaced.Add(4 * time.Second)
	strike(4 * time.Second)
	h.now = s.unpaced.Add(8*time.Second + 1)
	strike(time.Second)
	for range 11 {
		h.strike(s)
	}
	strike(4096 * time.Second)
	strike(4096 * time.Second)
}

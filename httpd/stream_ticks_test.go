package httpd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradingengine/core"
)

// TestTicksConversation is what a client of the ticks channel sees, from a restart on.
func TestTicksConversation(t *testing.T) {
	at := core.Time(1_768_823_580_000_000)
	o := streamMarketOptions{restore: map[string]*core.SymbolState{
		"EURUSD": {Ticks: []core.Tick{
			{Time: at - 3000, Bid: 108_200, Ask: 108_203, Source: 1},
			{Time: at - 2000, Bid: 108_220, Ask: 108_223, Source: 1},
		}},
		"USDJPY": {Ticks: []core.Tick{{Time: at - 1000, Bid: 157_000, Ask: 157_009, Source: 1}}},
	}}
	inBubble(t, o, func(t *testing.T, m *streamMarket) {
		c := m.pipe()
		c.expect(
			`{"type":"tick","symbol":"EURUSD","bid":1.08220,"ask":1.08223,"spread":0.00003,`+
				`"timestamp":1768823579998,"lp":"SIM"}`,
			`{"type":"tick","symbol":"USDJPY","bid":157.000,"ask":157.009,"spread":0.009,`+
				`"timestamp":1768823579999,"lp":"SIM"}`)

		// The first subscribe ends the default stream.
		c.send(`{"type":"subscribe","channel":"ticks","symbols":["eurusd"]}`)
		c.expect(`{"type":"subscribed","channel":"ticks","symbols":["EURUSD"]}`,
			`{"type":"tick","symbol":"EURUSD","bid":1.08220,"ask":1.08223,"spread":0.00003,`+
				`"timestamp":1768823579998,"lp":"SIM","time":1768823579998000,"prev":1768823579997000}`)
		m.quotes(m.quote("USDJPY", 157_100, 157_109, at), m.quote("EURUSD", 108_240, 108_240, at))
		c.expect(`{"type":"tick","symbol":"EURUSD","bid":1.08240,"ask":1.08240,"spread":0.00000,` +
			`"timestamp":1768823580000,"lp":"SIM","time":1768823580000000,"prev":1768823579998000}`)

		// What is subscribed already is not doubled and not shown again.
		c.send(`{"type":"subscribe","channel":"ticks","symbols":["EURUSD"]}`)
		c.expect(`{"type":"subscribed","channel":"ticks","symbols":["EURUSD"]}`)
		c.send(`{"type":"subscribe","channel":"ticks","symbols":["USDJPY","GBPUSD","EURUSD"]}`)
		c.expect(`{"type":"subscribed","channel":"ticks","symbols":["EURUSD","GBPUSD","USDJPY"]}`,
			`{"type":"tick","symbol":"USDJPY","bid":157.100,"ask":157.109,"spread":0.009,`+
				`"timestamp":1768823580000,"lp":"SIM","time":1768823580000000,"prev":1768823579999000}`)
		m.quotes(
			m.quote("EURUSD", 108_260, 108_260, at+1),
			m.quote("GBPUSD", 126_001, 126_002, at+2),
			m.quote("USDJPY", 157_200, 157_209, at+3))
		c.expect(
			`{"type":"tick","symbol":"EURUSD","bid":1.08260,"ask":1.08260,"spread":0.00000,`+
				`"timestamp":1768823580000,"lp":"SIM","time":1768823580000001,"prev":1768823580000000}`,
			`{"type":"tick","symbol":"GBPUSD","bid":1.26001,"ask":1.26002,"spread":0.00001,`+
				`"timestamp":1768823580000,"lp":"SIM","time":1768823580000002,"prev":0}`,
			`{"type":"tick","symbol":"USDJPY","bid":157.200,"ask":157.209,"spread":0.009,`+
				`"timestamp":1768823580000,"lp":"SIM","time":1768823580000003,"prev":1768823580000000}`)

		// Unsubscribing twice is no error, and what is left goes on unbroken.
		for range 2 {
			c.send(`{"type":"unsubscribe","channel":"ticks","symbols":["GBPUSD","EURUSD"]}`)
			c.expect(`{"type":"unsubscribed","channel":"ticks","symbols":["EURUSD","GBPUSD"]}`)
		}
		m.quotes(m.quote("EURUSD", 108_280, 108_280, at+5), m.quote("USDJPY", 157_300, 157_309, at+6))
		c.expect(`{"type":"tick","symbol":"USDJPY","bid":157.300,"ask":157.309,"spread":0.009,` +
			`"timestamp":1768823580000,"lp":"SIM","time":1768823580000006,"prev":1768823580000003}`)
		c.send(`{"type":"unsubscribe","channel":"ticks"}`)
		if got := c.message(); got.Type != "unsubscribed" || len(got.Symbols) != 21 {
			t.Errorf("got %+v", got)
		}
		m.quotes(m.quote("USDJPY", 157_400, 157_409, at+7))
		if got := c.message(); got.Type != "heartbeat" {
			t.Errorf("got %+v", got)
		}
		if len(m.hub.logs) != 0 {
			t.Errorf("%d logs are kept for nobody", len(m.hub.logs))
		}
		c.close()
	})
}

// TestDefaultStreamNarrowed: ?symbols= and unsubscribing both narrow the default stream, a message
// that is refused does not end it.
func TestDefaultStreamNarrowed(t *testing.T) {
	inBubble(t, streamMarketOptions{}, func(t *testing.T, m *streamMarket) {
		c := m.pipe("EURUSD", "GBPUSD")
		step := core.Price(0)
		send := func() {
			step += 50
			m.quotes(m.quote("EURUSD", 108_000+step, 108_002+step, 0),
				m.quote("GBPUSD", 126_000+step, 126_002+step, 0),
				m.quote("USDJPY", 157_000+step, 157_002+step, 0))
		}
		expect := func(want ...string) {
			t.Helper()
			for _, w := range want {
				if got := c.message(); got.Type != "tick" || got.Symbol != w || got.Time != 0 {
					t.Fatalf("got %+v, want a plain tick of %s", got, w)
				}
			}
		}
		time.Sleep(time.Millisecond)
		send()
		expect("EURUSD", "GBPUSD")
		c.send(`{"type":"subscribe","channel":"ticks","symbols":["EURUSX"]}`)
		c.expect(`{"type":"error","code":"UNKNOWN_SYMBOL",` +
			`"detail":"no symbol \"EURUSX\"; did you mean EURUSD?"}`)
		c.send(`{"type":"unsubscribe","channel":"quotes"}`)
		c.message()
		send()
		expect("EURUSD", "GBPUSD")
		c.send(`{"type":"unsubscribe","channel":"ticks","symbols":["EURUSD"]}`)
		c.expect(`{"type":"unsubscribed","channel":"ticks","symbols":["EURUSD"]}`)
		send()
		send()
		expect("GBPUSD", "GBPUSD")
		c.close()
	})
}

// tickWatcher checks what one client of the ticks channel sees of the market: for each symbol an
// unbroken chain, gaps only where a notice tells of them exactly.
type tickWatcher struct {
	t       testing.TB
	stored  func(name string) []core.Tick
	last    map[string]core.Time // Of symbols that are streamed; 0 before the first tick.
	ticks   int
	gaps    int
	skipped int64
}

func newTickWatcher(m *streamMarket) *tickWatcher {
	return &tickWatcher{
		t: m.t, stored: m.storedTicks, last: map[string]core.Time{},
	}
}

func (w *tickWatcher) take(m streamMessage) error {
	switch m.Type {
	case "subscribed":
		for _, name := range m.Symbols {
			if _, ok := w.last[name]; !ok {
				w.last[name] = 0
			}
		}
	case "unsubscribed":
		for _, name := range m.Symbols {
			delete(w.last, name)
		}
	case "tick":
		last, ok := w.last[m.Symbol]
		if !ok {
			return fmt.Errorf("a tick of a symbol that is not subscribed: %+v", m)
		}
		if last != 0 && m.Prev != last {
			return fmt.Errorf("after %d comes %+v", last, m)
		}
		w.last[m.Symbol] = m.Time
		w.ticks++
	case "gap":
		if m.From != w.last[m.Symbol] || m.To <= m.From || m.Skipped < 1 {
			return fmt.Errorf("after %d comes %+v", w.last[m.Symbol], m)
		}
		w.last[m.Symbol] = m.To
		w.gaps++
		w.skipped += m.Skipped
		if err := w.checkGap(m); err != nil {
			return err
		}
	}
	return nil
}

// checkGap counts what was stored within a gap.
func (w *tickWatcher) checkGap(m streamMessage) error {
	var between int64
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		between = 0
		stored := w.stored(m.Symbol)
		for i := range stored {
			if m.From < stored[i].Time && stored[i].Time <= m.To {
				between++
			}
		}
		if n := len(stored); n > 0 && stored[n-1].Time >= m.To || time.Now().After(deadline) {
			break // Everything up to the end of the gap is committed.
		}
	}
	if between != m.Skipped {
		return fmt.Errorf("%d ticks lie within %+v", between, m)
	}
	return nil
}

// feedTicks sends quotes of random symbols as fast as is sensible until stop is set, and reports
// how many were sent.
func (m *streamMarket) feedTicks(stop *atomic.Bool, seed uint64, pause time.Duration) int {
	random := rand.New(rand.NewPCG(seed, 1))
	n := m.engine.Symbols().Len()
	sent := 0
	for !stop.Load() {
		now := m.clock.Add(1000)
		quotes := make([]core.Quote, 1+random.IntN(100))
		for i := range quotes {
			bid := 100_000 + core.Price(random.IntN(300))
			quotes[i] = core.Quote{
				Symbol: core.SymbolID(random.IntN(n)), Bid: bid, Ask: bid + 2, Source: 1,
				Time: core.Time(now),
			}
		}
		if m.trySend(quotes) == nil {
			sent += len(quotes)
		}
		if pause > 0 {
			time.Sleep(pause)
		}
	}
	return sent
}

// patientStream keeps so much for a session that one on a busy machine gets no gap.
var patientStream = streamMarketOptions{
	hub: func(o *hubOptions) { o.unsent, o.slow = 64<<20, time.Hour },
}

// TestTicksUnderLoad lets clients subscribe and unsubscribe at random while quotes come fast. No
// client may miss a tick, see one twice, or see one it did not ask for.
func TestTicksUnderLoad(t *testing.T) {
	m := newStreamMarket(t, patientStream)
	seed := rand.Uint64()
	var stop atomic.Bool
	var feeding sync.WaitGroup
	feeding.Go(func() { m.feedTicks(&stop, seed, 2*time.Millisecond) })
	errs := make([]error, 8)
	watchers := make([]*tickWatcher, len(errs))
	var reading sync.WaitGroup
	for i := range errs {
		c := m.dial("?symbols=EURUSD")
		watchers[i] = newTickWatcher(m)
		random := rand.New(rand.NewPCG(seed, uint64(i)+2))
		reading.Go(func() { errs[i] = m.wander(c, watchers[i], random) })
	}
	reading.Wait()
	stop.Store(true)
	feeding.Wait()
	for i, err := range errs {
		if err != nil {
			t.Errorf("seed %d, client %d: %v", seed, i, err)
		}
		if watchers[i].ticks < 1000 || watchers[i].gaps > 0 {
			t.Errorf("seed %d, client %d saw %d ticks and %d gaps", seed, i, watchers[i].ticks,
				watchers[i].gaps)
		}
	}
	if got := m.hub.stats(); got.Panics > 0 || got.Overrun > 0 {
		t.Errorf("stats %+v", got)
	}
}

// wander changes a client's subscription a few dozen times, then checks that it got everything.
func (m *streamMarket) wander(c *streamClient, w *tickWatcher, random *rand.Rand) error {
	const changes = 60
	var started bool // The default stream, which has no times, is over.
	asked, answered := 0, 0
	for answered < changes || w.ticks < 1000 {
		if asked == answered && asked < changes {
			c.send(randomSubscription(random, m.engine.Symbols(), asked))
			asked++
		}
		for range 1 + random.IntN(200) {
			text, err := c.tryNext()
			if err != nil {
				return err
			}
			msg := parseStreamMessage(m.t, text)
			if msg.Type == "subscribed" || msg.Type == "unsubscribed" {
				answered++
				started = true
			}
			if !started {
				continue
			}
			if err := w.take(msg); err != nil {
				return err
			}
			if asked != answered && len(w.last) == 0 {
				continue // Nothing streams: read on until the answer comes.
			}
			if len(w.last) == 0 {
				break
			}
		}
	}
	return nil
}

// randomSubscription asks for some symbols, or for some fewer; the last time for all.
func randomSubscription(random *rand.Rand, symbols *core.Registry, number int) string {
	kind := "subscribe"
	if number > 0 && random.IntN(2) == 0 {
		kind = "unsubscribe"
	}
	if number == 59 {
		return `{"type":"subscribe","channel":"ticks"}`
	}
	var names []string
	for range 1 + random.IntN(6) {
		id := core.SymbolID(random.IntN(symbols.Len()))
		names = append(names, `"`+symbols.Symbol(id).Name+`"`)
	}
	return `{"type":"` + kind + `","channel":"ticks","symbols":[` + strings.Join(names, ",") + `]}`
}

// TestDefaultStreamIsComplete compares what plain clients get under load with what was stored, tick
// by tick.
func TestDefaultStreamIsComplete(t *testing.T) {
	m := newStreamMarket(t, patientStream)
	var stop atomic.Bool
	var feeding, reading sync.WaitGroup
	feeding.Go(func() { m.feedTicks(&stop, 7, time.Millisecond) })
	const clients, ticks = 5, 20_000
	got := make([]map[string][]string, clients)
	for i := range got {
		c := m.dial("")
		got[i] = map[string][]string{}
		reading.Go(func() {
			for range ticks {
				text, err := c.tryNext()
				if err != nil {
					t.Error(err)
					return
				}
				msg := parseStreamMessage(t, text)
				got[i][msg.Symbol] = append(got[i][msg.Symbol], text)
			}
		})
	}
	reading.Wait()
	stop.Store(true)
	feeding.Wait()
	m.until("all is committed", func() bool { return m.engine.Stats().Pending == 0 })
	for id := range m.engine.Symbols().Len() {
		text := &m.hub.texts[id]
		var want []string
		for _, tick := range m.storedTicks(text.name) {
			want = append(want, string(text.tick(nil, &tick, "SIM"))+"}")
		}
		for i := range got {
			seen := got[i][text.name]
			from := slices.Index(want, append(seen, "none")[0])
			if len(seen) < 100 || from < 0 || !slices.Equal(seen, want[from:from+len(seen)]) {
				t.Fatalf("client %d: %d ticks of %s are not those stored from %d on", i, len(seen),
					text.name, from)
			}
		}
	}
}

// TestTicksSorted: what is read together is sent in the order of time, whatever the symbol.
func TestTicksSorted(t *testing.T) {
	inBubble(t, streamMarketOptions{}, func(t *testing.T, m *streamMarket) {
		c := m.pipe()
		time.Sleep(time.Millisecond)
		random := rand.New(rand.NewPCG(1, 2))
		var quotes []core.Quote
		for i := range 200 {
			bid := core.Price(100_000 + 100*i)
			quotes = append(quotes, core.Quote{
				Symbol: core.SymbolID(random.IntN(21)), Bid: bid, Ask: bid, Source: 1,
				Time: testNow - core.Second + core.Time(1000*i),
			})
		}
		m.quotes(quotes...)
		var last int64
		for range quotes {
			got := c.message()
			if got.Timestamp < last {
				t.Fatalf("%d after %d", got.Timestamp, last)
			}
			last = got.Timestamp
		}
		c.close()
	})
}

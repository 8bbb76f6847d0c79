package httpd

import (
	"math/rand/v2"
	"testing"
	"time"

	"tradingengine/core"
)

// TestBarsConversation is what a client of a bars channel sees.
func TestBarsConversation(t *testing.T) {
	o := streamMarketOptions{hub: func(o *hubOptions) { o.slow, o.silence = time.Hour, time.Hour }}
	inBubble(t, o, func(t *testing.T, m *streamMarket) {
		m.clock.Store(1_768_823_580_000_000)
		m.apply(m.quote("EURUSD", 108_234, 108_236, 0), m.quote("EURUSD", 108_230, 108_233, 0))
		c := m.pipe("USDJPY")
		c.send(`{"type":"subscribe","channel":"bars:M1","symbols":["EURUSD","USDJPY"]}`)
		c.expect(`{"type":"subscribed","channel":"bars:1m","symbols":["EURUSD","USDJPY"]}`,
			`{"type":"bar","symbol":"EURUSD","timeframe":"1m","time":1768823580,"open":1.08235,`+
				`"high":1.08235,"low":1.082315,"close":1.082315,"volume":2,"complete":false}`)
		// What does not change is sent once more at most, for the stream itself has not shown it.
		time.Sleep(time.Second)
		c.expect(`{"type":"bar","symbol":"EURUSD","timeframe":"1m","time":1768823580,"open":1.08235,` +
			`"high":1.08235,"low":1.082315,"close":1.082315,"volume":2,"complete":false}`)
		m.pass(59 * time.Second)
		m.apply(m.quote("EURUSD", 108_240, 108_240, 0), m.quote("USDJPY", 157_001, 157_002, 0))
		m.pass(2 * time.Second) // The clock closes the minute.
		for {
			got := c.message()
			if got.Type == "heartbeat" {
				continue
			}
			if got.Symbol == "EURUSD" && got.Complete {
				if got.Close != "1.08240" || got.Volume != 3 || got.Time != 1768823580 {
					t.Errorf("got %+v", got)
				}
				break
			}
		}
		c.close()
	})
}

// barWatcher checks what a client sees of one channel of bars.
type barWatcher struct {
	t       testing.TB
	closed  map[string][]streamMessage
	forming map[string]streamMessage
	came    map[string]time.Time // When the last forming bar came.
	skipped map[string]int64
	behind  bool // It does not read all the time, so messages come in heaps.
}

func newBarWatcher(t testing.TB) *barWatcher {
	return &barWatcher{
		t: t, closed: map[string][]streamMessage{}, forming: map[string]streamMessage{},
		came: map[string]time.Time{}, skipped: map[string]int64{},
	}
}

func (w *barWatcher) take(m streamMessage) {
	w.t.Helper()
	last := core.Time(0)
	if n := len(w.closed[m.Symbol]); n > 0 {
		last = w.closed[m.Symbol][n-1].Time
	}
	switch {
	case m.Type == "gap":
		w.skipped[m.Symbol] += m.Skipped
	case m.Type != "bar":
	case m.Complete:
		if m.Time <= last {
			w.t.Errorf("the bar of %d is closed after that of %d: %+v", m.Time, last, m)
		}
		w.closed[m.Symbol] = append(w.closed[m.Symbol], m)
	default:
		before := w.forming[m.Symbol]
		if m.Time <= last || m.Time < before.Time ||
			m.Time == before.Time && m.Volume < before.Volume {
			w.t.Errorf("after the close of %d and %+v forms %+v", last, before, m)
		}
		if before.Volume > 0 && !w.behind && time.Since(w.came[m.Symbol]) < formingEvery {
			w.t.Errorf("%+v comes %v after %+v", m, time.Since(w.came[m.Symbol]), before)
		}
		w.forming[m.Symbol], w.came[m.Symbol] = m, time.Now()
	}
}

// check compares the closes with those of the engine, from the first one that was seen.
func (w *barWatcher) check(m *streamMarket, name string, f core.Frame) {
	w.t.Helper()
	id := m.id(name)
	_, head := m.engine.BarSpan(id, f)
	bars := make([]core.Bar, head)
	m.engine.ReadBars(id, f, 0, bars)
	got := w.closed[name]
	if len(got)+int(w.skipped[name]) != len(bars) {
		w.t.Fatalf("%s %s: %d closes and %d skipped of %d", name, f, len(got), w.skipped[name],
			len(bars))
	}
	digits := m.engine.Symbols().Symbol(id).Digits
	for _, g := range got {
		for len(bars) > 0 && bars[0].Time.Seconds() != int64(g.Time) {
			bars = bars[1:]
		}
		if len(bars) == 0 {
			w.t.Fatalf("%s %s: no bar is %+v", name, f, g)
		}
		b := &bars[0]
		mid := func(v int64) string { return string(core.AppendMid(nil, core.Mid(v), digits)) }
		if g.Volume != b.Volume || g.Open.String() != mid(b.Mid.Open) ||
			g.High.String() != mid(b.Mid.High) || g.Low.String() != mid(b.Mid.Low) ||
			g.Close.String() != mid(b.Mid.Close) {
			w.t.Fatalf("%s %s: got %+v, want %+v", name, f, g, b)
		}
	}
}

// TestBarsCloseOnce streams bars for some minutes of random quotes: each close comes once and is
// that of the engine, nothing forms after its close, and forming bars come at most four times a
// second. One client reads nothing for a while and is told how many closes it missed.
func TestBarsCloseOnce(t *testing.T) {
	o := streamMarketOptions{hub: func(o *hubOptions) {
		o.unsent, o.slow, o.silence = 16<<10, time.Hour, time.Hour
	}}
	inBubble(t, o, func(t *testing.T, m *streamMarket) {
		names := []string{"EURUSD", "USDJPY", "BTCUSD"}
		frames := []core.Frame{core.M1, core.M5, core.M1}
		clients, watchers := make([]*pipeClient, 3), make([]*barWatcher, 3)
		for i, f := range frames {
			clients[i], watchers[i] = m.pipe(), newBarWatcher(t)
			clients[i].send(`{"type":"subscribe","channel":"bars:` + f.String() + `"}`)
			clients[i].message()
		}
		read := make(chan struct{})
		follow := func(i int) {
			for {
				kind, text, err := clients[i].frame()
				if err != nil {
					break
				}
				if kind == frameText {
					watchers[i].take(parseStreamMessage(t, text))
				}
			}
			read <- struct{}{}
		}
		watchers[2].behind = true
		go follow(0)
		go follow(1)
		m.randomQuotes(rand.New(rand.NewPCG(rand.Uint64(), 4)), names, rounds(20_000, 60_000), 40*time.Millisecond)
		m.pass(6 * time.Minute)
		go follow(2)
		m.pass(time.Second)
		m.randomQuotes(rand.New(rand.NewPCG(rand.Uint64(), 4)), names, 6_000, 40*time.Millisecond)
		m.pass(6 * time.Minute)
		for i := range clients {
			clients[i].close()
			<-read
			for _, name := range names {
				watchers[i].check(m, name, frames[i])
			}
		}
		for _, name := range names {
			if watchers[0].skipped[name] > 0 || watchers[1].skipped[name] > 0 ||
				watchers[2].skipped[name] == 0 {
				t.Errorf("skipped closes of %s: %d, %d, %d", name, watchers[0].skipped[name],
					watchers[1].skipped[name], watchers[2].skipped[name])
			}
		}
	})
}

// TestBarsGapOfTheHub: closes that a hub missed are counted.
func TestBarsGapOfTheHub(t *testing.T) {
	o := streamMarketOptions{engine: func(o *core.Options) { o.Bars = 16 }}
	inBubble(t, o, func(t *testing.T, m *streamMarket) {
		c := m.pipe("USDJPY")
		c.send(`{"type":"subscribe","channel":"bars:1m","symbols":["EURUSD"]}`)
		c.message()
		m.hub.do(func() {
			for range 100 {
				m.clock.Add(int64(core.Minute))
				m.apply(m.quote("EURUSD", 108_000, 108_001, 0))
			}
		})
		if got := c.message(); got.Type != "gap" || got.Channel != "bars:1m" || got.Skipped != 99-16 {
			t.Errorf("got %+v", got)
		}
		for range 16 {
			if got := c.message(); !got.Complete {
				t.Errorf("got %+v", got)
			}
		}
		if got := c.message(); got.Type != "bar" || got.Complete {
			t.Errorf("got %+v", got)
		}
		c.close()
	})
}

// TestBarsNeverFormAgain: the ring of closed bars may be a moment ahead of the cut that tells what
// forms. Until the cut follows, nothing forms.
func TestBarsNeverFormAgain(t *testing.T) {
	inBubble(t, streamMarketOptions{}, func(t *testing.T, m *streamMarket) {
		m.apply(m.quote("EURUSD", 108_000, 108_001, 0))
		c := m.pipe("USDJPY")
		c.send(`{"type":"subscribe","channel":"bars:1m","symbols":["EURUSD"]}`)
		c.message()
		c.message()
		h := m.hub
		h.do(func() {
			f, id := &h.bars[core.M1], m.id("EURUSD")
			x := &f.symbols[id]
			framed := h.counts.framed.Load()
			x.next++ // As if the minute had been closed and sent.
			h.sendForming(f, id)
			s := &streamSnapshot{}
			h.barSnapshot(s, f, id)
			if h.counts.framed.Load() != framed || len(s.bytes) > 0 {
				t.Error("a closed bar forms again")
			}
			x.next--
			h.sendForming(f, id)
			h.barSnapshot(s, f, id)
			if h.counts.framed.Load() != framed+1 || len(s.bytes) == 0 {
				t.Error("a bar that forms is not shown")
			}
		})
		c.close()
	})
}

// TestBarsSwitchAtTheClose: a subscription that changes between the close of a bar and its being
// sent neither loses the close nor tells of a gap.
func TestBarsSwitchAtTheClose(t *testing.T) {
	inBubble(t, streamMarketOptions{}, func(t *testing.T, m *streamMarket) {
		m.apply(m.quote("EURUSD", 108_000, 108_001, 0))
		c := m.pipe("USDJPY")
		c.send(`{"type":"subscribe","channel":"bars:1m","symbols":["EURUSD"]}`)
		c.message()
		c.message()
		m.hub.do(func() {
			m.clock.Add(int64(core.Minute))
			m.apply(m.quote("EURUSD", 108_010, 108_011, 0))
			r, fault := parseStreamRequest(m.hub.symbols,
				[]byte(`{"type":"subscribe","channel":"bars:1m","symbols":["GBPUSD"]}`))
			if fault != nil {
				t.Fatal(fault.detail)
			}
			for s := range m.hub.sessions.all {
				m.hub.subscribe(s, r, nil)
			}
		})
		closes := 0
		for closes == 0 || closes == 1 && c.r.Buffered() > 0 {
			switch got := c.message(); {
			case got.Type == "gap":
				t.Errorf("got %s", got)
			case got.Complete:
				closes++
			}
		}
		c.close()
	})
}

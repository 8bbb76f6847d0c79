package core

import (
	"fmt"
	"testing"
)

const monday = Time(1_768_830_564_000_000) // 2026-01-19T13:49:24Z

func TestNumberedSources(t *testing.T) {
	var names []string
	for i := range 10 {
		names = append(names, fmt.Sprint("LP", i))
	}
	sources, err := NewSources(names)
	if err != nil {
		t.Fatal(err)
	}
	p := newTape(t, Options{Sources: sources})
	f := func(symbol SymbolID, source SourceID, seq uint64, want Reject) {
		t.Helper()
		q := Quote{Symbol: symbol, Source: source, Seq: seq, Bid: 100, Ask: 101}
		if got := p.one(monday, q); got != want {
			t.Errorf("seq %d of source %d: %q; want %q", seq, source, got, want)
		}
	}
	for source := SourceID(1); source <= NumberedSourcesMax; source++ {
		f(0, source, 10, RejectNone)
	}
	f(0, 9, 10, RejectTooManySources)
	f(0, 9, 0, RejectNone) // Without numbers it is welcome.
	f(1, 9, 10, RejectNone)
	f(0, 1, 10, RejectDuplicate)
	f(0, 1, 9, RejectDuplicate)
	f(0, 1, 12, RejectNone)
	f(0, 1, 11, RejectDuplicate)
	f(0, 8, 11, RejectNone)
	f(0, 8, 1<<63, RejectNone) // Numbers are unsigned.
	f(0, 8, 1<<63, RejectDuplicate)
	f(0, 8, 1<<64-1, RejectNone)
	f(2, 1, 1, RejectNone) // The first number may be 1.
	f(2, 1, 1, RejectDuplicate)

	var c Cut
	if !p.e.Cut(0, &c) || len(c.Numbered) != NumberedSourcesMax ||
		c.Numbered[0] != (SourceSeq{1, 12}) || c.Numbered[7] != (SourceSeq{8, 1<<64 - 1}) {
		t.Errorf("the cut has the numbers %v", c.Numbered)
	}
}

// TestFutureNeedsALiveBatch checks the border of five seconds and that it binds live quotes only.
func TestFutureNeedsALiveBatch(t *testing.T) {
	f := func(ahead Time, history bool, wantStamp Time, want Reject) {
		t.Helper()
		p := newTape(t, Options{})
		b := p.batch(monday, history, Quote{Bid: 1, Ask: 2, Time: monday + ahead})[0]
		if want != RejectNone {
			if len(b.outcome.Rejections) != 1 || b.outcome.Rejections[0].Reason != want {
				t.Errorf("%d µs ahead: %+v; want %v", ahead, b.outcome, want)
			}
			return
		}
		if live, ok := p.e.Live(0); !ok || live.Time != wantStamp {
			t.Errorf("%d µs ahead: stamped %v, %v; want %v", ahead, live.Time, ok, wantStamp)
		}
	}
	f(0, false, monday, RejectNone)
	f(1, false, monday, RejectNone)
	f(5*Second, false, monday, RejectNone)
	f(5*Second+1, false, 0, RejectFuture)
	f(-Hour, false, monday-Hour, RejectNone)
	f(5*Second+1, true, monday+5*Second+1, RejectNone)
	f(1000*Hour, true, monday+1000*Hour, RejectNone)
}

// TestLiveIsWithinFiveSeconds checks which bars the clock may close.
func TestLiveIsWithinFiveSeconds(t *testing.T) {
	f := func(behind Time, wantClosed uint64) {
		t.Helper()
		p := newTape(t, Options{})
		p.batch(monday, true, Quote{Bid: 1, Ask: 2, Time: monday - behind})
		p.clock(monday + 24*Hour)
		if _, closed := p.e.Forming(0, M1); closed != wantClosed {
			t.Errorf("a quote %d µs behind: %d bars closed; want %d", behind, closed, wantClosed)
		}
	}
	f(0, 1)
	f(5*Second, 1)
	f(5*Second+1, 0)
	f(Hour, 0)
	f(-5*Second, 1)
	f(-5*Second-1, 0)
}

// TestClockThatGoesBack closes nothing and reopens nothing.
func TestClockThatGoesBack(t *testing.T) {
	p := newTape(t, Options{})
	p.one(monday, Quote{Bid: 1, Ask: 2})
	p.clock(monday + 2*Minute)
	p.clock(monday - Hour)
	if q := p.one(monday-Hour, Quote{Bid: 1, Ask: 2}); q != RejectNone {
		t.Fatalf("a quote without a time was refused as %v", q)
	}
	forming, closed := p.e.Forming(0, M1)
	if closed != 1 || forming.Time != (monday+Minute).Floor(Minute) {
		t.Errorf("%d closed, forming %v; want the minute after the closed one", closed,
			forming.Time)
	}
}

func TestOwnThrottleOfASymbol(t *testing.T) {
	symbols := []Symbol{NewSymbol("EURUSD"), NewSymbol("GBPUSD"), NewSymbol("USDJPY")}
	symbols[1].Throttle, symbols[1].OwnThrottle = 100_000_000, true // 10 %
	symbols[2].OwnThrottle = true                                   // None.
	registry, err := NewRegistry(symbols)
	if err != nil {
		t.Fatal(err)
	}
	p := newTape(t, Options{Symbols: registry, Throttle: DefaultThreshold})
	for id, want := range []int64{2, 1, 3} {
		for _, bid := range []Price{100_000, 100_000, 100_002} {
			p.one(monday, Quote{Symbol: SymbolID(id), Bid: bid, Ask: bid})
		}
		if got := p.e.SymbolCounts(SymbolID(id)).Stored; got != want {
			t.Errorf("%s stored %d; want %d", symbols[id].Name, got, want)
		}
	}
}

// TestTickSourceAndCut checks what a cut says of a batch, field by field.
func TestTickSourceAndCut(t *testing.T) {
	p := newTape(t, Options{Throttle: DefaultThreshold})
	p.batch(monday, false,
		Quote{Symbol: 3, Bid: 100_000, Ask: 100_010, Source: 2, Seq: 5},
		Quote{Symbol: 3, Bid: 100_000, Ask: 100_010, Source: 1},
		Quote{Symbol: 3, Bid: 100_000, Ask: 99_990, Source: 1},
		Quote{Symbol: 3, Bid: 100_100, Ask: 100_110, Source: 1, Time: monday - Millisecond},
	)
	var c Cut
	if !p.e.Cut(3, &c) {
		t.Fatal("no cut")
	}
	if c.Head != 2 || c.Closed != [Frames]uint64{} || !c.Clocked || c.Forming.Volume != 3 ||
		c.Counts != (Counts{Received: 4, Stored: 2, Throttled: 1, Rejected: 1}) ||
		len(c.Numbered) != 1 || c.Numbered[0] != (SourceSeq{2, 5}) {
		t.Errorf("cut %+v", c)
	}
	ticks := make([]Tick, 5)
	first, n := p.e.ReadTicks(3, 0, ticks)
	if first != 0 || n != 2 || ticks[0] != (Tick{monday, 100_000, 100_010, 2}) ||
		ticks[1] != (Tick{monday + 2, 100_100, 100_110, 1}) {
		t.Errorf("ticks from %d: %+v", first, ticks[:n])
	}
	if p.e.Cut(4, &c) {
		t.Error("a symbol without a quote has a cut")
	}
	if _, ok := p.e.Live(4); ok {
		t.Error("a symbol without a quote has a price")
	}
	if dirty := p.e.TakeDirty(nil); len(dirty) != 1 || dirty[0] != 3 {
		t.Errorf("dirty %v; want only 3", dirty)
	}
	if dirty := p.e.TakeDirty(nil); len(dirty) != 0 {
		t.Errorf("dirty twice: %v", dirty)
	}
	p.e.MarkDirty([]SymbolID{3, 20})
	if dirty := p.e.TakeDirty(nil); len(dirty) != 2 || dirty[0] != 3 || dirty[1] != 20 {
		t.Errorf("given back and taken %v", dirty)
	}
}

// TestLappedReadersAreTold fills rings several times over.
func TestLappedReadersAreTold(t *testing.T) {
	p := newTape(t, Options{Ticks: 100, Bars: 50})
	for i := range 1000 {
		p.one(monday+Time(i)*Minute, Quote{Bid: Price(1000 + i), Ask: Price(1000 + i)})
	}
	oldest, head := p.e.TickSpan(0)
	ticks := make([]Tick, 1000)
	first, n := p.e.ReadTicks(0, 10, ticks)
	if head != 1000 || oldest != 900 || first != oldest || n != 100 || ticks[0].Bid != 1900 {
		t.Errorf("span %d to %d, read %d from %d", oldest, head, n, first)
	}
	if first, n = p.e.ReadTicks(0, 990, ticks[:4]); first != 990 || n != 4 || ticks[3].Bid != 1993 {
		t.Errorf("read %d from %d", n, first)
	}
	if first, n = p.e.ReadTicks(0, 1000, ticks); first != 1000 || n != 0 {
		t.Errorf("read %d from %d at the head", n, first)
	}
	bars := make([]Bar, 1000)
	oldest, head = p.e.BarSpan(0, M1)
	first, n = p.e.ReadBars(0, M1, 0, bars)
	if head != 999 || oldest != 949 || first != oldest || n != 50 || bars[0].Bid.Open != 1949 {
		t.Errorf("bars span %d to %d, read %d from %d", oldest, head, n, first)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	registry, err := NewRegistry(DefaultSymbols())
	if err != nil {
		t.Fatal(err)
	}
	sources, err := NewSources(nil)
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, opts Options) {
		t.Helper()
		if _, err := New(opts); err == nil {
			t.Errorf("%s: an engine was made", name)
		}
	}
	f("no symbols", Options{Sources: sources})
	f("no sources", Options{Symbols: registry})
	f("small inbox", Options{Symbols: registry, Sources: sources, Inbox: 4*BatchMax - 1})
	f("negative ring", Options{Symbols: registry, Sources: sources, Ticks: -1})
	f("negative shards", Options{Symbols: registry, Sources: sources, Shards: -1})
	if _, err := New(Options{Symbols: registry, Sources: sources}); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}

//go:build !race

package core

import "testing"

// These tests are not built with -race, whose bookkeeping allocates.

// TestShardAllocatesNothing takes whole batches of all kinds of quotes down the path: stored,
// throttled, refused, numbered, at the turn of a minute, with and without readers of moves and a
// watcher, and clock messages. The rings are small, so that all their chunks exist after the first rounds.
func TestShardAllocatesNothing(t *testing.T) {
	f := func(name string, size int, wantsMoves, watched bool) {
		t.Helper()
		e := newEngine(t, Options{Throttle: DefaultThreshold, Ticks: 500, Bars: 60})
		if wantsMoves {
			e.WantMoves(1)
		}
		w := e.Watcher()
		for id := range e.markets {
			w.Watch(SymbolID(id), watched)
		}
		s := e.shards[0]
		quotes := benchQuotes(21, 40*size)
		batch := &Batch{waited: true}
		clock := &Batch{waited: true, clock: true}
		now, seq, at := Time(1_768_823_580_000_000), uint64(0), 0
		var cut Cut
		var stored, throttled, rejected int64
		round := func() {
			now += 7 * Second
			batch.Quotes = quotes[at : at+size]
			at = (at + size) % len(quotes)
			for i := range batch.Quotes {
				q := &batch.Quotes[i]
				seq++
				q.Seq, q.Source, q.Time = seq, SourceID(1+q.Symbol%2), now-Time(i%3)*Millisecond
				if seq%13 == 0 {
					q.Time -= Hour
				}
			}
			batch.Arrival, clock.Arrival = now, now
			for _, b := range []*Batch{batch, clock} {
				b.stores = b.stores[:0]
				b.outcome.reset()
				b.handed = false
				s.apply(b)
			}
			if watched && batch.handed {
				w.Release(w.Receive())
			}
			stored += batch.outcome.Stored
			throttled += batch.outcome.Throttled
			rejected += batch.outcome.Rejected
			for id := range e.taken {
				cut.Head = s.markets[id].ticks.next
				cut.Closed[M1] = s.markets[id].closed[M1].next
				e.Taken(SymbolID(id), &cut, 0, 0)
			}
		}
		for range 4000 {
			round()
		}
		if got := testing.AllocsPerRun(200, round); got != 0 {
			t.Errorf("%s: %v allocations a batch", name, got)
		}
		if stored == 0 || throttled == 0 || rejected == 0 {
			t.Errorf("%s: %d stored, %d throttled, %d rejected: not all paths were taken", name,
				stored, throttled, rejected)
		}
	}
	f("one quote", 1, false, false)
	f("21 quotes", 21, false, false)
	f("500 quotes", 500, false, false)
	f("500 quotes, moves wanted", 500, true, false)
	f("one quote, watched", 1, false, true)
	f("500 quotes, watched", 500, false, true)
}

// TestReadersAllocateNothing covers what serves requests and streams.
func TestReadersAllocateNothing(t *testing.T) {
	p := newTape(t, Options{Throttle: DefaultThreshold})
	p.e.WantMoves(1)
	for i, q := range benchQuotes(1, 5000) {
		q.Time = Time(1_768_823_580_000_000) + Time(i)*Second
		p.batch(q.Time, false, q)
	}
	ticks, bars, moves := make([]Tick, 100), make([]Bar, 50), make([]Move, 20)
	c := Cut{Numbered: make([]SourceSeq, 0, NumberedSourcesMax)}
	marks, dirty := make([]uint64, 0, 4), make([]SymbolID, 0, 32)
	read := func() {
		p.e.Live(0)
		p.e.Cut(0, &c)
		p.e.ReadTicks(0, 0, ticks)
		p.e.ReadBars(0, M1, 0, bars)
		p.e.Forming(0, W1)
		p.e.ReadMoves(0, p.e.MoveHead(0)-10, moves)
		p.e.Stats()
		marks = p.e.Applied(marks[:0])
		dirty = p.e.TakeDirty(dirty[:0])
		p.e.Committed(marks, nil)
	}
	if got := testing.AllocsPerRun(200, read); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// TestParserAllocatesNothing reads lines of all formats whose source is known.
func TestParserAllocatesNothing(t *testing.T) {
	p := newTestParser(t)
	columns, err := ParseCSVHeader([]byte("symbol,bid,ask,time,seq,lp"))
	if err != nil {
		t.Fatal(err)
	}
	csv := []byte("EURUSD,1.08234,1.08236,1768830564100,17,SIM")
	json := []byte(`{"symbol":"EURUSD","bid":1.08234,"ask":"1.08236","time":1768830564100,` +
		`"seq":17,"lp":"SIM","ignored":[1,{"a":"b"}]}`)
	text := []byte(`{"symbol":"EURUSD","bid":1.08234,"ask":1.08236,` +
		`"time":"2026-01-19T13:49:24.1Z"}`)
	broken := []byte(`{"symbol":"EURUSD","bid":x}`)
	var q Quote
	read := func() {
		if p.CSV(columns, csv, &q) != RejectNone || p.JSON(json, &q) != RejectNone ||
			p.JSON(text, &q) != RejectNone {
			t.Error("a good quote was refused")
		}
		p.JSON(broken, &q)
	}
	if got := testing.AllocsPerRun(200, read); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

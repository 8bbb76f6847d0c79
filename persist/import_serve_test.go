package persist

import (
	"context"
	"testing"

	"tradingengine/core"
)

// TestImportThenServe imports the first part of a history, lets an engine go on with the rest, and
// imports what is missing between: bars and forming minutes are those of one import of all.
func TestImportThenServe(t *testing.T) {
	m := newImportMarket(9)
	n := 4000
	if testing.Short() {
		n = 1000
	}
	quotes := m.quotes(n, importStart, 150*core.Hour)
	dir := t.TempDir()
	whole := openImportStore(t, t.TempDir())
	importEvery(t, whole, m.write(t, dir, "whole.csv", quotes))

	s := openImportStore(t, t.TempDir())
	// The parts meet between two minutes, for a minute belongs to one of them as a whole.
	cut := func(i int) int {
		for quotes[i].time/60_000_000 == quotes[i-1].time/60_000_000 {
			i++
		}
		return i
	}
	first, second := cut(n/3), cut(n/2)
	importEvery(t, s, m.write(t, dir, "first.csv", quotes[:first]))
	serve(t, s, quotes[second:n-100])
	importEvery(t, s, m.write(t, dir, "missing.csv", quotes[first:second]))
	serve(t, s, quotes[n-100:])
	sameLines(t, "bars", dumpBars(t, s), dumpBars(t, whole))
	sameLines(t, "ticks", dumpTicks(t, s), dumpTicks(t, whole))
}

// serve runs an engine on the store while it takes recorded quotes.
func serve(t *testing.T, s *Store, quotes []naiveQuote) {
	t.Helper()
	engine, err := core.New(core.Options{Symbols: s.opts.Symbols, Sources: s.Sources()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context(), engine, LoadOptions{}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ran, wrote := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(ran)
		engine.Run(context.Background())
	}()
	go func() { wrote <- s.NewWriter(WriterOptions{}).Run(ctx, engine) }()
	for len(quotes) > 0 {
		n := min(len(quotes), 200)
		submission := engine.Begin(core.Now())
		submission.History()
		for _, q := range quotes[:n] {
			id, err := s.opts.Symbols.Find(q.symbol)
			if err != nil {
				t.Fatal(err)
			}
			submission.Add(core.Quote{
				Symbol: id, Time: core.Time(q.time), Bid: core.Price(q.bid), Ask: core.Price(q.ask),
				Source: 1,
			})
		}
		if err := submission.Send(ctx, true); err != nil {
			t.Fatal(err)
		}
		if o, _, err := submission.Wait(ctx); err != nil || o.Rejected > 0 {
			t.Fatalf("%+v, %v", o, err)
		}
		submission.Release()
		quotes = quotes[n:]
	}
	engine.Close()
	<-ran
	stop()
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
}

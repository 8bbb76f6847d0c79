package core

import (
	"fmt"
	"testing"
)

// benchQuotes is a walk over symbols whose mids move by one point, so that about half pass.
func benchQuotes(symbols, n int) []Quote {
	quotes := make([]Quote, n)
	price := make([]Price, symbols)
	for i := range price {
		price[i] = 108_000
	}
	state := uint64(1)
	for i := range quotes {
		state = state*6364136223846793005 + 1442695040888963407
		s := i % symbols
		price[s] += Price(state>>62) - 1
		quotes[i] = Quote{Symbol: SymbolID(s), Bid: price[s], Ask: price[s] + 2, Source: 1}
	}
	return quotes
}

// BenchmarkShard measures the path of a quote inside its shard: validate, live quote, bars,
// throttle, ring, and its share of publishing the batch. A regression here slows everything. Watched
// adds what it costs to hand every quote over, the receiver's part included.
func BenchmarkShard(b *testing.B) {
	for _, size := range []int{1, 21, 500} {
		for _, watched := range []bool{false, true} {
			b.Run(fmt.Sprint("batch=", size, "/watched=", watched), func(b *testing.B) {
				benchmarkShard(b, size, watched)
			})
		}
	}
}

func benchmarkShard(b *testing.B, size int, watched bool) {
	registry, _ := NewRegistry(DefaultSymbols())
	sources, _ := NewSources([]string{"SIM"})
	e, err := New(Options{Symbols: registry, Sources: sources, Throttle: DefaultThreshold})
	if err != nil {
		b.Fatal(err)
	}
	w := e.Watcher()
	for id := range e.markets {
		w.Watch(SymbolID(id), watched)
	}
	quotes := benchQuotes(21, 21*size*40)
	s := e.shards[0]
	batch := &Batch{waited: true}
	b.ReportAllocs()
	b.ResetTimer()
	now := Time(1_768_823_580_000_000)
	for i := 0; i < b.N; i += size {
		at := i % (len(quotes) - size)
		batch.Quotes = quotes[at : at+size]
		batch.outcome.reset()
		batch.stores = batch.stores[:0]
		now += Time(size) * 20
		batch.Arrival = now
		s.apply(batch)
		if watched {
			w.Release(w.Receive())
		}
		e.taken[0].Store(s.markets[0].ticks.next)
	}
	b.ReportMetric(float64(s.counts.throttled)/float64(s.counts.received), "throttled")
}

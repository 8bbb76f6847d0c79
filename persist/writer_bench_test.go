package persist

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradingengine/core"
)

// benchBatch is how many quotes a sender sends at once, over all symbols.
const benchBatch = 500

// benchTicks fills a slice with ticks whose prices move.
func benchTicks(ticks []core.Tick, at core.Time) core.Time {
	for i := range ticks {
		at += 37
		bid := core.Price(108_234 + int64(at)%97)
		ticks[i] = core.Tick{Time: at, Bid: bid, Ask: bid + 2, Source: 1}
	}
	return at
}

// reportFile reports rows a second and what a row takes in the file of a store that is closed.
func reportFile(b *testing.B, s *Store, rows int64, took time.Duration) {
	b.ReportMetric(float64(rows)/took.Seconds(), "rows/s")
	info, err := os.Stat(s.Path())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/float64(rows), "B/row")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkBareLoop inserts ticks as fast as the schema and the disk allow: the measure for
// BenchmarkWriter, which is to reach 80 % of it. An operation is one row.
func BenchmarkBareLoop(b *testing.B) {
	for _, rows := range []int{benchBatch, 4 * benchBatch} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			s := openStore(b, Options{Dir: b.TempDir(), Symbols: defaultRegistry(b)})
			c := s.writing.conn
			w := newTickWriter(c)
			points := checkpoints{file: &s.database}
			ticks := make([]core.Tick, rows/len(s.ids)+1)
			at, done := testStart, int64(0)
			b.ReportAllocs()
			start := time.Now()
			for ; done < int64(b.N); done += int64(len(ticks) * len(s.ids)) {
				err := c.transact(func() error { return bareInserts(w, s.ids, ticks, &at) })
				if err != nil {
					b.Fatal(err)
				}
				if _, err := points.after(c); err != nil {
					b.Fatal(err)
				}
			}
			took := time.Since(start)
			b.StopTimer()
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			reportFile(b, s, w.rows, took)
		})
	}
}

// BenchmarkCommit compares the two in turns, so that whatever else the machine does slows both: a
// transaction of bare inserts, and a commit by the writer of as many ticks of an engine, with the
// forming minutes and all else that a cut holds. The ratio of their median times is to be at most
// 1.25.
func BenchmarkCommit(b *testing.B) {
	for _, rows := range []int{benchBatch, 4 * benchBatch} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			bare := openStore(b, Options{Dir: b.TempDir(), Symbols: defaultRegistry(b)})
			w := newTickWriter(bare.writing.conn)
			points := checkpoints{file: &bare.database}
			ticks := make([]core.Tick, rows/len(bare.ids)+1)
			at := testStart
			s := openStore(b, Options{Dir: b.TempDir(), Symbols: defaultRegistry(b)})
			e := newEngine(b, s)
			go e.Run(context.Background())
			defer e.Close()
			writer := s.NewWriter(WriterOptions{})
			if err := writer.start(e); err != nil {
				b.Fatal(err)
			}
			source, err := s.Sources().Register("LP")
			if err != nil {
				b.Fatal(err)
			}
			var bareTimes, times []time.Duration
			for b.Loop() {
				start := time.Now()
				err := bare.transact(func(*conn) error { return bareInserts(w, bare.ids, ticks, &at) })
				if err != nil {
					b.Fatal(err)
				}
				if _, err := points.after(bare.writing.conn); err != nil {
					b.Fatal(err)
				}
				bareTimes = append(bareTimes, time.Since(start))

				submit := e.Begin(at)
				for i := range len(ticks) * len(s.ids) {
					bid := core.Price(108_000 + (len(times)*len(ticks)+i/21)%50*7)
					submit.Add(core.Quote{
						Symbol: core.SymbolID(i % 21), Source: source, Bid: bid, Ask: bid + 2,
					})
				}
				applied := e.Applied(nil)[0] + uint64(submit.Added()+core.BatchMax-1)/core.BatchMax
				if err := submit.Send(b.Context(), false); err != nil {
					b.Fatal(err)
				}
				submit.Release()
				for e.Applied(nil)[0] < applied {
					runtime.Gosched()
				}
				start = time.Now()
				if err := writer.commit(); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(start))
			}
			slices.Sort(bareTimes)
			slices.Sort(times)
			x, y := bareTimes[len(bareTimes)/2], times[len(times)/2]
			stats := writer.Stats()
			b.ReportMetric(float64(w.rows)/float64(len(times))/x.Seconds(), "bare-rows/s")
			b.ReportMetric(float64(stats.Ticks)/float64(len(times))/y.Seconds(), "rows/s")
			b.ReportMetric(y.Seconds()/x.Seconds(), "ratio")
		})
	}
}

// bareInserts writes some ticks of every symbol.
func bareInserts(w *rowWriter, ids []int64, ticks []core.Tick, at *core.Time) error {
	for _, key := range ids {
		*at = benchTicks(ticks, *at)
		for i := range ticks {
			if err := w.tick(key, &ticks[i]); err != nil {
				return err
			}
		}
	}
	return w.flush()
}

// BenchmarkWriter sends quotes of 21 symbols that all are stored, from senders that wait for their
// commits: the whole way from a submission to the acknowledgement. An operation is one row.
func BenchmarkWriter(b *testing.B) {
	for _, senders := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("senders=%d", senders), func(b *testing.B) {
			m := startMarket(b, marketOptions{
				Store: Options{Dir: b.TempDir(), Symbols: defaultRegistry(b)},
			})
			source := m.source("LP")
			var left atomic.Int64
			left.Store(int64(b.N))
			var group sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			start := time.Now()
			for range senders {
				group.Go(func() {
					quotes := make([]core.Quote, benchBatch)
					for n := int64(0); left.Add(-benchBatch) > -benchBatch; n++ {
						for i := range quotes {
							// Far enough from the last one to be stored, whoever sent that.
							bid := core.Price(108_000 + (n*benchBatch+int64(i))/21%50*7)
							quotes[i] = core.Quote{
								Symbol: core.SymbolID(i % 21), Source: source, Bid: bid, Ask: bid + 2,
							}
						}
						m.mustSend(quotes)
					}
				})
			}
			group.Wait()
			took := time.Since(start)
			b.StopTimer()
			stats := m.writer.Stats()
			b.ReportMetric(float64(stats.Ticks)/float64(stats.Commits), "rows/commit")
			m.stop()
			reportFile(b, m.store, stats.Ticks, took)
		})
	}
}

// BenchmarkLoad starts engines on a file of 10 million ticks and the bars of three weeks. A
// regression here is what somebody who restarts a server waits for.
func BenchmarkLoad(b *testing.B) {
	dir, registry := b.TempDir(), defaultRegistry(b)
	s := openStore(b, Options{Dir: dir, Symbols: registry})
	w := newTickWriter(s.writing.conn)
	ticks := make([]core.Tick, 10_000)
	for at := testStart; w.rows < 10_000_000; {
		err := s.transact(func(*conn) error { return bareInserts(w, s.ids, ticks, &at) })
		if err != nil {
			b.Fatal(err)
		}
	}
	for i := range s.ids {
		for f := range core.Frames {
			span := core.Frame(f).Span()
			fillBars(b, s, core.SymbolID(i), core.Frame(f), int(21*24*core.Hour/span))
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for _, opts := range []LoadOptions{{}, {Ticks: 50_000, Bars: 5_000}} {
		b.Run(fmt.Sprintf("ticks=%d/bars=%d", opts.Ticks, opts.Bars), func(b *testing.B) {
			for b.Loop() {
				s := openStore(b, Options{Dir: dir, Symbols: registry})
				loaded, err := s.Load(b.Context(), newEngine(b, s), opts)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(loaded.Bars), "bars")
				b.ReportMetric(float64(loaded.Ticks), "ticks")
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRead reads what a chart or a client that catches up asks for, from the file.
func BenchmarkRead(b *testing.B) {
	s := openStore(b, Options{Dir: b.TempDir(), Symbols: defaultRegistry(b)})
	fillBars(b, s, 2, core.M1, 5_000)
	ticks := make([]core.Tick, 50_000)
	benchTicks(ticks, testStart)
	err := s.transact(func(c *conn) error {
		w := newTickWriter(c)
		for i := range ticks {
			if err := w.tick(s.ids[2], &ticks[i]); err != nil {
				return err
			}
		}
		return w.flush()
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("ticks=500", func(b *testing.B) {
		dst := make([]core.Tick, 0, 500)
		for b.Loop() {
			got, err := s.Ticks(b.Context(), 2, 0, 1<<62, 500, true, dst)
			if err != nil || len(got) != 500 {
				b.Fatal(len(got), err)
			}
		}
	})
	b.Run("bars=500", func(b *testing.B) {
		dst := make([]core.Bar, 0, 500)
		for b.Loop() {
			got, err := s.Bars(b.Context(), 2, core.M1, 0, 1<<62, 500, true, dst)
			if err != nil || len(got) != 500 {
				b.Fatal(len(got), err)
			}
		}
	})
}

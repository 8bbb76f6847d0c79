package feed

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"tradingengine/core"
)

// TestReplayKeepsThePace looks at the live price as time goes by.
func TestReplayKeepsThePace(t *testing.T) {
	const hour = 3_600_000
	// A second, then ten, then a silence that is waited out, then one that is skipped.
	path := writeFile(t, filepath.Join(t.TempDir(), "pace.csv"), csvHeader+
		quoteRows(0, 1, 1000, 2, 11_000, 3, hour, 4, hour+5, 5, 90*hour, 6, 90*hour+1000, 7))
	f := func(speed float64) {
		inBubble(t, func(t *testing.T) {
			m := startMarket(t, core.Options{})
			r, err := NewReplay(ReplayOptions{Engine: m.engine, Files: []string{path}, Speed: speed})
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			var end time.Duration
			done := make(chan struct{})
			go func() {
				defer close(done)
				if err := r.Run(context.Background()); err != nil {
					t.Error(err)
				}
				end = time.Since(begin)
			}()
			// at returns when a quote that is due after so many milliseconds has surely come.
			at := func(millis float64) time.Duration {
				return time.Duration(millis / speed * float64(time.Millisecond))
			}
			check := func(from, to time.Duration, want core.Price) {
				t.Helper()
				for _, moment := range []time.Duration{from + 2*paceEvery, to - time.Millisecond} {
					time.Sleep(moment - time.Since(begin))
					synctest.Wait()
					live, _ := m.engine.Live(0)
					if got := (live.Bid - 110_000) / 10; got != want {
						t.Errorf("speed %g: price %d after %s, want %d", speed, got, moment, want)
					}
				}
			}
			check(0, at(1000), 1)
			check(at(1000), at(11_000), 2)
			check(at(11_000), at(hour), 3)
			<-done
			if want := at(hour + 5 + 1000); end < want || end > want+4*paceEvery {
				t.Errorf("speed %g: took %s, want %s", speed, end, want)
			}
			if got := bids(m, 0); got != "1@0 2@1000 3@11000 4@3600000 5@3600005 6@324000000 7@324001000" {
				t.Errorf("stored %s", got)
			}
		})
	}
	f(1)
	f(5)
	f(0.5)
}

func TestReplayLoopsByWholeWeeks(t *testing.T) {
	const hour = 3_600_000
	f := func(speed float64, span int, wantWeeks core.Time) {
		path := writeFile(t, filepath.Join(t.TempDir(), "loop.csv"), "time_ms,symbol,bid,ask,seq\n"+
			"1600000000000,EURUSD,1.10010,1.10012,1\n1600000001000,EURUSD,1.10020,1.10022,2\n"+
			quoteRow(1000+span, 3)+",3\n")
		inBubble(t, func(t *testing.T) {
			m := startMarket(t, core.Options{})
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var passes []ReplayProgress
			opts := ReplayOptions{
				Engine: m.engine, Files: []string{path}, Loop: true, Speed: speed,
				Progress: func(p ReplayProgress) {
					if p.Done {
						passes = append(passes, p)
					}
					if p.Done && p.Pass == 3 {
						cancel()
					}
				},
			}
			r, err := NewReplay(opts)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Run(ctx); err != nil {
				t.Fatal(err)
			}
			m.stop()
			ticks := m.store.stored(0)
			if len(ticks) < 9 || len(passes) != 3 {
				t.Fatalf("%d ticks in %d passes, want 9 in 3", len(ticks), len(passes))
			}
			for i := range 6 {
				if got, want := ticks[i+3].Time-ticks[i].Time, wantWeeks*week; got != want {
					t.Errorf("tick %d comes again after %d µs, want %d", i, got, want)
				}
				if ticks[i+3].Bid != ticks[i].Bid {
					t.Errorf("tick %d comes again at another price", i)
				}
			}
			for i, p := range passes {
				if want := ticks[3*i+2].Time; p.Rows != 3 || p.Time != want || p.Pass != i+1 {
					t.Errorf("pass %d ended with %+v, want 3 rows up to %s", i+1, p, want)
				}
			}
			if s := m.checkSums(t); s.RejectedTotal() != 0 {
				t.Errorf("%d rejected; numbers must not count as sent twice", s.RejectedTotal())
			}
		})
	}
	f(0, 30*60_000, 1)
	f(1, 30*60_000, 1)
	f(0, 7*24*hour-1000-1, 1)
	f(0, 7*24*hour-1000, 2)
	f(0, 10*24*hour, 2)
}

// quoteRow is one row of quoteRows without its end.
func quoteRow(millis, pips int) string {
	row := quoteRows(millis, pips)
	return row[:len(row)-1]
}

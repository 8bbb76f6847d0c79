package httpd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"tradingengine/core"
)

// fakePast is a ring and a history of numbers that grow while they are read.
type fakePast struct {
	random  *rand.Rand
	times   []core.Time // Of all items there ever were.
	promise int         // How many the ring holds.
	quiet   bool        // Nothing more comes.
	found   []core.Time
}

// grow lets items come, at times more than the ring holds.
func (f *fakePast) grow() {
	if f.quiet || f.random.IntN(3) > 0 {
		return
	}
	for range f.random.IntN(2 * f.promise) {
		last := core.Time(0)
		if n := len(f.times); n > 0 {
			last = f.times[n-1]
		}
		f.times = append(f.times, last+1+core.Time(f.random.IntN(3)))
	}
}

func (f *fakePast) series() pastSeries {
	return pastSeries{
		span: func() (uint64, uint64) {
			f.grow()
			return uint64(max(0, len(f.times)-f.promise)), uint64(len(f.times))
		},
		read: func(from uint64, n int) (uint64, int) {
			f.grow()
			first := max(int(from), len(f.times)-f.promise)
			f.found = f.times[min(first, len(f.times)):min(first+n, len(f.times))]
			return uint64(first), len(f.found)
		},
		stored: func(from, to core.Time, n int, newest bool) (int, error) {
			f.grow()
			// Storage has what the ring overwrote, and more or less of what it holds.
			least := max(0, len(f.times)-f.promise)
			committed := f.times[:least+f.random.IntN(len(f.times)-least+1)]
			f.found = slices.DeleteFunc(slices.Clone(committed), func(t core.Time) bool {
				return t <= from || t > to
			})
			if extra := len(f.found) - n; extra > 0 && newest {
				f.found = f.found[extra:]
			}
			f.found = f.found[:min(n, len(f.found))]
			return len(f.found), nil
		},
		time: func(i int) core.Time { return f.found[i] },
		frame: func(dst []byte, i int, prev core.Time) []byte {
			return fmt.Appendf(dst, "%d after %d\n", int64(f.found[i]), int64(prev))
		},
		open: func() core.Time { return 0 },
	}
}

// TestStreamPastAgainstNaive reads the past of a market that goes on, with rings so short that the
// reader is overtaken again and again, and compares with all there was.
func TestStreamPastAgainstNaive(t *testing.T) {
	for range rounds(300, 3000) {
		seed := rand.Uint64()
		f := &fakePast{random: rand.New(rand.NewPCG(seed, 0))}
		f.promise = 1 + f.random.IntN(40)
		for range f.random.IntN(10) {
			f.grow()
		}
		since := core.Time(f.random.IntN(200))
		p := streamPast{series: f.series()}
		newest := core.Time(0)
		if n := len(f.times); n > 0 {
			newest = f.times[n-1]
		}
		f.quiet = since >= newest // Else whether it is ahead depends on when one looks.
		ahead, err := p.begin(since)
		check(t, err)
		if want := f.quiet && since > newest; ahead != want {
			t.Fatalf("seed %d: since %d, the newest is %d: ahead %v", seed, since, newest, ahead)
		}
		var got []byte
		for i := 0; ; i++ {
			f.quiet = f.quiet || i > 50
			n, err := p.read()
			check(t, err)
			got = p.append(got)
			if n == 0 && f.quiet {
				break
			}
		}
		if want := f.after(since); string(got) != want {
			t.Fatalf("seed %d: since %d of %d, a ring of %d: got\n%swant\n%s", seed, since,
				len(f.times), f.promise, got, want)
		}
		if lag := p.lag(); lag != 0 {
			t.Fatalf("seed %d: %d items are left", seed, lag)
		}
	}
}

// after is what there is after a time, and what came before each.
func (f *fakePast) after(since core.Time) string {
	var want []byte
	prev := core.Time(0)
	for _, at := range f.times {
		if at > since {
			want = fmt.Appendf(want, "%d after %d\n", int64(at), int64(prev))
		}
		prev = at
	}
	return string(want)
}

// TestFollow: the hub catches up with what a replay has read of a ring, and not further than it has
// to.
func TestFollow(t *testing.T) {
	inBubble(t, streamMarketOptions{}, func(t *testing.T, m *streamMarket) {
		m.apply(m.quote("EURUSD", 108_000, 108_001, 0))
		c := m.pipe("EURUSD")
		c.message()
		c.send(`{"type":"subscribe","channel":"ticks","symbols":["EURUSD"]}`)
		c.send(`{"type":"subscribe","channel":"bars:1m","symbols":["EURUSD"]}`)
		for range 4 {
			c.message()
		}
		h, id := m.hub, m.id("EURUSD")
		h.do(func() {
			for i := range 3 {
				m.clock.Add(int64(core.Minute))
				bid := core.Price(108_100 + 100*i)
				m.apply(m.quote("EURUSD", bid, bid+1, 0))
			}
			h.follow(streamKey{kind: streamTicks}, id, 3)
			h.follow(streamKey{kind: streamBars}, id, 2)
			if n := h.ticks.symbols[id].next; n < 3 {
				t.Errorf("the hub has come to tick %d", n)
			}
			if n := h.bars[core.M1].symbols[id].next; n < 2 {
				t.Errorf("the hub has come to bar %d", n)
			}
			framed := h.counts.framed.Load()
			h.follow(streamKey{kind: streamTicks}, id, 3)
			h.follow(streamKey{kind: streamBars}, id, 2)
			h.follow(streamKey{kind: streamTicks}, m.id("USDJPY"), 3) // Nobody takes it.
			if n := h.counts.framed.Load(); n != framed {
				t.Errorf("%d frames more than there are items", n-framed)
			}
			h.publish()
		})
		counts := map[string]int{}
		for counts["tick"] < 3 || counts["bar"] < 3 {
			got := c.message()
			if got.Type == "bar" && !got.Complete {
				continue
			}
			counts[got.Type]++
		}
		c.close()
	})
}

package sockets

import (
	"testing"
)

// Each row breaks the chain in so many places, and none of the others. Seen to fail on a chain that
// takes every tick for the first, on one that lets a time come twice, and on one that goes on from
// the beginning of a gap.
func TestChain(t *testing.T) {
	type item struct {
		symbol           string
		from, to, missed int64 // A tick at to after from, or a gap that skipped missed.
	}
	f := func(want int, items ...item) {
		t.Helper()
		var c chain
		got := 0
		for _, i := range items {
			follows := false
			if i.missed != 0 {
				follows = c.gap([]byte(i.symbol), i.from, i.to, i.missed)
			} else {
				follows = c.tick([]byte(i.symbol), i.to, i.from)
			}
			if !follows {
				got++
			}
		}
		if got != want {
			t.Errorf("%v: broken in %d places, want %d", items, got, want)
		}
	}
	f(0, item{"A", 0, 1, 0}, item{"A", 1, 2, 0}, item{"B", 5, 6, 0}, item{"A", 2, 3, 0}, item{"B", 6, 9, 0})
	f(1, item{"A", 0, 1, 0}, item{"A", 2, 3, 0}, item{"A", 3, 4, 0})
	f(1, item{"A", 0, 1, 0}, item{"A", 1, 1, 0})
	f(1, item{"A", 0, 1, 0}, item{"A", 1, 2, 0}, item{"A", 0, 1, 0}, item{"A", 1, 2, 0})
	f(0, item{"A", 0, 1, 0}, item{"A", 1, 7, 3}, item{"A", 7, 8, 0})
	f(1, item{"A", 0, 1, 0}, item{"A", 1, 7, 3}, item{"A", 1, 8, 0})
	f(1, item{"A", 0, 2, 0}, item{"A", 1, 7, 3}, item{"A", 7, 8, 0})
	f(1, item{"A", 0, 2, 0}, item{"A", 2, 7, -3}, item{"A", 7, 8, 0})
	f(0, item{"A", 4, 7, 3}, item{"A", 7, 8, 0})
}

// Seen to fail on a chain that forgets what a gap stands for, and on one that lets two symbols
// cancel out.
func TestGapsAreComparedWithAWitness(t *testing.T) {
	witness := chain{witness: true}
	for at := int64(1); at <= 100; at++ {
		witness.tick([]byte("A"), at*10, at*10-10)
		witness.tick([]byte("B"), at*10+1, at*10-9)
	}
	f := func(name string, wantOff int64, wantCompared int, spoil func(c *chain)) {
		t.Helper()
		var c chain
		c.tick([]byte("A"), 20, 10)
		c.gap([]byte("A"), 20, 50, 3)
		c.tick([]byte("A"), 60, 50)
		spoil(&c)
		off, compared := c.off(&witness)
		if off != wantOff || compared != wantCompared {
			t.Errorf("%s: off by %d over %d symbols, want %d over %d", name, off, compared, wantOff,
				wantCompared)
		}
	}
	f("right", 0, 1, func(*chain) {})
	f("one too few", 1, 1, func(c *chain) { c.gap([]byte("A"), 60, 100, 3) })
	f("one too many", 1, 1, func(c *chain) { c.gap([]byte("A"), 60, 100, 5) })
	f("both", 2, 2, func(c *chain) {
		c.gap([]byte("A"), 60, 100, 3)
		c.tick([]byte("B"), 11, 1)
		c.gap([]byte("B"), 11, 101, 10)
	})
	f("beyond what the witness saw", 0, 0, func(c *chain) { c.gap([]byte("A"), 60, 1010, 95) })
	f("unknown to the witness", 0, 1, func(c *chain) { c.tick([]byte("C"), 5, 0) })
}

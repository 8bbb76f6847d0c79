package persist

import (
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"tradingengine/core"
	"tradingengine/persist/faultvfs"
)

// TestEveryCallFails fails each call that changes the disk in turn: input/output errors, of syncs
// too. What follows is a kill, a start, and a power cut. At no point may the file be wrong, or
// something acknowledged be missing.
//
// A failed sync is the worst of them: the machine shows the next process what the disk does not
// have, and will never write it. Nothing may be built on it.
//
// It was seen to fail on a start that writes on behind the log of the last run without bringing it
// to the disk first, and on a writer that tries a failed sync again.
func TestEveryCallFails(t *testing.T) {
	const atMost = 2_000
	final := 0
	step := int64(rounds(9, 3, 1))
	// Where it begins is left to chance, so that the runs of a week go through all calls.
	first := 1 + rand.Int64N(step)
	t.Logf("every %d calls from call %d on", step, first)
	for n := first; ; n += step {
		if n > atMost {
			t.Fatalf("still at it after %d calls", n)
		}
		p := newPowered(t, uint64(n), SyncFull)
		p.plug(0)
		p.disk.SetFault(faultvfs.FailAt(n, faultvfs.ErrIO))
		m, err := p.start()
		if err == nil {
			p.sendSome(m, 3)
			if err = m.end(); errors.Is(err, ErrStorageFailed) {
				final++
			}
		}
		untouched := p.disk.Calls() < n
		if untouched && err != nil {
			t.Fatal(err)
		}
		p.kill()
		p.powerUntil(p.random.Int64N(2) * (1 + p.random.Int64N(60)))
		m, err = p.start()
		switch {
		case err == nil:
			p.check(m)
			done := make(chan struct{})
			go func() { p.sendSome(m, 1); close(done) }() // Too little for a checkpoint.
			select {
			case <-done:
			case <-p.off:
			}
			p.disk.CutPower()
			_ = m.end()
			<-done
		case !p.disk.IsOff():
			t.Fatalf("a start after call %d failed: %v", n, err)
		}
		p.cut()
		p.plug(0)
		if m, err = p.start(); err != nil {
			t.Fatalf("a start after call %d failed, and a power cut: %v", n, err)
		}
		p.check(m)
		m.stop()
		p.disk.Close()
		if t.Failed() {
			t.Fatalf("after call %d failed", n)
		}
		if untouched {
			t.Logf("%d calls; %d failures were final", n-1, final)
			break
		}
	}
	if final == 0 && !testing.Short() {
		t.Errorf("%d failures were final, want those of syncs", final)
	}
}

// sendSome sends a few quotes of every symbol, one after the other, until one is refused.
func (p *powered) sendSome(m *market, rounds int) {
	source := m.source("LP")
	for range rounds {
		for i := range p.registry.Len() {
			w := p.walk(core.SymbolID(i), source)
			w.next(int(p.promised[i]))
			_, _, err := m.send(w.next(25))
			if err != nil {
				return
			}
			p.promised[i] = w.quote.Seq
		}
	}
}

// kill ends the process of the market, and gives the disk to the next one.
func (p *powered) kill() {
	p.t.Helper()
	next := p.t.TempDir()
	disk, err := p.disk.Killed(next)
	if err != nil {
		p.t.Fatal(err)
	}
	p.disk.Close()
	p.disk, p.dir = disk, next
}

// cut cuts the power, and leaves in dir what the disk kept.
func (p *powered) cut() {
	p.t.Helper()
	kept := p.t.TempDir()
	if err := p.disk.Kept(kept); err != nil {
		p.t.Fatal(err)
	}
	p.disk.Close()
	p.dir = kept
}

// TestLogThatCannotBeMoved fills the disk for the file but not for its log. Commits go on, the
// statistics say what is wrong, and that it is over as soon as there is space, also when nobody
// writes any more.
//
// It was seen to fail on a writer that tries again only when the log has grown.
func TestLogThatCannotBeMoved(t *testing.T) {
	p := newPowered(t, 1, SyncFull)
	p.plug(0)
	m, err := p.start()
	if err != nil {
		t.Fatal(err)
	}
	var full atomic.Bool
	full.Store(true)
	p.disk.SetFault(func(c faultvfs.Call) error {
		if full.Load() && c.File == MarketFile && c.Op == faultvfs.Write {
			return faultvfs.ErrFull
		}
		return nil
	})
	failing := func() bool { return m.writer.Stats().LogFailingSince != 0 }
	quoteAll(m, allWalks(m), failing)
	s := m.writer.Stats()
	if s.Failures != 0 || s.FailingSince != 0 || s.LogError != "the disk is full" {
		t.Errorf("%d commits failed, the log's error is %q; want none, and that the disk is full",
			s.Failures, s.LogError)
	}
	full.Store(false)
	eventually(t, "checkpoint", func() bool { return !failing() })
	compareFile(t, m.store, m.engine)
	m.stop()
	p.disk.Close()
}

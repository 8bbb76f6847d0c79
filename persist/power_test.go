package persist

import (
	"context"
	"database/sql/driver"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"tradingengine/core"
	"tradingengine/persist/faultvfs"
)

// long asks for the full counts of runs that are short otherwise.
var long = flag.Bool("long", false, "full counts of long runs")

// rounds is how often a test does what it does.
func rounds(short, normal, many int) int {
	switch {
	case *long:
		return many
	case testing.Short():
		return short
	default:
		return normal
	}
}

// powered is a market on a disk whose power is cut again and again, and its senders, one a symbol.
type powered struct {
	t        *testing.T
	sync     Sync
	random   *rand.Rand
	dir      string
	registry *core.Registry
	disk     *faultvfs.Disk
	off      chan struct{} // Closed when the power goes.

	promised []uint64 // The last number acknowledged of each symbol.
	found    int      // Symbols found ahead of that after a cut.
	lost     int      // Numbers acknowledged and missing.
}

// What the market keeps in memory: more than one test sends, less than a server has.
const (
	poweredTicks = 10_000
	poweredBars  = 3_000
)

func newPowered(t *testing.T, seed uint64, sync Sync) *powered {
	registry := testRegistry(t)
	return &powered{
		t: t, sync: sync, random: rand.New(rand.NewPCG(seed, 77)), dir: t.TempDir(),
		registry: registry, promised: make([]uint64, registry.Len()),
	}
}

// plug puts a disk under the directory. Its power goes at a call; never when that is 0.
func (p *powered) plug(at int64) {
	p.t.Helper()
	disk, err := faultvfs.New(p.dir, faultvfs.Options{Remember: true, Seed: p.random.Uint64()})
	if err != nil {
		p.t.Fatal(err)
	}
	p.disk = disk
	p.powerUntil(at)
}

// powerUntil lets the power go at a call; never when that is 0.
func (p *powered) powerUntil(at int64) {
	off := make(chan struct{})
	p.disk.SetFault(func(c faultvfs.Call) error {
		if c.Number != at {
			return nil
		}
		close(off)
		return faultvfs.ErrPower
	})
	p.off = off
}

// start starts the market, which may fail when the power goes before it runs.
func (p *powered) start() (*market, error) {
	return tryMarket(p.t, marketOptions{
		Store: Options{
			Dir: p.dir, Symbols: p.registry, Sync: p.sync, Readers: 2, resync: p.disk.Rewrite,
		},
		Engine: core.Options{Shards: 2, Ticks: poweredTicks, Bars: poweredBars},
		Writer: WriterOptions{FinalTimeout: time.Millisecond},
		// A log of a few commits, so that many cuts hit checkpoints.
		Before: func(w *Writer) { w.checkpoints.every = 40 },
	})
}

// live runs the market until the power goes, and leaves in dir what the disk kept.
func (p *powered) live(at int64) {
	p.t.Helper()
	p.plug(at)
	m, err := p.start()
	if err == nil {
		p.check(m)
		p.load(m)
		// It cannot end well, but must not say so to a sender.
		_ = m.end()
	} else if !p.disk.IsOff() {
		p.t.Fatal(err)
	}
	p.cut()
}

// load sends quotes of all symbols until the power goes.
func (p *powered) load(m *market) {
	source := m.source("LP")
	var senders sync.WaitGroup
	for i := range p.registry.Len() {
		size := 1 + p.random.IntN(60)
		w := p.walk(core.SymbolID(i), source)
		for w.quote.Seq < p.promised[i] {
			w.next(1)
		}
		senders.Go(func() {
			for {
				if _, _, err := m.send(w.next(size)); err != nil {
					return
				}
				p.promised[i] = w.quote.Seq
			}
		})
	}
	<-p.off
	m.engine.Close()
	<-m.engineDone
	m.stopWriter() // Lets go the senders that wait.
	senders.Wait()
}

func (p *powered) walk(id core.SymbolID, source core.SourceID) *walk {
	return newWalk(uint64(id), id, source, testStart)
}

// check compares what the disk kept with what the first quotes of each symbol give, up to the
// number that it kept, which must be at least what was acknowledged.
func (p *powered) check(m *market) {
	p.t.Helper()
	for i := range p.promised {
		seq := lastSeq(m.engine, core.SymbolID(i))
		if seq < p.promised[i] {
			p.lost++
			if p.sync == SyncFull {
				p.t.Errorf("symbol %d: quote %d was acknowledged, the file ends at %d", i,
					p.promised[i], seq)
			}
		}
		if seq > p.promised[i] {
			p.found++
		}
		p.promised[i] = seq // It is on the disk now.
	}
	diff(p.t, "state after a power cut", stateText(m.engine), p.prefix())
	checkWhole(p.t, &m.store.database)
}

// prefix is the state that the promised quotes give.
func (p *powered) prefix() string {
	p.t.Helper()
	sources, err := core.NewSources([]string{"LP"})
	if err != nil {
		p.t.Fatal(err)
	}
	e, err := core.New(core.Options{
		Symbols: p.registry, Sources: sources, Throttle: core.DefaultThreshold,
		Ticks: poweredTicks, Bars: poweredBars, Now: func() core.Time { return testStart },
	})
	if err != nil {
		p.t.Fatal(err)
	}
	for i, seq := range p.promised {
		s := e.Begin(testStart)
		s.History()
		for _, q := range p.walk(core.SymbolID(i), 1).next(int(seq)) {
			s.Add(q)
		}
		if err := s.Send(p.t.Context(), false); err != nil {
			p.t.Fatal(err)
		}
		s.Release()
	}
	e.Close()
	e.Run(context.Background())
	return stateText(e)
}

// lastSeq is the last number that an engine took of the only source of a symbol.
func lastSeq(e *core.Engine, id core.SymbolID) uint64 {
	var cut core.Cut
	e.Cut(id, &cut)
	if len(cut.Numbered) == 0 {
		return 0
	}
	return cut.Numbered[0].Seq
}

// checkWhole lets SQLite look at every page of a file.
func checkWhole(t *testing.T, d *database) {
	t.Helper()
	err := d.readConn(t.Context(), func(c *conn) error {
		return c.query(t.Context(), "PRAGMA integrity_check", func(row []driver.Value) error {
			if verdict := fmt.Sprint(row[0]); verdict != "ok" {
				t.Errorf("integrity: %s", verdict)
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

// cuts runs markets on disks whose power goes, one after the other, and returns what was found.
func cuts(t *testing.T, seeds int, sync Sync) (all, found, lost int) {
	t.Helper()
	for seed := range uint64(seeds) {
		p := newPowered(t, seed, sync)
		for range 1 + p.random.IntN(3) {
			at := 1 + p.random.Int64N(1_000)
			if p.random.IntN(4) == 0 {
				at = 1 + p.random.Int64N(80) // While the file is made, or opened.
			}
			p.live(at)
			all++
		}
		p.plug(0)
		m, err := p.start()
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		p.check(m)
		m.stop()
		p.disk.Close()
		found, lost = found+p.found, lost+p.lost
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	return all, found, lost
}

// TestPowerCut cuts the power at any call that changes the disk, in commits, checkpoints and
// starts, and opens what a disk may have kept. The file must be whole, nothing acknowledged may be
// missing, and ticks, bars and numbers must stop at the same quote.
//
// It was seen to fail on a writer that acknowledges before it commits, on commits that are not
// synced, on cuts that are committed in two transactions, on a journal kept in memory, and on a start
// that refuses a file whose first page is torn though its journal is whole.
func TestPowerCut(t *testing.T) {
	all, found, _ := cuts(t, rounds(10, 100, 2_000), SyncFull)
	t.Logf("%d cuts; symbols found ahead of their acknowledgements: %d", all, found)
	if found == 0 && all > 50 {
		t.Error("no cut fell between a sync and its acknowledgement")
	}
}

// TestPowerCutNormal is the same for commits that the disk follows later: the newest may be
// missing, but whole ones.
//
// It was seen to fail on a journal that is kept in memory when commits need not sync.
func TestPowerCutNormal(t *testing.T) {
	all, _, lost := cuts(t, rounds(5, 20, 1_000), SyncNormal)
	t.Logf("%d cuts; symbols behind their acknowledgements: %d", all, lost)
	if lost == 0 && all > 20 {
		t.Error("nothing was lost, so the disk syncs what it was not asked to")
	}
}

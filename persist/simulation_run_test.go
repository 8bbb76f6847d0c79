package persist

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tradingengine/core"
)

// simSetup are the sizes of a server, which the plan knows nothing of.
type simSetup struct {
	engine core.Options
	writer WriterOptions
	load   LoadOptions
	sync   Sync
}

// lossy reports whether rings are so small that ticks are lost while the disk is in trouble.
func (s *simSetup) lossy() bool { return s.engine.Ticks > 0 && s.engine.Ticks < 4*core.BatchMax }

// simulation plays a plan.
type simulation struct {
	t       *testing.T
	plan    *simPlan
	setup   simSetup
	clock   *simClock
	tape    *simTape
	senders [simSenders]*simSender
	dir     string
	state   strings.Builder // What must be the same for the same seed.
	lost    int64           // Ticks of earlier lives.
	whole   bool            // The last life ended well: everything is in the file.
	seen    simSeen
}

// simSeen counts what happened, so that a test knows what it tested.
type simSeen map[string]int64

func (s simSeen) add(more simSeen) {
	for what, n := range more {
		s[what] += n
	}
}

// simResult is what a plan leaves behind.
type simResult struct {
	state             string // All that must not depend on anything but seed and sizes.
	ticks, bars, rest string // In the file.
	live              string // In memory, after the last restart.
	seen              simSeen
}

func (r *simResult) hash() string { return fmt.Sprintf("%x", sha256.Sum256([]byte(r.state))) }

// simRun is a life while it lasts.
type simRun struct {
	*market
	sim     *simulation
	plan    *simLife
	ctx     context.Context
	cancel  context.CancelFunc
	senders sync.WaitGroup
	waiters sync.WaitGroup
	readers sync.WaitGroup
	reading []*simReader
	other   struct {
		sync.Mutex
		conn *conn
	}
}

// simulate plays a plan in a bubble.
func simulate(t *testing.T, plan *simPlan, setup simSetup) (r simResult) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &simulation{t: t, plan: plan, setup: setup, dir: t.TempDir(), seen: simSeen{}}
		s.clock = &simClock{plan, time.Now()}
		s.tape = newSimTape(s.clock)
		for i := range s.senders {
			s.senders[i] = &simSender{sim: s, index: i}
		}
		for i := range plan.lives {
			s.live(&plan.lives[i])
			if t.Failed() {
				return
			}
		}
		r = s.end()
	})
	return r
}

// live plays one run of the server.
func (s *simulation) live(plan *simLife) {
	time.Sleep(plan.start - s.clock.since())
	l := s.open(plan)
	for i, sender := range s.senders {
		l.senders.Go(func() { sender.run(l, plan.sends[i]) })
	}
	for _, look := range plan.looks {
		time.Sleep(look - s.clock.since())
		l.look()
	}
	time.Sleep(plan.end - s.clock.since())
	l.look()
	s.writeDown(l)
	l.finish()
}

// open starts a server on what the last one left.
func (s *simulation) open(plan *simLife) *simRun {
	l := &simRun{sim: s, plan: plan}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	var err error
	opts := marketOptions{
		Store:  Options{Dir: s.dir, Symbols: simRegistry(s.t), Sync: s.setup.sync},
		Engine: s.setup.engine, Writer: s.setup.writer, Load: s.setup.load,
		Ready: func(m *market) {
			for i := range 2 * simSenders {
				m.source(fmt.Sprint("LP", i))
			}
			m.writer.beforeEnd = s.beforeEnd
			m.engine.WantMoves(1)
			l.market = m
			if l.other.conn, err = openConn(m.store.Path(), "mode=ro"); err != nil {
				s.t.Fatal(err)
			}
			l.restored()
			for i := range 3 {
				l.reading = append(l.reading, newSimReader(l, i))
			}
		},
	}
	opts.Engine.Now = s.clock.now
	startMarket(s.t, opts)
	s.t.Cleanup(l.leave)
	s.tape.start()
	for _, r := range l.reading {
		l.readers.Go(r.run)
	}
	return l
}

func simRegistry(t testing.TB) *core.Registry {
	var symbols []core.Symbol
	for _, name := range simSymbolNames {
		symbols = append(symbols, core.NewSymbol(name))
	}
	return testRegistry(t, symbols...)
}

// watch runs f on a connection such as another program has.
func (l *simRun) watch(f func(c *conn) error) error {
	l.other.Lock()
	defer l.other.Unlock()
	return f(l.other.conn)
}

// beforeEnd is the disk.
func (s *simulation) beforeEnd() error {
	for {
		now := s.clock.since()
		switch fault := s.plan.fault(now); {
		case fault == nil:
			return nil
		case fault.code != 0:
			return fakeFailure(fault.code)
		default:
			time.Sleep(fault.to - now)
		}
	}
}

// finish ends a life as planned. Everything rests at that instant.
func (l *simRun) finish() {
	s := l.sim
	left := s.t.TempDir()
	if l.plan.ending == simKill || l.plan.ending == simBroken {
		copyFiles(s.t, s.dir, left)
		s.dir = left
	}
	lost := l.engine.Stats().Lost
	if l.plan.ending != simStop {
		l.cancel()
		synctest.Wait() // Nobody hears of what is committed from here on.
	}
	s.tape.stop()
	err := l.end()
	stats := l.writer.Stats()
	failed := stats.FailingSince != 0
	if failed != errors.Is(err, ErrStorageFailed) || l.plan.ending == simStop && err != nil ||
		failed && stats.Final != (l.plan.ending == simBroken) {
		l.t.Errorf("the end of a server, %d: %v after %+v", l.plan.ending, err, stats)
	}
	s.whole = l.plan.ending == simStop
	if l.plan.ending != simKill {
		lost = l.engine.Stats().Lost
	}
	s.lost += lost
	l.leave()
	for _, r := range l.reading {
		r.check()
	}
	if stats.LostBars > 0 {
		l.t.Errorf("%d bars were lost", stats.LostBars)
	}
	s.seen["failed commits"] += stats.Failures
	s.seen["held batches"] += l.engine.Stats().Held
	s.seen[[]string{"stops", "kills", "stops on a full disk", "broken disks"}[l.plan.ending]]++
}

// leave lets everybody go home, once.
func (l *simRun) leave() {
	l.cancel()
	l.senders.Wait()
	l.waiters.Wait()
	l.readers.Wait()
	l.other.Lock()
	defer l.other.Unlock()
	if l.other.conn != nil {
		if err := l.other.conn.close(); err != nil {
			l.t.Error(err)
		}
		l.other.conn = nil
	}
}

// writeDown adds to the state what must not depend on anything but the seed.
func (s *simulation) writeDown(l *simRun) {
	stats := l.engine.Stats()
	for reason, n := range stats.Rejected {
		s.seen[core.Reject(reason).String()] += n
	}
	s.seen["late"] += stats.Late
	s.seen["re-anchored"] += stats.Reanchored
	s.seen["lost ticks"] += stats.Lost
	s.seen["slowed senders"] += stats.Slowed
	for _, m := range s.tape.markets {
		s.seen["closed by the clock"] += int64(len(m.Closings))
	}
	stats.Slowed, stats.Refused, stats.Held, stats.QueueFull = 0, 0, 0, 0
	state := stateText(l.engine)
	if s.setup.lossy() {
		stats.Committed, stats.Pending, stats.Lost = 0, 0, 0
		state = simLines(state, func(line string) bool { return !strings.HasPrefix(line, "tick ") })
	}
	fmt.Fprintf(&s.state, "life until %v\n%s%+v\n", l.plan.end, state, stats)
}

// simLines keeps some of the lines of a text.
func simLines(text string, keep func(line string) bool) string {
	return strings.Join(slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool {
		return !keep(line)
	}), "\n")
}

// end opens what the last life left once more and returns what is in it.
func (s *simulation) end() simResult {
	l := s.open(&simLife{})
	r := simResult{
		live: simLines(stateText(l.engine), func(line string) bool {
			return strings.Contains(line, " live ") || strings.Contains(line, "forming") ||
				strings.HasPrefix(line, "clocked")
		}),
		ticks: strings.Join(dumpTicks(s.t, l.store), "\n"),
		bars:  strings.Join(dumpBars(s.t, l.store), "\n"),
		rest: strings.Join(slices.Concat(
			queryLines(s.t, l.store, "SELECT * FROM symbol ORDER BY id"),
			queryLines(s.t, l.store, "SELECT * FROM source ORDER BY id"),
			queryLines(s.t, l.store, "SELECT * FROM seq ORDER BY symbol_id, source_id"),
		), "\n"),
	}
	l.finish()
	for _, sender := range s.senders {
		slices.Sort(sender.log)
		fmt.Fprintln(&s.state, strings.Join(sender.log, "\n"))
	}
	if !s.setup.lossy() {
		s.state.WriteString(r.ticks)
	}
	r.state, r.seen = s.state.String()+r.bars+r.rest, s.seen
	return r
}

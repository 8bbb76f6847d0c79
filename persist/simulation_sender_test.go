package persist

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tradingengine/core"
)

// simSender is a client. It numbers its quotes and keeps each submission until it is acknowledged;
// after a restart it sends again what was not, in order.
type simSender struct {
	sim   *simulation
	index int

	late int // How often it was late.

	mu      sync.Mutex
	sent    int
	pending []*simPending
	log     []string // What became of each submission.
}

type simPending struct {
	simSend
	number int
	acked  bool
}

// run sends again what is pending, and then what is planned for this life.
func (s *simSender) run(l *simRun, planned []simSend) {
	s.mu.Lock()
	pending := slices.DeleteFunc(s.pending, func(p *simPending) bool { return p.acked })
	s.pending = slices.Clone(pending)
	s.mu.Unlock()
	for i := range planned {
		s.sent++
		p := &simPending{simSend: planned[i], number: s.sent}
		pending = append(pending, p)
		if p.keeps() {
			s.pending = append(s.pending, p)
		}
	}
	s.sleepUntil(l.plan.begins[s.index])
	for _, p := range pending {
		s.sleepUntil(p.at)
		for {
			if l.ctx.Err() != nil {
				return
			}
			err := s.send(l, p)
			if err == nil {
				break
			}
			if !errors.Is(err, core.ErrInboxFull) {
				return // The server is gone, or its storage.
			}
			s.sleepUntil(0)
		}
	}
}

// sleepUntil sleeps until an instant of the plan, or, when that is over, into the next millisecond
// but one, where this sender has 10 µs for instants of its own.
func (s *simSender) sleepUntil(at time.Duration) {
	now := s.sim.clock.since()
	if at <= now {
		s.late++
		at = now.Truncate(time.Millisecond) + 2*time.Millisecond + 50*time.Microsecond +
			time.Duration(s.index)*10*time.Microsecond + time.Duration(s.late)
	}
	time.Sleep(at - now)
}

// keeps reports whether a submission may be sent again: without numbers that would be more quotes.
func (p *simPending) keeps() bool {
	return !slices.ContainsFunc(p.quotes, func(q core.Quote) bool { return q.Seq == 0 })
}

func (s *simSender) send(l *simRun, p *simPending) error {
	arrival := s.sim.clock.now()
	sub := l.engine.Begin(arrival)
	if p.history {
		sub.History()
	}
	for _, q := range p.quotes {
		sub.Add(q)
	}
	if err := sub.Send(l.ctx, p.wait); err != nil {
		sub.Release()
		return err
	}
	expected := s.sim.tape.taken(arrival, &p.simSend)
	if !p.wait {
		sub.Release()
		return nil
	}
	l.waiters.Go(func() {
		o, lost, err := sub.Wait(l.ctx)
		s.answered(l, p, expected, o, lost, err)
		sub.Release()
	})
	return nil
}

// answered is called when a submission's fate is known, at that instant.
func (s *simSender) answered(
	l *simRun, p *simPending, expected *simExpected, o *core.Outcome, lost int64, err error,
) {
	what := fmt.Sprintf("sender %d, submission %d", s.index, p.number)
	s.mu.Lock()
	defer s.mu.Unlock()
	line := fmt.Sprintf("%s after %v: %d %d %d %d", what, s.sim.clock.since(), o.Received, o.Stored,
		o.Throttled, o.Rejected)
	if !s.sim.setup.lossy() {
		line += fmt.Sprintf(", %d lost, %v", lost, err)
	}
	s.log = append(s.log, line)
	switch {
	case err == nil, errors.Is(err, core.ErrStorageLost):
		if (lost > 0) != (err != nil) || lost > o.Stored {
			l.t.Errorf("%s: %d lost of %d, %v", what, lost, o.Stored, err)
		}
		p.acked = true
		expected.check(l.t, what, o)
		stored := int64(0)
		for symbol, place := range expected.file {
			stored += l.checkPlace(what, symbol, place)
		}
		if stored != o.Stored-lost {
			l.t.Errorf("%s: %d of its ticks are in the file, want %d without %d lost", what, stored,
				o.Stored, lost)
		}
	case errors.Is(err, context.Canceled), errors.Is(err, ErrStorageFailed):
	default:
		l.t.Errorf("%s: %v", what, err)
	}
}

// checkPlace makes sure that the file has come at least that far with a symbol, as another program
// sees it. It returns how many of a submission's ticks are in the file.
func (l *simRun) checkPlace(what string, id core.SymbolID, place simPlace) (ticks int64) {
	key := l.store.StoredID(id)
	err := l.watch(func(c *conn) error {
		volume, err := c.int(simVolume, key, key)
		if err != nil {
			return err
		}
		if volume < int64(place.accepted) {
			l.t.Errorf("%s was acknowledged: the file has %d quotes of %s, want %d", what, volume,
				simSymbolNames[id], place.accepted)
		}
		ticks, err = c.int(simTicks, key, place.from, place.to)
		if err != nil {
			return err
		}
		numbers, err := simNumbers(c, key)
		for source, want := range place.numbers {
			if numbers[source] < want {
				l.t.Errorf("%s was acknowledged: source %d of %s is at %d, want %d", what, source,
					simSymbolNames[id], numbers[source], want)
			}
		}
		return err
	})
	if err != nil {
		l.t.Errorf("%s: %v", what, err)
	}
	return ticks
}

// simNumbers are the numbers of a symbol that the file has.
func simNumbers(c *conn, key int64) (map[int]uint64, error) {
	numbers := make(map[int]uint64)
	err := c.query(context.Background(), "SELECT source_id, last FROM seq WHERE symbol_id = ?",
		func(row []driver.Value) error {
			numbers[int(row[0].(int64))] = uint64(row[1].(int64))
			return nil
		}, key)
	return numbers, err
}

// simVolume is how many quotes the minutes of a symbol hold.
const simVolume = `SELECT
	(SELECT coalesce(sum(volume), 0) FROM bar WHERE symbol_id = ? AND frame = 60) +
	(SELECT coalesce(sum(volume), 0) FROM forming WHERE symbol_id = ?)`

const simTicks = "SELECT count(*) FROM tick WHERE symbol_id = ? AND time >= ? AND time <= ?"

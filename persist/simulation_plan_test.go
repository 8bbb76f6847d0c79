package persist

import (
	"math/rand/v2"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"tradingengine/core"
)

// simPlan is all that a seed decides, before anything runs. Durations count from the begin of the
// bubble.
//
// No two things happen at the same instant: what is planned has nanoseconds of its own within the
// first 50 µs of a millisecond, senders that are late have theirs in the rest, and whatever waits
// in the engine or the writer waits for multiples of 100 µs. All consequences of one thing come to
// rest before the bubble's clock goes on to the next. That is what makes a run repeatable, though a
// dozen goroutines take part in it.
type simPlan struct {
	opening core.Time // What the wall clock shows when the bubble begins.
	turns   []simTurn
	faults  []simFault
	lives   []simLife
}

// simTurn is somebody who sets the wall clock: from at on it is ahead of the bubble by offset.
type simTurn struct {
	at     time.Duration
	offset core.Time
}

// simFault is trouble with the disk in [from, to). Commits that come then fail with code, or wait
// until to when it is 0.
type simFault struct {
	from, to time.Duration
	code     int
}

// simLife is one run of the server.
type simLife struct {
	start, end time.Duration
	begins     [simSenders]time.Duration // When the senders do.
	ending     simEnding
	sends      [simSenders][]simSend
	looks      []time.Duration // When everything is compared.
	slow       bool            // Readers pause for long.
}

type simEnding int

const (
	simStop   simEnding = iota // It drains and stops well.
	simKill                    // It is gone at that instant.
	simFull                    // It is asked to stop while the disk is full.
	simBroken                  // It is asked to stop after an fsync failed.
	simEndings
)

// simSend is a submission.
type simSend struct {
	at            time.Duration
	wait, history bool
	quotes        []core.Quote
}

// wall is what the wall clock shows.
func (p *simPlan) wall(at time.Duration) core.Time {
	offset := core.Time(0)
	for _, turn := range p.turns {
		if turn.at <= at {
			offset = turn.offset
		}
	}
	return p.opening + core.Time(at.Microseconds()) + offset
}

// fault is what the disk has at an instant, or nil.
func (p *simPlan) fault(at time.Duration) *simFault {
	for i := range p.faults {
		if p.faults[i].from <= at && at < p.faults[i].to {
			return &p.faults[i]
		}
	}
	return nil
}

// simAuthor writes a plan.
type simAuthor struct {
	*rand.Rand
	plan     *simPlan
	instants int
	walks    [simSymbols]simWalk
	taste    simTaste
}

// simTaste says what kind of a plan is written.
type simTaste struct {
	// careful makes no quote that could be refused, all of them recorded ones with numbers: then
	// nothing may depend on when a quote arrives.
	careful bool
	small   bool // No submission takes more than one batch of a shard.
	calm    bool // The disk works and every stop is a good one.
}

// newSimPlan writes the plan of a seed. Plans that differ only in being calm have the same quotes.
func newSimPlan(seed uint64, taste simTaste) *simPlan {
	a := &simAuthor{Rand: rand.New(rand.NewPCG(seed, 2)), plan: &simPlan{}, taste: taste}
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	// Ordinary days, and the Fridays before New York changes its clock.
	day := [][2]int{{1, 19}, {1, 23}, {3, 6}, {3, 6}, {10, 30}, {10, 30}, {12, 31}}[a.IntN(7)]
	a.plan.opening = core.TimeOf(time.Date(2026, time.Month(day[0]), day[1], 16, 58, 30, 0, newYork))
	for i := range a.walks {
		a.walks[i] = newSimWalk(a, core.SymbolID(i))
	}
	start := 100
	for range 2 + a.IntN(2) {
		start = a.life(start)
	}
	if taste.careful { // Another life for what is still to be sent.
		last := simLife{start: a.at(start), end: a.at(start + 8_000)}
		for sender := range last.begins {
			last.begins[sender] = a.at(start + 150 + sender)
		}
		a.plan.lives = append(a.plan.lives, last)
	}
	if taste.calm {
		a.plan.faults = nil
		for i := range a.plan.lives {
			a.plan.lives[i].ending = simStop
		}
	}
	return a.plan
}

// at is an instant of its own in a millisecond.
func (a *simAuthor) at(ms int) time.Duration {
	a.instants++
	if a.instants >= 2_500 {
		panic("a plan with more instants than fit")
	}
	return time.Duration(ms)*time.Millisecond + time.Duration(a.instants)*20*time.Nanosecond
}

// life writes a run of the server that starts at start (ms) and returns when the next may start.
func (a *simAuthor) life(start int) int {
	length := 4_000 + a.IntN(6_000)
	l := simLife{start: a.at(start), end: a.at(start + length), slow: a.IntN(3) == 0}
	l.ending = simEnding(a.IntN(int(simEndings) + 2))
	if l.ending >= simEndings {
		l.ending = simKill
	}
	for range a.IntN(4) {
		a.turn(start + a.IntN(length))
	}
	quiet := 5 // Nobody sends any more so long before the end.
	if a.IntN(3) == 0 {
		quiet = 1_000 + a.IntN(3_000)
		a.turn(start + length - quiet + 50)
	}
	until := a.trouble(&l, start, length)
	for range 1 + a.IntN(2) {
		l.looks = append(l.looks, a.at(start+length/4+a.IntN(length/2)))
	}
	for sender := range l.sends {
		l.begins[sender] = a.at(start + 150 + sender)
		for ms := start + 200; ; {
			ms += 60 + a.IntN(900)>>a.IntN(3)
			if ms >= start+length-quiet {
				break
			}
			l.sends[sender] = append(l.sends[sender], a.send(sender, ms))
		}
	}
	a.plan.lives = append(a.plan.lives, l)
	// The last commit is tried for 10 s.
	next := max(start+length, until) + 15_000
	if a.IntN(2) == 0 {
		a.turn(next - 1_000)
	}
	return next
}

// trouble plans what is wrong with the disk, and returns when all of it is over.
func (a *simAuthor) trouble(l *simLife, start, length int) (until int) {
	codes := []int{
		0, 0, sqlite3.SQLITE_FULL, sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY,
		sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_NOMEM,
	}
	from := start
	for range a.IntN(3) {
		from += 300 + a.IntN(length/3)
		to := from + 20 + a.IntN(2_500)
		if to >= start+length-1_500 && l.ending != simKill {
			break
		}
		a.fault(from, to, codes[a.IntN(len(codes))])
		from = to + 1
	}
	last := start + length - 100 - a.IntN(length/4)
	switch l.ending {
	case simFull:
		from = max(from, last)
		a.fault(from, from+30_000, sqlite3.SQLITE_FULL)
		return from + 30_000
	case simBroken:
		from = max(from, last)
		a.fault(from, from+30_000, sqlite3.SQLITE_IOERR_FSYNC)
		return from + 30_000
	}
	return from
}

func (a *simAuthor) fault(from, to, code int) {
	a.plan.faults = append(a.plan.faults, simFault{a.at(from), a.at(to), code})
}

// turn sets the wall clock at ms: a little, an hour, or on to shortly before some bars end.
func (a *simAuthor) turn(ms int) {
	at := a.at(ms)
	wall := a.plan.wall(at)
	offset := wall - a.plan.opening - core.Time(at.Microseconds())
	switch a.IntN(8) {
	case 0:
		offset += core.Time(a.Int64N(int64(6*core.Second))) - 3*core.Second
	case 1:
		offset += core.Hour
	case 2:
		offset -= core.Hour
	case 3:
		offset -= core.Time(a.Int64N(int64(core.Minute)))
	default:
		f := core.Frame(a.IntN(core.Frames))
		soon := core.Time(a.Int64N(int64(4 * core.Second)))
		offset += f.End(f.Open(wall+soon)) - soon - wall
	}
	turns := append(a.plan.turns, simTurn{at, offset})
	for i := len(turns) - 1; i > 0 && turns[i].at < turns[i-1].at; i-- {
		turns[i], turns[i-1] = turns[i-1], turns[i]
	}
	a.plan.turns = turns
}

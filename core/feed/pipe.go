package feed

import (
	"context"
	"errors"

	"tradingengine/core"
)

// pipe sends recorded quotes to an engine, all of them, and never has more of them on their way to
// storage than room: so many a ring still holds, however slow the disk. It belongs to one
// goroutine; drain ends it.
//
// Every quote is in one of three places: in the submission being filled, sent loosely (nobody
// waits for its commit), or in flight, where a later wait tells that it was committed. Loose quotes
// let storage gather rows at its own pace when quotes come slowly; when they add up, the next
// submission is one to wait for.
type pipe struct {
	engine *core.Engine
	now    func() core.Time
	room   int // Quotes sent and not known to be committed, at most.

	filling *core.Submission // Nil when there is nothing in it.
	filled  int              // Quotes and refusals in it.
	loose   int
	flights []flight // Oldest first.
	flying  int
	lost    int64 // Ticks that were overwritten before they were stored.
}

type flight struct {
	submission *core.Submission
	quotes     int // Its own and the loose ones before it.
}

// roomDefault stays below the backlog of ticks that operators are warned of.
const roomDefault = 8000

func newPipe(e *core.Engine, now func() core.Time, room int) *pipe {
	if room <= 0 {
		room = roomDefault
	}
	return &pipe{engine: e, now: now, room: max(room, 4)}
}

// fillMax keeps a submission small enough for the smallest inbox.
const fillMax = 3 * core.BatchMax

// full reports whether what was filled in should be sent before more is added.
func (p *pipe) full() bool { return p.filled >= min(p.room/4, fillMax) }

func (p *pipe) fill() *core.Submission {
	if p.filling == nil {
		p.filling = p.engine.Begin(p.now())
		p.filling.History()
	}
	p.filled++
	return p.filling
}

func (p *pipe) add(q core.Quote) { p.fill().Add(q) }

func (p *pipe) reject(line int32, reason core.Reject) { p.fill().Reject(line, reason, "") }

// send hands over what was filled in, and waits for older commits when room runs out. With wait
// its own commit is waited for later.
func (p *pipe) send(ctx context.Context, wait bool) error {
	if p.filling == nil {
		return nil
	}
	s, quotes := p.filling, p.filling.Added()
	p.filling, p.filled = nil, 0
	wait = wait || p.loose+quotes > p.room/4
	err := ctx.Err()
	if err == nil {
		err = s.Send(ctx, wait)
	}
	for errors.Is(err, core.ErrInboxFull) && !errors.Is(err, core.ErrTooManyQuotes) {
		err = s.Send(ctx, wait) // It waited for room already, and counted that.
	}
	if err != nil {
		s.Release()
		return err
	}
	p.loose += quotes
	if !wait {
		s.Release()
		return nil
	}
	p.flights = append(p.flights, flight{s, p.loose})
	p.flying += p.loose
	p.loose = 0
	for p.flying > p.room/2 && len(p.flights) > 0 {
		if err := p.land(ctx); err != nil {
			return err
		}
	}
	return nil
}

// land waits until the oldest flight is committed.
func (p *pipe) land(ctx context.Context) error {
	f := p.flights[0]
	p.flights = p.flights[1:]
	p.flying -= f.quotes
	_, lost, err := f.submission.Wait(ctx)
	f.submission.Release()
	p.lost += lost
	if errors.Is(err, core.ErrStorageLost) {
		return nil // Counted, and by the engine too.
	}
	return err
}

// drain sends the rest and waits until it is committed, and with it what was sent loosely before,
// as shards commit in order. When it fails, or ctx has ended, what is under way is left to the
// engine.
func (p *pipe) drain(ctx context.Context) error {
	err := p.send(ctx, true)
	for len(p.flights) > 0 {
		err = errors.Join(err, p.land(ctx))
	}
	return err
}

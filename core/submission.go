package core

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Errors of a submission.
var (
	ErrInboxFull   = errors.New("the engine takes no more quotes at the moment")
	ErrClosed      = errors.New("the engine is shutting down")
	ErrStorageLost = errors.New("ticks were overwritten before they could be stored")
	// ErrTooManyQuotes is an ErrInboxFull that waiting cannot cure.
	ErrTooManyQuotes = fmt.Errorf("%w: one request has more quotes than an inbox holds",
		ErrInboxFull)
)

// Submission carries the quotes of one request to their shards and, if the sender wants, waits
// until what they did is committed. It is made by Engine.Begin, belongs to one goroutine, and ends
// with Release.
type Submission struct {
	engine   *Engine
	arrival  Time
	history  bool
	batches  []*Batch
	open     []*Batch // The batch being filled of each shard, or nil.
	outcome  Outcome  // At first of quotes refused at the edge; then of all.
	rejected [RejectReasons]int64
	lost     int64
	done     chan error // Made anew for each wait, because a Submission is reused.
	orphaned bool       // Given up while its batches were under way.
}

var submissionPool = sync.Pool{New: func() any { return new(Submission) }}

// Begin starts a submission of quotes that arrived at arrival.
func (e *Engine) Begin(arrival Time) *Submission {
	s := submissionPool.Get().(*Submission)
	s.engine, s.arrival = e, arrival
	s.history, s.orphaned, s.lost = false, false, 0
	s.outcome.reset()
	s.rejected = [RejectReasons]int64{}
	s.batches = s.batches[:0]
	if len(s.open) != len(e.shards) {
		s.open = make([]*Batch, len(e.shards))
	}
	return s
}

// History marks the quotes as recorded ones: none is too far ahead of our clock.
func (s *Submission) History() { s.history = true }

// Add appends a quote; its symbol must be of the engine's registry.
func (s *Submission) Add(q Quote) {
	shard := s.engine.shardOf(q.Symbol)
	b := s.open[shard]
	if b == nil || len(b.Quotes) == BatchMax {
		b = newBatch(shard)
		b.Arrival, b.History = s.arrival, s.history
		s.open[shard] = b
		s.batches = append(s.batches, b)
	}
	b.Quotes = append(b.Quotes, q)
}

// Reject counts a quote that was refused before it could be added.
func (s *Submission) Reject(line int32, reason Reject, detail string) {
	s.outcome.Received++
	s.outcome.Rejected++
	s.rejected[reason]++
	if len(s.outcome.Rejections) < RejectionsKept {
		s.outcome.Rejections = append(s.outcome.Rejections,
			Rejection{Line: line, Reason: reason, Detail: detail})
	}
}

// KeepsDetail reports whether the description of one more rejection would be kept, so that a
// caller need not build it.
func (s *Submission) KeepsDetail() bool { return len(s.outcome.Rejections) < RejectionsKept }

// Added returns the number of quotes added so far.
func (s *Submission) Added() int {
	n := 0
	for _, b := range s.batches {
		n += len(b.Quotes)
	}
	return n
}

// Send hands everything to the shards, or nothing: it waits for room, at most until ctx ends or
// the engine's inbox wait is over, and then fails with ErrInboxFull; more quotes than an inbox ever
// holds are ErrTooManyQuotes at once. With wait, Wait must follow.
func (s *Submission) Send(ctx context.Context, wait bool) error {
	e := s.engine
	if err := e.reserve(ctx, s.batches); err != nil {
		return err
	}
	if wait {
		s.done = make(chan error, 1)
		for _, b := range s.batches {
			b.waited = true
		}
		if err := e.barrier.enter(s); err != nil {
			e.unreserve(s.batches)
			return err
		}
	}
	clear(s.open)
	e.edge.add(&s.outcome, &s.rejected)
	for _, b := range s.batches {
		if !wait {
			s.outcome.Received += int64(len(b.Quotes))
		}
		e.shards[b.shard].inbox.send(b)
	}
	if !wait {
		s.batches = s.batches[:0] // The shards free them.
	} else if len(s.batches) == 0 && e.barrier.leave(s) {
		s.done <- nil
	}
	return nil
}

// Wait blocks until all quotes sent are committed and returns what became of each. With
// ErrStorageLost, lost says how many of the ticks were overwritten unstored. When ctx ends first
// the fate of the quotes is unknown to the sender.
func (s *Submission) Wait(ctx context.Context) (o *Outcome, lost int64, err error) {
	select {
	case err = <-s.done:
	case <-ctx.Done():
		if s.engine.barrier.leave(s) {
			s.orphaned = true
			return &s.outcome, 0, ctx.Err()
		}
		err = <-s.done
	}
	if err != nil {
		s.orphaned = true
		return &s.outcome, 0, err
	}
	for _, b := range s.batches {
		s.outcome.add(&b.outcome)
	}
	slices.SortFunc(s.outcome.Rejections, func(a, b Rejection) int { return int(a.Line - b.Line) })
	s.outcome.Rejections = s.outcome.Rejections[:min(RejectionsKept, len(s.outcome.Rejections))]
	if s.lost > 0 {
		err = fmt.Errorf("%w: %d", ErrStorageLost, s.lost)
	}
	return &s.outcome, s.lost, err
}

// Outcome returns what is known without waiting: what was received, and refused at the edge.
func (s *Submission) Outcome() *Outcome { return &s.outcome }

// Release ends the submission; nothing of it may be used afterwards.
func (s *Submission) Release() {
	if s.orphaned {
		return // A shard may still hold its batches.
	}
	for _, b := range s.batches {
		b.free()
	}
	clear(s.open)
	s.batches = s.batches[:0]
	submissionPool.Put(s)
}

// reserve takes room for all batches in their inboxes, or for none.
func (e *Engine) reserve(ctx context.Context, batches []*Batch) error {
	if !e.everFits(batches) {
		e.refused.Add(1)
		return ErrTooManyQuotes
	}
	if err := e.waitIfBehind(ctx); err != nil {
		return err
	}
	var deadline time.Time
	for wait := 100 * time.Microsecond; ; wait = min(2*wait, 5*time.Millisecond) {
		if e.tryReserve(batches) {
			if e.closed.Load() {
				e.unreserve(batches)
				return ErrClosed
			}
			return nil
		}
		if e.closed.Load() {
			return ErrClosed
		}
		now := time.Now()
		if deadline.IsZero() {
			e.slowed.Add(1)
			deadline = now.Add(e.opts.InboxWait)
		} else if now.After(deadline) {
			e.refused.Add(1)
			return ErrInboxFull
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// everFits reports whether empty inboxes have room for all batches.
func (e *Engine) everFits(batches []*Batch) bool {
	var total int64
	for _, b := range batches {
		total += b.cost()
	}
	if total <= int64(e.opts.Inbox) {
		return true // The usual case, whatever the shards.
	}
	for i := range e.shards {
		var cost int64
		for _, b := range batches {
			if b.shard == i {
				cost += b.cost()
			}
		}
		if cost > int64(e.opts.Inbox) {
			return false
		}
	}
	return true
}

func (e *Engine) tryReserve(batches []*Batch) bool {
	for i, b := range batches {
		if !e.shards[b.shard].inbox.reserve(b.cost()) {
			e.unreserve(batches[:i])
			return false
		}
	}
	return true
}

func (e *Engine) unreserve(batches []*Batch) {
	for _, b := range batches {
		e.shards[b.shard].inbox.release(b.cost())
	}
}

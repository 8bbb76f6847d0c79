package desk

import (
	"context"
	"sync"

	"tradingengine/core/trading"
)

// tail keeps the newest committed events, so that subscribers seldom read the file. The committer
// adds, anybody reads.
type tail struct {
	mu      sync.RWMutex
	ring    []trading.Event // Event seq lies in seq mod len.
	first   uint64          // Seqs [first, head] are in the ring.
	head    uint64
	last    map[trading.AccountID]uint64 // The newest seq of each account; of account 0 once seen.
	changed chan struct{}                // Closed by the next commit.
}

func (t *tail) start(size int, m *trading.Machine) {
	t.ring = make([]trading.Event, size)
	t.head = m.Head()
	t.first = t.head + 1
	t.changed = make(chan struct{})
	t.last = make(map[trading.AccountID]uint64, m.Accounts())
	for id := trading.AccountID(1); int(id) <= m.Accounts(); id++ {
		if s, err := m.Summary(id); err == nil {
			t.last[id] = s.LastSeq
		}
	}
}

func (t *tail) add(events []trading.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range events {
		e := &events[i]
		t.ring[e.Seq%uint64(len(t.ring))] = *e
		t.last[e.Account] = e.Seq
		t.head = e.Seq
	}
	if size := uint64(len(t.ring)); t.head >= t.first+size {
		t.first = t.head - size + 1
	}
	close(t.changed)
	t.changed = make(chan struct{})
}

// read returns at most limit events after since; ok is false when the ring does not reach so far.
// Events of one account are linked by Prev, so the others are not looked at.
func (t *tail) read(all bool, account trading.AccountID, since uint64, limit int,
) (events []trading.Event, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if since >= t.head {
		return nil, true
	}
	if all {
		if since+1 < t.first {
			return nil, false
		}
		for seq := since + 1; seq <= t.head && len(events) < limit; seq++ {
			events = append(events, t.ring[seq%uint64(len(t.ring))])
		}
		return events, true
	}
	last, known := t.last[account]
	if !known && t.first > 1 {
		return nil, false
	}
	var seqs []uint64
	for seq := last; seq > since; seq = t.ring[seq%uint64(len(t.ring))].Prev {
		if seq < t.first {
			return nil, false
		}
		seqs = append(seqs, seq)
	}
	for i := len(seqs) - 1; i >= 0 && len(events) < limit; i-- {
		events = append(events, t.ring[seqs[i]%uint64(len(t.ring))])
	}
	return events, true
}

// Changed returns a channel that the next commit closes. Whoever waits takes it first and then
// looks, so that nothing is missed.
func (d *Desk) Changed() <-chan struct{} {
	d.tail.mu.RLock()
	defer d.tail.mu.RUnlock()
	return d.tail.changed
}

// LastSeq is the seq of the newest committed event of an account, 0 when it is not known to have
// any.
func (d *Desk) LastSeq(account trading.AccountID) uint64 {
	d.tail.mu.RLock()
	defer d.tail.mu.RUnlock()
	return d.tail.last[account]
}

// Events returns at most limit committed events of an account with a seq above since, oldest
// first: from memory, or from the journal when that does not reach so far back.
func (d *Desk) Events(ctx context.Context, account trading.AccountID, since uint64, limit int,
) ([]trading.Event, error) {
	return d.events(ctx, false, account, since, limit)
}

// AllEvents is Events of all accounts together.
func (d *Desk) AllEvents(ctx context.Context, since uint64, limit int) ([]trading.Event, error) {
	return d.events(ctx, true, 0, since, limit)
}

// Recent is AllEvents from memory alone, for those who must not wait for a disk; ok is false when
// it does not reach so far back.
func (d *Desk) Recent(since uint64, limit int) (events []trading.Event, ok bool) {
	return d.tail.read(true, 0, since, limit)
}

func (d *Desk) events(
	ctx context.Context, all bool, account trading.AccountID, since uint64, limit int,
) ([]trading.Event, error) {
	if events, ok := d.tail.read(all, account, since, limit); ok {
		return events, nil
	}
	return d.opts.History.Events(ctx, all, account, since, limit)
}

package desk

import (
	"sync"
	"sync/atomic"
	"time"

	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/trading"
)

// Stats are counters since this start. Each is right by itself.
type Stats struct {
	Commands int64 // Done.
	Repeated int64 // Answered with the first answer of their key.
	LookUps  int64 // Keys that were looked up in the journal.
	Reads    int64
	Busy     int64 // Commands and reads refused because too many were waiting.
	Behind   int64 // Commands refused because too many events were, or the journal failed.

	Quotes         int64 // Taken by the machine: handed over and new.
	QuotesQueued   int64 // In the inbox now.
	MessagesQueued int64

	Head        uint64 // The newest event,
	Committed   uint64 // and the newest that is on the disk.
	Events      int64  // Committed.
	Commits     int64
	LastTook    time.Duration // Of the last commit.
	MaxTook     time.Duration
	Times       core.CommitTimes
	Failures    int64 // Commits that failed.
	JournalDown bool  // The last one did.

	Orders        Orders // Committed.
	OpenOrders    int64  // As the machine has them now, committed or not.
	OpenPositions int64

	Alerts alert.Counts
}

// Orders counts how many orders of each type came to each status. A market order is PENDING for a
// moment, so the PENDING ones are all orders that were taken.
type Orders [trading.TrailingStop + 1][trading.Expired + 1]int64

// add counts what an event did to an order.
func (o *Orders) add(e *trading.Event) {
	switch d := e.Data.(type) {
	case *trading.OrderData:
		if e.Type != trading.OrderAmended {
			o[d.Order.Type][d.Order.Status]++
		}
	case *trading.FillData:
		if d.Done {
			o[d.Type][trading.Filled]++
		}
	}
}

// counts are the counters. Those without a note are the desk's.
type counts struct {
	commands, repeated, reads, behind, quotes atomic.Int64

	busy, lookUps atomic.Int64  // Callers'.
	head, taken   atomic.Uint64 // The desk's.
	failures      atomic.Int64  // The committer's.

	openOrders, openPositions atomic.Int64 // The desk's.
	alerts                    alertCounts

	mu struct {
		sync.Mutex
		events, commits int64
		last, most      time.Duration
		times           core.CommitTimes
		orders          Orders
	}
}

// commit counts events that are on the disk.
func (c *counts) commit(events []trading.Event, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.commits++
	c.mu.events += int64(len(events))
	c.mu.last, c.mu.most = took, max(c.mu.most, took)
	c.mu.times.Add(took)
	for i := range events {
		c.mu.orders.add(&events[i])
	}
}

// state notes what the machine and the book have.
func (c *counts) state(m *trading.Machine, b *alert.Book) {
	c.head.Store(m.Head())
	c.openOrders.Store(int64(m.OpenOrders()))
	c.openPositions.Store(int64(m.OpenPositions()))
	c.alerts.store(b.Counts())
}

// alertCounts shows the counters of the book of alerts to others. The desk stores.
type alertCounts struct {
	stored alert.Counts // The desk's.

	rules, open, fires, repeated, swallowed, refused, crowded atomic.Int64
}

func (c *alertCounts) store(n alert.Counts) {
	if n == c.stored {
		return
	}
	c.stored = n
	c.rules.Store(int64(n.Rules))
	c.open.Store(int64(n.Open))
	c.fires.Store(n.Fires)
	c.repeated.Store(n.Repeated)
	c.swallowed.Store(n.Swallowed)
	c.refused.Store(n.Refused)
	c.crowded.Store(n.Crowded)
}

func (c *alertCounts) load() alert.Counts {
	return alert.Counts{
		Rules: int(c.rules.Load()), Open: int(c.open.Load()), Fires: c.fires.Load(),
		Repeated: c.repeated.Load(), Swallowed: c.swallowed.Load(), Refused: c.refused.Load(),
		Crowded: c.crowded.Load(),
	}
}

// Progress tells whether the desk moves: what is queued while Applied stands still is a stuck desk.
func (d *Desk) Progress() core.ShardProgress {
	quotes, messages := d.watcher.Queued()
	return core.ShardProgress{Queued: quotes + messages, Applied: d.counts.taken.Load()}
}

// Stats returns the counters.
func (d *Desk) Stats() Stats {
	c := &d.counts
	s := Stats{
		Commands: c.commands.Load(), Repeated: c.repeated.Load(), LookUps: c.lookUps.Load(),
		Reads: c.reads.Load(), Busy: c.busy.Load(), Behind: c.behind.Load(),
		Quotes: c.quotes.Load(), Committed: d.committed.Load(), Head: c.head.Load(),
		Failures: c.failures.Load(), JournalDown: d.failing.Load(),
		OpenOrders: c.openOrders.Load(), OpenPositions: c.openPositions.Load(),
		Alerts: c.alerts.load(),
	}
	s.QuotesQueued, s.MessagesQueued = d.watcher.Queued()
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Events, s.Commits = c.mu.events, c.mu.commits
	s.LastTook, s.MaxTook, s.Times = c.mu.last, c.mu.most, c.mu.times
	s.Orders = c.mu.orders
	return s
}

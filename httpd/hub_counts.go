package httpd

import "sync/atomic"

// hubCounts count what the streams did since this start.
type hubCounts struct {
	framed    atomic.Int64
	delivered atomic.Int64
	writes    atomic.Int64
	bytes     atomic.Int64
	overrun   atomic.Int64
	lapses    atomic.Int64
	gaps      atomic.Int64
	skipped   atomic.Int64
	replayed  atomic.Int64
	ticks     atomic.Int64
	opened    atomic.Int64
	turned    atomic.Int64
	messages  atomic.Int64
	refused   atomic.Int64
	broken    atomic.Int64
	slow      atomic.Int64
	silent    atomic.Int64
	panics    atomic.Int64
}

// sent counts frames that went to one session.
func (c *hubCounts) sent(key streamKey, frames int64) {
	c.delivered.Add(frames)
	c.sentTicks(key, frames)
}

// resent counts what of the past went to one session.
func (c *hubCounts) resent(key streamKey, items int64) {
	c.replayed.Add(items)
	c.sentTicks(key, items)
}

func (c *hubCounts) sentTicks(key streamKey, n int64) {
	if key.kind == streamLegacy || key.kind == streamTicks {
		c.ticks.Add(n)
	}
}

// hubStats are the counters of the streams since this start, each right by itself.
type hubStats struct {
	Sessions   int64 // Open now.
	Opened     int64
	TurnedAway int64 // Refused because there were too many.

	Framed    int64 // Frames encoded once for all.
	Delivered int64 // Frames sent, summed over sessions.
	Replayed  int64 // Ticks and bars of the past sent.
	Ticks     int64 // Of what was delivered and replayed.
	Writes    int64
	Bytes     int64

	Overrun int64 // Items overwritten in a ring before the hub read them.
	Lapses  int64 // Times a session was behind by more than is kept.
	Gaps    int64 // Notices sent of that.
	Skipped int64 // Items these told of.

	Messages int64 // Of clients.
	Refused  int64 // Messages answered with an error.
	Broken   int64 // Sessions closed for a fault of protocol or size.
	Slow     int64 // Sessions closed because they took nothing.
	Silent   int64 // Sessions closed because nothing was heard.
	Panics   int64
}

// stats returns the counters. Any goroutine may call it.
func (h *hub) stats() hubStats {
	c := &h.counts
	return hubStats{
		Sessions: h.sessions.count.Load(), Opened: c.opened.Load(), TurnedAway: c.turned.Load(),
		Framed: c.framed.Load(), Delivered: c.delivered.Load(), Replayed: c.replayed.Load(),
		Ticks:  c.ticks.Load(),
		Writes: c.writes.Load(), Bytes: c.bytes.Load(),
		Overrun: c.overrun.Load(), Lapses: c.lapses.Load(), Gaps: c.gaps.Load(),
		Skipped: c.skipped.Load(), Messages: c.messages.Load(), Refused: c.refused.Load(),
		Broken: c.broken.Load(), Slow: c.slow.Load(), Silent: c.silent.Load(),
		Panics: c.panics.Load(),
	}
}

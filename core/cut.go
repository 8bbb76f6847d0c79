package core

// Cut is what the batches applied so far have done to one symbol, as its shard published it at the
// end of a batch. Storing it whole (ticks below Head, bars below Closed, the forming minute, the
// numbers) leaves ticks, bars and numbers stopped at the same quote.
type Cut struct {
	Forming  Bar  // The open minute; Volume 0 when there is none.
	Clocked  bool // The forming minute is live, and closes by the clock.
	Head     uint64
	Closed   [Frames]uint64 // Closed bars so far, as indices of their rings.
	Counts   Counts         // Since this start.
	Numbered []SourceSeq    // Last seq taken of each source that numbers its quotes.

	rollup uint64 // Which rollup belongs to this cut.
}

// SourceSeq is the last number taken of a source for one symbol.
type SourceSeq struct {
	Source SourceID
	Seq    uint64
}

// Counts are what became of the quotes of one symbol: Received = Stored + Throttled + Rejected.
type Counts struct{ Received, Stored, Throttled, Rejected int64 }

const (
	cutFixedWords = barWords + 1 + 1 + Frames + 4 + 1 + 1
	cutWords      = cutFixedWords + 2*NumberedSourcesMax
)

// pack writes the cut into w and returns the words used. Words of sources that do not exist are
// left out: nobody reads them.
func (c *Cut) pack(w *[cutWords]int64) []int64 {
	n := c.Forming.pack(w[:])
	w[n] = 0
	if c.Clocked {
		w[n] = 1
	}
	w[n+1] = int64(c.Head)
	n += 2
	for f := range c.Closed {
		w[n+f] = int64(c.Closed[f])
	}
	n += Frames
	w[n], w[n+1] = c.Counts.Received, c.Counts.Stored
	w[n+2], w[n+3] = c.Counts.Throttled, c.Counts.Rejected
	w[n+4] = int64(c.rollup)
	w[n+5] = int64(len(c.Numbered))
	n += 6
	for _, s := range c.Numbered {
		w[n], w[n+1] = int64(s.Source), int64(s.Seq)
		n += 2
	}
	return w[:n]
}

func (c *Cut) unpack(w []int64) {
	n := c.Forming.unpack(w)
	c.Clocked = w[n] == 1
	c.Head = uint64(w[n+1])
	n += 2
	for f := range c.Closed {
		c.Closed[f] = uint64(w[n+f])
	}
	n += Frames
	c.Counts = Counts{Received: w[n], Stored: w[n+1], Throttled: w[n+2], Rejected: w[n+3]}
	c.rollup = uint64(w[n+4])
	count := int(w[n+5])
	n += 6
	c.Numbered = c.Numbered[:0]
	for range count {
		c.Numbered = append(c.Numbered, SourceSeq{SourceID(w[n]), uint64(w[n+1])})
		n += 2
	}
}

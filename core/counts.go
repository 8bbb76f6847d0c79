package core

// shardCounts are a shard's counters since this start. They are published as one block a batch,
// so that received = stored + throttled + rejected can be checked while quotes flow: received is
// counted on its own, where a quote comes in.
type shardCounts struct {
	batches, received, stored   int64
	throttled, late, reanchored int64
	handed                      int64
	rejected                    [RejectReasons]int64
}

const shardCountWords = 7 + RejectReasons

func (c *shardCounts) publish(w *ringWriter) {
	words := [shardCountWords]int64{
		c.batches, c.received, c.stored, c.throttled, c.late, c.reanchored, c.handed,
	}
	copy(words[7:], c.rejected[:])
	w.put(words[:])
}

func (c *shardCounts) unpack(w []int64) {
	c.batches, c.received, c.stored = w[0], w[1], w[2]
	c.throttled, c.late, c.reanchored = w[3], w[4], w[5]
	c.handed = w[6]
	copy(c.rejected[:], w[7:])
}

package core

// ShardProgress tells whether a shard moves: quotes queued while Applied stands still are a stuck
// shard.
type ShardProgress struct {
	Queued  int64  // Quotes waiting or reserved.
	Applied uint64 // Batches applied since this start.
}

// Progress returns the state of every shard. Any goroutine may call it.
func (e *Engine) Progress() []ShardProgress {
	all := make([]ShardProgress, len(e.shards))
	for i, s := range e.shards {
		all[i] = ShardProgress{Queued: s.inbox.queued(), Applied: s.applied.Load()}
	}
	return all
}

package core

// ShardProgress tells whether a shard moves: quotes queued while Applied stands still are a stuck
// shard.
type ShardProgress struct {
	Queued  int64  // Quotes waiting or reserved.
	Applied uint64 // Batches applied since this start.

	// Committed of them are in the file, and Journaled is up to which batch all that the watcher made
	// of its quotes is. Both are 0 for a watcher.
	Committed, Journaled uint64
}

// Progress returns the state of every shard. Any goroutine may call it.
func (e *Engine) Progress() []ShardProgress {
	all := make([]ShardProgress, len(e.shards))
	e.barrier.mu.Lock()
	defer e.barrier.mu.Unlock()
	for i, s := range e.shards {
		all[i] = ShardProgress{
			Committed: e.barrier.stored[i], Journaled: e.barrier.journaled[i],
			Queued: s.inbox.queued(), Applied: s.applied.Load(),
		}
	}
	return all
}

package core

import "time"

// The methods of this file are the storage writer's side of the engine. There is one writer, and
// it calls them from one goroutine.
//
// A commit goes: Applied of each shard, TakeDirty, Cut of each dirty symbol, AwaitEffects, commit
// those cuts whole, then Taken for each symbol and Committed with the marks loaded first. Committed
// is called also when nothing was dirty: an earlier commit may hold what the marks cover. When the
// commit fails the writer calls MarkDirty with what it took, and nobody was told anything.

// StorageSignal is signalled when a sender waits for a commit, when enough ticks are uncommitted,
// and when a symbol's uncommitted ticks fill half its ring.
func (e *Engine) StorageSignal() <-chan struct{} { return e.storage }

// Applied appends the number of the last batch each shard applied. Cuts read after this hold at
// least these batches.
func (e *Engine) Applied(dst []uint64) []uint64 {
	for _, s := range e.shards {
		dst = append(dst, s.applied.Load())
	}
	return dst
}

// TakeDirty appends the symbols that changed since they were last taken.
func (e *Engine) TakeDirty(dst []SymbolID) []SymbolID { return e.dirty.take(dst) }

// MarkDirty gives symbols back whose commit failed. Nobody waits for storage any more until a
// commit succeeds.
func (e *Engine) MarkDirty(ids []SymbolID) {
	e.givenUp.Store(e.takes.Load())
	for _, id := range ids {
		e.dirty.mark(id)
	}
}

// TickStart returns the ring index of the first tick that is not in the file yet when Run starts.
func (e *Engine) TickStart(id SymbolID) uint64 { return e.start[id] }

// BarStart returns the same for the closed bars of a frame.
func (e *Engine) BarStart(id SymbolID, f Frame) uint64 { return e.barStart[id][f] }

// AwaitEffects waits until what the watcher made of all quotes that were handed over is committed.
// A crash must not keep a quote, with the number that makes it a duplicate when it is sent again,
// and lose the stop that it fired. An error means that this never will be committed, and so the
// cuts must not be. When the watcher commits nothing for as long as patience, it is not waited for
// until it does again: ticks go on without trading. That is counted.
func (e *Engine) AwaitEffects(patience time.Duration) error {
	marks := make([]uint64, len(e.shards))
	for i, s := range e.shards {
		marks[i] = s.handed.Load()
	}
	ok, err := e.barrier.await(marks, patience)
	if !ok && err == nil {
		e.ahead.Add(1)
	}
	return err
}

// Taken says that a cut of a symbol is in the file: of its ticks that many were committed, and that
// many lost because the ring had overwritten them.
func (e *Engine) Taken(id SymbolID, cut *Cut, committed, lost int64) {
	e.takes.Add(1)
	defer e.takes.Add(1)
	e.taken[id].Store(cut.Head)
	e.takenMinutes[id].Store(cut.Closed[M1])
	e.pending.Add(-committed - lost)
	e.committedTicks.Add(committed)
	e.lostTicks.Add(lost)
}

// Committed lets go the senders whose batches are within marks.
func (e *Engine) Committed(marks []uint64, lost []LostTicks) {
	e.behind.Store(false)
	e.barrier.commit(marks, lost)
}

// StorageFailed lets every waiting sender go with err, and refuses further ones: after an fsync
// failed nothing may be acknowledged any more.
func (e *Engine) StorageFailed(err error) { e.barrier.fail(err) }

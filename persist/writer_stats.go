package persist

import (
	"time"

	"tradingengine/core"
)

// WriterStats are what a Writer did since it was made, as of its last commit or failure, and how
// long ago that was: spans are measured by the monotonic clock, whatever the time of day does.
type WriterStats struct {
	Commits int64 // Transactions.
	Ticks   int64 // Rows of ticks written.
	Bars    int64 // Rows of bars written, a forming minute each time it was.

	LostTicks int64 // Overwritten in memory before they could be written.
	LostBars  int64

	LastCommit core.Time     // The time of day of the last commit; 0 before the first.
	SinceFlush time.Duration // Since nothing was left to commit, or it was made.
	LastTook   time.Duration // How long it took, from its first row to the disk's answer.
	MaxTook    time.Duration
	Times      core.CommitTimes

	RetiredTicks int64 // Rows deleted because of their age.
	RetiredBars  int64

	Checkpoints int64 // That let the log start again.
	LogBytes    int64 // The write-ahead log, as far as it counts.
	// When the log could no longer be moved into the file, so that it grows; 0 while it can.
	LogFailingSince core.Time
	LogFailing      time.Duration // For how long.
	LogError        string        // Of the last try that failed.

	Failures     int64         // Commits that failed.
	LastError    string        // Of the last that failed; stays when it is over.
	FailingSince core.Time     // Since when they fail, if no commit ended that yet; else 0.
	Failing      time.Duration // For how long.
	Final        bool          // Storage failed for good.
}

// Stats returns the writer's statistics. Any goroutine may call it.
func (w *Writer) Stats() WriterStats {
	w.published.Lock()
	defer w.published.Unlock()
	p := &w.published
	s := p.stats
	s.SinceFlush = time.Since(p.flushed)
	if s.FailingSince != 0 {
		s.Failing = time.Since(p.failing)
	}
	if s.LogFailingSince != 0 {
		s.LogFailing = time.Since(p.logFailing)
	}
	return s
}

// flushed notes that there was nothing to commit.
func (w *Writer) flushed() {
	w.published.Lock()
	defer w.published.Unlock()
	w.published.flushed = time.Now()
}

// committed notes the batch that was committed.
func (w *Writer) committed(took time.Duration) {
	b := &w.batch
	lost := b.lostTicks()
	w.published.Lock()
	defer w.published.Unlock()
	s := &w.published.stats
	s.Commits++
	s.Ticks += b.ticks.rows
	s.Bars += b.bars.rows + b.forming.rows
	s.LostTicks += lost
	s.LostBars += b.lostBars
	s.LastCommit, s.LastTook = w.store.opts.Now(), took
	w.published.flushed = time.Now()
	s.MaxTook = max(s.MaxTook, took)
	s.Times.Add(took)
	if s.FailingSince != 0 {
		s.FailingSince = 0
		w.store.opts.Log.Info("commits work again")
	}
	if lost > 0 {
		w.store.opts.Log.Warn("ticks were overwritten before they could be stored", "lost", lost)
	}
	if b.lostBars > 0 {
		w.store.opts.Log.Error("bars were overwritten before they could be stored",
			"lost", b.lostBars)
	}
}

// checkpointed notes what became of the log after a commit.
func (w *Writer) checkpointed(done bool, err error) {
	w.published.Lock()
	defer w.published.Unlock()
	s, log := &w.published.stats, w.store.opts.Log
	s.LogBytes = w.checkpoints.bytes()
	if done {
		s.Checkpoints++
	}
	switch failing := s.LogFailingSince != 0; {
	case err != nil:
		s.LogError = plainReason(err)
		if !failing {
			s.LogFailingSince, w.published.logFailing = w.store.opts.Now(), time.Now()
			log.Warn("a checkpoint failed; the log grows until one succeeds", "reason", s.LogError)
		}
	case failing && w.checkpoints.failed.IsZero():
		s.LogFailingSince = 0
		log.Info("checkpoints work again")
	}
}

// failed notes a commit that failed.
func (w *Writer) failed(err error) {
	w.published.Lock()
	defer w.published.Unlock()
	s := &w.published.stats
	s.Failures++
	s.LastError = plainReason(err)
	s.Final = isFinal(err)
	if s.FailingSince == 0 || s.Final {
		s.FailingSince, w.published.failing = w.store.opts.Now(), time.Now()
		w.store.opts.Log.Error("a commit failed", "reason", s.LastError, "final", s.Final)
	}
}

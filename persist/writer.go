package persist

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tradingengine/core"
)

// WriterOptions configure a Writer. Zero values mean the default given.
type WriterOptions struct {
	FlushInterval time.Duration // The longest wait for a commit when nobody waits; default 1 s.
	FinalTimeout  time.Duration // How long the last commit is tried when it fails; default 10 s.

	RetainTicks time.Duration // Ticks older than this are deleted; 0 keeps them for ever.
	RetainBars  time.Duration // The same of bars.
}

// errEngine says that ids of the engine would mean something else in the file.
var errEngine = errors.New("persist: the engine was not made with the store's symbols and sources")

// errEffects says that quotes may not be kept, because what they did to trading is lost.
var errEffects = errors.New("persist: what these quotes did is not in the journal")

// effectsPatience is how long a commit waits for a journal that takes nothing.
const effectsPatience = 5 * time.Second

// How long the writer waits after a failed commit before it tries again.
const (
	retryFirst = 10 * time.Millisecond
	retryMax   = time.Second
)

// Writer commits what an engine did to the store: it is the engine's storage writer. A store has
// one. Stats may be called from any goroutine.
//
// A commit starts as soon as a sender waits or the engine has gathered enough ticks, and else
// after FlushInterval. Those who arrive while one runs share the next, so its cost is divided by
// as many as there are.
type Writer struct {
	store *Store
	opts  WriterOptions

	// What follows belongs to the goroutine of Run.
	engine      *core.Engine
	batch       batch
	checkpoints checkpoints
	retention   retention
	beforeEnd   func() error // Called before COMMIT; tests fail or hold commits with it.

	published struct {
		sync.Mutex
		stats WriterStats
		// The spans of stats begin here.
		flushed, failing, logFailing time.Time
	}
}

// NewWriter returns the writer of the store.
func (s *Store) NewWriter(opts WriterOptions) *Writer {
	if opts.FlushInterval == 0 {
		opts.FlushInterval = time.Second
	}
	if opts.FinalTimeout == 0 {
		opts.FinalTimeout = 10 * time.Second
	}
	w := &Writer{
		store: s, opts: opts,
		checkpoints: checkpoints{file: &s.database, every: walCheckpointPages, warn: walWarnPages},
		beforeEnd:   func() error { return nil },
	}
	w.published.flushed = time.Now()
	w.retention.ticks, w.retention.bars = opts.RetainTicks, opts.RetainBars
	return w
}

// Run commits until ctx ends, and then once more what the engine still has, so that ctx should end
// only after the engine's Run returned. It returns nil when everything is in the file. An error
// means that ticks were not saved, or that the file cannot be trusted any more; then waiting
// senders were told so, and the process should end.
func (w *Writer) Run(ctx context.Context, engine *core.Engine) error {
	if err := w.start(engine); err != nil {
		return err
	}
	w.retention.start()
	timer := time.NewTimer(w.opts.FlushInterval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return w.finish()
		case <-engine.StorageSignal():
		case <-timer.C:
		case <-w.retention.due():
			if err := w.retire(); err != nil {
				return err
			}
			continue
		}
		if err := w.commitUntil(ctx.Done()); err != nil {
			return err
		}
		timer.Reset(w.opts.FlushInterval)
	}
}

// start sets the cursors to what the engine was restored with.
func (w *Writer) start(engine *core.Engine) error {
	c := w.store.writing.conn
	if c == nil {
		return errors.New("persist: a writer needs a store that is open for writing")
	}
	if engine.Symbols() != w.store.opts.Symbols || engine.Sources() != w.store.sources {
		return errEngine
	}
	w.engine = engine
	w.batch.start(w.store, c, engine)
	return nil
}

// commitUntil commits, again and again while that fails for a reason that may pass. It gives up
// when stop is closed, without an error.
func (w *Writer) commitUntil(stop <-chan struct{}) error {
	for wait := retryFirst; ; wait = min(2*wait, retryMax) {
		err := w.commit()
		if err == nil {
			return nil
		}
		w.failed(err)
		if isFinal(err) || errors.Is(err, errEffects) {
			return w.giveUp(err)
		}
		select {
		case <-stop:
			return nil
		case <-time.After(wait):
		}
	}
}

// commit brings everything the engine has done so far into the file, in one transaction, and lets
// the senders go that waited for it. After an error nothing of it is in the file, and everything
// is still to be done.
func (w *Writer) commit() error {
	b := &w.batch
	b.collect()
	if len(b.changed) == 0 {
		w.engine.Committed(b.marks, nil)
		w.flushed()
		if w.checkpoints.failed.IsZero() {
			return nil
		}
		return w.checkpoint()
	}
	if err := w.engine.AwaitEffects(effectsPatience); err != nil {
		w.engine.MarkDirty(b.dirty)
		return fmt.Errorf("%w: %w", errEffects, err)
	}
	start := time.Now()
	if err := w.store.transact(w.write); err != nil {
		w.engine.MarkDirty(b.dirty)
		return err
	}
	b.advance()
	w.committed(time.Since(start))
	w.engine.Committed(b.marks, b.lost)
	return w.checkpoint()
}

func (w *Writer) write(*conn) error {
	if err := w.batch.write(); err != nil {
		return err
	}
	return w.beforeEnd()
}

// checkpoint keeps the log short. Only an fsync error is returned: what was acknowledged is safe
// in the log, but the disk cannot be trusted with what comes.
func (w *Writer) checkpoint() error {
	w.store.writing.Lock()
	defer w.store.writing.Unlock()
	done, err := w.checkpoints.after(w.store.writing.conn)
	w.checkpointed(done, err)
	if isFinal(err) {
		return err
	}
	return nil
}

// finish commits what is left.
func (w *Writer) finish() error {
	stop := make(chan struct{})
	timeout := time.AfterFunc(w.opts.FinalTimeout, func() { close(stop) })
	defer timeout.Stop()
	if err := w.commitUntil(stop); err != nil {
		return err
	}
	if stats := w.Stats(); stats.FailingSince != 0 {
		err := fmt.Errorf("%w: %d ticks were not saved: %s", ErrStorageFailed, w.engine.Pending(),
			stats.LastError)
		w.engine.StorageFailed(err)
		return err
	}
	err := w.tidy()
	if isFinal(err) {
		return w.giveUp(err)
	}
	if err != nil {
		// Nothing is lost: whoever opens the file next does it.
		w.store.opts.Log.Warn("the file could not be tidied at the end", "reason", err)
	}
	return nil
}

// tidy leaves the file as it lies at rest: forming minutes with the other bars, an empty log.
func (w *Writer) tidy() error {
	w.store.writing.Lock()
	defer w.store.writing.Unlock()
	err := settleForming(w.store.writing.conn)
	if err == nil {
		_, err = checkpoint(w.store.writing.conn, checkpointTruncate)
	}
	return err
}

// giveUp ends storage: nothing is acknowledged any more, and the file is left as it is.
func (w *Writer) giveUp(err error) error {
	err = fmt.Errorf("%w: %w", ErrStorageFailed, err)
	w.store.abandon()
	w.engine.StorageFailed(err)
	return err
}

package persist

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrReadEnded is returned for a read that lasted too long, or was ended because the write-ahead
// log had to start again.
var ErrReadEnded = errors.New("the read of the file took too long")

// reads knows the reads under way, so that those that hold up the log can be ended.
type reads struct {
	mu      sync.Mutex
	running map[*runningRead]struct{}
}

type runningRead struct {
	start  time.Time
	cancel context.CancelCauseFunc
}

// begin notes a read. Its context ends after timeout or by end; done must be called.
func (r *reads) begin(ctx context.Context, timeout time.Duration) (_ context.Context, done func()) {
	ctx, cancelTimeout := context.WithTimeoutCause(ctx, timeout, ErrReadEnded)
	ctx, cancel := context.WithCancelCause(ctx)
	read := &runningRead{time.Now(), cancel}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running == nil {
		r.running = make(map[*runningRead]struct{})
	}
	r.running[read] = struct{}{}
	return ctx, func() {
		r.mu.Lock()
		delete(r.running, read)
		r.mu.Unlock()
		cancel(nil)
		cancelTimeout()
	}
}

// end ends the reads that have lasted at least so long.
func (r *reads) end(lasted time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for read := range r.running {
		if time.Since(read.start) >= lasted {
			read.cancel(ErrReadEnded)
		}
	}
}

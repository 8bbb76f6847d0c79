package app

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"tradingengine/persist"
)

const (
	progressEvery = 200 * time.Millisecond
	progressQuiet = 5 * time.Second // Where nobody looks at a terminal, a line in the log will do.
)

// progress shows how far long work is: on a terminal as one line that changes, elsewhere as a line
// in the log now and then.
type progress struct {
	out      io.Writer
	log      *slog.Logger
	terminal bool
	last     time.Time
	shown    bool
}

func newProgress(out io.Writer, log *slog.Logger) *progress {
	p := &progress{out: out, log: log, last: time.Now()}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// show tells that done of total is done of a task. It may be called often.
func (p *progress) show(task string, done, total int64) {
	now := time.Now()
	every := progressQuiet
	if p.terminal {
		every = progressEvery
	}
	if now.Sub(p.last) < every {
		return
	}
	p.last = now
	share := int64(100)
	if total > 0 {
		share = 100 * done / total
	}
	if p.terminal {
		p.shown = true
		fmt.Fprintf(p.out, "\r\x1b[K%s: %d%%", task, share)
		return
	}
	p.log.Info(task, "done", fmt.Sprintf("%d%%", share))
}

// of is show as persist calls it.
func (p *progress) of(done persist.Progress) { p.show(done.Task, done.Done, done.Total) }

// end leaves the terminal's line.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}

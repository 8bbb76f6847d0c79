package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"tradingengine/bench/internal/latency"
)

// Second is what happened in the last second or so.
type Second struct {
	// Elapsed is the time since the start, Took the length of this stretch.
	Elapsed, Took time.Duration
	// Quotes were answered; Throttled and Accepted make the share, if any.
	Quotes, Throttled, Accepted int64
	Posts, Gets, Ages           latency.Window
	// Errors are all since the start.
	Errors int64
	// Posting, Getting and Reading say which loads there are.
	Posting, Getting, Reading bool
}

// String returns the progress line.
func (s Second) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%5.0fs", s.Elapsed.Seconds())
	perSecond := func(n int64) string {
		return Thousands(int64(float64(n)/s.Took.Seconds() + 0.5))
	}
	if s.Posting {
		fmt.Fprintf(&b, "  quotes %s/s", perSecond(s.Quotes))
		if s.Accepted > 0 {
			fmt.Fprintf(&b, " throttled %.1f %%", 100*float64(s.Throttled)/float64(s.Accepted))
		}
		fmt.Fprintf(&b, " p99 %s", millis(s.Posts.P99))
	}
	if s.Getting {
		fmt.Fprintf(&b, "  GET %s/s p99 %s", perSecond(s.Gets.Count), millis(s.Gets.P99))
	}
	if s.Reading {
		fmt.Fprintf(&b, "  ws %s/s age p99 %s", perSecond(s.Ages.Count), millis(s.Ages.P99))
	}
	fmt.Fprintf(&b, "  errors %s", Thousands(s.Errors))
	return b.String()
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// Thousands prints a count with commas.
func Thousands(n int64) string {
	text := fmt.Sprint(n)
	sign := ""
	if n < 0 {
		sign, text = "-", text[1:]
	}
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return sign + text
}

// Progress writes lines over one another on a terminal, below one another elsewhere.
type Progress struct {
	out      io.Writer
	terminal bool
	written  bool
}

// NewProgress returns a progress that writes to out; nil writes nothing.
func NewProgress(out io.Writer, terminal bool) *Progress {
	if out == nil {
		out = io.Discard
	}
	return &Progress{out: out, terminal: terminal}
}

// Show writes a line. A line that cannot be written is no reason to stop a measurement.
func (p *Progress) Show(line string) {
	if p.terminal {
		_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s", line)
		p.written = true
		return
	}
	_, _ = fmt.Fprintln(p.out, line)
}

// End leaves the last line standing.
func (p *Progress) End() {
	if p.written {
		_, _ = fmt.Fprintln(p.out)
		p.written = false
	}
}

package torture

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"tradingengine/bench/internal/options"
	"tradingengine/bench/internal/report"
)

// Report is what a run did and found.
type Report struct {
	Options options.Torture
	// Dir is the directory that was made, Kept says that it is still there.
	Dir  string
	Kept bool

	Seconds              float64
	Rounds               int
	Kills, RecoveryKills int // All, and those of them while the server recovered.
	Symbols              int
	Interrupted          bool
	// Acknowledged quotes are in batches that were answered; Found were not answered, and were
	// there when the server came back.
	Acknowledged, Found int64
	// Loaded is how long senders ran.
	Loaded time.Duration
	// Ready and Right are the times from a kill to a ready server, and to its first right answer.
	Ready, Right []time.Duration
	Findings     Findings
}

// OK says that at least one round was done and nothing was wrong.
func (r *Report) OK() bool { return r.Rounds > 0 && r.Findings.Clean() }

// WriteTable writes the report for people.
func (r *Report) WriteTable(w io.Writer) error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "\n%s: %d rounds in %.1f s, %d kills, %d of them while it recovered; "+
		"%d senders, %d symbols, seed %d, sync %s.\n", r.Options.Server, r.Rounds, r.Seconds, r.Kills,
		r.RecoveryKills, r.Options.Senders, r.Symbols, r.Options.Seed, r.Options.Sync)
	if r.Interrupted {
		text.WriteString("Note: interrupted: the run ended early, without the comparison at its end.\n")
	}
	if r.Kept {
		fmt.Fprintf(&text, "Note: %s is kept.\n", r.Dir)
	}
	text.WriteString("\n")
	r.writeCounts(&text)
	text.WriteString("\n")
	r.writeTimes(&text)
	for _, example := range r.Findings.Examples {
		fmt.Fprintf(&text, "Wrong: %s\n", example)
	}
	switch {
	case !r.Findings.Clean():
		text.WriteString("The server does not keep its promises.\n")
	case r.Rounds == 0:
		text.WriteString("Nothing was tested.\n")
	default:
		text.WriteString("Nothing acknowledged is lost, nothing is taken twice, all bars are right.\n")
	}
	if _, err := w.Write(text.Bytes()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func (r *Report) writeCounts(text *bytes.Buffer) {
	table := tabwriter.NewWriter(text, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, n int64, verdict string) {
		fmt.Fprintf(table, "%-30s\t%s\t\t%s\n", name, report.Thousands(n), verdict)
	}
	zero := func(name string, n int64) {
		verdict := "ok"
		if n != 0 {
			verdict = "WRONG"
		}
		row(name, n, verdict)
	}
	f := &r.Findings
	zero("times it did not come back", f.NotBack)
	rate := float64(r.Acknowledged) / max(r.Loaded.Seconds(), 1e-9)
	row("quotes acknowledged", r.Acknowledged, report.Thousands(int64(rate))+"/s while senders ran")
	row("quotes found, not acknowledged", r.Found, "a kill came before the answer")
	zero("quotes acknowledged and lost", f.LostQuotes)
	zero("quotes taken twice", f.DoubledQuotes)
	row("ticks compared", f.TicksCompared, "")
	zero("ticks lost", f.MissingTicks)
	zero("ticks too many", f.ExtraTicks)
	zero("ticks wrong", f.WrongTicks)
	row("bars compared", f.BarsCompared, "")
	zero("bars wrong", f.WrongBars)
	zero("answers, counters wrong", f.WrongAnswers)
	_ = table.Flush() // It goes to memory, where writing cannot fail.
}

func (r *Report) writeTimes(text *bytes.Buffer) {
	table := tabwriter.NewWriter(text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "%-30s\tmin ms\tmedian ms\tp99 ms\tmax ms\t\n", "recovery")
	row := func(name string, times []time.Duration) {
		if len(times) == 0 {
			return
		}
		sorted := slices.Sorted(slices.Values(times))
		n := len(sorted)
		fmt.Fprintf(table, "%-30s\t%.0f\t%.0f\t%.0f\t%.0f\t\n", name, millis(sorted[0]),
			millis(sorted[(n-1)/2]), millis(sorted[(n*99+99)/100-1]), millis(sorted[n-1]))
	}
	row("kill to ready", r.Ready)
	row("kill to first right answer", r.Right)
	_ = table.Flush()
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

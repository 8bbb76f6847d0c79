package report

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"tradingengine/bench/internal/latency"
)

// WriteTable writes the result for people.
func (r *Result) WriteTable(w io.Writer) error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "\n%s %s, feed %s, %d symbols; %.1f s from %s on %d cores, %s %s/%s\n",
		r.Engine.URL, orUnknown(r.Engine.Version), orUnknown(r.Engine.Feed), r.Engine.Symbols,
		r.Seconds, r.Started.UTC().Format("2006-01-02T15:04:05Z"),
		r.Machine.Cores, r.Machine.Go, r.Machine.OS, r.Machine.Arch)
	for _, note := range r.Notes {
		fmt.Fprintf(&text, "Note: %s.\n", note)
	}
	r.writeEndpoints(&text)
	r.writeQuotes(&text)
	r.writeOrders(&text)
	r.writeReaders(&text)
	r.writeComparisons(&text)
	r.writeMemory(&text)
	r.writeConservation(&text)
	for _, problem := range r.Problems {
		fmt.Fprintf(&text, "Problem: %s\n", problem)
	}
	r.writeTargets(&text)
	if _, err := w.Write(text.Bytes()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func orUnknown(s string) string {
	if s == "" {
		return "(unknown)"
	}
	return s
}

func (r *Result) writeEndpoints(text *bytes.Buffer) {
	if len(r.Endpoints) == 0 {
		return
	}
	text.WriteString("\n")
	width := len("overall")
	for _, e := range r.Endpoints {
		width = max(width, len(e.Name))
	}
	table := tabwriter.NewWriter(text, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "%-*s", width, "endpoint")
	fmt.Fprintln(table,
		"\tcount\t/s\terrors\tunsent\tp50 ms\tp95 ms\tp99 ms\tp99.9 ms\tmax ms\ttarget\t")
	row := func(name string, perSecond float64, s *latency.Summary, target string) {
		l := s.Latency
		fmt.Fprintf(table, "%-*s\t%s\t%.0f\t%s\t%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%s\t\n",
			width, name, Thousands(s.Count), perSecond, Thousands(s.Errors), Thousands(s.Unsent),
			l.P50, l.P95, l.P99, l.P999, l.Max, target)
	}
	for _, e := range r.Endpoints {
		target := ""
		switch limit, has := endpointMillis[e.route()]; {
		case !e.Paced:
			target = "flat out"
		case has:
			target = fmt.Sprintf("p95 < %g", limit)
		}
		row(e.Name, e.PerSecond, &e.Summary, target)
	}
	if r.Overall != nil {
		row("overall", float64(r.Overall.Count)/max(r.Seconds, 1e-9), r.Overall,
			fmt.Sprintf("< %d / %d / %d", p50Millis, p95Millis, p99Millis))
	}
	flush(table)
	if r.Overall != nil {
		fmt.Fprintf(text, "Latency is from when a request was due. From when it was sent: p50 %.2f, "+
			"p99 %.2f, max %.2f ms;\nthe generator's own timer was late by p50 %.2f, p99 %.2f ms.\n",
			r.Overall.Service.P50, r.Overall.Service.P99, r.Overall.Service.Max,
			r.Overall.Timer.P50, r.Overall.Timer.P99)
	}
}

// flush ends a table that goes to memory, where writing cannot fail.
func flush(table *tabwriter.Writer) { _ = table.Flush() }

func (r *Result) writeQuotes(text *bytes.Buffer) {
	q := r.Quotes
	if q == nil {
		return
	}
	fmt.Fprintf(text, "\nQuotes: sent %s over %d connections, received %s (%s/s), stored %s, "+
		"throttled %s, rejected %s.\n", Thousands(q.Sent), q.Connections, Thousands(q.Received),
		Thousands(int64(q.PerSecond)), Thousands(q.Stored), Thousands(q.Throttled),
		Thousands(q.Rejected))
	if q.Failed+q.Unsent+q.Lost > 0 {
		fmt.Fprintf(text, "        Requests failed %s (503: %s, without a commit: %s), "+
			"quotes never sent %s, ticks lost %s.\n", Thousands(q.Failed), Thousands(q.Busy),
			Thousands(q.Uncommitted), Thousands(q.Unsent), Thousands(q.Lost))
	}
	for _, rejection := range q.Rejections {
		fmt.Fprintf(text, "        Rejected: %s\n", rejection)
	}
}

func (r *Result) writeOrders(text *bytes.Buffer) {
	o := r.Orders
	if o == nil {
		return
	}
	fmt.Fprintf(text, "\nOrders: sent %s over %d connections on account %d, acknowledged %s (%s/s), "+
		"filled %s, refused %s, failed %s (503: %s requests), never sent %s.\n", Thousands(o.Sent),
		o.Connections, o.Account, Thousands(o.Acknowledged), Thousands(int64(o.PerSecond)),
		Thousands(o.Filled), Thousands(o.Refused), Thousands(o.Failed), Thousands(o.Busy),
		Thousands(o.Unsent))
	for _, code := range slices.Sorted(maps.Keys(o.Refusals)) {
		fmt.Fprintf(text, "        Refused: %s %s\n", code, Thousands(o.Refusals[code]))
	}
}

func (r *Result) writeComparisons(text *bytes.Buffer) {
	for _, c := range r.Comparisons {
		fmt.Fprintf(text, "\n%s: engine %s/s of %.0f bytes, bare %s/s of %.0f bytes, ratio %.3f\n",
			c.Path, Thousands(int64(c.EngineRate)), c.EngineBytes, Thousands(int64(c.BareRate)),
			c.BareBytes, c.Ratio)
		fmt.Fprintf(text, "  rounds: engine %s, bare %s\n", rates(c.EngineRates), rates(c.BareRates))
	}
}

func rates(values []float64) string {
	var parts []string
	for _, v := range values {
		parts = append(parts, fmt.Sprintf("%.0f", v))
	}
	return strings.Join(parts, " ")
}

func (r *Result) writeMemory(text *bytes.Buffer) {
	if r.Memory.Known {
		fmt.Fprintf(text, "\nMemory of the engine: peak %.1f MB, last %.1f MB (%s).\n",
			float64(r.Memory.PeakBytes)/1e6, float64(r.Memory.LastBytes)/1e6, r.Memory.Source)
	}
}

func (r *Result) writeTargets(text *bytes.Buffer) {
	text.WriteString("\n")
	table := tabwriter.NewWriter(text, 0, 0, 2, ' ', 0)
	missed := 0
	for _, t := range r.Targets {
		got := strings.TrimSpace(fmt.Sprintf("%.4g %s", t.Got, t.Unit))
		if t.Got >= 1000 {
			got = strings.TrimSpace(Thousands(int64(t.Got)) + " " + t.Unit)
		}
		if t.State == NotMeasured {
			got = "-"
		}
		if t.State == Missed {
			missed++
		}
		fmt.Fprintf(table, "%s\t%s\t%s\twant %s\n", t.State, t.Name, got,
			strings.TrimSpace(t.Want+" "+t.Unit))
	}
	flush(table)
	if missed == 0 {
		text.WriteString("All targets that were measured are met.\n")
		return
	}
	fmt.Fprintf(text, "%d of %d targets missed.\n", missed, len(r.Targets))
}

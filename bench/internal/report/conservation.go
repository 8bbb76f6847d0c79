package report

import (
	"bytes"
	"fmt"
	"text/tabwriter"

	"tradingengine/bench/internal/quotes"
	"tradingengine/bench/internal/server"
)

// counted returns what the engine counted during the run, false where it does not count or counted
// at different moments. Without counters from before the run it is all since its start.
func (r *Result) counted() (server.Stats, bool) {
	before, after := r.Counters.Before, r.Counters.After
	if after == nil {
		return server.Stats{}, false
	}
	if _, exact := after.QuotesRemainder(); !exact {
		return server.Stats{}, false
	}
	if before == nil {
		return *after, true
	}
	_, exact := before.QuotesRemainder()
	return after.Since(before), exact
}

// uncounted is how many quotes the engine acknowledged and did not count, column by column. It may
// have counted more than that: others may quote, and an answer may have been lost.
func (r *Result) uncounted() (int64, bool) {
	c, known := r.counted()
	if !known || r.Quotes == nil {
		return 0, false
	}
	a := &r.Quotes.Totals
	return max(a.Received-c.Quotes.Received, 0) + max(a.Stored-c.Quotes.Stored, 0) +
		max(a.Throttled-c.Quotes.Throttled, 0) + max(a.Rejected-c.Quotes.Rejected, 0), true
}

// writeConservation writes the sums that must come out even: what was sent and acknowledged beside
// what the engine counted, all during the run.
func (r *Result) writeConservation(text *bytes.Buffer) {
	counted, known := r.counted()
	if r.Quotes == nil && r.Orders == nil && !known {
		return
	}
	text.WriteString("\n")
	table := tabwriter.NewWriter(text, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, cells ...any) {
		fmt.Fprintf(table, "%-20s", name)
		for _, c := range cells {
			if n, ok := c.(int64); ok {
				c = Thousands(n)
			}
			fmt.Fprintf(table, "\t%s", c)
		}
		fmt.Fprintln(table, "\t")
	}
	if o := r.Orders; o != nil {
		row("orders of this run", "sent", "= acknowledged", "+ refused", "+ failed", "left over")
		row("told in answers", o.Sent, o.Acknowledged, o.Refused, o.Failed, leftOver(o.Remainder()))
		row("filled of these", "", o.Filled, "", "", "")
		if o.Counted != nil {
			row("in /api/orders", "", *o.Counted, "", "", leftOver(o.miscounted()))
		}
	}
	if r.Quotes == nil && !known {
		flush(table)
		return
	}
	row("quotes of this run", "received", "= stored", "+ throttled", "+ rejected", "left over")
	if q := r.Quotes; q != nil {
		row("sent", q.Sent, "", "", "", "")
		if r.Options.Quotes.Ack == quotes.Accept {
			row("acknowledged", q.Received, "", "", q.Rejected, "")
		} else {
			row("acknowledged", q.Received, q.Stored, q.Throttled, q.Rejected,
				leftOver(q.Received-q.Stored-q.Throttled-q.Rejected))
		}
	}
	if known {
		n, _ := counted.QuotesRemainder()
		q := counted.Quotes
		row("counted by engine", q.Received, q.Stored, q.Throttled, q.Rejected, leftOver(n))
	}
	if n, has := counted.TicksRemainder(); known && has {
		k := counted.Ticks
		row("ticks of this run", "stored", "= committed", "+ pending", "+ lost", "left over")
		row("counted by engine", k.Stored, k.Committed, k.Pending, k.Lost, leftOver(n))
	}
	flush(table)
}

// leftOver is a remainder, or that there is none.
func leftOver(n int64) string {
	if n == 0 {
		return "ok"
	}
	return Thousands(n)
}

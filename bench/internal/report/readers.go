package report

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// writeReaders writes a paragraph for each kind of WebSocket reader.
func (r *Result) writeReaders(text *bytes.Buffer) {
	ws := r.WebSocket
	if ws == nil {
		return
	}
	text.WriteString("\n")
	if ws.Sessions > 0 {
		r.writeGood(text, ws)
	}
	if s := ws.Slow; s != nil {
		fmt.Fprintf(text, "Slow:      %s sessions of %s bytes/s, %s ticks, gaps %s (%s ticks skipped), "+
			"%s; closed %s%s.\n", Thousands(s.Sessions), Thousands(int64(s.BytesPerSecond)),
			Thousands(s.Ticks), Thousands(s.Gaps), Thousands(s.Skipped), chainText(s.Broken),
			Thousands(s.Disconnected), codesText(s.Codes))
	}
	if s := ws.Stuck; s != nil {
		fmt.Fprintf(text, "Stuck:     %s sessions, closed %s%s", Thousands(s.Sessions),
			Thousands(s.Closed), codesText(s.Codes))
		if s.Closed > 0 {
			fmt.Fprintf(text, " after min %.1f, p50 %.1f, max %.1f s", s.LivedMin, s.LivedP50, s.LivedMax)
		}
		fmt.Fprintf(text, "; open to the end %s.\n", Thousands(s.Sessions-s.Closed))
	}
}

func (r *Result) writeGood(text *bytes.Buffer, ws *WebSocket) {
	fmt.Fprintf(text, "WebSocket: %s sessions, %s ticks (%s deliveries/s, %s of a snapshot), "+
		"gaps %s (%s ticks skipped), %s.\n", Thousands(ws.Sessions), Thousands(ws.Ticks),
		Thousands(int64(ws.TicksPerSecond)), Thousands(ws.Snapshot), Thousands(ws.Gaps),
		Thousands(ws.Skipped), chainText(ws.Broken))
	from := "the time that the engine gave the quote"
	if r.Quotes != nil && r.Options.Quotes.Times {
		from = "when the quote was due"
	}
	fmt.Fprintf(text, "           From %s to arrival: p50 %.1f, p95 %.1f, p99 %.1f, max %.1f ms.\n",
		from, ws.Age.P50, ws.Age.P95, ws.Age.P99, ws.Age.Max)
	if ws.Failures() > 0 {
		fmt.Fprintf(text, "           Ended early %s%s, bad messages %s, errors %s.\n",
			Thousands(ws.Disconnected), codesText(ws.Codes), Thousands(ws.Bad), Thousands(ws.Errors))
	}
}

func chainText(broken int64) string {
	if broken == 0 {
		return "prev chain whole"
	}
	return "prev chain broken " + Thousands(broken) + " times"
}

// codesText tells by which close codes sessions ended, "" if none did.
func codesText(codes map[int]int64) string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		name := fmt.Sprint(code)
		if code == 0 {
			name = "reset"
		}
		parts = append(parts, name+": "+Thousands(codes[code]))
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

package options

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"strings"
)

const (
	introduction = `bench puts load on a running engine and measures it. It starts nothing itself.

  go run ./bench [flags]
  go run ./bench torture -server PATH [flags]   kills a server of its own (bench torture -h)

Requests are due on a fixed schedule, whatever the engine does, and latency counts from when a
request was due. Quotes are posted only into an empty market, or with -write, and never into a
simulated one; GETs and WebSocket readers work on any. Orders are sent where quotes may be, and to a
simulated market, on an account of their own. Ctrl-C ends the run early with its report.

Exit code: 0 all targets met, 1 a target missed or the engine out of reach, 2 wrong usage.
`
	examples = `
Examples:
  go run ./bench -duration 60s                        quotes, GETs and readers at once
  go run ./bench -quotes-rate max -get-rate 0 -ws 0   how many quotes a second are committed
  go run ./bench -quotes-rate max -via ws -ack accept -get-rate 0 -ws 0
  go run ./bench -orders-rate 2000 -get-rate 0 -ws 0  orders beside quotes
  go run ./bench -ws 20 -ws-slow 5 -ws-stuck 500      readers that keep up, and some that do not
  go run ./bench -quotes-rate 0 -get-rate max -get-conns 16 -path '/ohlc?symbol=EURUSD&limit=500'
  go run ./bench -compare http://localhost:7998 -path '/ohlc?symbol=EURUSD&limit=500'
`
)

// group is a section of a reference.
type group struct {
	title string
	flags []string
}

// groups are the sections of the reference; a test sees to it that no flag is left out.
var groups = []group{
	{"Run", []string{"url", "duration", "count", "timeout", "seed"}},
	{"Quotes (POST /ticks, /ws/ingest)", []string{
		"quotes-rate", "quotes-min", "batch", "conns", "via", "format", "ack", "symbols", "times",
		"seq", "lp", "write",
	}},
	{"GETs", []string{"get-rate", "get-conns", "path", "compare", "rounds"}},
	{"Orders (POST /api/orders)", []string{
		"orders-rate", "orders-min", "orders-connections", "orders-batch",
	}},
	{"WebSocket", []string{"ws", "ws-slow", "ws-slow-rate", "ws-stuck"}},
	{"Report", []string{"pid", "json", "quiet"}},
}

func printReference(out io.Writer, fs *flag.FlagSet, introduction string, groups []group,
	examples string,
) error {
	var text bytes.Buffer
	text.WriteString(introduction)
	for _, group := range groups {
		fmt.Fprintf(&text, "\n%s:\n", group.title)
		for _, name := range group.flags {
			f := fs.Lookup(name)
			unit, usage := flag.UnquoteUsage(f)
			fmt.Fprintf(&text, "  %s\n", strings.TrimSpace("-"+name+" "+unit))
			if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0s" {
				usage += fmt.Sprintf(" (default %s)", f.DefValue)
			}
			for _, line := range fold(usage, 90) {
				fmt.Fprintf(&text, "        %s\n", line)
			}
		}
	}
	text.WriteString(examples)
	_, err := out.Write(text.Bytes())
	return err
}

// fold breaks a text at blanks into lines of at most width.
func fold(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

package httpd

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tradingengine/core"
)

var update = flag.Bool("update", false, "write what the server answers into the golden files")

// TestGolden runs the conversations in testdata/golden. A line "> METHOD path" begins a request,
// lines "H Name: value" are its headers and lines "B text" its body; the lines after it are the
// answer that is expected: status, content type and the exact body. A last line without a line end
// is marked by "⏎ none" below it. Lines that begin with "#" are comments on the request below. A line
// "> CLOCK time" is no request: it sets the clock.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txt")
	check(t, err)
	if len(files) == 0 {
		t.Fatal("no golden files")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			check(t, err)
			m := newTestMarket(t, marketOptions{desk: strings.Contains(file, "trade_")})
			got := m.replay(string(text))
			if *update {
				check(t, os.WriteFile(file, []byte(got), 0o644))
				return
			}
			compareText(t, got, string(text))
		})
	}
}

// replay sends the requests of a conversation and returns it with the answers that came.
func (m *testMarket) replay(text string) string {
	var out strings.Builder
	parts := strings.Split(text, "\n> ")
	out.WriteString(parts[0])
	for _, part := range parts[1:] {
		lines := strings.Split(part, "\n")
		method, path, _ := strings.Cut(lines[0], " ")
		fmt.Fprintf(&out, "\n> %s\n", lines[0])
		var headers, comments []string
		var body strings.Builder
		for _, line := range lines[1:] {
			kind, rest, _ := strings.Cut(line, " ")
			switch kind {
			case "H":
				name, value, _ := strings.Cut(rest, ": ")
				headers = append(headers, name, value)
			case "B":
				body.WriteString(rest + "\n")
			case "#":
				comments = append(comments, line+"\n")
				continue
			default:
				continue
			}
			out.WriteString(line + "\n")
		}
		if method == "CLOCK" {
			now, err := core.ParseTime(path)
			check(m.t, err)
			m.clock.Store(int64(now))
			continue
		}
		a := m.do(method, path, body.String(), headers...)
		fmt.Fprintf(&out, "%d %s\n%s", a.status, a.header.Get("Content-Type"), a.body)
		if a.body != "" && !strings.HasSuffix(a.body, "\n") {
			out.WriteString("\n⏎ none\n")
		}
		if len(comments) > 0 {
			out.WriteString("\n" + strings.Join(comments, ""))
		}
	}
	return out.String()
}

func compareText(t *testing.T, got, want string) {
	t.Helper()
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		line := func(lines []string) string {
			if i < len(lines) {
				return lines[i]
			}
			return "(nothing)"
		}
		if line(g) != line(w) {
			t.Fatalf("line %d:\n got %s\nwant %s", i+1, line(g), line(w))
		}
	}
}

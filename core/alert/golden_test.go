package alert

import (
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"

	"tradingengine/core"
)

var update = flag.Bool("update", false, "write testdata/rules.txt again")

// scene is a book with one rule.
type scene struct {
	*Book
	t      *testing.T
	symbol core.SymbolID
}

// newScene makes the rule of a line: its kind, and words in any order.
func newScene(t *testing.T, line string) *scene {
	t.Helper()
	s := &scene{Book: newTestBook(t, Options{}), t: t}
	var ok bool
	if s.symbol, ok = s.options.Symbols.Lookup([]byte("EURUSD")); !ok {
		t.Fatal("no EURUSD")
	}
	words := strings.Fields(line)
	r := Rule{Symbol: s.symbol}
	if r.Kind, ok = ParseKind(words[1]); !ok {
		t.Fatalf("no kind %q", words[1])
	}
	number := func(text string, digits int) int64 {
		n, reject := core.ParsePrice([]byte(text), digits)
		if reject != core.RejectNone {
			t.Fatalf("%s: %s", line, text)
		}
		return int64(n)
	}
	digits := r.Kind.Digits(s.options.Symbols, s.symbol)
	for _, word := range words[2:] {
		name, value, named := strings.Cut(word, "=")
		side, isSide := ParseSide(word)
		frequency, isFrequency := ParseFrequency(word)
		switch {
		case isSide:
			r.Price = side
		case isFrequency:
			r.Frequency = frequency
		case !named:
			r.Threshold = number(word, digits)
		case name == "hysteresis":
			r.Hysteresis = number(value, digits)
		case name == "window":
			r.Window = number(value, 0)
		case name == "cooldown":
			r.Cooldown = number(value, 0)
		case name == "expire":
			r.ExpireAt = testTime + core.Time(number(value, 0))*core.Second
		}
	}
	mustCreate(t, s.Book, r)
	return s
}

// line has happen what a line says, a quote or only the clock, and returns what fired.
func (s *scene) line(line string) (fired []string) {
	s.t.Helper()
	words := strings.Fields(line)
	seconds, err := strconv.Atoi(strings.TrimSuffix(words[0], "s"))
	if err != nil {
		s.t.Fatal(err)
	}
	now := testTime + core.Time(seconds)*core.Second
	s.Advance(now)
	if len(words) == 3 {
		bid, _ := core.ParsePrice([]byte(words[1]), 5)
		ask, _ := core.ParsePrice([]byte(words[2]), 5)
		s.Quote(now, Quote{Symbol: s.symbol, Time: now, Bid: bid, Ask: ask})
	}
	var c Changes
	s.Take(&c)
	for _, f := range c.Fires {
		fired = append(fired, f.Title)
	}
	return fired
}

// TestGolden plays testdata/rules.txt: what stands behind the arrows is what fired.
func TestGolden(t *testing.T) {
	const path, arrow = "testdata/rules.txt", "   -> "
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var s *scene
	var got strings.Builder
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(strings.TrimSuffix(line, "\n"), arrow)
		got.WriteString(line)
		switch {
		case strings.HasPrefix(line, "rule "):
			s = newScene(t, line)
		case line == "", strings.HasPrefix(line, "#"):
		default:
			for _, title := range s.line(line) {
				got.WriteString(arrow + title)
			}
		}
		got.WriteString("\n")
	}
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got.String() != string(text) && !*update {
		t.Errorf("got\n%s", got.String())
	}
}

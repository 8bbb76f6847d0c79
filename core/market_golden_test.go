package core

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden outputs as they are now")

// TestGolden plays the scripts of testdata/market. A script is text a trader can check by hand:
//
//	quotes 13:49:24.5          quotes that arrived then, one a line: symbol, bid, ask, and
//	EURUSD 1.1 1.2 13:49:24    optionally the sender's time, seq=N and lp=NAME
//	history                    the same for recorded quotes
//	clock 13:50:00.25          a clock message
//	bars EURUSD 1m [bid|ask]   open time, open high low close, volume, spreads; * is forming
//	ticks EURUSD               what was stored
//	live EURUSD                the live quote
//	restart                    a new engine, from what was committed
//	stats                      the counters
//
// After a line of four dashes stands what came of it. Times are of the day given by the last line
// "day"; go test -run Golden -update writes the outputs anew.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/market/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := newGoldenScript(t).play(string(text))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got != string(text) && !*update {
				t.Errorf("got\n%s\nwant\n%s", got, text)
			}
		})
	}
}

type goldenScript struct {
	t *testing.T
	*tape
	parser Parser
	day    string
	line   int32
}

func newGoldenScript(t *testing.T) *goldenScript {
	p := newTape(t, Options{Throttle: DefaultThreshold})
	return &goldenScript{t: t, tape: p, day: "2026-01-19", parser: Parser{
		Symbols: p.e.Symbols(), Sources: p.e.Sources(), DefaultSource: 2,
	}}
}

// play runs the blocks of a script, which empty lines separate, and returns it with its outputs.
func (g *goldenScript) play(text string) string {
	var out strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			out.WriteString("\n")
		}
		block, _, _ = strings.Cut(block+"\n", "----\n")
		out.WriteString(block)
		lines := strings.Split(strings.TrimSpace(block), "\n")
		for len(lines) > 0 && strings.HasPrefix(lines[0], "#") {
			lines = lines[1:]
		}
		if len(lines) > 0 {
			if result := g.command(strings.Fields(lines[0]), lines[1:]); result != "" {
				out.WriteString("----\n" + result)
			}
		}
	}
	return out.String()
}

func (g *goldenScript) command(words, lines []string) string {
	switch words[0] {
	case "day":
		g.day = words[1]
		return ""
	case "quotes", "history":
		return g.quotes(g.time(words[1]), words[0] == "history", lines)
	case "clock":
		g.clock(g.time(words[1]))
		g.commit()
		return ""
	case "bars":
		return g.bars(words[1], words[2], append(words, "mid")[3])
	case "ticks":
		return g.printTicks(words[1])
	case "live":
		q, _ := g.e.Live(symbolID(g.t, g.e, words[1]))
		return fmt.Sprintln(g.clockText(q.Time), g.price(q.Bid), g.price(q.Ask))
	case "restart":
		g.restart()
		return ""
	case "stats":
		s := g.e.Stats()
		quotes, ticks := s.Remainders()
		return fmt.Sprintf("received %d stored %d throttled %d rejected %d late %d "+
			"re-anchored %d, remainders %d %d\n", s.Received, s.Stored, s.Throttled,
			s.RejectedTotal(), s.Late, s.Reanchored, quotes, ticks)
	}
	g.t.Fatalf("no command %v", words)
	return ""
}

// time reads a time of the day.
func (g *goldenScript) time(text string) Time {
	return at(g.t, g.day+"T"+text+"Z")
}

// clockText prints the time of day, with the date when it is another day, without trailing zeros.
func (g *goldenScript) clockText(tm Time) string {
	text := strings.TrimSuffix(tm.String(), "Z")
	text = strings.TrimPrefix(text, g.day+"T")
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// price prints a price of EURUSD; scripts use symbols of five decimals.
func (g *goldenScript) price(p Price) string { return string(AppendPrice(nil, p, 5)) }

// quotes sends one batch and prints what became of each quote.
func (g *goldenScript) quotes(arrival Time, history bool, lines []string) string {
	var quotes []Quote
	for _, line := range lines {
		quotes = append(quotes, g.parse(strings.Fields(line)))
	}
	before := make(map[SymbolID]uint64)
	for _, q := range quotes {
		_, before[q.Symbol] = g.e.TickSpan(q.Symbol)
	}
	b := g.batch(arrival, history, quotes...)[0]
	var out strings.Builder
	for _, r := range b.outcome.Rejections {
		fmt.Fprintf(&out, "line %d %v: %s\n", r.Line, r.Reason, r.Text(g.e.Symbols()))
	}
	fmt.Fprintf(&out, "stored %d, throttled %d, rejected %d\n", b.outcome.Stored,
		b.outcome.Throttled, b.outcome.Rejected)
	g.commit()
	return out.String()
}

func (g *goldenScript) parse(words []string) Quote {
	g.line++
	fields := map[string]string{}
	for i, word := range words {
		name, value, named := strings.Cut(word, "=")
		if !named {
			name, value = [...]string{"symbol", "bid", "ask", "time"}[i], word
		}
		if name == "time" {
			value = strconv.FormatInt(int64(g.time(value)), 10)
		}
		fields[name] = value
	}
	var pairs []string
	for name, value := range fields {
		pairs = append(pairs, fmt.Sprintf("%q:%q", name, value))
	}
	q := Quote{Line: g.line}
	reject := g.parser.JSON([]byte("{"+strings.Join(pairs, ",")+"}"), &q)
	if reject != RejectNone {
		g.t.Fatalf("%v: %v %s", words, reject, g.parser.Detail(reject))
	}
	return q
}

func (g *goldenScript) bars(symbol, frame, side string) string {
	id := symbolID(g.t, g.e, symbol)
	f, err := ParseFrame(frame)
	if err != nil {
		g.t.Fatal(err)
	}
	forming, closed := g.e.Forming(id, f)
	if n := uint64(len(g.symbols[id].bars[f])); n != closed {
		g.t.Fatalf("%d bars committed, %d closed", n, closed)
	}
	bars := append([]Bar(nil), g.symbols[id].bars[f]...)
	if forming.Volume > 0 {
		bars = append(bars, forming)
	}
	var out strings.Builder
	for i, b := range bars {
		prices := map[string]OHLC{"mid": b.Mid, "bid": b.Bid, "ask": b.Ask}[side]
		fmt.Fprint(&out, g.clockText(b.Time))
		for _, p := range []int64{prices.Open, prices.High, prices.Low, prices.Close} {
			if side == "mid" {
				fmt.Fprintf(&out, " %s", AppendMid(nil, Mid(p), 5))
			} else {
				fmt.Fprint(&out, " ", g.price(Price(p)))
			}
		}
		fmt.Fprintf(&out, " volume %d spread %d to %d, last %d", b.Volume, b.SpreadMin, b.SpreadMax,
			b.SpreadLast)
		fmt.Fprintf(&out, " from %s to %s", g.clockText(b.First), g.clockText(b.Last))
		if i >= int(closed) {
			fmt.Fprint(&out, " *")
		}
		fmt.Fprintln(&out)
	}
	return out.String()
}

func (g *goldenScript) printTicks(symbol string) string {
	var out strings.Builder
	for _, tick := range g.symbols[symbolID(g.t, g.e, symbol)].ticks {
		fmt.Fprintln(&out, g.clockText(tick.Time), g.price(tick.Bid), g.price(tick.Ask),
			g.e.Sources().Name(tick.Source))
	}
	return out.String()
}

// restart makes a new engine from what was committed, with the same names.
func (g *goldenScript) restart() {
	g.commit()
	next := newTape(g.t, Options{
		Throttle: DefaultThreshold, Symbols: g.e.Symbols(), Sources: g.e.Sources(),
	})
	var err error
	for id := range g.symbols {
		err = errors.Join(err, next.e.Restore(SymbolID(id), g.state(SymbolID(id))))
	}
	if err != nil {
		g.t.Fatal(err)
	}
	next.recorder = newRecorder(next.e)
	for id := range g.symbols {
		next.symbols[id].ticks = g.symbols[id].ticks
		next.symbols[id].bars = g.symbols[id].bars
		next.symbols[id].cut = g.symbols[id].cut
	}
	g.tape = next
}

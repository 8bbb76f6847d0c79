package options

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"tradingengine/bench/internal/quotes"
)

func TestDefaults(t *testing.T) {
	o, err := Parse(nil, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	f("address", o.Address().String(), "http://localhost:7999")
	f("duration", o.Duration, 30*time.Second)
	f("quotes", o.Quotes.Rate, Rate{PerSecond: 50_000})
	f("batch", o.Quotes.Batch, 500)
	f("connections", o.Quotes.Connections, 4)
	f("ack", o.Quotes.Ack, quotes.Commit)
	f("write", o.Quotes.Write, false)
	f("GETs", o.Gets.Rate, Rate{PerSecond: 2000})
	f("GET connections", o.Gets.Connections, 54)
}

func TestFlagsAreRead(t *testing.T) {
	o, err := Parse(strings.Fields("-url 127.0.0.1:1 -quotes-rate max -format csv -ack accept "+
		"-symbols eurusd,BTCUSD -get-rate 0 -path /a -path /b?c=d -ws 3 -seq 7 -lp BENCH"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.Address().Host != "127.0.0.1:1" || !o.Quotes.Rate.FlatOut || o.Gets.Rate.On() {
		t.Errorf("got %+v", o)
	}
	if o.Quotes.Format != quotes.CSV || o.Quotes.Ack != quotes.Accept || o.Quotes.Sequence != 7 {
		t.Errorf("got %+v", o.Quotes)
	}
	if !slices.Equal(o.Quotes.Symbols, []string{"EURUSD", "BTCUSD"}) ||
		!slices.Equal(o.Gets.Paths, []string{"/a", "/b?c=d"}) {
		t.Errorf("got %v and %v", o.Quotes.Symbols, o.Gets.Paths)
	}
}

func TestComparisonMeasuresGetsAlone(t *testing.T) {
	o, err := Parse([]string{"-compare", "localhost:7998", "-path", "/a"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if !o.Gets.Rate.FlatOut || o.Quotes.Rate.On() || o.Sessions != 0 || o.Gets.Rounds != 10 {
		t.Errorf("got %+v", o)
	}
	if o.Bare().Host != "localhost:7998" {
		t.Errorf("got %v", o.Bare())
	}
}

// Readers measure from when a quote was due, so quotes must carry that, unless told otherwise.
func TestTimesFollowFromReaders(t *testing.T) {
	f := func(args string, want bool) {
		t.Helper()
		o, err := Parse(strings.Fields(args), io.Discard)
		if err != nil || o.Quotes.Times != want {
			t.Errorf("%q: got %v, %v; want %v", args, o.Quotes.Times, err, want)
		}
	}
	f("", true)
	f("-ws 0", false)
	f("-ws 0 -times", true)
	f("-ws 3 -times=false", false)
	f("-quotes-rate 0 -get-rate 5", false)
}

func TestWrongUsageIsExplained(t *testing.T) {
	f := func(args, want string) {
		t.Helper()
		_, err := Parse(strings.Fields(args), io.Discard)
		if !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", args, err, want)
		}
	}
	f("-qoutes-rate 5", "unknown flag -qoutes-rate; did you mean -quotes-rate?")
	f("--duraton 5s", "did you mean -duration?")
	f("-get-con 5", "did you mean -get-conns?")
	f("-w", "did you mean -ws?")
	f("-xxxxxxxxxxxxxxxx", "unknown flag -xxxxxxxxxxxxxxxx")
	f("-duration", "flag needs an argument: -duration")
	f("-duration 5", "invalid value")
	f("-quotes-rate -1", "a rate is a number")
	f("-quotes-rate NaN", "a rate is a number")
	f("-get-rate fast", "a rate is a number")
	f("-format xml", "a format is ndjson, csv or json")
	f("-ack never", "an acknowledgement is commit or accept")
	f("-via pigeon", "quotes go via post or ws")
	f("-via ws -format csv", "-via ws sends -format ndjson")
	f("-ws-slow -1", "-ws-slow is 0 to 10000")
	f("-ws-stuck 10001", "-ws-stuck is")
	f("-ws-slow-rate 0", "-ws-slow-rate is 10 to")
	f("-batch 0", "-batch is 1 to 50000, not 0")
	f("-conns 0", "-conns is")
	f("-get-conns 0", "-get-conns is")
	f("-ws -1", "-ws is")
	f("-timeout 0s", "-timeout is not 0")
	f("-duration 0s", "needs an end")
	f("-duration 0s -count 5 -quotes-rate 0 -get-rate 0", "give -duration")
	f("-quotes-rate 0 -get-rate 0 -ws 0", "nothing to do")
	f("-path ohlc", "-path begins with /")
	f("-lp a,b", "-lp is a plain name")
	f("-url https://localhost", "-url: an address looks like")
	f("-ws 1 torture", `unexpected argument "torture"`)
	f("-compare localhost:1", "-compare needs at least one -path")
	f("-compare ftp://x -path /a", "-compare: an address")
	f("-compare localhost:1 -path /a -get-rate 5", "must be max")
	f("-compare localhost:1 -path /a -ws 1", "GETs alone")
	f("-compare localhost:1 -path /a -quotes-rate 1", "GETs alone")
	f("-compare localhost:1 -path /a -count 1", "-duration alone")
	f("-compare localhost:1 -path /a -rounds 0", "-rounds is")
}

// The references must explain every flag, with the default where there is one.
func TestReferencesAreWhole(t *testing.T) {
	var o Options
	var symbols string
	var bench, torture bytes.Buffer
	_, err := Parse([]string{"-h"}, &bench)
	wholeReference(t, err, bench.String(), o.flags(&symbols), groups)
	_, err = ParseTorture([]string{"-h"}, &torture)
	wholeReference(t, err, torture.String(), new(Torture).flags(), tortureGroups)
}

func wholeReference(t *testing.T, err error, text string, fs *flag.FlagSet, groups []group) {
	t.Helper()
	if !errors.Is(err, ErrHelp) || errors.Is(err, ErrUsage) {
		t.Fatalf("got %v, want help", err)
	}
	words := strings.Join(strings.Fields(text), " ")
	listed := 0
	fs.VisitAll(func(f *flag.Flag) {
		if !strings.Contains(text, "\n  -"+f.Name) {
			t.Errorf("-%s is not in the reference", f.Name)
		}
		if n := len(f.DefValue); n > 0 && f.DefValue != "false" && f.DefValue != "0s" &&
			!strings.Contains(words, "(default "+f.DefValue+")") {
			t.Errorf("-%s: the default %s is not in the reference", f.Name, f.DefValue)
		}
		listed++
	})
	for _, group := range groups {
		listed -= len(group.flags)
	}
	if listed != 0 {
		t.Errorf("the reference lists flags twice, or some that do not exist: %d off", -listed)
	}
	for line := range strings.Lines(text) {
		if len(line) > 101 {
			t.Errorf("a line of %d letters: %s", len(line), line)
		}
	}
}

func TestTortureOptions(t *testing.T) {
	f := func(args string, rounds int, duration time.Duration) {
		t.Helper()
		o, err := ParseTorture(strings.Fields("-server x "+args), io.Discard)
		if err != nil || o.Rounds != rounds || o.Duration != duration || o.Dir != "." || o.Senders != 4 ||
			o.Sync != "full" {
			t.Errorf("%q: got %+v, %v; want %d rounds, %s", args, o, err, rounds, duration)
		}
	}
	f("", 20, 0)
	f("-rounds 3", 3, 0)
	f("-duration 5m", 0, 5*time.Minute)
	f("-duration 5m -rounds 7", 7, 5*time.Minute)
	_, err := ParseTorture(strings.Fields("-server x -sync off"), io.Discard)
	if !errors.Is(err, ErrUsage) {
		t.Errorf("-sync off: got %v, want ErrUsage", err)
	}
}

func TestDistance(t *testing.T) {
	f := func(a, b string, want int) {
		t.Helper()
		if got := distance(a, b); got != want {
			t.Errorf("%q, %q: got %d, want %d", a, b, got, want)
		}
	}
	f("", "", 0)
	f("url", "", 3)
	f("url", "url", 0)
	f("kitten", "sitting", 3)
	f("qoutes", "quotes", 2)
}

func TestRateText(t *testing.T) {
	f := func(text string, want Rate) {
		t.Helper()
		var r Rate
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want || r.String() != text {
			t.Errorf("%s: got %+v, %v", text, r, err)
		}
	}
	f("50000", Rate{PerSecond: 50_000})
	f("0.5", Rate{PerSecond: 0.5})
	f("0", Rate{})
	f("max", Rate{FlatOut: true})
}

package config

import (
	"bytes"
	"errors"
	"flag"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tradingengine/core"
)

func parse(args string, env map[string]string) (*Server, error) {
	return ParseServer(strings.Fields(args), func(k string) string { return env[k] },
		&bytes.Buffer{})
}

func TestServerNeedsNoConfiguration(t *testing.T) {
	c, err := parse("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "localhost:7999" || c.Batch != 500 || c.Queue != 10_000 || c.Ring != 50_000 ||
		c.FlushInterval != time.Second || c.Throttle != core.DefaultThreshold ||
		c.Sync != "full" || c.Clock != "wall" || c.Feed.Kind != FeedSimulator ||
		c.Data != filepath.Join("data", "demo") || c.Log != "server.log" {
		t.Errorf("got %+v", c)
	}
}

func TestFlagWinsOverEnvironment(t *testing.T) {
	env := map[string]string{"ENGINE_ADDR": "127.0.0.1:1", "ENGINE_FLUSH_INTERVAL": "2s"}
	c, err := parse("-addr 127.0.0.1:2", env)
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:2" {
		t.Errorf("addr: got %s, want the flag's", c.Addr)
	}
	if c.FlushInterval != 2*time.Second {
		t.Errorf("flush interval: got %s, want the environment's", c.FlushInterval)
	}
}

func TestFeedDecidesDirectoryAndClock(t *testing.T) {
	f := func(args, directory, clock string) {
		t.Helper()
		c, err := parse(args, nil)
		if err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		if c.Data != filepath.FromSlash(directory) || c.Clock != clock {
			t.Errorf("%s: got %s and %s, want %s and %s", args, c.Data, c.Clock, directory, clock)
		}
	}
	f("-feed simulator", "data/demo", "wall")
	f("-feed none", "data/market", "wall")
	f("-feed replay:x.csv,speed=max", "data/replay", "quotes")
	f("-feed replay:x.csv -clock wall", "data/replay", "wall")
	f("-feed none -data /tmp/x", "/tmp/x", "wall")
}

func TestRetention(t *testing.T) {
	f := func(args string, ticks, bars time.Duration) {
		t.Helper()
		c, err := parse(args, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.RetainTicks != ticks || c.RetainBars != bars {
			t.Errorf("%s: got %s and %s, want %s and %s", args, c.RetainTicks, c.RetainBars, ticks, bars)
		}
	}
	f("", 90*day, 0)
	f("-feed none", 0, 0)
	f("-feed replay:x.csv", 0, 0)
	f("-retain-ticks 0", 0, 0)
	f("-feed none -retain-ticks 90d -retain-bars 0", 90*day, 0)
	f("-feed none -retain-ticks 36h -retain-bars 3650d", 36*time.Hour, 3650*day)
}

// TestMixedOperands reads operands before, between and behind flags. It was seen to find a flag that
// the environment overrode.
func TestMixedOperands(t *testing.T) {
	f := func(args, want string, names ...string) {
		t.Helper()
		fs := NewFlags("move")
		dir := fs.String("data", "x", "`directory`")
		env := func(name string) string {
			return map[string]string{"ENGINE_DATA": "env"}[name]
		}
		got, err := fs.ParseMixed(strings.Fields(args), env, &bytes.Buffer{}, names...)
		text := strings.Join(append(got, *dir), " ")
		if err != nil {
			text = err.Error()
		}
		if text != want {
			t.Errorf("%s: got %q, want %q", args, text, want)
		}
	}
	f("a b", "a b env", "FROM", "TO")
	f("-data d a b", "a b d", "FROM", "TO")
	f("a -data d b", "a b d", "FROM", "TO")
	f("a b -data d", "a b d", "FROM", "TO")
	f("a -data d", "usage: move takes two operands: server move [flags] FROM TO", "FROM", "TO")
	f("a", "usage: move takes no operand: server move [flags]")
	f("a -dta d", "usage: no flag -dta; did you mean -data?; -h lists all", "FROM")
}

func TestUsageErrorsHelp(t *testing.T) {
	f := func(args string, env map[string]string, wantText string) {
		t.Helper()
		_, err := parse(args, env)
		if !errors.Is(err, ErrUsage) {
			t.Errorf("%s: got %v, want a usage error", args, err)
			return
		}
		if !strings.Contains(err.Error(), wantText) {
			t.Errorf("%s: got %q, want it to say %q", args, err, wantText)
		}
	}
	f("-adr x", nil, "did you mean -addr?")
	f("-debug -flush-intervall 1s", nil, "did you mean -flush-interval?")
	f("-feed simulater", nil, "did you mean simulator?")
	f("-throttle 1e-5", nil, "0.001%")
	f("-batch 0", nil, "-batch must be 1 to")
	f("-sync sometimes", nil, "full or normal")
	f("-clock sun", nil, "wall or quotes")
	f("-flush-interval 1h", nil, "1ms to 1m")
	f("-inbox 5", nil, "-inbox")
	f("-rate 0", nil, "-rate")
	f("-retain-ticks 90", nil, "such as 90d")
	f("-retain-ticks -5d", nil, "such as 90d")
	f("-retain-ticks 5m", nil, "at least 1h")
	f("-retain-bars 12h", nil, "at least 1d")
	f("-history 99", nil, "-history")
	f("extra", nil, `"extra" is not a flag`)
	f("", map[string]string{"ENGINE_BATCH": "many"}, `ENGINE_BATCH="many"`)
}

func TestHelpIsTheReference(t *testing.T) {
	var out bytes.Buffer
	_, err := ParseServer([]string{"-h"}, func(string) string { return "" }, &out)
	if !errors.Is(err, flag.ErrHelp) {
		t.Fatalf("got %v, want flag.ErrHelp", err)
	}
	for _, want := range []string{"-addr host:port", "localhost:7999", "-throttle", "0.001%", "ENGINE_ADDR"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("-h does not mention %q:\n%s", want, out.String())
		}
	}
}

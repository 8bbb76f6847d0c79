package httpd

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tradingengine/core"
)

// TestSessionsIgnoreTheWallClock sets the clock an hour forward and back, and over the weekends at
// which summer time begins and ends, while sessions live: heartbeats tell what the clock says, but
// come when they are due, and who is silent is closed when that is due.
//
// It was seen to fail when the writer went by the clock that heartbeats tell.
func TestSessionsIgnoreTheWallClock(t *testing.T) {
	var clock atomic.Int64
	clock.Store(int64(testNow))
	o := streamMarketOptions{hub: func(o *hubOptions) {
		o.now = func() core.Time { return core.Time(clock.Load()) }
	}}
	inBubble(t, o, func(t *testing.T, m *streamMarket) {
		start := time.Now()
		c := m.pipe()
		for i, now := range []core.Time{
			testNow, testNow + core.Hour, testNow - core.Hour, 1,
			mustTime("2026-03-29T00:59:59Z"), mustTime("2026-03-29T01:00:01Z"),
			mustTime("2026-11-01T05:59:59Z"), mustTime("2026-11-01T06:00:01Z"), testNow,
		} {
			clock.Store(int64(now))
			got := ""
			for got == "" {
				kind, text, err := c.frame()
				check(t, err)
				switch kind {
				case framePing:
					c.sendFrames(clientFrame(frameFinal|framePong, ""))
				case frameText:
					got = text
				default:
					t.Fatalf("frame of kind %d %q after %v", kind, text, time.Since(start))
				}
			}
			want := string(appendHeartbeat(nil, now)) + "}"
			due := time.Duration(i+1) * 5 * time.Second
			if took := time.Since(start); got != want || took != due {
				t.Fatalf("%s after %v, want %s after %v", got, took, want, due)
			}
		}
		heard := start.Add(40 * time.Second) // The last ping was answered then.
		for kind := byte(0); kind != frameClose; {
			var err error
			clock.Add(int64(core.Hour))
			kind, _, err = c.frame()
			check(t, err)
		}
		if took := time.Since(heard); took != 30*time.Second {
			t.Errorf("a silent client is closed after %v", took)
		}
		c.close()
	})
}

// TestSpansAreMonotonic looks for code that measures spans by the wall clock: a time made an integer
// has lost what the monotonic clock says. Of a time that a client is told that is what is wanted.
func TestSpansAreMonotonic(t *testing.T) {
	files, err := filepath.Glob("*.go")
	check(t, err)
	wall := regexp.MustCompile(`\.Unix(Nano|Micro|Milli)?\(\)|\.Round\(0\)|time\.Unix\(`)
	looked := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		check(t, err)
		looked++
		for i, line := range strings.Split(string(text), "\n") {
			if wall.MatchString(line) && !strings.Contains(line, "longAgo = time.Unix(1, 0)") {
				t.Errorf("%s:%d: %s", name, i+1, line)
			}
		}
	}
	if looked < 40 {
		t.Errorf("only %d files", looked)
	}
	early, late := time.Now(), time.Now().Add(time.Hour)
	if d := sinceStart(late) - sinceStart(early); d < int64(59*time.Minute) || sinceStart(begun) == 0 {
		t.Errorf("an hour is %d ns", d)
	}
}

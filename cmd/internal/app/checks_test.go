package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tradingengine/cmd/internal/watch"
	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/httpd"
)

// TestFlushResult judges ticks that wait, by the time since none did.
func TestFlushResult(t *testing.T) {
	f := func(pending int64, since time.Duration, ok bool, value int) {
		t.Helper()
		r := flushResult(pending, since)
		if r.OK != ok || r.Value != value || r.Limit != 60 || (r.Reason == "") != ok {
			t.Errorf("%d ticks wait, %s after a flush: got %+v, want OK %v and %d", pending, since, r, ok,
				value)
		}
	}
	f(0, 0, true, 0)
	f(0, time.Hour, true, 0)
	f(1, 0, true, 0)
	f(1, 60*time.Second, true, 60)
	f(1, 60*time.Second+1, false, 60)
	f(500, time.Hour, false, 3600)
}

// TestBrokenSums: a remainder of counters of one moment stays, one of several moments is none, and
// whoever watches is told that it is critical.
//
// It was seen to find a check that forgets.
func TestBrokenSums(t *testing.T) {
	counted := core.Stats{Exact: true, Received: 5, Stored: 3, Throttled: 2, Committed: 3}
	v := &server{sums: &conservation{stats: func() core.Stats { return counted }}}
	var told []alert.Reading
	clock := time.Unix(1_768_830_000, 0)
	f := func(ok bool, value int64) {
		t.Helper()
		r := v.checkSums()
		if r.OK != ok || r.Value != value || (r.Reason == "") != ok {
			t.Errorf("%+v: got %+v, want OK %v and %d", counted, r, ok, value)
		}
	}
	f(true, 0)
	counted.Exact, counted.Stored = false, 4
	f(true, 0)
	counted.Exact = true
	f(false, 1)
	counted.Stored = 3
	f(false, 1)
	w := watch.New(watch.Options{
		Checks: []httpd.Check{{Name: "conservation", Run: v.checkSums}},
		Tell:   func(g alert.Reading) bool { told = append(told, g); return true },
		Now:    func() time.Time { return clock },
	})
	w.Look()
	if len(told) != 1 || told[0].Level != alert.Bad || told[0].Check != "conservation" ||
		told[0].Value != "1" || told[0].Limit != "0" {
		t.Errorf("told %+v", told)
	}
}

// TestSpansAreMonotonic looks for code that measures spans by the time of day, which may jump.
//
// It was seen to find the age of the last commit measured so.
func TestSpansAreMonotonic(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	wall := regexp.MustCompile(`\.Unix(Nano|Micro|Milli)?\(\)|\.Round\(0\)|time\.Unix\(` +
		`|core\.Now\(\) ?-|- ?core\.Now\(\)`)
	looked := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		looked++
		for i, line := range strings.Split(string(text), "\n") {
			if wall.MatchString(line) {
				t.Errorf("%s:%d: %s", name, i+1, line)
			}
		}
	}
	if looked < 15 {
		t.Errorf("only %d files", looked)
	}
}

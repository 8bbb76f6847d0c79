package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
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

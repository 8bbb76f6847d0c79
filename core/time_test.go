package core

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const quarterToTwo = Time(1_768_830_564_100_000) // 2026-01-19T13:49:24.1Z

func TestParseTime(t *testing.T) {
	f := func(text string, want Time) {
		t.Helper()
		if got, err := ParseTime(text); err != nil || got != want {
			t.Errorf("ParseTime(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	f("2026-01-19T13:49:24.1Z", quarterToTwo)
	f("2026-01-19T13:49:24.100000Z", quarterToTwo)
	f("2026-01-19T15:49:24.1+02:00", quarterToTwo)
	f("2026-01-19T08:49:24.1-05:00", quarterToTwo)
	f("2026-01-19T13:49:24.1000009Z", quarterToTwo) // Nanoseconds are cut.
	f("1768830564", quarterToTwo.Floor(Second))
	f("1768830564100", quarterToTwo)
	f("1768830564100000", quarterToTwo)
	f("0", 0)
	f("1", Second)
	f("1970-01-01T00:00:00Z", 0)
	f("99999999999", 99_999_999_999*Second)        // The last epoch read as seconds,
	f("100000000000", 100_000_000_000*1000)        // the first as milliseconds,
	f("99999999999999", 99_999_999_999_999*1000)   // the last,
	f("100000000000000", 100_000_000_000_000)      // the first as microseconds,
	f("99999999999999999", 99_999_999_999_999_999) // the last.

	for _, text := range []string{
		"", " ", "-1", "+1768830564", "01768830564", "1768830564.1", "1e9", "0x10", "1_768_830_564",
		"100000000000000000", "99999999999999999999", "yesterday", "2026-01-19",
		"2026-01-19T13:49:24", "2026-01-19 13:49:24Z", "2026-13-19T13:49:24Z",
		"2026-02-29T13:49:24Z", "2026-01-19T24:00:01Z", "13:49", "NaN", "null", "１２３",
		strings.Repeat("9", 300),
	} {
		got, err := ParseTime(text)
		if !errors.Is(err, ErrTime) {
			t.Errorf("ParseTime(%q) = %v, %v; want ErrTime", text, got, err)
		} else if len(err.Error()) > 200 {
			t.Errorf("ParseTime(%q) quotes all of it", text[:10])
		}
	}
}

func TestPrintTime(t *testing.T) {
	f := func(tm Time, want string) {
		t.Helper()
		if got := tm.String(); got != want {
			t.Errorf("Time(%d) prints %s; want %s", int64(tm), got, want)
		}
		if back, err := ParseTime(want); err != nil || back != tm {
			t.Errorf("%s reads back as %d, %v; want %d", want, int64(back), err, int64(tm))
		}
	}
	f(quarterToTwo, "2026-01-19T13:49:24.100000Z")
	f(quarterToTwo+23, "2026-01-19T13:49:24.100023Z")
	f(0, "1970-01-01T00:00:00.000000Z")
	f(-1, "1969-12-31T23:59:59.999999Z")
}

func TestTimeRoundsDown(t *testing.T) {
	f := func(got, want int64) {
		t.Helper()
		if got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
	f(quarterToTwo.Millis(), 1_768_830_564_100)
	f(quarterToTwo.Seconds(), 1_768_830_564)
	f((quarterToTwo + 999).Millis(), 1_768_830_564_100)
	f(Time(-1).Millis(), -1)
	f(Time(-1).Seconds(), -1)
	f(Time(-1_000_000).Seconds(), -1)
	f(int64(Time(-1).Floor(Minute)), int64(-Minute))
	f(int64(Time(59_999_999).Floor(Minute)), 0)
	f(int64(Minute.Floor(Minute)), int64(Minute))
	f(int64(TimeOf(time.Unix(1, 999))), 1_000_000)
}

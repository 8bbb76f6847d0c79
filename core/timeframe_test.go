package core

import (
	"math/rand/v2"
	"testing"
	"time"
)

func at(t *testing.T, text string) Time {
	t.Helper()
	tm, err := ParseTime(text)
	if err != nil {
		t.Fatal(err)
	}
	return tm
}

func TestParseFrame(t *testing.T) {
	f := func(want Frame, forms ...string) {
		t.Helper()
		for _, text := range forms {
			if got, err := ParseFrame(text); err != nil || got != want {
				t.Errorf("ParseFrame(%q) = %v, %v; want %v", text, got, err, want)
			}
		}
	}
	f(M1, "1m", "1M", "M1", "m1", "60")
	f(M5, "5m", "M5", "300")
	f(M15, "15m", "M15", "m15", "900")
	f(M30, "30m", "M30", "1800")
	f(H1, "1h", "1H", "H1", "h1", "3600")
	f(H4, "4h", "H4", "14400")
	f(D1, "1d", "1D", "D1", "86400")
	f(W1, "1w", "W1", "w1", "604800")
	for _, text := range []string{
		"", "m", "1", "0", "-60", "60.0", "60s", "2m", "M10", "D", "1y", "MN1", "1 m", "5M5",
		"060", "+60", "1ｍ",
	} {
		if got, err := ParseFrame(text); err == nil {
			t.Errorf("ParseFrame(%q) = %v; want an error", text, got)
		}
	}
	for f, name := range FrameNames() {
		if got, err := ParseFrame(name); err != nil || got != Frame(f) || got.String() != name {
			t.Errorf("the name %s reads as %v, %v", name, got, err)
		}
	}
}

func TestFrameOpen(t *testing.T) {
	f := func(frame Frame, tm, open, end string) {
		t.Helper()
		got := frame.Open(at(t, tm))
		if got != at(t, open) || frame.End(got) != at(t, end) {
			t.Errorf("%v of %s is %v to %v; want %s to %s", frame, tm, got, frame.End(got), open,
				end)
		}
	}
	f(M1, "2026-01-19T13:49:59.999999Z", "2026-01-19T13:49:00Z", "2026-01-19T13:50:00Z")
	f(M15, "2026-01-19T13:49:00Z", "2026-01-19T13:45:00Z", "2026-01-19T14:00:00Z")
	f(H1, "2026-01-19T13:49:00Z", "2026-01-19T13:00:00Z", "2026-01-19T14:00:00Z")
	// In winter New York closes at 22:00 UTC, in summer at 21:00.
	f(H4, "2026-01-19T13:49:00Z", "2026-01-19T10:00:00Z", "2026-01-19T14:00:00Z")
	f(H4, "2026-07-20T13:49:00Z", "2026-07-20T13:00:00Z", "2026-07-20T17:00:00Z")
	f(D1, "2026-01-19T21:59:59.999999Z", "2026-01-18T22:00:00Z", "2026-01-19T22:00:00Z")
	f(D1, "2026-01-19T22:00:00Z", "2026-01-19T22:00:00Z", "2026-01-20T22:00:00Z")
	f(D1, "2026-07-20T21:00:00Z", "2026-07-20T21:00:00Z", "2026-07-21T21:00:00Z")
	// The clock goes forward on Sunday 8 March 2026: that day has 23 hours, its last 4h bar 3.
	f(D1, "2026-03-08T12:00:00Z", "2026-03-07T22:00:00Z", "2026-03-08T21:00:00Z")
	f(H4, "2026-03-08T20:59:59Z", "2026-03-08T18:00:00Z", "2026-03-08T21:00:00Z")
	f(H4, "2026-03-08T21:00:00Z", "2026-03-08T21:00:00Z", "2026-03-09T01:00:00Z")
	// It goes back on Sunday 1 November 2026: 25 hours, and a last bar of one hour.
	f(D1, "2026-11-01T12:00:00Z", "2026-10-31T21:00:00Z", "2026-11-01T22:00:00Z")
	f(H4, "2026-11-01T20:59:59Z", "2026-11-01T17:00:00Z", "2026-11-01T21:00:00Z")
	f(H4, "2026-11-01T21:00:00Z", "2026-11-01T21:00:00Z", "2026-11-01T22:00:00Z")
	// A week opens Sunday 17:00 in New York, whatever the season at its end.
	f(W1, "2026-01-23T20:00:00Z", "2026-01-18T22:00:00Z", "2026-01-25T22:00:00Z")
	f(W1, "2026-03-08T20:59:59Z", "2026-03-01T22:00:00Z", "2026-03-08T21:00:00Z")
	f(W1, "2026-03-08T21:00:00Z", "2026-03-08T21:00:00Z", "2026-03-15T21:00:00Z")
	f(W1, "2026-10-31T23:00:00Z", "2026-10-25T21:00:00Z", "2026-11-01T22:00:00Z")
	f(W1, "2026-01-24T12:00:00Z", "2026-01-18T22:00:00Z", "2026-01-25T22:00:00Z")
}

func TestFrameOpenUTC(t *testing.T) {
	f := func(frame Frame, tm, want string) {
		t.Helper()
		if got := frame.OpenUTC(at(t, tm)); got != at(t, want) {
			t.Errorf("%v of %s opens %v; want %s", frame, tm, got, want)
		}
	}
	f(M5, "2026-01-19T13:49:00Z", "2026-01-19T13:45:00Z")
	f(H4, "2026-01-19T13:49:00Z", "2026-01-19T12:00:00Z")
	f(D1, "2026-01-19T23:59:59Z", "2026-01-19T00:00:00Z")
	f(D1, "2026-03-08T12:00:00Z", "2026-03-08T00:00:00Z")
	f(W1, "2026-01-18T22:00:00Z", "2026-01-18T00:00:00Z") // A Sunday.
	f(W1, "2026-01-24T23:59:59Z", "2026-01-18T00:00:00Z")
	f(W1, "1970-01-01T00:00:00Z", "1969-12-28T00:00:00Z")
}

// TestFramesTileTime walks every bar over the weekends on which New York changes its clock, and
// over the weeks around them: each bar's end is the open of the next, every bar lies in one bar of
// the frame above it, and every instant lies in the bar it opens.
func TestFramesTileTime(t *testing.T) {
	newYorkTime, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for year := 2007; year <= 2037; year += 3 {
		for _, month := range []time.Month{time.March, time.November} {
			first := Time(time.Date(year, month, 1, 12, 0, 0, 0, newYorkTime).UnixMicro())
			last := first + 16*24*Hour
			for f := M30; f <= W1; f++ {
				walkFrame(t, f, first, last, newYorkTime)
			}
		}
	}
}

func walkFrame(t *testing.T, f Frame, first, last Time, newYorkTime *time.Location) {
	t.Helper()
	for open := f.Open(first); open < last; {
		end := f.End(open)
		if end <= open || f.Open(open) != open || f.Open(end-1) != open || f.Open(end) != end {
			t.Fatalf("%v bar %v to %v: its instants open %v, %v, and the next %v", f, open, end,
				f.Open(open), f.Open(end-1), f.Open(end))
		}
		if f < W1 {
			if above := f + 1; above.Open(open) != above.Open(end-1) {
				t.Fatalf("%v bar %v lies in two %v bars", f, open, above)
			}
		}
		local := time.UnixMicro(int64(open)).In(newYorkTime)
		if f >= D1 && (local.Hour() != 17 || local.Minute() != 0) {
			t.Fatalf("%v bar opens %v", f, local)
		}
		if f == W1 && local.Weekday() != time.Sunday {
			t.Fatalf("week opens %v", local)
		}
		if span := end - open; f == D1 && span != 24*Hour {
			shift := 24*Hour - span
			sunday := time.UnixMicro(int64(end)).In(newYorkTime).Weekday() == time.Sunday
			if shift != Hour && shift != -Hour || !sunday {
				t.Fatalf("the day of %v has %v µs", local, span)
			}
		}
		open = end
	}
}

func TestFrameOpenAtRandom(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for range 20_000 {
		tm := Time(random.Int64N(int64(4_000_000_000 * Second))) // Up to the year 2096.
		for f := M1; f <= W1; f++ {
			open := f.Open(tm)
			if open > tm || f.End(open) <= tm || f.Open(open) != open {
				t.Fatalf("seed %d: %v holds %v to %v for %v", seed, f, open, f.End(open), tm)
			}
			if utc := f.OpenUTC(tm); utc > tm || tm-utc >= f.Span() || f.OpenUTC(utc) != utc {
				t.Fatalf("seed %d: %v opens UTC %v for %v", seed, f, utc, tm)
			}
		}
	}
}

func TestSession(t *testing.T) {
	f := func(tm string, want bool) {
		t.Helper()
		if got := Session24x5.Open(at(t, tm)); got != want {
			t.Errorf("forex open at %s: %v; want %v", tm, got, want)
		}
		if !Session24x7.Open(at(t, tm)) {
			t.Errorf("crypto closed at %s", tm)
		}
	}
	f("2026-01-18T21:59:59.999999Z", false) // Sunday before 17:00 in New York.
	f("2026-01-18T22:00:00Z", true)
	f("2026-01-21T12:00:00Z", true)
	f("2026-01-23T21:59:59.999999Z", true) // Friday.
	f("2026-01-23T22:00:00Z", false)
	f("2026-01-24T12:00:00Z", false)
	f("2026-07-19T20:59:59Z", false)
	f("2026-07-19T21:00:00Z", true)
	f("2026-07-24T20:59:59Z", true)
	f("2026-07-24T21:00:00Z", false)
	if Session24x5.String() != "24x5" || Session24x7.String() != "24x7" {
		t.Error("the names of sessions changed")
	}
}

// TestSessionByTheClock compares with what a clock on a wall in New York shows.
func TestSessionByTheClock(t *testing.T) {
	newYorkTime, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	for range 50_000 {
		tm := Time(random.Int64N(int64(4_000_000_000 * Second)))
		if random.IntN(2) == 0 { // Near the ends of days.
			tm = D1.Open(tm) + Time(random.Int64N(int64(2*Second))) - Second
		}
		local := time.UnixMicro(int64(tm)).In(newYorkTime)
		hours := 24*int(local.Weekday()) + local.Hour()
		if want := hours >= 17 && hours < 5*24+17; Session24x5.Open(tm) != want {
			t.Fatalf("seed %d: forex open at %v: %v", seed, local, !want)
		}
	}
}

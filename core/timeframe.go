package core

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // New York's clock must not depend on the machine's files.
)

// Frame is the span of a bar. A bar covers [open, open+span) of stored time.
type Frame uint8

// The frames, shortest first. All but the minute are rolled up from minutes.
const (
	M1 Frame = iota
	M5
	M15
	M30
	H1
	H4
	D1
	W1
	frameCount
)

// Frames is the number of frames.
const Frames = int(frameCount)

var frameNames = [frameCount]string{"1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w"}

var frameSeconds = [frameCount]int64{60, 300, 900, 1800, 3600, 14400, 86400, 604800}

// String returns the short name, e.g. 15m.
func (f Frame) String() string { return frameNames[f] }

// Span returns the length of a frame. Days have 23 or 25 hours when New York changes its clock,
// and the last 4h bar of such a day is shorter or stands alone.
func (f Frame) Span() Time { return Time(frameSeconds[f]) * Second }

// FrameNames returns the short names of all frames, shortest first.
func FrameNames() []string { return append([]string(nil), frameNames[:]...) }

// ParseFrame reads 1m, M1, 60 (seconds) and the like, in any case.
func ParseFrame(s string) (Frame, error) {
	for f := range frameCount {
		name := frameNames[f]
		metaTrader := name[len(name)-1:] + name[:len(name)-1]
		if strings.EqualFold(s, name) || strings.EqualFold(s, metaTrader) ||
			s == fmt.Sprint(frameSeconds[f]) {
			return f, nil
		}
	}
	return 0, fmt.Errorf("no time frame %q; there are %s", cut(s, 20),
		strings.Join(frameNames[:], " "))
}

var newYork = mustLoad("America/New_York")

func mustLoad(name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // The database is embedded, so this is a broken build.
	}
	return l
}

// Open returns the open time of the bar of frame f that holds t. Frames up to an hour are cut
// from UTC. A day opens at 17:00 New York, 4h bars count from it, a week opens Sunday 17:00.
func (f Frame) Open(t Time) Time {
	if f <= H1 {
		return t.Floor(f.Span())
	}
	day := dayOpen(t)
	switch f {
	case H4:
		return day + (t - day).Floor(f.Span())
	case D1:
		return day
	default:
		return weekOpen(day)
	}
}

// End returns the end of the bar that opens at open.
func (f Frame) End(open Time) Time {
	switch {
	case f <= H1:
		return open + f.Span()
	case f == H4:
		// At most 25 hours and some: the day's end cuts the last bar.
		return min(open+f.Span(), dayEnd(dayOpen(open)))
	case f == D1:
		return dayEnd(open)
	default:
		d := open.Std().In(newYork)
		return newYorkClose(d.Year(), d.Month(), d.Day()+7)
	}
}

// OpenUTC is Open for bars cut from UTC days; weeks open on Sunday 00:00 so that a Sunday evening
// belongs to its trading week.
func (f Frame) OpenUTC(t Time) Time {
	if f != W1 {
		return t.Floor(f.Span())
	}
	day := t.Floor(D1.Span())
	return day - Time(day.Std().Weekday())*D1.Span()
}

// dayOpen returns the last 17:00 New York at or before t.
func dayOpen(t Time) Time {
	d := t.Std().In(newYork)
	day := d.Day()
	if d.Hour() < 17 {
		day--
	}
	return newYorkClose(d.Year(), d.Month(), day)
}

// dayEnd returns the 17:00 New York after the one at open.
func dayEnd(open Time) Time {
	d := open.Std().In(newYork)
	return newYorkClose(d.Year(), d.Month(), d.Day()+1)
}

// weekOpen returns the Sunday 17:00 of the week of a day that opens at day.
func weekOpen(day Time) Time {
	d := day.Std().In(newYork)
	return newYorkClose(d.Year(), d.Month(), d.Day()-int(d.Weekday()))
}

func newYorkClose(year int, month time.Month, day int) Time {
	return TimeOf(time.Date(year, month, day, 17, 0, 0, 0, newYork))
}

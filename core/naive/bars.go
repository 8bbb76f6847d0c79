package naive

import (
	"sort"
	"time"
	_ "time/tzdata" // New York's clock must not depend on the machine's files.
)

// Bar is a bar as its quotes give it. The four prices are open, high, low, close.
type Bar struct {
	Open, First, Last                 int64 // When it opens; the times of its quotes.
	Mid, Bid, Ask                     [4]int64
	Volume                            int64
	SpreadMin, SpreadMax, SpreadClose int64
}

// Frames is the number of time frames, shortest first: 1m 5m 15m 30m 1h 4h 1d 1w.
const Frames = 8

// frames have their length in minutes, or the name of what New York calls them.
var frames = [Frames]struct {
	minutes int64
	named   string
}{{1, ""}, {5, ""}, {15, ""}, {30, ""}, {60, ""}, {240, "4h"}, {0, "day"}, {0, "week"}}

// Bars returns the bars of a frame and how many of them are closed.
func (m *Market) Bars(frame int) (bars []Bar, closed int) {
	for i := 0; i < len(m.Accepted); {
		open, end := span(frame, m.Accepted[i].Time)
		j := i
		for j < len(m.Accepted) && m.Accepted[j].Time < end {
			j++
		}
		bars = append(bars, barOf(open, m.Accepted[i:j]))
		over := j < len(m.Accepted)
		for _, c := range m.Closings {
			over = over || c.Quotes >= j && c.Limit >= end
		}
		if over {
			closed = len(bars)
		}
		i = j
	}
	return bars, closed
}

func barOf(open int64, quotes []Quote) Bar {
	spread := ohlc(quotes, func(q *Quote) int64 { return q.Ask - q.Bid })
	return Bar{
		Open: open, First: quotes[0].Time, Last: quotes[len(quotes)-1].Time,
		Mid:    ohlc(quotes, func(q *Quote) int64 { return q.Bid + q.Ask }),
		Bid:    ohlc(quotes, func(q *Quote) int64 { return q.Bid }),
		Ask:    ohlc(quotes, func(q *Quote) int64 { return q.Ask }),
		Volume: int64(len(quotes)), SpreadMin: spread[2], SpreadMax: spread[1], SpreadClose: spread[3],
	}
}

func ohlc(quotes []Quote, of func(*Quote) int64) [4]int64 {
	open, last := of(&quotes[0]), of(&quotes[len(quotes)-1])
	high, low := open, open
	for i := range quotes {
		high, low = max(high, of(&quotes[i])), min(low, of(&quotes[i]))
	}
	return [4]int64{open, high, low, last}
}

// days are all the 17:00s of New York from 2012 to 2027, in order.
var days = func() (days []int64) {
	location, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	for d := time.Date(2012, 1, 1, 17, 0, 0, 0, location); d.Year() < 2028; d = d.AddDate(0, 0, 1) {
		days = append(days, d.UnixMicro())
	}
	return days
}()

// span returns the bar of a frame that holds t. 2012 began on a Sunday, so every seventh day begins
// a week.
func span(frame int, t int64) (open, end int64) {
	f := frames[frame]
	if f.named == "" {
		open = t - t%(f.minutes*minute)
		return open, open + f.minutes*minute
	}
	day := sort.Search(len(days), func(i int) bool { return days[i] > t }) - 1
	switch f.named {
	case "week":
		day -= day % 7
		return days[day], days[day+7]
	case "day":
		return days[day], days[day+1]
	}
	open, end = days[day], days[day]+4*hour
	for end <= t {
		open, end = end, end+4*hour
	}
	return open, min(end, days[day+1])
}

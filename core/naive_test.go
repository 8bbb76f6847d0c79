package core

import (
	"sort"
	"time"
)

// The naive market is the trader's idea of what the engine computes, written a second time from
// the description and sharing no code with the package: it keeps every accepted quote and makes
// bars by looking through all of them. Times are µs, prices points.
type naiveMarket struct {
	accepted []naiveQuote
	ticks    []naiveQuote // Those that moved 0.001 % from the tick before.
	rejected map[string]int
	clocked  bool
	floor    int64
	closings []naiveClosing

	absurdMid, absurdCount int64
}

type naiveQuote struct{ time, bid, ask int64 }

// naiveClosing is a clock message: bars made of the first quotes that ended by limit are closed.
type naiveClosing struct {
	quotes int
	limit  int64
}

type naiveBar struct {
	open, first, last                 int64
	mid, bid, ask                     [4]int64 // Open, high, low, close; mid is bid + ask.
	volume                            int64
	spreadMin, spreadMax, spreadClose int64
}

const (
	naiveSecond = int64(1_000_000)
	naiveMinute = 60 * naiveSecond
	naiveHour   = 60 * naiveMinute
)

// naiveFrames have their length in minutes, or the name of what New York calls them.
var naiveFrames = []struct {
	minutes int64
	named   string
}{{1, ""}, {5, ""}, {15, ""}, {30, ""}, {60, ""}, {240, "4h"}, {0, "day"}, {0, "week"}}

// quote offers a quote; it returns "" or the code of the rejection.
func (m *naiveMarket) quote(arrival int64, history bool, at, bid, ask int64) string {
	code := m.judge(arrival, history, at, bid, ask)
	if code != "" {
		if m.rejected == nil {
			m.rejected = map[string]int{}
		}
		m.rejected[code]++
		return code
	}
	stamp := at
	if at == 0 || !history && at > arrival {
		stamp = arrival
	}
	if stamp < m.floor {
		stamp = m.floor
	}
	if n := len(m.accepted); n > 0 && stamp <= m.accepted[n-1].time {
		stamp = m.accepted[n-1].time + 1
	}
	q := naiveQuote{stamp, bid, ask}
	m.accepted = append(m.accepted, q)
	m.absurdCount = 0
	m.clocked = stamp >= arrival-5*naiveSecond && stamp <= arrival+5*naiveSecond
	m.closeBy(stamp)
	if n := len(m.ticks); n == 0 || naiveMoved(m.ticks[n-1], q) {
		m.ticks = append(m.ticks, q)
	}
	return ""
}

// naiveMoved is the rule of the throttle as it is written down.
func naiveMoved(last, q naiveQuote) bool {
	before, now := last.bid+last.ask, q.bid+q.ask
	move := now - before
	if move < 0 {
		move = -move
	}
	return !(move*100_000 < before)
}

func (m *naiveMarket) judge(arrival int64, history bool, at, bid, ask int64) string {
	switch {
	case bid <= 0 || ask <= 0:
		return "NOT_POSITIVE"
	case ask < bid:
		return "CROSSED"
	}
	if n := len(m.accepted); n > 0 {
		live := m.accepted[n-1]
		if m.isAbsurd(live.bid+live.ask, bid+ask) {
			return "ABSURD"
		}
	}
	if at != 0 && !history && at > arrival+5*naiveSecond {
		return "FUTURE"
	}
	if n := len(m.accepted); n > 0 && at != 0 && at < m.accepted[n-1].time-naiveSecond {
		return "LATE"
	}
	return ""
}

func (m *naiveMarket) isAbsurd(live, mid int64) bool {
	if mid >= live-live/2 && mid <= live+live/2 {
		return false
	}
	if off := mid - m.absurdMid; m.absurdCount > 0 && off <= m.absurdMid/100 &&
		off >= -m.absurdMid/100 {
		m.absurdCount++
	} else {
		m.absurdMid, m.absurdCount = mid, 1
	}
	return m.absurdCount < 10
}

// clock tells the time: live bars that ended 250 ms ago are closed.
func (m *naiveMarket) clock(now int64) {
	if m.clocked {
		limit := now - naiveSecond/4
		m.closings = append(m.closings, naiveClosing{len(m.accepted), limit})
		m.closeBy(limit)
	}
}

// closeBy raises the floor to the end of the bars of the newest quotes that ended by limit.
func (m *naiveMarket) closeBy(limit int64) {
	for i := len(m.accepted) - 1; i >= 0 && i >= len(m.accepted)-2; i-- {
		for f := range naiveFrames {
			if _, end := naiveSpan(f, m.accepted[i].time); end <= limit && end > m.floor {
				m.floor = end
			}
		}
	}
}

// bars returns the bars of a frame and how many of them are closed.
func (m *naiveMarket) bars(frame int) (bars []naiveBar, closed int) {
	for i := 0; i < len(m.accepted); {
		open, end := naiveSpan(frame, m.accepted[i].time)
		j := i
		for j < len(m.accepted) && m.accepted[j].time < end {
			j++
		}
		bars = append(bars, naiveBarOf(open, m.accepted[i:j]))
		over := j < len(m.accepted)
		for _, c := range m.closings {
			over = over || c.quotes >= j && c.limit >= end
		}
		if over {
			closed = len(bars)
		}
		i = j
	}
	return bars, closed
}

func naiveBarOf(open int64, quotes []naiveQuote) naiveBar {
	first, last := quotes[0], quotes[len(quotes)-1]
	var mids, bids, asks, spreads []int64
	for _, q := range quotes {
		mids = append(mids, q.bid+q.ask)
		bids = append(bids, q.bid)
		asks = append(asks, q.ask)
		spreads = append(spreads, q.ask-q.bid)
	}
	spread := naiveOHLC(spreads)
	return naiveBar{
		open: open, first: first.time, last: last.time, volume: int64(len(quotes)),
		mid: naiveOHLC(mids), bid: naiveOHLC(bids), ask: naiveOHLC(asks),
		spreadMin: spread[2], spreadMax: spread[1], spreadClose: spread[3],
	}
}

func naiveOHLC(values []int64) [4]int64 {
	open, last := values[0], values[len(values)-1]
	high, low := open, open
	for _, v := range values {
		if v > high {
			high = v
		}
		if v < low {
			low = v
		}
	}
	return [4]int64{open, high, low, last}
}

// naiveDays are all the 17:00s of New York from 2012 to 2027, in order.
var naiveDays = func() (days []int64) {
	location, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	for d := time.Date(2012, 1, 1, 17, 0, 0, 0, location); d.Year() < 2028; d = d.AddDate(0, 0, 1) {
		days = append(days, d.UnixMicro())
	}
	return days
}()

// naiveSpan returns the bar of a frame that holds t. 2012 began on a Sunday, so every seventh day
// begins a week.
func naiveSpan(frame int, t int64) (open, end int64) {
	f := naiveFrames[frame]
	if f.named == "" {
		open = t - t%(f.minutes*naiveMinute)
		return open, open + f.minutes*naiveMinute
	}
	day := sort.Search(len(naiveDays), func(i int) bool { return naiveDays[i] > t }) - 1
	switch f.named {
	case "week":
		day -= day % 7
		return naiveDays[day], naiveDays[day+7]
	case "day":
		return naiveDays[day], naiveDays[day+1]
	}
	open, end = naiveDays[day], naiveDays[day]+4*naiveHour
	for end <= t {
		open, end = end, end+4*naiveHour
	}
	return open, min(end, naiveDays[day+1])
}

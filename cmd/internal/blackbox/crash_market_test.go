package blackbox

import (
	"fmt"
	"math/rand/v2"
	"time"
	_ "time/tzdata" // New York's clock must not depend on the machine's files.
)

// This file computes what quotes must leave behind, the slow and plain way: every accepted quote
// changes the bars of all frames. It shares no code with the engine.

// crashQuote is a quote that is sent, and what must become of it.
type crashQuote struct {
	time     int64 // As sent, in µs.
	stamp    int64 // When it must be stored; 0 when it must be refused.
	bid, ask int64 // Points.
	seq      uint64
	taken    bool // It is in the file, so that sending it again is a duplicate.
}

type crashTick struct{ time, bid, ask int64 }

type crashSide struct{ open, high, low, close int64 }

func (s *crashSide) add(v int64, first bool) {
	if first {
		*s = crashSide{v, v, v, v}
		return
	}
	s.high, s.low, s.close = max(s.high, v), min(s.low, v), v
}

type crashBar struct {
	open                             int64        // When it opens, in s.
	sides                            [3]crashSide // mid in half points, bid, ask
	volume                           int64
	spreadMin, spreadMax, spreadLast int64
	first, last                      int64
}

func (b *crashBar) add(q *crashQuote) {
	first := b.volume == 0
	b.sides[0].add(q.bid+q.ask, first)
	b.sides[1].add(q.bid, first)
	b.sides[2].add(q.ask, first)
	spread := q.ask - q.bid
	if first {
		b.spreadMin, b.spreadMax, b.first = spread, spread, q.stamp
	}
	b.spreadMin, b.spreadMax = min(b.spreadMin, spread), max(b.spreadMax, spread)
	b.spreadLast, b.last = spread, q.stamp
	b.volume++
}

// crashFrames are the frames up to an hour, which are cut from UTC, and then those of New York.
var (
	crashFrames    = []string{"1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w"}
	crashSeconds   = []int64{60, 300, 900, 1800, 3600, 14400, 86400, 604800}
	crashSideNames = []string{"mid", "bid", "ask"}
)

// crashMarket makes the quotes of one symbol, and knows ticks and bars of those that were taken.
type crashMarket struct {
	symbol   string
	lp       string
	digits   int
	zone     *time.Location
	random   *rand.Rand
	bid, ask int64
	clock    int64 // The stamp of the newest quote made.
	seq      uint64

	accepted int64 // Quotes that ticks and bars hold.
	stored   int64 // The mid of the newest tick in half points; 0 before the first.
	ticks    []crashTick
	bars     [8][]crashBar
	minute   int64    // The minute that opens belongs to.
	opens    [8]int64 // Open times of the bars of that minute.

	compared int // Ticks already compared with the file.
}

// next makes a quote: most come in bursts or seconds after another, some after hours; some claim
// the time of the one before or a little less, some are too late and some crossed.
func (m *crashMarket) next() crashQuote {
	r := m.random
	if r.IntN(10) < 7 {
		m.bid += r.Int64N(5) - 2
		m.bid = max(m.bid, 1000)
	}
	m.ask = m.bid + r.Int64N(12)
	m.seq++
	q := crashQuote{bid: m.bid, ask: m.ask, seq: m.seq}
	switch p := r.IntN(1000); {
	case p < 400 || m.seq == 1: // The first has none before it to be late after.
		q.time = m.clock + 1 + r.Int64N(2_000)
	case p < 750:
		q.time = m.clock + 1 + r.Int64N(2_000_000)
	case p < 849:
		q.time = m.clock + 1 + r.Int64N(60_000_000)
	case p < 850:
		q.time = m.clock + 1 + r.Int64N(4*3_600_000_000)
	case p < 990:
		q.time = m.clock - r.Int64N(900_000)
	case p < 995:
		q.time = m.clock - 1_000_001 - r.Int64N(1_000_000)
		return q
	default:
		q.time = m.clock + 1
		q.bid, q.ask = q.ask+1, q.bid
		return q
	}
	m.clock = max(q.time, m.clock+1)
	q.stamp = m.clock
	return q
}

// take changes ticks and bars by an accepted quote, and reports whether it is a tick.
func (m *crashMarket) take(q *crashQuote) bool {
	m.accepted++
	if minute := q.stamp / 60_000_000; minute != m.minute || m.accepted == 1 {
		m.minute = minute
		m.findOpens(q.stamp / 1_000_000)
	}
	for f, open := range m.opens {
		n := len(m.bars[f])
		if n == 0 || m.bars[f][n-1].open != open {
			m.bars[f] = append(m.bars[f], crashBar{open: open})
			n++
		}
		m.bars[f][n-1].add(q)
	}
	mid := q.bid + q.ask
	if move := max(mid-m.stored, m.stored-mid); m.stored != 0 && move*100_000 < m.stored {
		return false
	}
	m.stored = mid
	m.ticks = append(m.ticks, crashTick{q.stamp, q.bid, q.ask})
	return true
}

// findOpens finds the open times of the bars that hold a second: a trading day opens at 17:00 in
// New York, bars of four hours count from there, a week opens with the day of Sunday.
func (m *crashMarket) findOpens(second int64) {
	for f, span := range crashSeconds[:5] {
		m.opens[f] = second / span * span
	}
	here := time.Unix(second, 0).In(m.zone)
	day := time.Date(here.Year(), here.Month(), here.Day(), 17, 0, 0, 0, m.zone)
	if day.After(here) {
		day = time.Date(here.Year(), here.Month(), here.Day()-1, 17, 0, 0, 0, m.zone)
	}
	week := time.Date(day.Year(), day.Month(), day.Day()-int(day.Weekday()), 17, 0, 0, 0, m.zone)
	m.opens[5] = day.Unix() + (second-day.Unix())/14400*14400
	m.opens[6] = day.Unix()
	m.opens[7] = week.Unix()
}

// price prints points as a decimal.
func (m *crashMarket) price(points int64) string {
	scale := int64(1)
	for range m.digits {
		scale *= 10
	}
	return fmt.Sprintf("%d.%0*d", points/scale, m.digits, points%scale)
}

// midPrice prints half points, with one more digit where there is a half.
func (m *crashMarket) midPrice(half int64) string {
	if half%2 == 0 {
		return m.price(half / 2)
	}
	return m.price(half/2) + "5"
}

// tickLine is how a tick must be answered.
func (m *crashMarket) tickLine(t crashTick) string {
	return fmt.Sprintf(`{"symbol":"%s","bid":%s,"ask":%s,"spread":%s,"timestamp":"%s",`+
		`"time":%d,"lp":"%s"}`, m.symbol, m.price(t.bid), m.price(t.ask), m.price(t.ask-t.bid),
		time.UnixMicro(t.time).UTC().Format("2006-01-02T15:04:05.000000Z"), t.time, m.lp)
}

// barLine is how bar i of a frame must be answered. All but the last are complete.
func (m *crashMarket) barLine(frame, side, i int) string {
	b := &m.bars[frame][i]
	price := m.price
	if side == 0 {
		price = m.midPrice
	}
	o := b.sides[side]
	return fmt.Sprintf(
		`{"time":%d,"open":%s,"high":%s,"low":%s,"close":%s,"volume":%d,"complete":%t}`,
		b.open, price(o.open), price(o.high), price(o.low), price(o.close), b.volume,
		i < len(m.bars[frame])-1)
}

package torture

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// begin is the time of the first quotes, in microseconds.
var begin = time.Date(2020, 1, 6, 0, 0, 0, 0, time.UTC).UnixMicro()

// frame is a time frame that is cut from UTC.
type frame struct {
	name   string
	micros int64
}

var frames = [...]frame{
	{"1m", 60e6}, {"5m", 300e6}, {"15m", 900e6}, {"30m", 1800e6}, {"1h", 3600e6},
}

// sides are the prices that bars are made of. Mids are in half points, so that they are whole.
var sides = [...]string{"mid", "bid", "ask"}

// quote is a quote that is sent. A market's times strictly increase, so none is late.
type quote struct {
	time, bid, ask int64 // Microseconds, and points.
	number         uint64
	taken          bool // The server holds it, so that it is a duplicate when it is sent again.
}

// tick is a quote that moved enough to be stored.
type tick struct{ time, bid, ask int64 }

// prices are those of one side of a bar.
type prices struct{ open, high, low, close int64 }

// bar is a bar as the server must answer it.
type bar struct {
	time   int64 // When it opens, in seconds.
	sides  [len(sides)]prices
	volume int64
}

func (b *bar) add(q *quote) {
	for side, price := range [len(sides)]int64{q.bid + q.ask, q.bid, q.ask} {
		p := &b.sides[side]
		if b.volume == 0 {
			*p = prices{price, price, price, price}
		}
		p.high, p.low, p.close = max(p.high, price), min(p.low, price), price
	}
	b.volume++
}

// market makes the quotes of one symbol and knows what those that were taken must leave behind. It
// belongs to its sender while that runs, and to the checks between.
type market struct {
	symbol string
	source string
	digits int
	random *rand.Rand
	bid    int64
	clock  int64
	number uint64

	accepted int64 // Quotes that the server must hold.
	mid      int64 // Of the newest tick, in half points; 0 before the first.
	newest   tick
	fresh    []tick // Ticks not yet compared.
	compared ledger // Those that were.
	bars     [len(frames)][]bar
}

// ledger is what is left of ticks once they were compared.
type ledger struct {
	count int64
	hash  uint64
	last  int64 // The time of the newest.
}

func (l *ledger) add(t tick) {
	l.count++
	for _, word := range [...]int64{t.time, t.bid, t.ask} {
		l.hash = (l.hash ^ uint64(word)) * 0x9e3779b97f4a7c15
		l.hash ^= l.hash >> 29
	}
	l.last = t.time
}

func newMarket(symbol, source string, digits int, random *rand.Rand) *market {
	return &market{
		symbol: symbol, source: source, digits: digits, random: random,
		bid: 100_000 + random.Int64N(100_000), clock: begin,
		compared: ledger{last: begin - 1},
	}
}

// next makes a quote. Most come in bursts, some seconds after another, so that bars of many quotes
// and of few are made.
func (m *market) next() quote {
	switch p := m.random.IntN(100); {
	case p < 70:
		m.clock += 1 + m.random.Int64N(2_000)
	case p < 99:
		m.clock += 1 + m.random.Int64N(200_000)
	default:
		m.clock += 1 + m.random.Int64N(20_000_000)
	}
	m.bid = max(m.bid+m.random.Int64N(5)-2, 50_000)
	m.number++
	return quote{time: m.clock, bid: m.bid, ask: m.bid + m.random.Int64N(12), number: m.number}
}

// append writes a quote as a line of NDJSON.
func (m *market) append(dst []byte, q *quote) []byte {
	dst = append(append(dst, `{"symbol":"`...), m.symbol...)
	dst = appendDecimal(append(dst, `","bid":`...), q.bid, m.digits)
	dst = appendDecimal(append(dst, `,"ask":`...), q.ask, m.digits)
	dst = strconv.AppendInt(append(dst, `,"time":`...), q.time, 10)
	dst = strconv.AppendUint(append(dst, `,"seq":`...), q.number, 10)
	return append(append(append(dst, `,"lp":"`...), m.source...), "\"}\n"...)
}

// appendDecimal prints points, of which there are more than a whole one.
func appendDecimal(dst []byte, points int64, digits int) []byte {
	text := strconv.FormatInt(points, 10)
	for len(text) <= digits {
		text = "0" + text
	}
	dst = append(dst, text[:len(text)-digits]...)
	if digits > 0 {
		dst = append(append(dst, '.'), text[len(text)-digits:]...)
	}
	return dst
}

// take changes ticks and bars by a quote that the server took, and reports whether it is a tick.
func (m *market) take(q *quote) bool {
	q.taken = true
	m.accepted++
	for f := range frames {
		opens := q.time / frames[f].micros * frames[f].micros / 1e6
		n := len(m.bars[f])
		if n == 0 || m.bars[f][n-1].time != opens {
			m.bars[f] = append(m.bars[f], bar{time: opens})
			n++
		}
		m.bars[f][n-1].add(q)
	}
	mid := q.bid + q.ask
	if move := max(mid-m.mid, m.mid-mid); m.mid != 0 && move*100_000 < m.mid {
		return false // Less than 0.001 %.
	}
	m.mid = mid
	m.newest = tick{q.time, q.bid, q.ask}
	m.fresh = append(m.fresh, m.newest)
	return true
}

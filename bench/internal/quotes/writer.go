package quotes

import (
	"math/rand/v2"
	"strconv"
	"time"

	"tradingengine/bench/internal/server"
)

// WriterOptions say what a writer quotes and how.
type WriterOptions struct {
	Instruments []server.Instrument
	Format      Format
	// Seed and Stream make the quotes reproducible; writers of one run differ in Stream.
	Seed, Stream uint64
	// Times writes a time into each quote. Without, quotes have the time of arrival.
	Times bool
	// FirstSequence numbers each symbol's quotes from there; 0 leaves numbers out.
	FirstSequence uint64
	// Source is written as lp; "" leaves it out.
	Source string
}

// Writer writes batches of quotes. It belongs to one goroutine and reuses its buffer: a quote
// costs some 60 ns and no allocation, because the engine under test needs the cores.
type Writer struct {
	opts  WriterOptions
	rng   *rand.Rand
	lines []line
	body  []byte
}

// line is one symbol with the parts of its quote that never change.
type line struct {
	walk     walk
	digits   int
	sequence uint64
	prefix   []byte
}

// NewWriter returns a writer whose walks start at the instruments' prices.
func NewWriter(opts WriterOptions) *Writer {
	w := &Writer{opts: opts, rng: rand.New(rand.NewPCG(opts.Seed, opts.Stream))}
	for _, i := range opts.Instruments {
		l := line{walk: newWalk(i), digits: i.Digits, sequence: opts.FirstSequence}
		if opts.Format == CSV {
			l.prefix = append(l.prefix, i.Symbol+","...)
		} else {
			l.prefix = append(l.prefix, `{"symbol":"`+i.Symbol+`","bid":`...)
		}
		w.lines = append(w.lines, l)
	}
	return w
}

// ContentType is that of every batch.
func (w *Writer) ContentType() string { return contentTypes[w.opts.Format] }

// Write returns the body of a batch of quotes made at a time, valid until the next call.
func (w *Writer) Write(quotes int, at time.Time) []byte {
	w.body = w.body[:0]
	now := at.UnixMicro()
	if w.opts.Format == CSV {
		w.appendHeader()
	}
	for n := range quotes {
		l := &w.lines[w.rng.IntN(len(w.lines))]
		switch w.opts.Format {
		case CSV:
			w.appendCSV(l, now)
			w.body = append(w.body, '\n')
		case NDJSON:
			w.appendJSON(l, now)
			w.body = append(w.body, '\n')
		case JSON:
			w.body = append(w.body, listMark(n))
			w.appendJSON(l, now)
		}
		l.sequence++
	}
	if w.opts.Format == JSON {
		w.body = append(w.body, ']')
	}
	return w.body
}

func listMark(n int) byte {
	if n == 0 {
		return '['
	}
	return ','
}

func (w *Writer) appendHeader() {
	w.body = append(w.body, "symbol,bid,ask"...)
	if w.opts.Times {
		w.body = append(w.body, ",time"...)
	}
	if w.opts.FirstSequence > 0 {
		w.body = append(w.body, ",seq"...)
	}
	if w.opts.Source != "" {
		w.body = append(w.body, ",lp"...)
	}
	w.body = append(w.body, '\n')
}

func (w *Writer) appendCSV(l *line, now int64) {
	bid, ask := l.walk.next(w.rng)
	b := append(w.body, l.prefix...)
	b = appendPrice(b, bid, l.digits)
	b = append(b, ',')
	b = appendPrice(b, ask, l.digits)
	if w.opts.Times {
		b = strconv.AppendInt(append(b, ','), now, 10)
	}
	if w.opts.FirstSequence > 0 {
		b = strconv.AppendUint(append(b, ','), l.sequence, 10)
	}
	if w.opts.Source != "" {
		b = append(append(b, ','), w.opts.Source...)
	}
	w.body = b
}

func (w *Writer) appendJSON(l *line, now int64) {
	bid, ask := l.walk.next(w.rng)
	b := append(w.body, l.prefix...)
	b = appendPrice(b, bid, l.digits)
	b = append(b, `,"ask":`...)
	b = appendPrice(b, ask, l.digits)
	if w.opts.Times {
		b = strconv.AppendInt(append(b, `,"time":`...), now, 10)
	}
	if w.opts.FirstSequence > 0 {
		b = strconv.AppendUint(append(b, `,"seq":`...), l.sequence, 10)
	}
	if w.opts.Source != "" {
		b = append(append(b, `,"lp":"`...), w.opts.Source...)
		b = append(b, '"')
	}
	w.body = append(b, '}')
}

// appendPrice prints a price that is not negative with exactly digits decimals.
func appendPrice(dst []byte, points int64, digits int) []byte {
	if digits == 0 {
		return strconv.AppendInt(dst, points, 10)
	}
	var buffer [24]byte
	at := len(buffer)
	for n := 0; points > 0 || n <= digits; n++ {
		if n == digits {
			at--
			buffer[at] = '.'
		}
		at--
		buffer[at] = byte('0' + points%10)
		points /= 10
	}
	return append(dst, buffer[at:]...)
}

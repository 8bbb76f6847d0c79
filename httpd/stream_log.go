package httpd

import (
	"slices"
	"sync/atomic"
	"time"
	"weak"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// A streamLog holds the frames of one content (a channel, a set of symbols, a form) in the order in
// which they are sent. The hub goroutine appends; every session that takes this content reads with
// a cursor of its own and writes what lies between its cursor and the end to its connection, so a
// frame exists once however many sessions take it.
//
// Publication: the hub copies frames behind the published end of the tail segment and then stores
// ready, which publishes them; it never touches published bytes again. A reader loads ready and
// reads below it. When a segment is full the hub stores its last ready and then next; a reader that
// sees next loads ready once more, so it misses nothing of the segment it leaves.
//
// A log is bounded, not by stopping the hub, but by cutting the chain: when more than the limit
// lies behind the newest frame, the oldest segment's next becomes streamCut. A reader still in that
// segment reads it to its end and then knows that it was lapped. It holds that one segment and
// nothing else. Read segments are held by nobody (the log has weak pointers), so that a log without
// slow readers costs one segment.

const (
	segmentMin = 4 << 10
	segmentMax = 64 << 10
	// A log keeps at least so many segments, so that a reader that enters one is not lapped at once.
	limitSegments = 4
	// A frame is about this long or longer; it decides how many frames a segment has room for.
	segmentFrameMin = 100
	// A segment that took less time to fill than this is followed by a larger one, one that took
	// longer than the other by a smaller one.
	segmentFast = time.Second
	segmentSlow = 30 * time.Second
)

// streamMark says how far a log has come for one symbol. The index counts what matters of the
// channel: stored ticks, quotes summed up, closed bars. Two marks tell exactly what lies between.
type streamMark struct {
	index uint64
	time  core.Time // Of the last item counted; 0 before the first.
}

// streamFrame describes one frame of a segment.
type streamFrame struct {
	mark streamMark // Of its symbol, the frame included.
	end  uint32     // Where it ends in the segment.
	slot uint16     // Of its symbol, see streamLog.symbols.
}

// streamSegment is a run of frames.
type streamSegment struct {
	base   uint64       // Position in the log of its first byte.
	start  []streamMark // By slot: what was appended before its first frame.
	bytes  []byte
	frames []streamFrame
	ready  atomic.Uint64 // What is published: a streamPoint.
	next   atomic.Pointer[streamSegment]
}

// streamCut stands for the rest of a log that is no longer kept.
var streamCut = &streamSegment{}

// streamPoint is a place between two frames of a segment: frames and bytes before it.
type streamPoint uint64

func pointAt(frames, bytes int) streamPoint { return streamPoint(frames)<<32 | streamPoint(bytes) }

func (p streamPoint) frames() int { return int(p >> 32) }

func (p streamPoint) bytes() int { return int(p & 0xFFFFFFFF) }

func (s *streamSegment) published() streamPoint { return streamPoint(s.ready.Load()) }

// marksAt returns the marks at a published point of the segment.
func (s *streamSegment) marksAt(p streamPoint) []streamMark {
	marks := slices.Clone(s.start)
	for i := range s.frames[:p.frames()] {
		marks[s.frames[i].slot] = s.frames[i].mark
	}
	return marks
}

// streamKind is a channel, in the form in which it is sent.
type streamKind uint8

const (
	streamLegacy streamKind = iota // Ticks as a client gets them that subscribes to nothing.
	streamTicks
	streamQuotes
	streamBars
	streamAccount // Events of an account.
	streamAlerts  // Alerts that the client may see.
)

// streamKey names a channel with its parameters.
type streamKey struct {
	kind    streamKind
	frame   core.Frame // Of bars.
	rate    uint8      // Of quotes: index into quoteRates.
	account trading.AccountID
	// accounts are, of alerts, those whose alerts are seen; "" for everybody's.
	accounts string
}

// streamLogKey names a content: equal keys share a log.
type streamLogKey struct {
	streamKey
	symbols string
}

// retainedSegment is a full segment that slow readers may still need.
type retainedSegment struct {
	segment weak.Pointer[streamSegment]
	size    int
}

// streamLog belongs to the hub goroutine, but for what readers may see of its segments.
type streamLog struct {
	key     streamKey
	set     streamSymbols
	symbols []core.SymbolID // By slot, ascending.
	places  []int           // By slot: where the log stands among the logs of that symbol.
	readers []*streamCursor
	limit   int // Bytes kept for slow readers.

	marks    []streamMark // By slot: all that was appended.
	tail     *streamSegment
	end      streamPoint // Of what was appended to tail, published or not.
	retained []retainedSegment
	began    time.Time       // When tail was begun.
	changed  bool            // Something was appended since the last publish.
	pacedTo  uint64          // Beyond this position readers must be given time; see hubPace.
	snapshot *streamSnapshot // What a new reader is shown; made in pass shown.
	shown    uint64
}

func newStreamLog(key streamKey, set streamSymbols, limit int) *streamLog {
	l := &streamLog{key: key, set: set, symbols: set.ids(), limit: limit, pacedTo: neverPaced}
	l.places = make([]int, len(l.symbols))
	l.marks = make([]streamMark, len(l.symbols))
	if key.kind == streamLegacy || key.kind == streamTicks {
		l.pacedTo = l.paceBytes()
	}
	return l
}

// begin makes the log ready for frames, once its marks say where each symbol stands.
func (l *streamLog) begin(now time.Time) {
	l.began = now
	l.tail = l.newSegment(segmentMin, 0)
}

// newSegment makes a segment of size bytes, more where the marks of many symbols would otherwise be
// longer than the frames.
func (l *streamLog) newSegment(size int, base uint64) *streamSegment {
	size = max(size, min(32*len(l.symbols), segmentMax))
	return &streamSegment{
		base: base, start: slices.Clone(l.marks), bytes: make([]byte, size),
		frames: make([]streamFrame, size/segmentFrameMin+1),
	}
}

// paceBytes is how much is appended at once, see hubPace.
func (l *streamLog) paceBytes() uint64 { return uint64(l.limit / limitSegments) }

// position returns where the next byte goes.
func (l *streamLog) position() uint64 { return l.tail.base + uint64(l.end.bytes()) }

// append adds a frame about the symbol of a slot. It is seen by readers after publish.
func (l *streamLog) append(frame []byte, slot int, mark streamMark, now time.Time) {
	if l.end.bytes()+len(frame) > len(l.tail.bytes) || l.end.frames() == len(l.tail.frames) {
		l.roll(len(frame), now)
	}
	l.marks[slot] = mark
	end := l.end.bytes() + copy(l.tail.bytes[l.end.bytes():], frame)
	l.tail.frames[l.end.frames()] = streamFrame{mark, uint32(end), uint16(slot)}
	l.end = pointAt(l.end.frames()+1, end)
	l.snapshot = nil
}

// roll goes on in a new segment with room for a frame of n bytes.
func (l *streamLog) roll(n int, now time.Time) {
	full, size := l.tail, len(l.tail.bytes)
	switch took := now.Sub(l.began); {
	case took < segmentFast:
		size = min(2*size, l.limit/limitSegments, segmentMax)
	case took > segmentSlow:
		size = max(size/2, segmentMin)
	}
	next := l.newSegment(max(size, n), l.position())
	l.retained = append(l.retained, retainedSegment{weak.Make(full), len(full.bytes)})
	l.publish()
	l.tail, l.end, l.began = next, 0, now
	full.next.Store(next)
	l.cut()
}

// cut lets go of the oldest segments beyond the limit.
func (l *streamLog) cut() {
	kept := len(l.tail.bytes)
	for _, r := range l.retained {
		kept += r.size
	}
	n := 0
	for ; n < len(l.retained) && kept > l.limit; n++ {
		kept -= l.retained[n].size
		if s := l.retained[n].segment.Value(); s != nil {
			s.next.Store(streamCut)
		}
	}
	l.retained = slices.Delete(l.retained, 0, n)
}

// publish shows readers what was appended.
func (l *streamLog) publish() { l.tail.ready.Store(uint64(l.end)) }

// add gives the log a reader that starts at its end. Everything appended must be published.
func (l *streamLog) add(s *session) *streamCursor {
	c := &streamCursor{log: l, reader: s, segment: l.tail, at: l.end, place: len(l.readers)}
	c.taken.Store(l.position())
	l.readers = append(l.readers, c)
	return c
}

// remove takes a reader out.
func (l *streamLog) remove(c *streamCursor) {
	last := len(l.readers) - 1
	l.readers[c.place] = l.readers[last]
	l.readers[c.place].place = c.place
	l.readers[last] = nil
	l.readers = l.readers[:last]
}

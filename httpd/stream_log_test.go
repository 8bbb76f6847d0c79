package httpd

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"tradingengine/core"
)

// naiveLog is a log as anybody would write it first: all frames there ever were.
type naiveLog struct {
	frames [][]byte
	slots  []int
	marks  []streamMark // After each frame, of its symbol.
}

func newTestLog(symbols, limit int) *streamLog {
	set := newStreamSymbols(8 * symbols)
	for i := range symbols {
		set.add(core.SymbolID(3 * i))
	}
	l := newStreamLog(streamKey{kind: streamTicks}, set, limit)
	l.begin(time.Time{})
	return l
}

// TestStreamLogAgainstNaive lets readers of all speeds read a log at random and compares every byte
// with a slice of frames. A reader that is lapped must find its marks to be exactly those of what
// it read, and reads on at the end.
func TestStreamLogAgainstNaive(t *testing.T) {
	for round := range 10 {
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		symbols, limit := 1+random.IntN(5), segmentMin<<random.IntN(7)
		if err := playLog(random, symbols, limit); err != nil {
			t.Fatalf("round %d, seed %d: %d symbols, limit %d: %v", round, seed, symbols, limit, err)
		}
	}
}

type naiveReader struct {
	cursor *streamCursor
	read   int // Frames, in naiveLog.
	every  int // How seldom it reads.
	lapses int
}

func playLog(random *rand.Rand, symbols, limit int) error {
	l, naive := newTestLog(symbols, limit), &naiveLog{}
	now := time.Unix(1, 0)
	readers := make([]*naiveReader, 4)
	for i := range readers {
		readers[i] = &naiveReader{cursor: l.add(nil), every: 1 << (3 * i)}
	}
	indices := make([]uint64, symbols)
	lapses := 0
	for step := range 1000 {
		now = now.Add(time.Duration(random.IntN(int(20 * time.Millisecond))))
		for range random.IntN(30) {
			slot := random.IntN(symbols)
			indices[slot] += 1 + uint64(random.IntN(2))
			frame := bytes.Repeat([]byte{byte(len(naive.frames))}, 1+random.IntN(400))
			mark := streamMark{indices[slot], core.Time(len(naive.frames))}
			l.append(frame, slot, mark, now)
			naive.frames = append(naive.frames, frame)
			naive.slots = append(naive.slots, slot)
			naive.marks = append(naive.marks, mark)
		}
		l.publish()
		for _, r := range readers {
			if random.IntN(r.every) > 0 {
				continue
			}
			if err := r.catchUp(l, naive, random.IntN(3)); err != nil {
				return fmt.Errorf("step %d, reader of every %dth: %w", step, r.every, err)
			}
		}
	}
	for _, r := range readers {
		lapses += r.lapses
		if r.every == 1 && r.lapses > 0 && limit > 64<<10 {
			return fmt.Errorf("a reader that reads every time was lapped %d times", r.lapses)
		}
	}
	if limit <= 16<<10 && lapses == 0 {
		return fmt.Errorf("no reader was ever lapped")
	}
	return nil
}

// catchUp reads at most a few pieces, or all when pieces is 0.
func (r *naiveReader) catchUp(l *streamLog, naive *naiveLog, pieces int) error {
	for i := 0; pieces == 0 || i < pieces; i++ {
		frames, next, lost := r.cursor.peek()
		if lost {
			r.lapses++
			if err := r.checkMarks(l, naive); err != nil {
				return err
			}
			l.remove(r.cursor)
			r.cursor, r.read = l.add(nil), len(naive.frames)
			return nil
		}
		if len(frames) == 0 {
			if r.read != len(naive.frames) {
				return fmt.Errorf("nothing left after %d of %d frames", r.read, len(naive.frames))
			}
			return nil
		}
		n := next.frames() - r.cursor.at.frames()
		want := bytes.Join(naive.frames[r.read:r.read+n], nil)
		if !bytes.Equal(frames, want) {
			return fmt.Errorf("%d frames after %d differ", n, r.read)
		}
		r.cursor.advance(next)
		r.read += n
	}
	return nil
}

// checkMarks compares what the cursor says it was sent of each symbol with a count from the start.
func (r *naiveReader) checkMarks(l *streamLog, naive *naiveLog) error {
	want := make([]streamMark, len(l.symbols))
	for i := range r.read {
		want[naive.slots[i]] = naive.marks[i]
	}
	known := r.cursor.known()
	for slot, id := range l.symbols {
		if got, ok := known(id); !ok || got != want[slot] {
			return fmt.Errorf("mark of symbol %d is %+v, want %+v", id, got, want[slot])
		}
	}
	if _, ok := known(1); ok {
		return fmt.Errorf("a symbol that the log has not has a mark")
	}
	return nil
}

// TestStreamLogEnd lets readers leave a log at random places while it goes on.
func TestStreamLogEnd(t *testing.T) {
	l := newTestLog(1, 1<<20)
	now := time.Unix(1, 0)
	type leaver struct {
		cursor *streamCursor
		from   int
		to     int
	}
	var leavers []*leaver
	var frames []byte
	for i := range rounds(1500, 5000) {
		if i%7 == 0 {
			leavers = append(leavers, &leaver{cursor: l.add(nil), from: len(frames), to: -1})
		}
		if i%11 == 0 && i > 700 {
			if w := leavers[i/7-100]; w.to < 0 {
				w.cursor.end.Store(&streamEnd{l.tail, l.end})
				w.to = len(frames)
			}
		}
		frame := bytes.Repeat([]byte{byte(i)}, 1+i%300)
		frames = append(frames, frame...)
		l.append(frame, 0, streamMark{uint64(i), 0}, now)
		l.publish()
	}
	for i, w := range leavers {
		if w.to < 0 {
			w.to = len(frames)
		}
		var got []byte
		for {
			piece, next, lost := w.cursor.peek()
			if lost {
				t.Fatalf("leaver %d was lapped", i)
			}
			if len(piece) == 0 {
				break
			}
			got = append(got, piece...)
			w.cursor.advance(next)
		}
		if !bytes.Equal(got, frames[w.from:w.to]) {
			t.Fatalf("leaver %d got %d bytes, want %d to %d", i, len(got), w.from, w.to)
		}
	}
}

// TestStreamLogConcurrent reads while the hub writes: every frame that is seen must be whole and
// the next one. The first reader is waited for and must see all of them. It is for the race
// detector as much as for its own checks.
func TestStreamLogConcurrent(t *testing.T) {
	l := newTestLog(1, 64<<10)
	const frames = 30_000
	var readers sync.WaitGroup
	errs, reads := make([]error, 3), make([]int, 3)
	first := l.add(nil)
	for i := range errs {
		c := first
		if i > 0 {
			c = l.add(nil)
		}
		readers.Go(func() {
			reads[i], errs[i] = readNumbers(c, frames)
			c.taken.Store(math.MaxUint64 / 2) // Nobody is to wait for it any more.
		})
	}
	var frame [numberFrame]byte
	for i := range frames {
		for k := 0; k < len(frame); k += 4 {
			frame[k], frame[k+1], frame[k+2] = byte(i>>16), byte(i>>8), byte(i)
		}
		l.append(frame[:], 0, streamMark{uint64(i) + 1, core.Time(i)}, time.Time{})
		if i%10 == 9 {
			l.publish()
		}
		for int64(l.position()-first.taken.Load()) > 32<<10 {
			l.publish()
			runtime.Gosched()
		}
	}
	l.publish()
	readers.Wait()
	if reads[0] != frames {
		t.Errorf("the first reader saw %d of %d frames", reads[0], frames)
	}
	for i, err := range errs {
		if err != nil {
			t.Errorf("reader %d: %v", i, err)
		}
	}
}

const numberFrame = 128

// readNumbers reads until the last number came or the reader was lapped.
func readNumbers(c *streamCursor, frames int) (want int, err error) {
	for want < frames {
		b, next, lost := c.peek()
		if lost {
			known := c.known()
			if got, _ := known(c.log.symbols[0]); got.index != uint64(want) {
				return want, fmt.Errorf("lapped after %d frames, the mark says %d", want, got.index)
			}
			return want, nil
		}
		if len(b) == 0 {
			runtime.Gosched()
			continue
		}
		for len(b) > 0 {
			number := []byte{byte(want >> 16), byte(want >> 8), byte(want), 0}
			if !bytes.Equal(b[:numberFrame], bytes.Repeat(number, numberFrame/4)) {
				return want, fmt.Errorf("frame %d is % x", want, b[:4])
			}
			b = b[numberFrame:]
			want++
		}
		c.advance(next)
	}
	return want, nil
}

// TestStreamLogMemory proves the bound: a log keeps no more than its limit for a reader that never
// reads, and hardly anything when all read.
func TestStreamLogMemory(t *testing.T) {
	const limit = 256 << 10
	f := func(name string, read bool, most int) {
		l := newTestLog(1, limit)
		c := l.add(nil)
		frame := make([]byte, 1000)
		for i := range 20_000 {
			l.append(frame, 0, streamMark{uint64(i), 0}, time.Time{})
			l.publish()
			for read {
				b, next, _ := c.peek()
				if len(b) == 0 {
					break
				}
				c.advance(next)
			}
		}
		runtime.GC()
		held := 0
		for s := c.segment; s != nil && s != streamCut; s = s.next.Load() {
			held += len(s.bytes)
		}
		alive := len(l.tail.bytes)
		for _, r := range l.retained {
			if r.segment.Value() != nil {
				alive += len(r.segment.Value().bytes)
			}
		}
		if held > most || alive > limit {
			t.Errorf("%s: the reader holds %d bytes, at most %d wanted; the log keeps %d", name, held,
				most, alive)
		}
		runtime.KeepAlive(c)
	}
	f("a reader that never reads", false, segmentMax)
	f("a reader that reads everything", true, segmentMax)
}

// TestStreamSegmentsFollowTraffic: busy logs get large segments, quiet ones small ones.
func TestStreamSegmentsFollowTraffic(t *testing.T) {
	l := newTestLog(1, 256<<10)
	now := time.Unix(1, 0)
	frame := make([]byte, 1000)
	fill := func(pause time.Duration) {
		for range 300 {
			l.append(frame, 0, streamMark{}, now)
			now = now.Add(pause)
		}
	}
	fill(time.Millisecond)
	if got := len(l.tail.bytes); got != segmentMax {
		t.Errorf("a busy log has segments of %d bytes, want %d", got, segmentMax)
	}
	fill(20 * time.Second)
	if got := len(l.tail.bytes); got != segmentMin {
		t.Errorf("a quiet log has segments of %d bytes, want %d", got, segmentMin)
	}
	huge := make([]byte, 3*segmentMax)
	l.append(huge, 0, streamMark{}, now)
	if got := l.end.bytes(); got != len(huge) {
		t.Errorf("a frame longer than any segment takes %d bytes, want %d", got, len(huge))
	}
}

func TestStreamSymbols(t *testing.T) {
	set := func(ids ...core.SymbolID) streamSymbols {
		s := newStreamSymbols(200)
		for _, id := range ids {
			s.add(id)
		}
		return s
	}
	f := func(name string, got, want streamSymbols) {
		t.Helper()
		if got.key() != want.key() || !slices.Equal(got.ids(), want.ids()) {
			t.Errorf("%s: got %v, want %v", name, got.ids(), want.ids())
		}
	}
	a, b := set(0, 63, 64, 199), set(63, 65)
	f("union", a.union(b), set(0, 63, 64, 65, 199))
	f("minus", a.minus(b), set(0, 64, 199))
	f("both", a.both(b), set(63))
	f("nothing", a.minus(a), set())
	if a.key() == b.key() || !set().empty() || a.empty() || !a.has(199) || a.has(198) {
		t.Error("sets are not told apart")
	}
	if got := len(allStreamSymbols(200).ids()); got != 200 {
		t.Errorf("all are %d, want 200", got)
	}
}

package httpd

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"unicode/utf8"
)

// frameError is what a client did wrong, as the close code and the reason it is told.
type frameError struct {
	code   int
	reason string
}

func (e *frameError) Error() string { return fmt.Sprintf("close %d: %s", e.code, e.reason) }

// frameReader reads the frames of one client. It belongs to one goroutine and never writes: a
// library's reader answers protocol errors and pings by itself, from the goroutine that reads, and
// then two goroutines write to one connection.
//
// It takes no more memory than limit, and hardly more than twice what has come, whatever lengths a
// client announces. It knows no extension, so there is no compressed message that could grow.
type frameReader struct {
	r       *bufio.Reader
	limit   int // Bytes of a message.
	kept    int // Bytes of buffer kept between messages.
	message []byte
	kind    byte // Of the message whose fragments are coming, or 0.
	control [frameControlMax]byte
}

// frameGrow is how much room is made for a message before its first bytes came; then it doubles.
const frameGrow = 4 << 10

// newFrameReader makes a reader for messages of at most limit bytes, few of which come, so that it
// holds little memory.
func newFrameReader(r io.Reader, limit int) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(r, 512), limit: limit, kept: 1024}
}

// newBusyFrameReader makes a reader for many messages in a row.
func newBusyFrameReader(r io.Reader, limit int) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(r, 32<<10), limit: limit, kept: 128 << 10}
}

// next returns the next whole message (text or binary) or control frame. The payload is valid until
// the next call. Errors are a *frameError or come from reading.
func (f *frameReader) next() (kind byte, payload []byte, err error) {
	if f.kind == 0 {
		f.message = f.message[:0]
		if cap(f.message) > f.kept {
			f.message = nil
		}
	}
	for {
		h, err := f.header()
		if err != nil {
			return 0, nil, err
		}
		if h.kind >= frameClose {
			payload = f.control[:h.length]
			if err := f.payload(payload, h.mask); err != nil {
				return 0, nil, err
			}
			return h.kind, payload, nil
		}
		done, err := f.fragment(&h)
		if err != nil {
			return 0, nil, err
		}
		if done {
			kind, f.kind = f.kind, 0
			if kind == frameText && !utf8.Valid(f.message) {
				return 0, nil, &frameError{closeInvalidText, "text is not UTF-8"}
			}
			return kind, f.message, nil
		}
	}
}

type frameHeader struct {
	kind   byte
	final  bool
	length int
	mask   [4]byte
}

// header reads and checks all of a frame that comes before its payload.
func (f *frameReader) header() (h frameHeader, err error) {
	var b [8]byte
	if _, err = io.ReadFull(f.r, b[:2]); err != nil {
		return h, err
	}
	h.kind, h.final = b[0]&0x0F, b[0]&frameFinal != 0
	masked, length := b[1]&frameMasked != 0, uint64(b[1]&0x7F)
	if fault := frameFault(b[0], h.kind, h.final, masked, length); fault != "" {
		return h, &frameError{closeProtocol, fault}
	}
	switch length {
	case 126:
		if _, err = io.ReadFull(f.r, b[:2]); err != nil {
			return h, err
		}
		length = uint64(binary.BigEndian.Uint16(b[:2]))
	case 127:
		if _, err = io.ReadFull(f.r, b[:8]); err != nil {
			return h, err
		}
		length = binary.BigEndian.Uint64(b[:8])
	}
	if length > uint64(f.limit) {
		return h, f.tooBig()
	}
	h.length = int(length)
	_, err = io.ReadFull(f.r, h.mask[:])
	return h, err
}

// frameFault says what is wrong with the first two bytes of a frame, or "".
func frameFault(first, kind byte, final, masked bool, length uint64) string {
	control := kind >= frameClose
	switch {
	case first&0x70 != 0:
		return "reserved bits are set"
	case kind > frameBinary && kind < frameClose || kind > framePong:
		return "unknown kind of frame"
	case control && !final:
		return "a control frame is split"
	case control && length > frameControlMax:
		return "a control frame is too long"
	case !masked:
		return "a client's frame is not masked"
	default:
		return ""
	}
}

func (f *frameReader) tooBig() error {
	return &frameError{closeTooBig, fmt.Sprintf("a message is longer than %d bytes", f.limit)}
}

// fragment takes a frame of a message and reports whether the message is whole.
func (f *frameReader) fragment(h *frameHeader) (done bool, err error) {
	switch {
	case h.kind == frameContinuation && f.kind == 0:
		return false, &frameError{closeProtocol, "a continuation continues nothing"}
	case h.kind != frameContinuation && f.kind != 0:
		return false, &frameError{closeProtocol, "a message begins within another"}
	case h.kind != frameContinuation:
		f.kind = h.kind
	}
	if len(f.message)+h.length > f.limit {
		return false, f.tooBig()
	}
	for rest := h.length; rest > 0; {
		n, have := rest, len(f.message)
		if cap(f.message)-have < rest {
			// What was announced may never come. Pieces are of whole masks.
			n = min(rest, max(have&^7, frameGrow))
		}
		f.message = append(f.message, make([]byte, n)...)
		if err := f.payload(f.message[have:], h.mask); err != nil {
			return false, err
		}
		rest -= n
	}
	return h.final, nil
}

// payload fills dst and takes the mask off.
func (f *frameReader) payload(dst []byte, mask [4]byte) error {
	if _, err := io.ReadFull(f.r, dst); err != nil {
		return err
	}
	word := uint64(binary.LittleEndian.Uint32(mask[:]))
	word |= word << 32
	for len(dst) >= 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(dst)^word)
		dst = dst[8:]
	}
	for i := range dst {
		dst[i] ^= mask[i%4]
	}
	return nil
}

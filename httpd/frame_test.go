package httpd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"github.com/fasthttp/websocket"
)

// TestSealFrame checks headers at the edges of the three forms of a length.
func TestSealFrame(t *testing.T) {
	f := func(n int, header ...byte) {
		t.Helper()
		payload := bytes.Repeat([]byte("x"), n)
		got := sealFrame(append(frameStart(nil), payload...))
		if want := append(header, payload...); !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got header % x, want % x", n, got[:len(got)-n], header)
		}
	}
	f(0, 0x81, 0)
	f(1, 0x81, 1)
	f(125, 0x81, 125)
	f(126, 0x81, 126, 0, 126)
	f(65535, 0x81, 126, 0xFF, 0xFF)
	f(65536, 0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0)
}

func TestAppendControl(t *testing.T) {
	f := func(got []byte, want string) {
		t.Helper()
		if string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(appendControl(nil, framePing, nil), "\x89\x00")
	f(appendControl([]byte("before"), framePong, []byte("abc")), "before\x8a\x03abc")
	f(appendControl(nil, framePong, bytes.Repeat([]byte("y"), 200)),
		"\x8a\x7d"+strings.Repeat("y", 125))
	f(appendClose(nil, closeSlow, "too slow"), "\x88\x0a\x0f\xa8too slow")
	f(appendClose(nil, closeNoStatus, "never told"), "\x88\x00")
	f(appendClose(nil, closeTooBig, strings.Repeat("z", 200)),
		"\x88\x7d\x03\xf1"+strings.Repeat("z", 123))
}

// clientFrame is one frame as a client sends it.
func clientFrame(first byte, payload string) string {
	mask := [4]byte{0x12, 0x34, 0x56, 0x78}
	b := []byte{first}
	switch n := len(payload); {
	case n <= 125:
		b = append(b, 0x80|byte(n))
	case n <= 0xFFFF:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	b = append(b, mask[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	return string(b)
}

// readFrames returns what a reader makes of input, one line an event.
func readFrames(input io.Reader, limit int) string {
	var out strings.Builder
	r := newFrameReader(input, limit)
	for {
		kind, payload, err := r.next()
		var wrong *frameError
		switch {
		case errors.As(err, &wrong):
			out.WriteString("error " + wrong.Error() + "\n")
			return out.String()
		case err != nil:
			out.WriteString(err.Error() + "\n")
			return out.String()
		}
		name := map[byte]string{
			frameText: "text", frameBinary: "binary", frameClose: "close", framePing: "ping",
			framePong: "pong",
		}[kind]
		out.WriteString(name + " " + string(payload) + "\n")
	}
}

func TestFrameReader(t *testing.T) {
	f := func(name, input, want string) {
		t.Helper()
		if got := readFrames(strings.NewReader(input), 16); got != want {
			t.Errorf("%s: got\n%swant\n%s", name, got, want)
		}
	}
	protocol := func(reason string) string { return "error close 1002: " + reason + "\n" }
	f("messages", clientFrame(0x81, "hello")+clientFrame(0x82, "\xff\x00")+clientFrame(0x81, ""),
		"text hello\nbinary \xff\x00\ntext \nEOF\n")
	f("longest", clientFrame(0x81, strings.Repeat("a", 16)), "text "+strings.Repeat("a", 16)+"\nEOF\n")
	f("fragments", clientFrame(0x01, "one ")+clientFrame(0x00, "two ")+clientFrame(0x80, "three"),
		"text one two three\nEOF\n")
	f("control between fragments", clientFrame(0x01, "he")+clientFrame(0x89, "p")+
		clientFrame(0x80, "llo")+clientFrame(0x8A, "q")+clientFrame(0x88, "\x03\xe8"),
		"ping p\ntext hello\npong q\nclose \x03\xe8\nEOF\n")
	f("text split within a rune", clientFrame(0x01, "\xc3")+clientFrame(0x80, "\xa9"),
		"text é\nEOF\n")
	f("not UTF-8", clientFrame(0x81, "\xc3"), "error close 1007: text is not UTF-8\n")
	f("too long", clientFrame(0x81, strings.Repeat("a", 17)),
		"error close 1009: a message is longer than 16 bytes\n")
	f("too long in pieces", clientFrame(0x01, strings.Repeat("a", 10))+
		clientFrame(0x80, strings.Repeat("a", 7)),
		"error close 1009: a message is longer than 16 bytes\n")
	f("absurd length", "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff",
		"error close 1009: a message is longer than 16 bytes\n")
	f("negative length", "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"error close 1009: a message is longer than 16 bytes\n")
	f("not masked", "\x81\x01a", protocol("a client's frame is not masked"))
	f("reserved bit", clientFrame(0xC1, "a"), protocol("reserved bits are set"))
	f("unknown data frame", clientFrame(0x83, "a"), protocol("unknown kind of frame"))
	f("unknown control frame", clientFrame(0x8B, "a"), protocol("unknown kind of frame"))
	f("split control frame", clientFrame(0x09, "a"), protocol("a control frame is split"))
	f("long control frame", clientFrame(0x89, strings.Repeat("a", 126)),
		protocol("a control frame is too long"))
	f("continuation of nothing", clientFrame(0x80, "a"),
		protocol("a continuation continues nothing"))
	f("message within a message", clientFrame(0x01, "a")+clientFrame(0x81, "b"),
		protocol("a message begins within another"))
	f("cut off in a header", "\x81", "unexpected EOF\n")
	f("cut off in a payload", clientFrame(0x81, "hello")[:8], "unexpected EOF\n")
}

// TestFrameReaderGrows reads long messages, whole and in pieces of odd lengths, and looks at what is
// held for one that was announced and does not come.
func TestFrameReaderGrows(t *testing.T) {
	long := strings.Repeat("0123456", 50_000)
	input := clientFrame(0x81, long) + clientFrame(0x01, long[:5001]) +
		clientFrame(0x00, long[5001:100_003]) + clientFrame(0x80, long[100_003:])
	want := "text " + long + "\n"
	if got := readFrames(strings.NewReader(input), 1<<20); got != want+want+"EOF\n" {
		t.Errorf("got %d bytes, want %d", len(got), 2*len(want)+4)
	}
	r := newBusyFrameReader(strings.NewReader(clientFrame(0x82, strings.Repeat("x", 1<<20))[:20_000]),
		1<<20)
	if _, _, err := r.next(); !errors.Is(err, io.ErrUnexpectedEOF) || cap(r.message) > 64<<10 {
		t.Errorf("%v, and %d bytes are held for 20,000", err, cap(r.message))
	}
}

// TestFrameReaderMeetsLibrary lets the library's client write random messages in random pieces.
func TestFrameReaderMeetsLibrary(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	client, server := net.Pipe()
	defer func() { check(t, server.Close()) }()
	conn, err := dialPipe(client, server)
	check(t, err)
	var want strings.Builder
	var messages []string
	for range 300 {
		text := strings.Repeat("é", random.IntN(2000))
		messages = append(messages, text)
		want.WriteString("text " + text + "\n")
	}
	go func() {
		for _, text := range messages {
			w, err := conn.NextWriter(websocket.TextMessage)
			for rest := text; err == nil && rest != ""; {
				n := 1 + random.IntN(len(rest))
				_, err = io.WriteString(w, rest[:n])
				rest = rest[n:]
			}
			if err != nil || w.Close() != nil {
				break
			}
		}
		_ = conn.Close()
	}()
	if got := readFrames(server, 1<<20); got != want.String()+"EOF\n" {
		t.Errorf("seed %d: the messages read are not those written", seed)
	}
}

// dialPipe makes the library believe that it has a stream on a pipe.
func dialPipe(client, server net.Conn) (*websocket.Conn, error) {
	answered := make(chan error, 1)
	go func() { answered <- answerHandshake(server) }()
	dialer := websocket.Dialer{
		NetDial:         func(string, string) (net.Conn, error) { return client, nil },
		WriteBufferSize: 256, // So that messages go in several frames.
	}
	conn, _, err := dialer.Dial("ws://pipe/ws", nil)
	return conn, errors.Join(err, <-answered)
}

// FuzzFrameReader looks for input that makes the reader panic, or take more than its limit.
func FuzzFrameReader(f *testing.F) {
	f.Add([]byte(clientFrame(0x81, `{"type":"ping"}`)))
	f.Add([]byte(clientFrame(0x01, "a") + clientFrame(0x89, "b") + clientFrame(0x80, "c")))
	f.Add([]byte("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, input []byte) {
		const limit = 64
		r := newFrameReader(bytes.NewReader(input), limit)
		for {
			kind, payload, err := r.next()
			if err != nil {
				return
			}
			if len(payload) > limit && kind < frameClose || len(payload) > frameControlMax {
				t.Fatalf("%d bytes of kind %d", len(payload), kind)
			}
		}
	})
}

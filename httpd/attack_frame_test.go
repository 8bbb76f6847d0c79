package httpd

import (
	"strings"
	"testing"
)

// TestNoCompression offers compression in every usual way: it is never taken, and a compressed
// frame ends the session. It was seen to fail on a handshake that takes it.
func TestNoCompression(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	for _, path := range []string{"/ws", "/ws/ingest"} {
		for _, offer := range []string{
			"permessage-deflate", "permessage-deflate; client_max_window_bits",
			"permessage-deflate; server_no_context_takeover, x-webkit-deflate-frame",
		} {
			c := dialRawOffer(t, m.addr, path, "Sec-WebSocket-Extensions: "+offer+"\r\n")
			if got := c.header.Get("Sec-WebSocket-Extensions"); got != "" {
				t.Errorf("%s: %q was taken as %q", path, offer, got)
			}
			_, err := c.conn.Write([]byte(clientFrame(frameFinal|0x40|frameText, "\xaa\x56\x4a\x05\x00")))
			check(t, err)
			c.closed(t, path, closeProtocol, "reserved bits are set")
		}
	}
}

// closed reads on until the close frame, which must be this one.
func (r *rawStream) closed(t *testing.T, name string, code int, reason string) {
	t.Helper()
	want := string(appendClose(nil, code, reason)[2:])
	var last []byte
	for payload := r.frame(); payload != nil; payload = r.frame() {
		if last = append(last[:0], payload...); string(last) == want {
			check(t, r.conn.Close())
			return
		}
	}
	t.Errorf("%s: ended with %q, want close %d %s", name, last, code, reason)
}

// TestFrameAttacks sends over real sockets what no client sends.
//
// It was seen to find a length that is believed, pieces that are not added up, and a long ping.
func TestFrameAttacks(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	f := func(frames string, code int, reason, ingestReason string) {
		t.Helper()
		for path, reason := range map[string]string{"/ws": reason, "/ws/ingest": ingestReason} {
			c := dialRawOffer(t, m.addr, path, "")
			_, err := c.conn.Write([]byte(frames))
			check(t, err)
			c.closed(t, path, code, reason)
		}
	}
	const stream, ingest = "a message is longer than 16384 bytes",
		"a message is longer than 1048576 bytes"
	f("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", closeTooBig, stream, ingest)
	f("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", closeTooBig, stream, ingest)
	pieces := clientFrame(frameBinary, strings.Repeat(" ", 16<<10))
	f(pieces+strings.Repeat(clientFrame(frameContinuation, strings.Repeat(" ", 16<<10)), 64),
		closeTooBig, stream, ingest)
	same := func(frames string, code int, reason string) { f(frames, code, reason, reason) }
	for _, kind := range []byte{frameClose, framePing, framePong} {
		same(clientFrame(kind, ""), closeProtocol, "a control frame is split")
		same(clientFrame(frameFinal|kind, strings.Repeat("x", 126)), closeProtocol,
			"a control frame is too long")
	}
	same(clientFrame(frameFinal|frameContinuation, "x"), closeProtocol,
		"a continuation continues nothing")
	same(clientFrame(frameText, "x")+clientFrame(frameFinal|frameText, "x"), closeProtocol,
		"a message begins within another")
	same(clientFrame(frameFinal|frameText, "\xff"), closeInvalidText, "text is not UTF-8")
	same("\x81\x01x", closeProtocol, "a client's frame is not masked")
	same("GET /health HTTP/1.1\r\n", closeProtocol, "reserved bits are set")
	if a := m.get("/health"); a.status != 200 || m.server.hub.stats().Panics > 0 {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
}

// TestDeepNesting sends nothing but brackets to whatever reads JSON.
//
// It was seen to fail on a reader without a limit of depth.
func TestDeepNesting(t *testing.T) {
	m := newTestMarket(t, marketOptions{})
	for _, open := range []string{"[", `{"symbol":`, `[{"x":`} {
		deep := strings.Repeat(open, 4<<20/len(open))
		a := m.do("POST", "/ticks", deep, "Content-Type", jsonType)
		if a.status != 400 || !strings.Contains(a.body, "BAD_JSON") {
			t.Errorf("%s: got %d %s", open, a.status, a.body)
		}
		a = m.post(deep)
		if !strings.Contains(a.body, `"rejected":1,"errors":[{"line":1,"code":"BAD_LINE"`) {
			t.Errorf("%s as NDJSON: got %s", open, a.body)
		}
		c := m.sender("")
		c.send(deep[:1<<20])
		if got := c.next(); !strings.Contains(got, "BAD_LINE") {
			t.Errorf("%s as a frame: got %s", open, got)
		}
		s := m.stream()
		s.send(deep[:16<<10])
		s.expectError("BAD_MESSAGE")
		s.send(`{"type":"subscribe","channel":"ticks","since":` + deep[:15<<10] + "}")
		s.expectError("BAD_MESSAGE")
	}
	balanced := strings.Repeat("[", 2<<20) + strings.Repeat("]", 2<<20)
	if a := m.do("POST", "/ticks", balanced, "Content-Type", jsonType); a.status != 400 {
		t.Errorf("balanced: got %d %s", a.status, a.body)
	}
	a := m.post(`{"symbol":"EURUSD","bid":1,"ask":2,"x":` + balanced[:2<<20+17] + "}")
	if !strings.Contains(a.body, "a value is nested more than 16 deep") {
		t.Errorf("an ignored value: got %s", a.body)
	}
}

// expectError reads on until an error, which must have this code.
func (c *streamClient) expectError(code string) {
	c.t.Helper()
	got := c.message()
	for got.Type != "error" {
		got = c.message()
	}
	if got.Code != code {
		c.t.Errorf("got %s, want %s", got, code)
	}
}

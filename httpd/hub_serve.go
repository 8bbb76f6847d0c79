package httpd

import (
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"
)

// Faults of a request for a stream.
var (
	upgradeRequired = fault{426, "UPGRADE_REQUIRED", "Upgrade required", 0}
	badHandshake    = fault{400, "BAD_HANDSHAKE", "Bad handshake", 0}
	tooManyStreams  = fault{503, "TOO_MANY_SESSIONS", "Too many sessions", 5}
)

// serve turns a request for /ws into a session, or refuses it. Whether the page that asks may do so
// was checked before.
func (h *hub) serve(ctx *fasthttp.RequestCtx) {
	symbols, err := h.wantedSymbols(ctx)
	if err == nil {
		err = h.upgrade(ctx, streaming{h, symbols})
	}
	if err != nil {
		h.opts.fail(ctx, err)
	}
}

// upgrade turns a request into a session that serves a purpose, or says why not. The
// fasthttp.Server must have KeepHijackedConns set: a session closes its connection itself.
func (h *hub) upgrade(ctx *fasthttp.RequestCtx, p purpose) error {
	who := callerOf(ctx)
	if !websocket.FastHTTPIsWebSocketUpgrade(ctx) {
		ctx.Response.Header.Set("Upgrade", "websocket")
		return upgradeRequired.because("this is a WebSocket; connect with ws://")
	}
	if err := h.checkRoom(who == &stranger); err != nil {
		return err
	}
	// The library does the handshake and nothing more: reading and writing frames is ours, because
	// its reader writes (see frameReader). Its buffers are not used, so they are small.
	upgrader := websocket.FastHTTPUpgrader{
		ReadBufferSize: 1, WriteBufferSize: 1,
		CheckOrigin: func(*fasthttp.RequestCtx) bool { return true },
		Error:       func(*fasthttp.RequestCtx, int, error) {},
	}
	err := upgrader.Upgrade(ctx, func(c *websocket.Conn) { h.begin(c.NetConn(), p, who) })
	if err != nil {
		return badHandshake.because(strings.TrimPrefix(err.Error(), "websocket: "))
	}
	return nil
}

// begin starts the session of a connection that was upgraded. fasthttp would let a panic here end
// the process.
func (h *hub) begin(kept net.Conn, p purpose, who *caller) {
	defer func() {
		if v := recover(); v != nil {
			h.notePanic("handshake", v)
			_ = kept.Close() // Nothing of it is used any more.
		}
	}()
	conn := detach(kept)
	limitKernel(conn, h.opts.unsent)
	if s := h.open(conn, p, who); s != nil {
		go s.run()
	}
}

// detach takes a connection out of fasthttp's hands, with what the client sent already. A session
// that stayed within fasthttp's handler would hold the request and its read buffer, which are
// several times as large as the session itself.
func detach(kept net.Conn) net.Conn {
	below, ok := kept.(interface{ UnsafeConn() net.Conn })
	if !ok {
		return kept
	}
	conn := below.UnsafeConn()
	// A deadline that has passed lets reads return what is buffered, and nothing else.
	if conn.SetReadDeadline(longAgo) != nil {
		return conn // It is closed, as its session will notice.
	}
	var early []byte
	buffer := make([]byte, 512)
	for {
		n, err := kept.Read(buffer)
		early = append(early, buffer[:n]...)
		if err != nil || n == 0 {
			break
		}
	}
	_ = conn.SetReadDeadline(time.Time{}) // The session sets its own.
	if len(early) == 0 {
		return conn
	}
	return &earlyConn{conn, early}
}

// earlyConn is a connection of which some bytes were read before.
type earlyConn struct {
	net.Conn
	early []byte
}

func (c *earlyConn) Read(p []byte) (int, error) {
	if len(c.early) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.early)
	c.early = c.early[n:]
	return n, nil
}

// wantedSymbols reads ?symbols=; without it all are wanted.
func (h *hub) wantedSymbols(ctx *fasthttp.RequestCtx) (streamSymbols, error) {
	if q := newQuery(ctx, quoteParameters); q.err != nil {
		return nil, q.err
	}
	text := string(ctx.QueryArgs().Peek("symbols"))
	if text == "" {
		return allStreamSymbols(h.symbols.Len()), nil
	}
	symbols := newStreamSymbols(h.symbols.Len())
	for name := range strings.SplitSeq(text, ",") {
		id, err := h.symbols.Find(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		symbols.add(id)
	}
	return symbols, nil
}

// checkRoom refuses early what admit would refuse after the handshake.
func (h *hub) checkRoom(stranger bool) error {
	h.sessions.Lock()
	defer h.sessions.Unlock()
	if h.sessions.closed {
		return shuttingDown.because("the server is shutting down")
	}
	if stranger && h.sessions.strangers >= h.opts.strangers {
		h.counts.turned.Add(1)
		return tooManyStreams.because("as many clients as may be have not said yet who they are; the " +
			"header Authorization lets others in")
	}
	if len(h.sessions.all) >= h.opts.sessions {
		h.counts.turned.Add(1)
		return tooManyStreams.because("the server has as many WebSocket sessions as it takes")
	}
	return nil
}

// limitKernel bounds what the kernel takes off a session's hands: what lies there is not counted
// and never skipped, so a slow client would get it late instead of getting the newest. The kernel
// doubles the size of the buffer for its own needs. Where the system can, less is taken beyond what
// is under way, so that clients that never read are soon found out while a long way may still be
// filled. Without either limit streams work as well.
func limitKernel(conn net.Conn, bytes int) {
	if c, ok := tcpBelow(conn).(interface{ SetWriteBuffer(int) error }); ok {
		_ = c.SetWriteBuffer(bytes / 2)
	}
	if c, ok := tcpBelow(conn).(syscall.Conn); ok {
		limitNotSent(c, bytes/8)
	}
}

func tcpBelow(conn net.Conn) net.Conn {
	if c, ok := conn.(*earlyConn); ok {
		conn = c.Conn
	}
	if c, ok := conn.(secured); ok {
		conn = c.NetConn()
	}
	return conn
}

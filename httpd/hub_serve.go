package httpd

import (
	"net"
	"strings"

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
	if err == nil && !websocket.FastHTTPIsWebSocketUpgrade(ctx) {
		ctx.Response.Header.Set("Upgrade", "websocket")
		err = upgradeRequired.because("this is a WebSocket; connect with ws://")
	}
	if err == nil {
		err = h.checkRoom()
	}
	if err != nil {
		h.opts.fail(ctx, err)
		return
	}
	// The library does the handshake and nothing more: reading and writing frames is ours, because
	// its reader writes (see frameReader). Its buffers are not used, so they are small.
	upgrader := websocket.FastHTTPUpgrader{
		ReadBufferSize: 1, WriteBufferSize: 1,
		CheckOrigin: func(*fasthttp.RequestCtx) bool { return true },
		Error:       func(*fasthttp.RequestCtx, int, error) {},
	}
	if err := upgrader.Upgrade(ctx, func(c *websocket.Conn) {
		conn := c.NetConn()
		limitSendBuffer(conn, h.opts.unsent)
		h.serveConn(conn, symbols)
	}); err != nil {
		h.opts.fail(ctx, badHandshake.because(strings.TrimPrefix(err.Error(), "websocket: ")))
	}
}

// wantedSymbols reads ?symbols=; without it all are wanted.
func (h *hub) wantedSymbols(ctx *fasthttp.RequestCtx) (streamSymbols, error) {
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
func (h *hub) checkRoom() error {
	h.open.Lock()
	defer h.open.Unlock()
	if h.open.closed {
		return shuttingDown.because("the server is shutting down")
	}
	if len(h.open.all) >= h.opts.sessions {
		h.counts.turned.Add(1)
		return tooManyStreams.because("the server has as many WebSocket sessions as it takes")
	}
	return nil
}

// limitSendBuffer bounds what the kernel takes off a session's hands: what lies there is neither
// counted nor ever skipped, so a slow client would get it late instead of getting the newest. The
// kernel doubles the number for its own needs.
func limitSendBuffer(conn net.Conn, bytes int) {
	if below, ok := conn.(interface{ UnsafeConn() net.Conn }); ok {
		conn = below.UnsafeConn()
	}
	if c, ok := conn.(interface{ SetWriteBuffer(int) error }); ok {
		_ = c.SetWriteBuffer(bytes / 2) // Without it streams work as well.
	}
}

package httpd

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

// handler writes an answer, or returns an error for fail to answer with.
type handler func(ctx *fasthttp.RequestCtx) error

// route is one line of the table below.
type route struct {
	method string // GET answers HEAD too.
	// path may end in a slash: everything below. A part in braces stands for any one part.
	path   string
	handle handler
	access access
	body   int  // Most bytes of a request body; 0 means Limits.Body.
	eases  bool // It makes risk smaller, so it has a budget of its own.
	socket bool // A WebSocket: its key may come in the first message.
	stats  routeStats
}

// access says whom a route is for.
type access uint8

const (
	forAnyone  access = iota + 1 // Whether the server is well, and the page.
	forReaders                   // The market and the server's figures.
	forSenders                   // Taking quotes.
	forTraders                   // What belongs to an account, by its owner.
	forAdmins                    // Money in and out, settings, the whole server.
)

// endpoint is a path with the routes of its methods.
type endpoint struct {
	path   string
	parts  []string // Of a path with a part in braces.
	routes []*route
	allow  string // Value of the Allow header.
}

const (
	get    = fasthttp.MethodGet
	post   = fasthttp.MethodPost
	patch  = fasthttp.MethodPatch
	remove = fasthttp.MethodDelete
)

// routes is the table of everything the server answers.
func (s *Server) routes() []*route {
	table := []*route{
		{method: get, path: "/health", handle: s.getHealth, access: forAnyone},
		{method: get, path: "/health/live", handle: s.getLive, access: forAnyone},
		{method: get, path: "/health/ready", handle: s.getReady, access: forAnyone},
		{method: get, path: "/health/detail", handle: s.getHealthDetail, access: forReaders},

		{method: get, path: "/openapi.json", handle: getDescription, access: forAnyone},
		{method: get, path: "/metrics", handle: s.getMetrics, access: forReaders},

		{method: get, path: "/api/config", handle: s.getConfig, access: forReaders},
		{method: get, path: "/api/symbols", handle: s.getSymbols, access: forReaders},
		{method: get, path: "/api/quotes", handle: s.getQuotes, access: forReaders},
		{method: get, path: "/api/stats", handle: s.getStats, access: forReaders},

		{method: get, path: "/ticks", handle: s.getTicks, access: forReaders},
		{
			method: post, path: "/ticks", handle: s.postTicks, access: forSenders,
			body: s.opts.Limits.IngestBody,
		},
		{method: get, path: "/ohlc", handle: s.getBars, access: forReaders},
	}
	if s.stream != nil {
		table = append(table,
			&route{method: get, path: "/ws", handle: s.getStream, access: forReaders, socket: true},
			&route{
				method: get, path: "/ws/ingest", handle: s.getIngest, access: forSenders, socket: true,
			})
	}
	if s.opts.Desk != nil {
		table = append(append(table, s.tradeRoutes()...), s.alertRoutes()...)
	}
	if s.opts.Webhooks != nil {
		table = append(table, s.webhookRoutes()...)
	}
	if s.opts.Pprof {
		table = append(table, &route{
			method: get, path: profileFolder, handle: getProfile, access: forAdmins,
		})
	}
	if len(s.page) > 0 {
		table = append(table,
			&route{method: get, path: "/", handle: s.getPage, access: forAnyone},
			&route{method: get, path: webFolder, handle: s.getPage, access: forAnyone})
	}
	return table
}

// getStream hands the connection over to the stream, which checks what the client asks for.
func (s *Server) getStream(ctx *fasthttp.RequestCtx) error {
	if err := s.checkOrigin(ctx); err != nil {
		return err
	}
	s.stream(ctx)
	return nil
}

func (s *Server) addRoutes() {
	s.table = s.routes()
	s.endpoints = make(map[string]*endpoint, len(s.table))
	for _, r := range s.table {
		e := s.endpoints[r.path]
		if e == nil {
			e = &endpoint{path: r.path}
			s.endpoints[r.path] = e
			if strings.Contains(r.path, "{") {
				e.parts = strings.Split(r.path, "/")
				s.patterns = append(s.patterns, e)
			}
			if len(r.path) > 1 && strings.HasSuffix(r.path, "/") {
				s.folders = append(s.folders, e)
			}
		}
		e.routes = append(e.routes, r)
		e.allow += r.method + ", "
		if r.method == get {
			e.allow += fasthttp.MethodHead + ", "
		}
	}
	for _, e := range s.endpoints {
		e.allow = strings.TrimSuffix(e.allow, ", ")
	}
	s.unrouted = &route{path: "other"}
	s.counted = append(append(s.counted, s.table...), s.unrouted)
}

// find returns the route of a request, or unrouted with the error to answer with. A path must be
// written as in the table: one that only becomes it when dots, slashes or percent signs are
// resolved may have passed a proxy as something else.
func (s *Server) find(ctx *fasthttp.RequestCtx) (*route, error) {
	if err := s.checkHost(ctx); err != nil {
		return s.unrouted, err
	}
	path := ctx.URI().PathOriginal()
	e := s.endpoints[string(path)]
	for i := 0; e == nil && i < len(s.patterns); i++ {
		if s.patterns[i].matches(path) {
			e = s.patterns[i]
		}
	}
	for i := 0; e == nil && i < len(s.folders); i++ {
		if bytes.HasPrefix(path, []byte(s.folders[i].path)) {
			e = s.folders[i]
		}
	}
	if e == nil {
		return s.unrouted, s.noRoute(string(path))
	}
	method := ctx.Method()
	for _, r := range e.routes {
		if string(method) != r.method && !(r.method == get && ctx.IsHead()) {
			continue
		}
		if r.method != get {
			return r, s.checkOrigin(ctx)
		}
		return r, nil
	}
	ctx.Response.Header.Set("Allow", e.allow)
	return s.unrouted, methodNotAllowed.because(fmt.Sprintf("%s takes %s, not %s", e.path, e.allow,
		cutText(string(method))))
}

// matches reports whether a path has the form of the endpoint's.
func (e *endpoint) matches(path []byte) bool {
	for i, part := range e.parts {
		given, rest, more := bytes.Cut(path, []byte{'/'})
		if more != (i < len(e.parts)-1) {
			return false
		}
		if braces := len(part) > 0 && part[0] == '{'; braces && len(given) == 0 ||
			!braces && string(given) != part {
			return false
		}
		path = rest
	}
	return true
}

// pathPart returns part n of the path of a request, counted from 0 after the first slash.
func pathPart(ctx *fasthttp.RequestCtx, n int) string {
	path := ctx.Path()[1:]
	for range n {
		_, path, _ = bytes.Cut(path, []byte{'/'})
	}
	part, _, _ := bytes.Cut(path, []byte{'/'})
	return string(part)
}

// noRoute names the nearest path there is.
func (s *Server) noRoute(path string) error {
	paths := make([]string, 0, len(s.table))
	for _, r := range s.table {
		paths = append(paths, r.path)
	}
	detail := fmt.Sprintf("there is nothing at %q", cutText(path))
	if near := core.NearestName(path, paths); near != "" {
		detail += "; did you mean " + near + "?"
	}
	return notFound.because(detail)
}

// bodyLimit tells fasthttp, once the headers are there, how long the body may be.
func (s *Server) bodyLimit(h *fasthttp.RequestHeader) (c fasthttp.RequestConfig) {
	path, _, _ := bytes.Cut(h.RequestURI(), []byte{'?'})
	e := s.endpoints[string(path)]
	if e == nil {
		return c
	}
	for _, r := range e.routes {
		if r.body > 0 && string(h.Method()) == r.method && s.knows(h) {
			c.MaxRequestBodySize = r.body
			s.reserveBody(h, &c)
		}
	}
	return c
}

// reserveBody makes sure that there is room for a body that is longer than most. If there is none,
// the body counts as too long, and badRequest tells why.
func (s *Server) reserveBody(h *fasthttp.RequestHeader, c *fasthttp.RequestConfig) {
	n := h.ContentLength()
	if n == chunkedLength {
		n = c.MaxRequestBodySize // It may become as long.
	}
	if n > s.opts.Limits.Body && n <= c.MaxRequestBodySize &&
		!s.room.announce(h, int64(n), s.opts.Limits.ReadTimeout+time.Second) {
		c.MaxRequestBodySize = 1 // Zero would mean the server's own limit.
	}
}

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
	path   string // With a slash at its end: everything below.
	handle handler
	body   int // Most bytes of a request body; 0 means Limits.Body.
	stats  routeStats
}

// endpoint is a path with the routes of its methods.
type endpoint struct {
	path   string
	routes []*route
	allow  string // Value of the Allow header.
}

const (
	get  = fasthttp.MethodGet
	post = fasthttp.MethodPost
)

// routes is the table of everything the server answers.
func (s *Server) routes() []*route {
	table := []*route{
		{method: get, path: "/health", handle: s.getHealth},
		{method: get, path: "/health/live", handle: s.getLive},
		{method: get, path: "/health/ready", handle: s.getReady},
		{method: get, path: "/health/detail", handle: s.getHealthDetail},

		{method: get, path: "/metrics", handle: s.getMetrics},

		{method: get, path: "/api/config", handle: s.getConfig},
		{method: get, path: "/api/symbols", handle: s.getSymbols},
		{method: get, path: "/api/quotes", handle: s.getQuotes},
		{method: get, path: "/api/stats", handle: s.getStats},

		{method: get, path: "/ticks", handle: s.getTicks},
		{method: post, path: "/ticks", handle: s.postTicks, body: s.opts.Limits.IngestBody},
		{method: get, path: "/ohlc", handle: s.getBars},
	}
	if s.stream != nil {
		table = append(table,
			&route{method: get, path: "/ws", handle: s.getStream},
			&route{method: get, path: "/ws/ingest", handle: s.getIngest})
	}
	if s.opts.Pprof {
		table = append(table, &route{method: get, path: "/debug/pprof/", handle: getProfile})
	}
	if len(s.page) > 0 {
		table = append(table,
			&route{method: get, path: "/", handle: s.getPage},
			&route{method: get, path: webFolder, handle: s.getPage})
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
	path := ctx.URI().PathOriginal()
	e := s.endpoints[string(path)]
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
		if r.body > 0 && string(h.Method()) == r.method {
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

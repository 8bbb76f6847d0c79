package httpd

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

// Server answers HTTP requests about one engine. It is made by New, runs in Serve and ends with
// Shutdown.
type Server struct {
	opts    Options
	engine  *core.Engine
	symbols *core.Registry
	now     func() core.Time
	log     *slog.Logger
	http    fasthttp.Server

	table     []*route
	endpoints map[string]*endpoint // By path.
	patterns  []*endpoint          // Paths with a part in braces.
	folders   []*endpoint          // Paths that end in a slash: all below them.
	unrouted  *route               // Counts requests that no route answers.
	counted   []*route             // The table and unrouted.

	// stream answers GET /ws; without it the route does not exist.
	stream fasthttp.RequestHandler
	hub    *hub
	ingest ingestCounts

	keys       keyring
	allowances allowances
	failures   failures
	hosts      []string // Beside loopback ones.

	requestPrefix string // Of this start.
	requests      atomic.Int64
	refusedFast   atomic.Int64 // Requests of keys that sent too many.
	auditLost     atomic.Int64 // Lines that could not be written.

	page    map[string]*pageFile // By path; "/" is the page itself.
	history History              // Options.History with a deadline.
	ticks   []*tickSeries        // By SymbolID.
	bars    barTable
	budget  lineBudget
	parsers sync.Pool // *core.Parser
	bodies  sync.Pool // *gunzipper
	room    bodyRoom
	unzip   chan struct{} // Holds one token for every body that is being unpacked.
	config  []byte        // The answer of /api/config.

	started     core.Time
	rates       rates
	window      atomic.Uint32 // Which half of every histogram is being filled.
	listeners   openListeners
	connections atomic.Int64 // Open ones that are not streams.
	turnedAway  atomic.Int64 // Connections refused because of their number.
}

// New checks the options and makes a server that does not listen yet.
func New(opts Options) (*Server, error) {
	if err := opts.setDefaults(); err != nil {
		return nil, err
	}
	s := &Server{
		opts: opts, engine: opts.Engine, symbols: opts.Engine.Symbols(), now: opts.Now,
		log: opts.Log, started: opts.Now(),
	}
	s.opts.Checks = append(slices.Clip(s.opts.Checks), s.vitals()...)
	s.budget.limit = opts.Limits.EncodedBytes
	s.room.limit, s.room.held = opts.Limits.Bodies, make(map[*fasthttp.RequestHeader]bodyHold)
	s.allowances, s.hosts = newAllowances(&s.opts.Limits), allowedHosts(&s.opts)
	s.requestPrefix = strconv.FormatInt(int64(s.started), 36) + "-"
	s.unzip = make(chan struct{}, unzipMax)
	s.newSeries()
	s.newIngest()
	s.config = s.encodeConfig()
	if err := s.loadPage(opts.Page); err != nil {
		return nil, fmt.Errorf("httpd: page: %w", err)
	}
	s.addStream()
	s.addRoutes()
	s.newHTTP()
	return s, nil
}

// Checks are what /health/detail looks at: those of the options, and those of the server's own.
func (s *Server) Checks() []Check { return s.opts.Checks }

// newHTTP sets fasthttp up. What it leaves open by default (timeouts, sizes, forms) is closed here.
func (s *Server) newHTTP() {
	l := &s.opts.Limits
	s.http = fasthttp.Server{
		Handler:                      s.handle,
		HeaderReceived:               s.bodyLimit,
		ErrorHandler:                 s.badRequest,
		ConnState:                    s.countConnection,
		Logger:                       connectionLog{s.log},
		ReadBufferSize:               l.Header,
		MaxRequestBodySize:           l.Body,
		ReadTimeout:                  l.ReadTimeout,
		WriteTimeout:                 l.WriteTimeout,
		IdleTimeout:                  l.IdleTimeout,
		Concurrency:                  l.Connections + connectionsSpare,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		DisablePreParseMultipartForm: true,
		SecureErrorLogMessage:        true,
		CloseOnShutdown:              true,
		KeepHijackedConns:            true, // Streams close their connections themselves.
	}
}

// Serve answers requests that come in on the listeners until Shutdown. When one listener fails, all
// are closed and its error is returned.
func (s *Server) Serve(listeners ...net.Listener) error {
	stop := make(chan struct{})
	var sampling, serving sync.WaitGroup
	sampling.Go(func() { s.sample(stop) })
	stopStream := s.runStream()
	errs := make([]error, len(listeners)+1)
	errs[len(listeners)] = s.listeners.add(listeners)
	for i, l := range listeners {
		serving.Go(func() {
			if errs[i] = s.http.Serve(&limitedListener{l, s}); errs[i] != nil {
				errs[i] = errors.Join(errs[i], s.listeners.close())
			}
		})
	}
	serving.Wait()
	stopStream()
	close(stop)
	sampling.Wait()
	return errors.Join(errs...)
}

// handle answers one request. Nothing of ctx outlives it.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	h := &ctx.Response.Header
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if !ctx.IsGet() && !ctx.IsHead() {
		s.room.begin(&ctx.Request.Header)
		defer s.room.done(&ctx.Request.Header)
	}
	r, err := s.unrouted, error(nil)
	if why := framingFault(&ctx.Request.Header); why != "" {
		ctx.SetConnectionClose()
		err = badRequest.because(why)
	} else if r, err = s.find(ctx); err == nil {
		err = s.letIn(ctx, r)
	}
	if err == nil {
		err = s.call(r, ctx)
	}
	if err != nil {
		s.fail(ctx, err)
	}
	if r.audited() {
		s.audit(ctx, r)
	}
	r.stats.add(s.window.Load(), time.Since(ctx.Time()), ctx.Response.StatusCode())
}

// call runs a handler and turns a panic into an error, because fasthttp would let it end the
// process.
func (s *Server) call(r *route, ctx *fasthttp.RequestCtx) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("handler panic", "route", r.path, "value", v, "stack", string(debug.Stack()))
			err = internalError.because("the server could not answer; its log says why")
		}
	}()
	return r.handle(ctx)
}

// connectionLog takes what fasthttp says of single connections, such as resets by the other side.
// It is for debugging: nobody has to act on it.
type connectionLog struct{ log *slog.Logger }

func (l connectionLog) Printf(format string, args ...any) {
	l.log.Debug("http connection", "detail", fmt.Sprintf(format, args...))
}

package httpd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

// fault is a kind of error that clients can tell by its code.
type fault struct {
	status     int
	code       string // Stable; clients match it.
	title      string
	retryAfter int // Seconds after which the same request may work; 0 for none.
}

// The faults there are.
var (
	badParameter     = fault{400, "BAD_PARAMETER", "Bad parameter", 0}
	missingParameter = fault{400, "MISSING_PARAMETER", "Missing parameter", 0}
	unknownSymbol    = fault{404, "UNKNOWN_SYMBOL", "Unknown symbol", 0}
	notFound         = fault{404, "NOT_FOUND", "Not found", 0}
	methodNotAllowed = fault{405, "METHOD_NOT_ALLOWED", "Method not allowed", 0}

	emptyBody       = fault{400, "EMPTY_BODY", "Empty body", 0}
	badJSON         = fault{400, "BAD_JSON", "Broken JSON", 0}
	badCSVHeader    = fault{400, "BAD_CSV_HEADER", "Bad CSV header", 0}
	badGzip         = fault{400, "BAD_GZIP", "Bad gzip", 0}
	bodyTooLarge    = fault{413, "BODY_TOO_LARGE", "Body too large", 0}
	badMediaType    = fault{415, "UNSUPPORTED_MEDIA_TYPE", "Unsupported media type", 0}
	badRequest      = fault{400, "BAD_REQUEST", "Bad request", 0}
	requestTimeout  = fault{408, "REQUEST_TIMEOUT", "Request timeout", 0}
	headersTooLarge = fault{431, "HEADERS_TOO_LARGE", "Headers too large", 0}

	originNotAllowed = fault{403, "ORIGIN_NOT_ALLOWED", "Origin not allowed", 0}
	feedSimulated    = fault{409, "FEED_SIMULATED", "The feed is simulated", 0}

	tooManyQuotes   = fault{413, "TOO_MANY_QUOTES", "Too many quotes", 0}
	inboxFull       = fault{503, "INBOX_FULL", "Inbox full", 1}
	shuttingDown    = fault{503, "SHUTTING_DOWN", "Shutting down", 5}
	storageFailed   = fault{503, "STORAGE_FAILED", "Storage failed", 0}
	storageLost     = fault{503, "STORAGE_LOST", "Ticks lost", 0}
	storageTimeout  = fault{503, "STORAGE_TIMEOUT", "Storage timeout", 1}
	tooManyBodies   = fault{503, "TOO_MANY_BODIES", "Too many bodies", 1}
	tooManyClients  = fault{503, "TOO_MANY_CONNECTIONS", "Too many connections", 1}
	internalError   = fault{500, "INTERNAL", "Internal error", 0}
	problemJSONType = "application/problem+json"
)

// errHistory wraps what History returns, so that it is answered as a matter of storage.
var errHistory = errors.New("history")

// problem is a fault with what is to be said of this one.
type problem struct {
	fault
	detail  string
	members []byte // Further members of the object, each with a comma before it.
}

func (f fault) because(detail string) *problem { return &problem{fault: f, detail: detail} }

func (p *problem) Error() string { return p.code + ": " + p.detail }

func (p *problem) append(dst []byte) []byte {
	dst = append(dst, `{"type":"about:blank","title":`...)
	dst = appendString(dst, p.title)
	dst = append(dst, `,"status":`...)
	dst = strconv.AppendInt(dst, int64(p.status), 10)
	dst = append(dst, `,"code":"`...)
	dst = append(dst, p.code...)
	dst = append(dst, `","detail":`...)
	dst = appendString(dst, redact(p.detail))
	dst = append(dst, p.members...)
	return append(dst, '}', '\n')
}

// problemOf says what a client is told of an error. Errors it does not know are not its client's
// business: they are logged and become 500.
func (s *Server) problemOf(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	if p = tradeProblem(err); p != nil {
		return p
	}
	if p = alertProblem(err); p != nil {
		return p
	}
	switch {
	case errors.Is(err, core.ErrUnknownSymbol):
		return unknownSymbol.because(withoutPrefix(err, core.ErrUnknownSymbol))
	case errors.Is(err, core.ErrTooManyQuotes):
		return tooManyQuotes.because("the engine never takes that many quotes of one request; send " +
			"fewer at once")
	case errors.Is(err, core.ErrInboxFull):
		return inboxFull.because(core.ErrInboxFull.Error() + "; nothing of this request was taken")
	case errors.Is(err, core.ErrClosed):
		return shuttingDown.because(core.ErrClosed.Error() + "; nothing of this request was taken")
	case errors.Is(err, errHistory) && errors.Is(err, context.DeadlineExceeded):
		s.log.Warn("history read timed out", "detail", err)
		return storageTimeout.because("the stored data could not be read in time")
	case errors.Is(err, errHistory):
		s.log.Error("history read failed", "detail", err)
		return storageFailed.because("the stored data could not be read")
	default:
		s.log.Error("request failed", "detail", err)
		return internalError.because("the server could not answer; its log says why")
	}
}

// withoutPrefix returns the text of err without the sentinel it wraps first.
func withoutPrefix(err, sentinel error) string {
	return strings.TrimPrefix(err.Error(), sentinel.Error()+": ")
}

// fail answers with what problemOf makes of err.
func (s *Server) fail(ctx *fasthttp.RequestCtx, err error) {
	p := s.problemOf(err)
	ctx.Response.ResetBody()
	ctx.SetStatusCode(p.status)
	ctx.SetContentType(problemJSONType)
	if p.retryAfter > 0 {
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	ctx.SetBody(p.append(nil))
}

// badRequest answers a request that could not be read. fasthttp closes the connection afterwards.
func (s *Server) badRequest(ctx *fasthttp.RequestCtx, err error) {
	var small *fasthttp.ErrSmallBuffer
	var timeout interface{ Timeout() bool }
	p := badRequest.because("this is not a whole, valid HTTP/1.1 request")
	noRoom := s.room.done(&ctx.Request.Header)
	switch {
	case noRoom && errors.Is(err, fasthttp.ErrBodyTooLarge):
		p = s.noRoomForBody()
		drain(ctx)
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		p = s.tooLarge()
		if !s.knows(&ctx.Request.Header) {
			p = keyRequired.because("a body of this length needs a key")
		}
		drain(ctx)
	case errors.As(err, &small):
		p = headersTooLarge.because("request line and headers take at most " +
			strconv.Itoa(s.opts.Limits.Header) + " bytes")
	case errors.As(err, &timeout) && timeout.Timeout():
		p = requestTimeout.because("the request did not arrive in time")
	}
	s.fail(ctx, p)
	s.unrouted.stats.add(s.window.Load(), 0, p.status)
}

func (s *Server) noRoomForBody() *problem {
	return tooManyBodies.because("the server has as many large bodies in work as it takes; nothing " +
		"of this request was taken")
}

// tooLarge names both limits: after a chunked body fasthttp has forgotten what was asked for.
func (s *Server) tooLarge() *problem {
	return bodyTooLarge.because(fmt.Sprintf("a body may have at most %d bytes for POST /ticks, also "+
		"when unpacked, and %d bytes for anything else", s.opts.Limits.IngestBody, s.opts.Limits.Body))
}

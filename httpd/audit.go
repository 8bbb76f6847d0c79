package httpd

import (
	"bytes"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// requestHeader names a request in its answer and in the audit log.
const requestHeader = "X-Request-Id"

// aboutName is where a request keeps which account it was about.
type aboutName struct{}

// audited reports whether requests of a route stand in the audit log: those that may change what
// belongs to an account or to the server. Quotes do not; there are too many.
func (r *route) audited() bool {
	return r.method != get && (r.access == forTraders || r.access == forAdmins)
}

// audit writes a line about a request that was answered, refused ones too, before its sender is
// told. There is never a key in it, nor a body. A line that cannot be written is counted and keeps
// nobody from trading: what was done is in the journal, and an account whose positions cannot be
// closed because a disk is full would be worse than a line that is missing.
func (s *Server) audit(ctx *fasthttp.RequestCtx, r *route) {
	id := s.requestPrefix + strconv.FormatInt(s.requests.Add(1), 10)
	ctx.Response.Header.Set(requestHeader, id)
	if s.opts.Audit == nil {
		return
	}
	who := callerOf(ctx)
	if who == &anybody && s.opts.RequireKeys {
		who = &stranger // It was not let in.
	}
	dst := core.Now().Append([]byte(`{"time":"`))
	dst = append(append(dst, `","id":"`...), id...)
	dst = appendInt(dst, `","key":`, who.id)
	dst = appendString(append(dst, `,"name":`...), who.name)
	dst = append(append(dst, `,"role":"`...), who.role.String()...)
	dst = append(append(dst, `","address":"`...), ctx.RemoteIP().String()...)
	dst = append(append(dst, `","method":"`...), r.method...)
	dst = append(append(dst, `","route":"`...), r.path...)
	dst = appendString(append(dst, `","path":`...), redact(cutText(string(ctx.Path()))))
	account, _ := ctx.UserValue(aboutName{}).(trading.AccountID)
	dst = appendInt(dst, `,"account":`, int64(account))
	dst = appendInt(dst, `,"status":`, int64(ctx.Response.StatusCode()))
	dst = append(append(dst, `,"code":"`...), problemCode(ctx)...)
	dst = appendInt(dst, `","micros":`, time.Since(ctx.Time()).Microseconds())
	if _, err := s.opts.Audit.Write(append(dst, '}', '\n')); err != nil {
		if s.auditLost.Add(1) == 1 {
			s.log.Error("the audit log cannot be written; lines are counted, not kept", "reason", err)
		}
	}
}

// problemCode is the code of the problem that a request is answered with, or "".
func problemCode(ctx *fasthttp.RequestCtx) []byte {
	if ctx.Response.StatusCode() < fasthttp.StatusBadRequest {
		return nil
	}
	_, rest, _ := bytes.Cut(ctx.Response.Body(), []byte(`,"code":"`))
	code, _, _ := bytes.Cut(rest, []byte{'"'})
	return code
}

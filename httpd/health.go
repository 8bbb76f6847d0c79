package httpd

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"
)

// Check is one thing that must hold. Run is called for every question about health, from any
// goroutine, so it must be quick and must not wait for what it checks.
type Check struct {
	Name string // As in /health/detail, e.g. storage.
	Run  func() CheckResult
	// Ready makes the check count for /health/ready as well.
	Ready bool
	// Advisory checks only inform: the engine does its job without them.
	Advisory bool
}

// CheckResult is what a Check found.
type CheckResult struct {
	OK     bool
	Value  any    // What was measured, encoded by encoding/json; nil to leave it out.
	Limit  any    // What it is compared with; nil to leave it out.
	Reason string // One line for people; needed when not OK.
	Level  Level  // How bad it is that an advisory check is not OK; empty is Warning.
}

// Find is Run with a panic turned into a failure: a broken check must not look like health.
func (c *Check) Find() (r CheckResult) {
	defer func() {
		if v := recover(); v != nil {
			r = CheckResult{Reason: fmt.Sprintf("the check panicked: %v", v)}
		}
	}()
	return c.Run()
}

// getHealth answers OK, or 503 with one line of reason.
func (s *Server) getHealth(ctx *fasthttp.RequestCtx) error {
	s.answerHealth(ctx, func(c *Check) bool { return !c.Advisory })
	return nil
}

// getLive answers OK: a process that answers is alive.
func (s *Server) getLive(ctx *fasthttp.RequestCtx) error {
	s.answerHealth(ctx, func(*Check) bool { return false })
	return nil
}

// getReady answers OK when the server can take requests and quotes.
func (s *Server) getReady(ctx *fasthttp.RequestCtx) error {
	s.answerHealth(ctx, func(c *Check) bool { return c.Ready })
	return nil
}

func (s *Server) answerHealth(ctx *fasthttp.RequestCtx, counts func(*Check) bool) {
	ctx.SetContentType(textType)
	for i := range s.opts.Checks {
		c := &s.opts.Checks[i]
		if !counts(c) {
			continue
		}
		if r := c.Find(); !r.OK {
			ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
			ctx.SetBodyString(c.Name + ": " + oneLine(r.Reason) + "\n")
			return
		}
	}
	ctx.SetBodyString("OK")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// What /health/detail sums its checks up to. A degraded server does its job.
const (
	statusOK = iota
	statusDegraded
	statusFailing
)

var statusNames = [...]string{"ok", "degraded", "failing"}

func (c *Check) status(r *CheckResult) int {
	switch {
	case r.OK:
		return statusOK
	case c.Advisory:
		return statusDegraded
	default:
		return statusFailing
	}
}

// getHealthDetail answers with every check, its value and its limit.
func (s *Server) getHealthDetail(ctx *fasthttp.RequestCtx) error {
	status := statusOK
	checks := []byte{'{'}
	for i := range s.opts.Checks {
		c := &s.opts.Checks[i]
		r := c.Find()
		status = max(status, c.status(&r))
		if i > 0 {
			checks = append(checks, ',')
		}
		checks = append(appendString(append(checks, '\n'), c.Name), `:{"ok":`...)
		checks = strconv.AppendBool(checks, r.OK)
		checks = appendValue(checks, `,"value":`, r.Value)
		checks = appendValue(checks, `,"limit":`, r.Limit)
		if c.Advisory && !r.OK {
			level := r.Level
			setDefault(&level, Warning)
			checks = appendString(append(checks, `,"level":`...), string(level))
		}
		if r.Reason != "" {
			checks = appendString(append(checks, `,"reason":`...), oneLine(r.Reason))
		}
		checks = append(checks, '}')
	}
	if status == statusFailing {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
	}
	if len(s.opts.Checks) > 0 {
		checks = append(checks, '\n')
	}
	dst := append(takeBody(ctx), `{"status":"`+statusNames[status]+`","checks":`...)
	giveBody(ctx, jsonType, append(append(dst, checks...), "}}\n"...))
	return nil
}

// appendValue appends a member with a value of another package, unless it is nil. A value that
// has no JSON form is shown as text.
func appendValue(dst []byte, member string, v any) []byte {
	if v == nil {
		return dst
	}
	text, err := json.Marshal(v)
	if err != nil {
		return appendString(append(dst, member...), fmt.Sprint(v))
	}
	return append(append(dst, member...), text...)
}

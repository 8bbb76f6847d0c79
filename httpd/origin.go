package httpd

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// checkOrigin refuses what a page of another web site sends through a user's browser: a browser
// always names the origin of such a request, and no page can leave it out. Programs name none.
func (s *Server) checkOrigin(ctx *fasthttp.RequestCtx) error {
	origin := string(ctx.Request.Header.Peek("Origin"))
	if origin == "" || loopbackOrigin(origin) || s.ownOrigin(ctx, origin) {
		return nil
	}
	for _, allowed := range s.opts.Origins {
		if strings.EqualFold(strings.TrimSuffix(allowed, "/"), origin) {
			return nil
		}
	}
	return originNotAllowed.because(fmt.Sprintf("a page of %q may not do this; -origins allows it",
		cutText(origin)))
}

// loopbackOrigin reports whether a page came from this machine.
func loopbackOrigin(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return false
	}
	return loopbackName(u.Hostname())
}

// ownOrigin reports whether a page came from this server, where keys keep strangers out: a page
// whose owner lets his name lead here has none.
func (s *Server) ownOrigin(ctx *fasthttp.RequestCtx, origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && s.opts.RequireKeys && strings.EqualFold(u.Host, string(ctx.URI().Host()))
}

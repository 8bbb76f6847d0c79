package httpd

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// checkOrigin refuses what a page of another web site sends through a user's browser: a browser
// always names the origin of such a request, and no page can leave it out. Programs name none.
func (s *Server) checkOrigin(ctx *fasthttp.RequestCtx) error {
	origin := string(ctx.Request.Header.Peek("Origin"))
	if origin == "" || loopbackOrigin(origin) {
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
	if strings.EqualFold(u.Hostname(), "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && addr.IsLoopback()
}

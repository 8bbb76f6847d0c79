package httpd

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
)

var hostNotAllowed = fault{403, "HOST_NOT_ALLOWED", "Host not allowed", 0}

// allowedHosts are the names, beside loopback ones, under which requests may ask for the server:
// those given, and those of the web origins.
func allowedHosts(o *Options) []string {
	hosts := slices.Clone(o.Hosts)
	for _, origin := range o.Origins {
		if u, err := url.Parse(origin); err == nil && u.Hostname() != "" {
			hosts = append(hosts, u.Hostname())
		}
	}
	return hosts
}

// checkHost refuses a request that asks for a server of another name, where only this machine can
// reach us: then it comes from a page whose owner lets his name lead here, and which a browser
// takes for a page of ours. On other addresses a page would need a key.
func (s *Server) checkHost(ctx *fasthttp.RequestCtx) error {
	if !s.opts.Loopback && len(s.opts.Hosts) == 0 {
		return nil
	}
	given := string(ctx.URI().Host())
	name := given
	if host, _, err := net.SplitHostPort(given); err == nil {
		name = host
	}
	name = strings.Trim(name, "[]")
	if name == "" || loopbackName(name) { // A browser always gives one.
		return nil
	}
	for _, host := range s.hosts {
		if strings.EqualFold(host, name) {
			return nil
		}
	}
	return hostNotAllowed.because(fmt.Sprintf("this server is not called %q; -hosts allows it",
		cutText(given)))
}

// loopbackName reports whether a name is one of this machine.
func loopbackName(name string) bool {
	if strings.EqualFold(name, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}

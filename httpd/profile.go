package httpd

import (
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/pprofhandler"
)

// getProfile answers with a profile of the process. Whoever may read it sees a lot, so it is for
// this machine alone.
func getProfile(ctx *fasthttp.RequestCtx) error {
	if !ctx.RemoteIP().IsLoopback() {
		return notFound.because("profiles are served to this machine only")
	}
	pprofhandler.PprofHandler(ctx)
	return nil
}

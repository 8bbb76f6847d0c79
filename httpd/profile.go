package httpd

import (
	"bytes"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

const profileFolder = "/debug/pprof/"

// profileMost is the longest time, in seconds, that the processor is watched.
const profileMost = 60

var profileBusy = fault{503, "PROFILE_BUSY", "Profile busy", 5}

// getProfile answers with a profile of the process, as go tool pprof reads it: of the processor
// over ?seconds=, or one of those that runtime/pprof keeps. Whoever may read it sees a lot, so it
// is for this machine alone. The handlers of net/http/pprof would make the binary larger.
func getProfile(ctx *fasthttp.RequestCtx) error {
	if !ctx.RemoteIP().IsLoopback() {
		return notFound.because("profiles are served to this machine only")
	}
	name := strings.TrimPrefix(string(ctx.Path()), profileFolder)
	args := ctx.QueryArgs()
	var body bytes.Buffer
	switch p := pprof.Lookup(name); {
	case name == "":
		for _, p := range pprof.Profiles() {
			body.WriteString(p.Name() + " " + strconv.Itoa(p.Count()) + "\n")
		}
	case name == "profile":
		seconds := min(max(args.GetUintOrZero("seconds"), 1), profileMost)
		if err := pprof.StartCPUProfile(&body); err != nil {
			return profileBusy.because("the processor is being watched already")
		}
		time.Sleep(time.Duration(seconds) * time.Second)
		pprof.StopCPUProfile()
	case p == nil:
		return notFound.because("there is no such profile")
	default:
		if err := p.WriteTo(&body, args.GetUintOrZero("debug")); err != nil {
			return err
		}
	}
	ctx.SetContentType("application/octet-stream")
	ctx.SetBody(body.Bytes())
	return nil
}

package httpd

import (
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// BenchmarkLetIn is what it costs to let a request in: nothing without keys; one hash, one look-up
// and one budget with them. A regression would slow every request.
func BenchmarkLetIn(b *testing.B) {
	f := func(name string, keyed bool) {
		b.Run(name, func(b *testing.B) {
			s := &Server{opts: Options{RequireKeys: keyed}}
			l := Limits{KeyRequests: 1_000_000_000}
			s.opts.clock = time.Now
			s.allowances = newAllowances(&l)
			text, hash := NewKey()
			s.keys.set([]Key{{ID: 1, Hash: hash, Role: RoleRead}})
			var ctx fasthttp.RequestCtx
			ctx.Request.Header.Set("Authorization", "Bearer "+text)
			r := &route{access: forReaders}
			b.ReportAllocs()
			for b.Loop() {
				if err := s.letIn(&ctx, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	f("off", false)
	f("on", true)
}

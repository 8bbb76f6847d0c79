package httpd

import (
	"io"
	"runtime/pprof"
	"strings"
	"testing"
)

// TestProfiles asks for each kind of profile, and for one of the processor while it is watched.
func TestProfiles(t *testing.T) {
	m := newTestMarket(t, marketOptions{server: func(o *Options) { o.Pprof = true }})
	has(t, m.get("/debug/pprof/").body, "goroutine ", "heap ", "allocs ")
	for _, name := range []string{"heap", "goroutine", "allocs"} {
		a := m.get("/debug/pprof/" + name)
		if a.status != 200 || !strings.HasPrefix(a.body, "\x1f\x8b") {
			t.Errorf("%s: got %d, want a packed profile", name, a.status)
		}
	}
	has(t, m.get("/debug/pprof/goroutine?debug=1").body, "goroutine profile: total ")
	has(t, m.get("/debug/pprof/nothing").body, `"code":"NOT_FOUND"`)
	check(t, pprof.StartCPUProfile(io.Discard))
	busy := m.get("/debug/pprof/profile?seconds=1")
	pprof.StopCPUProfile()
	if a := m.get("/debug/pprof/profile?seconds=1"); busy.status != 503 || a.status != 200 {
		t.Errorf("of the processor: got %d while it is watched, %d after; want 503 and 200", busy.status,
			a.status)
	}
	hidden := newTestMarket(t, marketOptions{})
	has(t, hidden.get("/debug/pprof/heap").body, `"code":"NOT_FOUND"`)
}

package httpd

import (
	"testing"
	"testing/fstest"
)

func TestPage(t *testing.T) {
	m := newTestMarket(t, marketOptions{server: func(o *Options) {
		o.Page = fstest.MapFS{
			"index.html": {Data: []byte("<!doctype html>hello")}, "app.js": {Data: []byte("go()")},
			"sub/x.bin": {Data: []byte{0}},
		}
	}})
	f := func(path string, status int, contentType, body string) {
		t.Helper()
		a := m.get(path)
		if a.status != status || a.header.Get("Content-Type") != contentType || a.body != body {
			t.Errorf("GET %s: got %d %s %q", path, a.status, a.header.Get("Content-Type"), a.body)
		}
	}
	f("/", 200, "text/html; charset=utf-8", "<!doctype html>hello")
	f("/web/index.html", 200, "text/html; charset=utf-8", "<!doctype html>hello")
	f("/web/app.js", 200, "text/javascript; charset=utf-8", "go()")
	f("/web/sub/x.bin", 200, "application/octet-stream", "\x00")
	for _, path := range []string{"/web/", "/web/nothing.js", "/web/../server.go", "/web/sub"} {
		if a := m.get(path); a.status != 404 || a.header.Get("Content-Type") != problemJSONType {
			t.Errorf("GET %s: %d %s", path, a.status, a.body)
		}
	}
	a := m.get("/")
	if a.header.Get("Content-Security-Policy") != pagePolicy ||
		a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", a.header)
	}
	again := m.do("GET", "/", "", "If-None-Match", a.header.Get("ETag"))
	if again.status != 304 || again.body != "" {
		t.Errorf("again: %d %q", again.status, again.body)
	}
}

package httpd

import (
	"encoding/json"
	"math"
	"strings"
	"sync/atomic"
	"testing"
)

func TestHealth(t *testing.T) {
	var broken [3]atomic.Bool
	result := func(i int, r CheckResult) func() CheckResult {
		return func() CheckResult {
			r := r
			if r.OK = !broken[i].Load(); r.OK {
				r.Reason = ""
			}
			return r
		}
	}
	m := newTestMarket(t, marketOptions{server: func(o *Options) {
		o.Checks = []Check{
			{
				Name: "storage", Ready: true,
				Run: result(0, CheckResult{Value: true, Reason: "the disk\nis full"}),
			},
			{
				Name: "shards",
				Run:  result(1, CheckResult{Value: 7, Limit: 60, Reason: "shard 0 is stuck"}),
			},
			{
				Name: "moon", Advisory: true,
				Run: result(2, CheckResult{Value: math.NaN(), Reason: "much"}),
			},
		}
	}})
	f := func(path string, status int, want string) {
		t.Helper()
		if a := m.get(path); a.status != status || a.body != want {
			t.Errorf("GET %s: got %d %q, want %d %q", path, a.status, a.body, status, want)
		}
	}
	f("/health", 200, "OK")
	f("/health/ready", 200, "OK")
	f("/health/detail", 200, `{"status":"ok","checks":{
"storage":{"ok":true,"value":true},
"shards":{"ok":true,"value":7,"limit":60},
"moon":{"ok":true,"value":"NaN"},
"throttle":{"ok":true,"value":0,"limit":[10,80]},
"failures":{"ok":true,"value":0,"limit":0.1},
"latency":{"ok":true,"value":0,"limit":0.5},
"queue":{"ok":true,"value":0,"limit":0}
}}
`)
	broken[2].Store(true)
	f("/health", 200, "OK")
	if a := m.get("/health/detail"); a.status != 200 || !strings.HasPrefix(a.body, `{"status":"degraded"`) ||
		!strings.Contains(a.body, `"moon":{"ok":false,"value":"NaN","level":"warning","reason":"much"}`) {
		t.Errorf("with an advisory check that fails: got %d %s", a.status, a.body)
	}
	broken[1].Store(true)
	f("/health", 503, "shards: shard 0 is stuck\n")
	f("/health/ready", 200, "OK")
	broken[0].Store(true)
	f("/health", 503, "storage: the disk is full\n")
	f("/health/ready", 503, "storage: the disk is full\n")
	f("/health/live", 200, "OK")
	a := m.get("/health/detail")
	var detail struct {
		Status string
		Checks map[string]struct {
			OK     bool
			Reason string
		}
	}
	check(t, json.Unmarshal([]byte(a.body), &detail))
	if a.status != 503 || detail.Status != "failing" || detail.Checks["moon"].OK ||
		detail.Checks["storage"].Reason != "the disk is full" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if a := m.do("HEAD", "/health", ""); a.status != 503 || a.body != "" {
		t.Errorf("HEAD: got %d %q", a.status, a.body)
	}
}

func TestHealthCheckPanics(t *testing.T) {
	m := newTestMarket(t, marketOptions{server: func(o *Options) {
		o.Checks = []Check{{Name: "odd", Run: func() CheckResult { panic("no ring") }}}
	}})
	a := m.get("/health")
	if a.status != 503 || !strings.HasPrefix(a.body, "odd: the check panicked: no ring") {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

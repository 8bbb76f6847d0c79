package httpd

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

// fuzzServer is a server without a network and an engine that nobody runs.
func fuzzServer(f *testing.F) *Server {
	registry, err := core.NewRegistry(core.DefaultSymbols())
	check(f, err)
	sources, err := core.NewSources([]string{"SIM"})
	check(f, err)
	engine, err := core.New(core.Options{Symbols: registry, Sources: sources})
	check(f, err)
	check(f, engine.Restore(eurusd, fuzzMarket()))
	s, err := New(Options{Engine: engine, Now: func() core.Time { return testNow }})
	check(f, err)
	return s
}

// fuzzMarket is some ticks and bars.
func fuzzMarket() *core.SymbolState {
	state := &core.SymbolState{}
	for i := range 100 {
		at := testNow - core.Time(100-i)*core.Minute
		price := core.Price(108_000 + i)
		state.Ticks = append(state.Ticks, core.Tick{Time: at, Bid: price, Ask: price + 2, Source: 1})
		open := at.Floor(core.Minute)
		p := int64(price)
		side := core.OHLC{Open: p, High: p + 5, Low: p, Close: p}
		bar := core.Bar{Time: open, Mid: side, Bid: side, Ask: side, Volume: 1, First: at, Last: at}
		state.Bars[core.M1] = append(state.Bars[core.M1], bar)
		if open == core.H1.Open(open) {
			state.Bars[core.H1] = append(state.Bars[core.H1], bar)
		}
	}
	return state
}

// FuzzRequests sends any path and query: every answer is JSON, text or a problem, never a 5xx.
func FuzzRequests(f *testing.F) {
	f.Add("GET", "/ticks?symbol=EURUSD&limit=5&from=2026-01-19T13:57:00Z&to=1768830564&format=csv")
	f.Add("GET", "/ohlc?symbol=EURUSD&timeframe=4h&align=utc&price=bid&from=0&to=99999999999999999")
	f.Add("GET", "/ohlc?symbol=EURUSD&timeframe=1w&align=utc&from=0001-01-01T00:00:00Z&limit=1")
	f.Add("HEAD", "/api/quotes?symbols=EURUSD,,%00")
	f.Add("GET", "/ticks?symbol=EURUSD&limit=%31&symbol=")
	f.Add("POST", "/ticks?ack=accept&ack")
	s := fuzzServer(f)
	f.Fuzz(func(t *testing.T, method, uri string) {
		var ctx fasthttp.RequestCtx
		ctx.Init(&fasthttp.Request{}, nil, nil)
		ctx.Request.Header.SetMethod(method)
		ctx.Request.SetRequestURI(uri)
		ctx.Request.Header.SetHost("x")
		s.handle(&ctx)
		status, body := ctx.Response.StatusCode(), ctx.Response.Body()
		if status >= 500 || status != 200 && !validProblem(body, status) {
			t.Errorf("%s %q: %d %s", method, uri, status, body)
		}
		if status == 200 && string(ctx.Response.Header.ContentType()) == jsonType && !json.Valid(body) {
			t.Errorf("%s %q: not JSON: %s", method, uri, body)
		}
	})
}

func validProblem(body []byte, status int) bool {
	var p struct {
		Type, Title, Code, Detail string
		Status                    int
	}
	return json.Unmarshal(body, &p) == nil && p.Status == status && p.Code != "" && p.Detail != ""
}

// FuzzIngest parses any body in every format: lines are numbered without a hole, what is taken is
// sane, and what is refused as a whole leaves nothing.
func FuzzIngest(f *testing.F) {
	f.Add(0, []byte(`[{"symbol":"EURUSD","bid":1.1,"ask":"1.2"},"]",{"a":"\"]"},1e5 , null]`))
	f.Add(0, []byte(`{"symbol":"EURUSD","bid":1.1,"ask":1.2,"time":1768830564,"lp":"A\u0042"}`))
	f.Add(1, []byte("{\"symbol\":\"EURUSD\",\"bid\":1.1,\"ask\":1.2}\r\n\n{\"bid\":NaN}\n"))
	f.Add(2, []byte("symbol,bid,ask,time\nEURUSD,1.1,1.2,1768830564123\n\"EURUSD\",\"1.1\",1.2,\n"))
	f.Add(2, []byte("\xef\xbb\xbfask;bid\n"))
	s := fuzzServer(f)
	f.Fuzz(func(t *testing.T, format int, body []byte) {
		kept := bytes.Clone(body)
		sub := s.engine.Begin(testNow)
		defer sub.Release()
		in := intake{sub: sub, parser: s.parsers.Get().(*core.Parser)}
		format = ((format % 3) + 3) % 3
		err := in.take(bodyFormatName(format), body)
		o := sub.Outcome()
		taken := sub.Added() + int(o.Rejected)
		if !bytes.Equal(body, kept) {
			t.Error("the body was changed")
		}
		if err != nil && taken != 0 {
			t.Errorf("%v, but %d quotes were taken", err, taken)
		}
		if taken != int(in.line) {
			t.Errorf("%d quotes of %d lines", taken, in.line)
		}
		line := int32(0)
		for i := range o.Rejections {
			r := &o.Rejections[i]
			if r.Line <= line || r.Line > in.line {
				t.Errorf("rejected line %d after %d, of %d", r.Line, line, in.line)
			}
			line = r.Line
			if text := appendString(nil, r.Text(s.symbols)); !json.Valid(text) || len(text) < 3 {
				t.Errorf("detail %s", text)
			}
		}
		if format == int(bodyJSON) && err == nil {
			checkJSONCount(t, body, taken)
		}
	})
}

// checkJSONCount counts the elements of a body the slow way.
func checkJSONCount(t *testing.T, body []byte, got int) {
	t.Helper()
	var list []json.RawMessage
	want := 1
	if strings.HasPrefix(strings.TrimSpace(string(body)), "[") {
		if err := json.Unmarshal(body, &list); err != nil {
			t.Fatalf("taken, but %v", err)
		}
		want = len(list)
	}
	if got != want {
		t.Errorf("%d quotes taken, want %d", got, want)
	}
}

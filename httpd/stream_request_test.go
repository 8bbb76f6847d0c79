package httpd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"tradingengine/core"
)

func testRegistry(t testing.TB) *core.Registry {
	t.Helper()
	symbols := core.DefaultSymbols()
	symbols[0].Aliases = []string{"EURUSD.r"}
	r, err := core.NewRegistry(symbols)
	check(t, err)
	return r
}

// describeRequest prints what was understood.
func describeRequest(registry *core.Registry, r *streamRequest, fault *streamFault) string {
	if fault != nil {
		return fault.code + ": " + fault.detail
	}
	if r.kind == requestPing {
		return "ping " + string(r.timestamp)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", r.kind, r.key.channel())
	if rate := r.key.rateName(); rate != "" {
		b.WriteString(" at " + rate)
	}
	if ids := r.symbols.ids(); len(ids) == registry.Len() {
		b.WriteString(" all")
	} else {
		for _, id := range ids {
			b.WriteString(" " + registry.Symbol(id).Name)
		}
	}
	for _, s := range r.since {
		fmt.Fprintf(&b, " %s>%d", registry.Symbol(s.symbol).Name, s.time)
	}
	return b.String()
}

// parsesTo returns a check that a message is understood or refused as it should be.
func parsesTo(t *testing.T) func(text, want string) {
	registry := testRegistry(t)
	return func(text, want string) {
		t.Helper()
		r, fault := parseStreamRequest(registry, []byte(text))
		if got := describeRequest(registry, r, fault); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", cutText(text), got, want)
		}
	}
}

func TestParseStreamRequest(t *testing.T) {
	f := parsesTo(t)
	f(`{"type":"ping","timestamp":1768823580123}`, "ping 1768823580123")
	f(`{"type":"ping","timestamp":-1.5e3}`, "ping -1.5e3")
	f(`{"type":"ping"}`, "ping ")
	f(`{"type":"ping","timestamp":null,"more":[{}]}`, "ping ")
	f(`{"type":"ping","timestamp":"now"}`,
		`BAD_MESSAGE: "timestamp" is not a number of at most 32 characters`)
	f(`{"type":"ping","timestamp":`+strings.Repeat("1", 33)+`}`,
		`BAD_MESSAGE: "timestamp" is not a number of at most 32 characters`)

	f(`{"type":"subscribe","channel":"ticks","symbols":["EURUSD","gbpusd","eurusd.R"]}`,
		"subscribe ticks EURUSD GBPUSD")
	f(`{"type":"subscribe","channel":"ticks"}`, "subscribe ticks all")
	f(`{"type":"subscribe","channel":"ticks","symbols":null,"since":null}`, "subscribe ticks all")
	f(`{"type":"unsubscribe","channel":"bars:1h","symbols":["USDJPY"],"since":1}`,
		"unsubscribe bars:1h USDJPY")
	f(`{"type":"subscribe","channel":"bars:M15"}`, "subscribe bars:15m all")
	f(`{"type":"subscribe","channel":"quotes","symbols":["EURUSD"]}`, "subscribe quotes at 10 EURUSD")
	f(`{"type":"subscribe","channel":"quotes","symbols":["EURUSD"],"maxRateHz":100}`,
		"subscribe quotes at 100 EURUSD")
	f(`{"type":"subscribe","channel":"quotes","symbols":["EURUSD"],"maxRateHz":99.9}`,
		"subscribe quotes at 50 EURUSD")
	f(`{"type":"subscribe","channel":"quotes","symbols":["EURUSD"],"maxRateHz":0.1}`,
		"subscribe quotes at 0.1 EURUSD")
	f(`{"type":"subscribe","channel":"ticks","symbols":["EURUSD"],"maxRateHz":7}`,
		"subscribe ticks EURUSD")
	for _, hz := range []string{"0", "0.099", "100.1", "-1", "1e99"} {
		f(`{"type":"subscribe","channel":"quotes","maxRateHz":`+hz+`}`,
			`BAD_MESSAGE: "maxRateHz" must lie between 0.1 and 100`)
	}
}

func TestParseStreamSince(t *testing.T) {
	f := parsesTo(t)
	f(`{"type":"subscribe","channel":"ticks","symbols":["USDJPY","EURUSD"],"since":1768823580}`,
		"subscribe ticks EURUSD USDJPY EURUSD>1768823580000000 USDJPY>1768823580000000")
	f(`{"type":"subscribe","channel":"ticks","symbols":["EURUSD"],"since":"2026-01-19T13:49:24.1Z"}`,
		"subscribe ticks EURUSD EURUSD>1768830564100000")
	f(`{"type":"subscribe","channel":"bars:1m","symbols":["USDJPY","EURUSD"],`+
		`"since":{"usdjpy":1768823580123}}`,
		"subscribe bars:1m EURUSD USDJPY USDJPY>1768823580123000")
	f(`{"type":"subscribe","channel":"ticks","symbols":["EURUSD"],"since":{}}`,
		"subscribe ticks EURUSD")
	f(`{"type":"subscribe","channel":"ticks","symbols":["EURUSD"],"since":{"GBPUSD":1}}`,
		`BAD_MESSAGE: "since" names GBPUSD, which "symbols" does not`)
	f(`{"type":"subscribe","channel":"ticks","symbols":["EURUSD"],"since":{"EURUSE":1}}`,
		`UNKNOWN_SYMBOL: no symbol "EURUSE"; did you mean EURUSD?`)
	f(`{"type":"subscribe","channel":"ticks","symbols":["EURUSD"],"since":{"EURUSD":null}}`,
		`BAD_MESSAGE: "since" of EURUSD: time is neither RFC 3339 nor an epoch in s, ms or µs`)
	for range 20 { // Whatever the order of a map.
		f(`{"type":"subscribe","channel":"ticks","since":{"EURUSD":1,"eurusd.R":2}}`,
			`BAD_MESSAGE: "since" names EURUSD twice`)
		f(`{"type":"subscribe","channel":"ticks","since":{"GBPUSD":"x","EURUSD":"y"}}`,
			`BAD_MESSAGE: "since" of EURUSD: time is neither RFC 3339 nor an epoch in s, ms or µs: "y"`)
	}
	for _, since := range []string{"1.5", "-1", "true", "[1]", "1e9", "99999999999999999999"} {
		_, fault := parseStreamRequest(testRegistry(t),
			[]byte(`{"type":"subscribe","channel":"ticks","since":`+since+`}`))
		if fault == nil || fault.code != streamBadMessage {
			t.Errorf("since %s: got %+v", since, fault)
		}
	}
	f(`{"type":"subscribe","channel":"quotes","since":1}`,
		`NOT_RESUMABLE: quotes are live only; ticks and bars:<frame> take "since"`)
}

func TestParseStreamRequestRefused(t *testing.T) {
	f := parsesTo(t)
	f(`{"type":"subscribe","channel":"alert"}`,
		`UNKNOWN_CHANNEL: no channel "alert"; there are ticks, quotes, bars:<frame>, alerts and account:<id>`)
	f(`{"type":"subscribe","channel":"account:one"}`,
		`UNKNOWN_CHANNEL: no channel "account:one"; an account is a whole number, as in account:1`)
	f(`{"type":"subscribe","channel":"bars:7m"}`,
		`UNKNOWN_CHANNEL: no time frame "7m"; there are 1m 5m 15m 30m 1h 4h 1d 1w`)
	f(`{"type":"subscribe","channel":"bars:"}`,
		`UNKNOWN_CHANNEL: no time frame ""; there are 1m 5m 15m 30m 1h 4h 1d 1w`)
	f(`{"type":"subscribe"}`, `BAD_MESSAGE: the message has no "channel"`)
	f(`{"type":"subscribe","channel":"ticks","symbols":[]}`,
		`BAD_MESSAGE: "symbols" is empty; leave it out to mean all`)
	f(`{"type":"subscribe","channel":"ticks","symbols":"EURUSD"}`,
		`BAD_MESSAGE: "symbols" cannot be a JSON string`)
	f(`{"type":"subscribe","channel":"ticks","symbols":["EURUSD",1]}`,
		`BAD_MESSAGE: "symbols" cannot be a JSON number`)
	f(`{"type":"subscribe","channel":"ticks","symbols":["EURUSX"]}`,
		`UNKNOWN_SYMBOL: no symbol "EURUSX"; did you mean EURUSD?`)
	f(`{"type":"login","user":"x"}`,
		`UNKNOWN_TYPE: no message type "login"; there are subscribe, unsubscribe and ping`)
	f(`{}`, `BAD_MESSAGE: the message has no "type"`)
	f(`[]`, `BAD_MESSAGE: a message is a JSON object, not array`)
	f(`"ping"`, `BAD_MESSAGE: a message is a JSON object, not string`)
	f(``, `BAD_MESSAGE: this is not JSON: unexpected end of JSON input`)
	f(`{"type":"ping"`, `BAD_MESSAGE: this is not JSON: unexpected end of JSON input`)
	f(strings.Repeat("[", 16000),
		`BAD_MESSAGE: this is not JSON: invalid character '[' exceeded max depth`)
}

// FuzzStreamRequest looks for messages that are neither understood nor refused with a code, that are
// understood in two ways, or whose times are not those that encoding/json finds.
func FuzzStreamRequest(f *testing.F) {
	f.Add([]byte(`{"type":"ping","timestamp":1}`))
	f.Add([]byte(`{"type":"subscribe","channel":"ticks","symbols":["EURUSD"],"since":{"EURUSD":1}}`))
	f.Add([]byte(`{"type":"subscribe","channel":"bars:1m","since":{"EURUSD":1,"eurusd.R":"2026-01-19"}}`))
	f.Add([]byte(`{"type":"subscribe","channel":"ticks","since":"2026-01-19T13:49:24.1Z"}`))
	f.Add([]byte(`{"type":"subscribe","channel":"quotes","maxRateHz":0.5}`))
	f.Add([]byte(`{"type":"unsubscribe","channel":"bars:1d","symbols":["x"]}`))
	registry := testRegistry(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		r, fault := parseStreamRequest(registry, text)
		first := describeRequest(registry, r, fault)
		if r, fault := parseStreamRequest(registry, text); describeRequest(registry, r, fault) != first {
			t.Fatalf("%q is %s, and then %s", text, first, describeRequest(registry, r, fault))
		}
		switch {
		case fault != nil:
			if fault.code == "" || fault.detail == "" || len(fault.detail) > 400 {
				t.Fatalf("%q: fault %+v", text, fault)
			}
		case r.kind == requestPing:
		case r.symbols.empty():
			t.Fatalf("%q: no symbols", text)
		case len(r.since) > len(r.symbols.ids()):
			t.Fatalf("%q: since of more symbols than there are", text)
		case r.kind == requestSubscribe:
			checkSince(t, registry, text, r)
		}
	})
}

// checkSince compares the times of a request with those of the message.
func checkSince(t *testing.T, registry *core.Registry, text []byte, r *streamRequest) {
	t.Helper()
	var message struct{ Since any }
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	check(t, decoder.Decode(&message))
	timeOf := func(v any) core.Time {
		if number, ok := v.(json.Number); ok {
			n, err := number.Int64()
			check(t, err)
			epoch, err := core.EpochTime(n)
			check(t, err)
			return epoch
		}
		instant, err := core.ParseTime(v.(string))
		check(t, err)
		return instant
	}
	want, got := map[core.SymbolID]core.Time{}, map[core.SymbolID]core.Time{}
	switch since := message.Since.(type) {
	case nil:
	case map[string]any:
		for name, v := range since {
			id, err := registry.Find(name)
			check(t, err)
			want[id] = timeOf(v)
		}
	default:
		for _, id := range r.symbols.ids() {
			want[id] = timeOf(since)
		}
	}
	for _, s := range r.since {
		got[s.symbol] = s.time
	}
	if !maps.Equal(got, want) {
		t.Fatalf("%q: since %v; want %v", text, got, want)
	}
}

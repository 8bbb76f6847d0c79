package sockets

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	f := func(text string, want message) {
		t.Helper()
		got, err := parse([]byte(text))
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", text, got, err, want)
		}
	}
	tick := message{Type: "tick", Timestamp: 1768823580123}
	f(`{"type":"tick","symbol":"EURUSD","bid":1.08234,"ask":1.08236,"spread":0.00002,`+
		`"timestamp":1768823580123,"lp":"SIM"}`, tick)
	f(`{"type":"tick","symbol":"EURUSD","timestamp":1768823580123}`, tick)
	f(`{"timestamp":1768823580123,"type":"tick"}`, tick)
	f(`{"type":"tick","timestamp": 1768823580123}`, tick)
	f(`{"type":"tick","symbol":"EURUSD"}`, message{Type: "tick"})
	f(`{"type":"tick","lp":"\"timestamp\":1,","timestamp":1768823580123}`, tick)
	f(`{"type":"gap","symbol":"EURUSD","from":1,"to":2,"skipped":214}`,
		message{Type: "gap", Skipped: 214})
	f(`{"type":"error","code":"BAD","detail":"no"}`,
		message{Type: "error", Code: "BAD", Detail: "no"})
	f(`{"type":"news"}`, message{Type: "news"})
}

func TestParseRefuses(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := parse([]byte(text))
		if !errors.Is(err, ErrMessage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	f(`{"symbol":"EURUSD"}`, "no type")
	f(`{"type":7}`, "cannot unmarshal")
	f(`{"type":"tick","timestamp":12`, "unexpected end")
	f(`{"type":"tick","timestamp":99999999999999999999}`, "cannot unmarshal")
	f(`ping`, "invalid character")
	f(``, "unexpected end")
}

func TestExamineTick(t *testing.T) {
	f := func(text string, good bool) {
		t.Helper()
		err := examineTick([]byte(text))
		if (err == nil) != good || err != nil && !errors.Is(err, ErrMessage) {
			t.Errorf("%s: got %v, good %v", text, err, good)
		}
	}
	f(`{"type":"tick","symbol":"EURUSD","bid":1.1,"ask":1.2,"timestamp":5}`, true)
	f(`{"type":"tick","symbol":"EURUSD","bid":null,"ask":1.2,"timestamp":5}`, false)
	f(`{"type":"tick","symbol":"EURUSD","bid":"x","ask":1.2,"timestamp":5}`, false)
	f(`{"type":"tick","symbol":"","bid":1.1,"ask":1.2,"timestamp":5}`, false)
	f(`{"type":"tick","symbol":"EURUSD","bid":1.1,"ask":1.2}`, false)
	f(`{"type":"tick","timestamp":5,`, false)
}

// What an engine can write as a tick is read as it was meant, whatever the names in it contain.
func FuzzParseTick(f *testing.F) {
	f.Add("EURUSD", int64(1768823580123), "SIM")
	f.Add(`"timestamp":7,`, int64(0), "\\\"")
	f.Add("", int64(-1), "}")
	f.Fuzz(func(t *testing.T, symbol string, timestamp int64, lp string) {
		text, err := json.Marshal(struct {
			Type      string `json:"type"`
			Symbol    string `json:"symbol"`
			Timestamp int64  `json:"timestamp"`
			LP        string `json:"lp"`
		}{"tick", symbol, timestamp, lp})
		if err != nil {
			t.Skip(err)
		}
		got, err := parse(text)
		if err != nil || got != (message{Type: "tick", Timestamp: timestamp}) {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	})
}

// Bytes that are no message are an error, never a panic, and what is taken has a type.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"type":"tick","timestamp":1}`))
	f.Add([]byte(`{"type":"gap","skipped":3}`))
	f.Add([]byte(`{"type":"tick",`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, err := parse(text); (err == nil) != (got.Type != "") {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	})
}

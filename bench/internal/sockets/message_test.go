package sockets

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	f := func(text, symbol string, want message) {
		t.Helper()
		got, name, err := parse([]byte(text))
		if err != nil || got != want || string(name) != symbol {
			t.Errorf("%s: got %q %+v, %v; want %q %+v", text, name, got, err, symbol, want)
		}
	}
	tick := message{Type: "tick", Timestamp: 1768823580123}
	chained := message{Type: "tick", Timestamp: 1768823580123, Time: 1768823580123456, Prev: 17}
	f(`{"type":"tick","symbol":"EURUSD","bid":1.08234,"ask":1.08236,"spread":0.00002,`+
		`"timestamp":1768823580123,"lp":"SIM"}`, "EURUSD", tick)
	f(`{"type":"tick","symbol":"EURUSD","bid":1.08234,"ask":1.08236,"spread":0.00002,`+
		`"timestamp":1768823580123,"lp":"SIM","time":1768823580123456,"prev":17}`, "EURUSD", chained)
	f(`{"type":"tick","symbol":"EURUSD","timestamp":1768823580123}`, "EURUSD", tick)
	f(`{"timestamp":1768823580123,"type":"tick"}`, "", tick)
	f(`{"prev":17,"time":1768823580123456,"timestamp":1768823580123,"symbol":"X","type":"tick"}`, "X",
		chained)
	f(`{"type":"tick","symbol":"X","prev":17,"time":1768823580123456,"timestamp":1768823580123}`, "X",
		chained)
	f(`{"type":"tick","timestamp": 1768823580123}`, "", tick)
	f(`{"type":"tick","symbol":"EURUSD"}`, "EURUSD", message{Type: "tick"})
	f(`{"type":"tick","symbol":"A\u0042","timestamp":1768823580123}`, "AB", tick)
	f(`{"type":"tick","symbol":"X","lp":"\"timestamp\":1,","timestamp":1768823580123}`, "X", tick)
	f(`{"type":"tick","symbol":"X","timestamp":1768823580123,"lp":"\"time\":1,"}`, "X", tick)
	f(`{"type":"gap","symbol":"EURUSD","from":1,"to":2,"skipped":214}`, "EURUSD",
		message{Type: "gap", From: 1, To: 2, Skipped: 214})
	f(`{"type":"error","code":"BAD","detail":"no"}`, "",
		message{Type: "error", Code: "BAD", Detail: "no"})
	f(`{"type":"news"}`, "", message{Type: "news"})
}

func TestParseRefuses(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, _, err := parse([]byte(text))
		if !errors.Is(err, ErrMessage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
	f(`{"symbol":"EURUSD"}`, "no type")
	f(`{"type":7}`, "cannot unmarshal")
	f(`{"type":"tick","timestamp":12`, "unexpected end")
	f(`{"type":"tick","symbol":"X","timestamp":12,"time":5,"prev":`, "unexpected end")
	f(`{"type":"tick","symbol":"X","timestamp":12,"time":x}`, "invalid character")
	f(`{"type":"tick","symbol":"X","timestamp":99999999999999999999}`, "cannot unmarshal")
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
	f.Add("EURUSD", int64(1768823580123), "SIM", int64(1768823580123456), int64(0))
	f.Add(`"timestamp":7,`, int64(0), "\\\"", int64(1), int64(-1))
	f.Add("", int64(-1), `"prev":7}`, int64(-5), int64(3))
	f.Fuzz(func(t *testing.T, symbol string, timestamp int64, lp string, time, prev int64) {
		text, err := json.Marshal(struct {
			Type      string `json:"type"`
			Symbol    string `json:"symbol"`
			Timestamp int64  `json:"timestamp"`
			LP        string `json:"lp"`
			Time      int64  `json:"time"`
			Prev      int64  `json:"prev"`
		}{"tick", symbol, timestamp, lp, time, prev})
		if err != nil {
			t.Skip(err)
		}
		got, name, err := parse(text)
		want := message{Type: "tick", Timestamp: timestamp, Time: time, Prev: prev}
		var plain struct{ Symbol string }
		if err := json.Unmarshal(text, &plain); err != nil {
			t.Fatal(err)
		}
		if err != nil || got != want || string(name) != plain.Symbol {
			t.Errorf("%s: got %q %+v, %v", text, name, got, err)
		}
	})
}

// Bytes that are no message are an error, never a panic, and what is taken has a type.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"type":"tick","timestamp":1}`))
	f.Add([]byte(`{"type":"gap","skipped":3}`))
	f.Add([]byte(`{"type":"tick","symbol":"`))
	f.Add([]byte(`{"type":"tick","symbol":"X","timestamp":1,"time":2,"prev":3}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, _, err := parse(text); (err == nil) != (got.Type != "") {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	})
}

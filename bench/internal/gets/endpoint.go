package gets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tradingengine/bench/internal/latency"
	"tradingengine/bench/internal/server"
)

// ErrBody is returned for an answer that is not what its endpoint promises.
var ErrBody = errors.New("unexpected body")

// AccountSummary is the endpoint that exists only where accounts do.
const AccountSummary = "/api/account/summary"

// Endpoint is one of the things that are asked for.
type Endpoint struct {
	// Name is the path without its parameters, or the path as given.
	Name string
	// Paths are asked for in turn by chance, one for each symbol where that is a parameter.
	Paths []string

	weight   int
	json     bool
	body     string // The exact body, "" where it changes.
	recorder *latency.Recorder
}

// Recorder has the requests of the endpoint.
func (e *Endpoint) Recorder() *latency.Recorder { return e.recorder }

// Mix returns every endpoint of the engine; account is whether it has accounts. The weights are a
// guess at a screen of charts: histories most, then live prices.
func Mix(instruments []server.Instrument, account bool) []*Endpoint {
	perSymbol := func(path string) []string {
		paths := make([]string, 0, len(instruments))
		for _, i := range instruments {
			paths = append(paths, strings.ReplaceAll(path, "{symbol}", i.Symbol))
		}
		return paths
	}
	all := []*Endpoint{
		{Name: "/health", weight: 1, body: "OK"},
		{Name: "/api/config", weight: 1, json: true},
		{Name: "/api/symbols", weight: 1, json: true},
		{Name: "/api/quotes", weight: 2, json: true},
		{Name: "/api/stats", weight: 1, json: true},
		{
			Name: "/ticks", weight: 3, json: true,
			Paths: perSymbol("/ticks?symbol={symbol}&limit=500"),
		},
		{
			Name: "/ohlc", weight: 3, json: true,
			Paths: perSymbol("/ohlc?symbol={symbol}&timeframe=1m&limit=500"),
		},
	}
	if account {
		all = append(all, &Endpoint{Name: AccountSummary, weight: 1, json: true})
	}
	return ready(all)
}

// Chosen returns an endpoint for each path, all as likely.
func Chosen(paths []string) []*Endpoint {
	all := make([]*Endpoint, 0, len(paths))
	for _, path := range paths {
		all = append(all, &Endpoint{Name: path, weight: 1})
	}
	return ready(all)
}

func ready(all []*Endpoint) []*Endpoint {
	for _, e := range all {
		e.recorder = latency.NewRecorder()
		if e.Paths == nil {
			e.Paths = []string{e.Name}
		}
	}
	return all
}

// check judges an answer as far as that is cheap: its status, and that JSON has both its ends.
func (e *Endpoint) check(status int, body []byte) error {
	switch {
	case status != 200:
		return fmt.Errorf("GET %s: status %d: %s", e.Name, status, server.Brief(body))
	case e.body != "" && string(body) != e.body:
		return fmt.Errorf("GET %s: %w: %q, want %q", e.Name, ErrBody, server.Brief(body), e.body)
	case e.json && !hasBothEnds(body):
		return fmt.Errorf("GET %s: %w: no whole JSON: %q", e.Name, ErrBody, server.Brief(body))
	}
	return nil
}

// examine judges an answer thoroughly; it is used once, before the load.
func (e *Endpoint) examine(status int, body []byte) error {
	if err := e.check(status, body); err != nil {
		return err
	}
	if e.json && !json.Valid(body) {
		return fmt.Errorf("GET %s: %w: broken JSON: %q", e.Name, ErrBody, server.Brief(body))
	}
	return nil
}

func hasBothEnds(body []byte) bool {
	body = bytes.TrimRight(body, "\r\n ")
	if len(body) < 2 {
		return false
	}
	ends := string([]byte{body[0], body[len(body)-1]})
	return ends == "[]" || ends == "{}"
}

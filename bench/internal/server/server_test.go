package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tradingengine/bench/internal/wire"
)

// engine answers the given bodies; a path without one is 404.
func engine(t *testing.T, bodies map[string]string) *Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := bodies[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprint(w, body)
	}))
	c := NewClient(wire.Options{Address: s.Listener.Addr().String()})
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		s.Close()
	})
	return c
}

const (
	emptySymbols = `[` + "\n" +
		`{"symbol":"EURUSD","digits":5,"bid":null,"ask":null,"time":null},` + "\n" +
		`{"symbol":"BTCUSD","digits":2}` + "\n]\n"
	someQuotes = `[{"symbol":"BTCUSD","bid":60000.10,"ask":60001.00,"time":1}]`
)

func TestSurvey(t *testing.T) {
	c := engine(t, map[string]string{
		"/api/config":          `{"version":"1.2","feed":"none","symbols":["EURUSD"]}`,
		"/api/symbols":         emptySymbols,
		"/api/quotes":          someQuotes,
		"/api/account/summary": `{}`,
	})
	s, err := c.Survey()
	if err != nil {
		t.Fatal(err)
	}
	if s.Config.Version != "1.2" || !s.HasAccounts || len(s.Instruments) != 2 {
		t.Errorf("got %+v", s)
	}
	if got, want := s.Instruments[0], (Instrument{Symbol: "EURUSD", Digits: 5}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	want := Instrument{Symbol: "BTCUSD", Digits: 2, Bid: 6_000_010, Ask: 6_000_100}
	if got := s.Instruments[1]; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestPostingRefusal(t *testing.T) {
	f := func(config, symbols, quotes string, write bool, want string) {
		t.Helper()
		c := engine(t, map[string]string{
			"/api/config": config, "/api/symbols": symbols, "/api/quotes": quotes,
		})
		s, err := c.Survey()
		if err != nil {
			t.Fatal(err)
		}
		got := s.PostingRefusal(write)
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s %s write=%v: got %q, want %q", config, quotes, write, got, want)
		}
		if s.HasAccounts {
			t.Error("an endpoint that answers 404 was found")
		}
	}
	priced := `[{"symbol":"EURUSD","digits":5,"bid":1.08000,"ask":1.08001}]`
	f(`{"feed":"none"}`, emptySymbols, `[]`, false, "")
	f(`{"feed":"none"}`, emptySymbols, someQuotes, false, "not empty")
	f(`{"feed":"none"}`, priced, `[]`, false, "not empty")
	f(`{"feed":"none"}`, priced, someQuotes, true, "")
	f(`{"feed":"simulator"}`, emptySymbols, `[]`, false, "simulator")
	f(`{"feed":"other","simulated":true}`, emptySymbols, `[]`, true, "simulator")
}

func TestBadAnswersAreNamed(t *testing.T) {
	good := map[string]string{
		"/api/config": `{}`, "/api/symbols": emptySymbols, "/api/quotes": `[]`,
	}
	f := func(path, body, want string) {
		t.Helper()
		bodies := map[string]string{path: body}
		for p, b := range good {
			if p != path {
				bodies[p] = b
			}
		}
		if body == "" {
			delete(bodies, path)
		}
		_, err := engine(t, bodies).Survey()
		if !errors.Is(err, ErrAnswer) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s %s: got %v, want %q", path, body, err, want)
		}
	}
	f("/api/config", "", "GET /api/config: unexpected answer: status 404")
	f("/api/config", "<html>", "GET /api/config")
	f("/api/symbols", "[]", "no symbols")
	f("/api/symbols", `[{"symbol":"X"}]`, `"X" has no valid digits`)
	f("/api/symbols", `[{"symbol":"X","digits":2,"bid":1.234,"ask":2}]`, "more than 2 decimals")
	f("/api/symbols", `[{"symbol":"X","digits":2,"bid":1e3,"ask":2}]`, "price of X")
}

func TestSelect(t *testing.T) {
	s := Survey{Instruments: []Instrument{{Symbol: "EURUSD"}, {Symbol: "BTCUSD"}}}
	if got, err := s.Select(nil); err != nil || len(got) != 2 {
		t.Errorf("all: got %v, %v", got, err)
	}
	if got, err := s.Select([]string{"btcusd"}); err != nil || got[0].Symbol != "BTCUSD" {
		t.Errorf("one: got %v, %v", got, err)
	}
	if _, err := s.Select([]string{"EURUSX"}); !errors.Is(err, ErrSymbol) {
		t.Errorf("unknown: got %v, want %v", err, ErrSymbol)
	}
}

func TestStats(t *testing.T) {
	c := engine(t, map[string]string{"/api/stats": `{
		"quotes":{"received":100,"stored":45,"throttled":50,"rejected":4},
		"ticks":{"stored":45,"committed":40,"pending":4,"lost":1},
		"server":{"residentBytes":104857600}}`})
	s, err := c.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := s.QuotesRemainder(); n != 1 || !ok {
		t.Errorf("quotes: got %d, %v; want a remainder of 1", n, ok)
	}
	if n, ok := s.TicksRemainder(); n != 0 || !ok {
		t.Errorf("ticks: got %d, %v; want 0", n, ok)
	}
	if n, err := s.Resident(); n != 100<<20 || err != nil {
		t.Errorf("memory: got %d, %v", n, err)
	}
	exact := false
	s.Quotes.Exact = &exact
	_, quotesCounted := s.QuotesRemainder()
	_, ticksCounted := s.TicksRemainder()
	if quotesCounted || ticksCounted {
		t.Error("counters of different moments were added up")
	}
	var none Stats
	if _, ok := none.QuotesRemainder(); ok {
		t.Error("an engine that does not count has a remainder")
	}
	if _, ok := none.TicksRemainder(); ok {
		t.Error("an engine that does not count has a remainder of ticks")
	}
	if _, err := none.Resident(); !errors.Is(err, ErrNoMemory) {
		t.Errorf("no memory: got %v", err)
	}
}

func TestResidentFromStatus(t *testing.T) {
	f := func(text string, want int64) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "status")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := residentFromStatus(path)
		if got != want || (want == 0) != errors.Is(err, ErrNoMemory) {
			t.Errorf("%q: got %d, %v; want %d", text, got, err, want)
		}
	}
	f("Name:\tserver.exe\nVmHWM:\t  9999 kB\nVmRSS:\t    2048 kB\nThreads:\t8\n", 2<<20)
	f("Name:\tkthread\n", 0)
	f("VmRSS:\t 12 MB\n", 0)
	f("VmRSS:\t x kB\n", 0)
	if _, err := residentFromStatus(filepath.Join(t.TempDir(), "none")); !errors.Is(err, ErrNoMemory) {
		t.Errorf("no such process: got %v", err)
	}
}

func TestParseAddress(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		got, err := ParseAddress(s)
		if want == "" {
			if !errors.Is(err, ErrURL) {
				t.Errorf("%q: got %v, %v; want %v", s, got, err, ErrURL)
			}
			return
		}
		if err != nil || got.String() != want {
			t.Errorf("%q: got %v, %v; want %s", s, got, err, want)
		}
	}
	f("http://localhost:7999", "http://localhost:7999")
	f("http://localhost:7999/", "http://localhost:7999")
	f("localhost:7999", "http://localhost:7999")
	f("[::1]:7999", "http://[::1]:7999")
	f("http://localhost", "http://localhost:80")
	f("https://localhost:7999", "")
	f("http://localhost:7999/ohlc", "")
	f("http://", "")
	f("http://local host", "")
}

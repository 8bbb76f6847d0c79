package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func engine(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ohlc" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "[\n{\"of\":%q}\n]\n", r.URL.RawQuery)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestServesTheBytesOfTheEngine(t *testing.T) {
	e := engine(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, announce := io.Pipe()
	exit := make(chan int, 1)
	const path = "/ohlc?symbol=EURUSD&limit=500"
	go func() {
		exit <- barehttp(ctx, []string{"-from", e.URL, "-addr", "127.0.0.1:0", path},
			announce, io.Discard)
	}()
	line := make([]byte, 200)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	_, url, found := strings.Cut(strings.TrimSpace(string(line[:n])), " at ")
	if !found {
		t.Fatalf("got %q, want the address", line[:n])
	}
	e.Close()
	get := func(path string) (int, string, string) {
		response, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
		return response.StatusCode, response.Header.Get("Content-Type"), string(body)
	}
	for range 2 {
		status, contentType, body := get(path)
		want := "[\n{\"of\":\"symbol=EURUSD&limit=500\"}\n]\n"
		if status != 200 || contentType != "application/json" || body != want {
			t.Errorf("got %d %s %q", status, contentType, body)
		}
	}
	if status, _, _ := get("/ohlc"); status != 404 {
		t.Errorf("a path that was not given: got %d, want 404", status)
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if code := <-exit; code != exitOK {
		t.Errorf("got exit code %d, want 0", code)
	}
}

func TestExitCodes(t *testing.T) {
	e := engine(t)
	f := func(want int, message string, args ...string) {
		t.Helper()
		var stderr bytes.Buffer
		got := barehttp(t.Context(), args, io.Discard, &stderr)
		if got != want || !strings.Contains(stderr.String(), message) {
			t.Errorf("%q: got %d, %q; want %d, %q", args, got, stderr.String(), want, message)
		}
	}
	f(exitOK, "of the engine to fetch from", "-h")
	f(exitUsage, "give the paths")
	f(exitUsage, "-form", "-form", "x")
	f(exitFailed, "the engine did not answer 200 but 404", "-from", e.URL, "/nothing")
	f(exitFailed, "listen", "-from", e.URL, "-addr", "127.0.0.1:-1", "/ohlc")
}

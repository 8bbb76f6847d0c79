package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const fetchTimeout = 10 * time.Second

var errStatus = errors.New("the engine did not answer 200")

// page is one answer of the engine.
type page struct {
	contentType []byte
	body        []byte
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(barehttp(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// barehttp is the program without the process: it serves until ctx ends and returns the exit code.
func barehttp(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("barehttp", flag.ContinueOnError)
	fs.SetOutput(stderr)
	from := fs.String("from", "http://localhost:7999", "`address` of the engine to fetch from")
	addr := fs.String("addr", "localhost:7998", "`host:port` to serve at; port 0 picks a free one")
	fs.Usage = func() {
		fmt.Fprintln(stderr, "barehttp [flags] PATH...   serves the engine's bytes, and nothing else")
		fs.PrintDefaults()
	}
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case fs.NArg() == 0:
		fmt.Fprintln(stderr, "barehttp: give the paths to serve, such as '/ohlc?symbol=EURUSD'")
		return exitUsage
	}
	pages, err := fetchAll(strings.TrimSuffix(*from, "/"), fs.Args())
	if err != nil {
		fmt.Fprintf(stderr, "barehttp: %v\n", err)
		return exitFailed
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		fmt.Fprintf(stderr, "barehttp: %v\n", err)
		return exitFailed
	}
	fmt.Fprintf(stdout, "barehttp: %d paths of %s at http://%s\n",
		len(pages), *from, listener.Addr())
	if err := serve(ctx, listener, pages); err != nil {
		fmt.Fprintf(stderr, "barehttp: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func fetchAll(from string, paths []string) (map[string]page, error) {
	pages := make(map[string]page, len(paths))
	for _, path := range paths {
		p, err := fetch(from + path)
		if err != nil {
			return nil, fmt.Errorf("GET %s%s: %w", from, path, err)
		}
		pages[path] = p
	}
	return pages, nil
}

func fetch(url string) (page, error) {
	var request fasthttp.Request
	var response fasthttp.Response
	request.SetRequestURI(url)
	if err := fasthttp.DoTimeout(&request, &response, fetchTimeout); err != nil {
		return page{}, err
	}
	if status := response.StatusCode(); status != fasthttp.StatusOK {
		return page{}, fmt.Errorf("%w but %d", errStatus, status)
	}
	return page{
		contentType: append([]byte(nil), response.Header.ContentType()...),
		body:        append([]byte(nil), response.Body()...),
	}, nil
}

// serve answers until ctx ends.
func serve(ctx context.Context, listener net.Listener, pages map[string]page) error {
	s := &fasthttp.Server{
		NoDefaultServerHeader: true,
		Handler: func(request *fasthttp.RequestCtx) {
			p, ok := pages[string(request.RequestURI())]
			if !ok {
				request.SetStatusCode(fasthttp.StatusNotFound)
				return
			}
			request.SetContentTypeBytes(p.contentType)
			request.Response.SetBodyRaw(p.body)
		},
	}
	stopped := make(chan error, 1)
	cancel := context.AfterFunc(ctx, func() { stopped <- s.Shutdown() })
	err := s.Serve(listener)
	if !cancel() {
		err = errors.Join(err, <-stopped)
	}
	return err
}

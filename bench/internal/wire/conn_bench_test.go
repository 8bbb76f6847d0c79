package wire

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// replay answers every request on a connection with the same bytes, as cheaply as Go can, so that
// what a benchmark shows is mostly the client.
func replay(b *testing.B, bodyBytes int) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = listener.Close() })
	var answer bytes.Buffer
	response := http.Response{
		StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(bodyBytes),
		Body: io.NopCloser(strings.NewReader(strings.Repeat("x", bodyBytes))),
	}
	if err := response.Write(&answer); err != nil {
		b.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				request := make([]byte, 4096)
				for {
					if _, err := conn.Read(request); err != nil {
						return
					}
					if _, err := conn.Write(answer.Bytes()); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

var bodySink []byte

// The generator shares the box with the engine: what a GET costs here is taken from the server.
// The clients of fasthttp and net/http stand beside ours. Ours costs about what fasthttp's does,
// whose pool and retries it leaves out; were it ever dearer, fasthttp's should replace it.
func BenchmarkGet(b *testing.B) {
	const bodyBytes = 4 << 10
	b.Run("wire", func(b *testing.B) {
		b.ReportAllocs()
		address := replay(b, bodyBytes)
		conn := New(Options{Address: address})
		request := AppendGet(nil, address, "/")
		for b.Loop() {
			answer, err := conn.Get(request)
			if err != nil {
				b.Fatal(err)
			}
			bodySink = answer.Body
		}
		if err := conn.Close(); err != nil {
			b.Fatal(err)
		}
	})
	b.Run("fasthttp", func(b *testing.B) {
		b.ReportAllocs()
		address := replay(b, bodyBytes)
		client := &fasthttp.HostClient{Addr: address}
		var request fasthttp.Request
		var response fasthttp.Response
		request.SetRequestURI("http://" + address + "/")
		request.SetTimeout(DefaultTimeout)
		for b.Loop() {
			if err := client.Do(&request, &response); err != nil {
				b.Fatal(err)
			}
			bodySink = response.Body()
		}
		client.CloseIdleConnections()
	})
	b.Run("nethttp", func(b *testing.B) {
		b.ReportAllocs()
		client := &http.Client{Timeout: DefaultTimeout}
		url := "http://" + replay(b, bodyBytes) + "/"
		body := make([]byte, bodyBytes)
		for b.Loop() {
			response, err := client.Get(url)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(response.Body, body); err != nil {
				b.Fatal(err)
			}
			if err := response.Body.Close(); err != nil {
				b.Fatal(err)
			}
			bodySink = body
		}
		client.CloseIdleConnections()
	})
}

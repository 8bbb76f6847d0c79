//go:build unix

package httpd

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

// lineUp opens a connection, learns how long the answer is, and returns a function that asks again
// and reads that many bytes: a client that costs next to nothing.
func lineUp(b *testing.B, addr, request string) func() {
	c := dial(b, addr)
	counted := &countedConn{Conn: c}
	_, err := io.WriteString(c, request)
	check(b, err)
	r, err := http.ReadResponse(bufio.NewReader(counted), nil)
	check(b, err)
	_, err = io.Copy(io.Discard, r.Body)
	check(b, err)
	if r.StatusCode != 200 {
		b.Fatalf("%s: %d", request, r.StatusCode)
	}
	buffer := make([]byte, counted.n)
	return func() {
		if _, err := io.WriteString(c, request); err != nil {
			b.Error(err)
		}
		if _, err := io.ReadFull(c, buffer); err != nil {
			b.Error(err)
		}
	}
}

type countedConn struct {
	net.Conn
	n int
}

func (c *countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n += n
	return n, err
}

// BenchmarkReads serves 500 bars and 500 ticks from memory over eight connections, and the same
// bodies from a bare fasthttp server that has them ready, in turns. A ratio that falls below 0.8
// means that requests do work again that was done once.
func BenchmarkReads(b *testing.B) {
	m := newTestMarket(b, marketOptions{})
	quotes := walkQuotes(newRand(4), testNow-20*core.Hour, 100*core.Second, 1400)
	m.postQuotes(quotes, 100)
	for _, path := range []string{"/ohlc?symbol=EURUSD&limit=500", "/ticks?symbol=EURUSD&limit=500"} {
		body := []byte(m.get(path).body)
		bare := bareServer(b, body)
		request := "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"
		b.Run(path[1:5], func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			const turns = 24 // So that both see the same machine; the middle one of each counts.
			n := (b.N + turns - 1) / turns
			var ours, theirs, oursCPU, theirsCPU []time.Duration
			for range turns {
				took, cpu := timeRequests(b, bare, request, n)
				theirs, theirsCPU = append(theirs, took), append(theirsCPU, cpu)
				took, cpu = timeRequests(b, m.addr, request, n)
				ours, oursCPU = append(ours, took), append(oursCPU, cpu)
			}
			middle := func(took []time.Duration) float64 {
				slices.Sort(took)
				return took[turns/2].Seconds()
			}
			b.ReportMetric(float64(n)/middle(ours), "requests/s")
			b.ReportMetric(float64(n)/middle(theirs), "bare/s")
			b.ReportMetric(middle(theirs)/middle(ours), "ratio")
			b.ReportMetric(middle(theirsCPU)/middle(oursCPU), "cpu-ratio")
		})
	}
}

// timeRequests sends n requests over eight connections. It returns how long that took, and how much
// processor time of this process, server and client together: on a machine with other work that
// is the steadier measure.
func timeRequests(b *testing.B, addr, request string, n int) (took, cpu time.Duration) {
	const connections = 8
	var left atomic.Int64
	left.Store(int64(n))
	done := make(chan struct{})
	asks := make([]func(), connections)
	for i := range asks {
		asks[i] = lineUp(b, addr, request)
	}
	start, used := time.Now(), processorTime(b)
	for _, ask := range asks {
		go func() {
			for left.Add(-1) >= 0 {
				ask()
			}
			done <- struct{}{}
		}()
	}
	for range asks {
		<-done
	}
	return time.Since(start), processorTime(b) - used
}

func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	check(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// bareServer sends one body to everybody.
func bareServer(b *testing.B, body []byte) (addr string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(b, err)
	server := &fasthttp.Server{NoDefaultServerHeader: true, Handler: func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType(jsonType)
		ctx.Response.SetBodyRaw(body)
	}}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	b.Cleanup(func() {
		check(b, listener.Close())
		<-served // Of a closed listener, which is what was asked for.
	})
	return listener.Addr().String()
}

// BenchmarkTicksOnDemand reads as many ticks as a request may ask for, most of them not encoded
// yet. A regression here is felt by those who page through days.
func BenchmarkTicksOnDemand(b *testing.B) {
	m := newTestMarket(b, marketOptions{})
	quotes := walkQuotes(newRand(4), testNow-20*core.Hour, core.Second, 50_000)
	m.postQuotes(quotes, 1000)
	for _, limit := range []int{5_000, 50_000} {
		b.Run(strconv.Itoa(limit), func(b *testing.B) {
			ask := lineUp(b, m.addr, "GET /ticks?symbol=EURUSD&limit="+strconv.Itoa(limit)+
				" HTTP/1.1\r\nHost: x\r\n\r\n")
			b.ReportAllocs()
			for b.Loop() {
				ask()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*limit), "ns/tick")
		})
	}
}

package httpd

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"tradingengine/core"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, seed)) }

// benchBody is a body of n quotes over 21 symbols whose mids walk by a point or two, so that about
// half are stored.
func benchBody(rnd *rand.Rand, format bodyFormatName, n int) []byte {
	var b bytes.Buffer
	if format == bodyCSV {
		b.WriteString("symbol,bid,ask\n")
	}
	symbols := core.DefaultSymbols()
	for i := range n {
		s := &symbols[i%len(symbols)]
		bid := core.Price(100_000 + rnd.IntN(5)/2)
		bidText := string(core.AppendPrice(nil, bid, s.Digits))
		askText := string(core.AppendPrice(nil, bid+2, s.Digits))
		switch format {
		case bodyCSV:
			fmt.Fprintf(&b, "%s,%s,%s\n", s.Name, bidText, askText)
		case bodyNDJSON:
			fmt.Fprintf(&b, `{"symbol":"%s","bid":%s,"ask":%s}`+"\n", s.Name, bidText, askText)
		default:
			fmt.Fprintf(&b, `%c{"symbol":"%s","bid":%s,"ask":%s}`+"\n", "[,"[min(i, 1)], s.Name,
				bidText, askText)
		}
	}
	if format == bodyJSON {
		b.WriteByte(']')
	}
	return b.Bytes()
}

// BenchmarkParse turns bodies of 500 quotes into a submission, which is what posting costs a core
// beside HTTP. A regression here takes as much from POST /ticks.
func BenchmarkParse(b *testing.B) {
	m := newTestMarket(b, marketOptions{})
	for format, name := range []string{"json", "ndjson", "csv"} {
		b.Run(name, func(b *testing.B) {
			const n = 500
			body := benchBody(newRand(1), bodyFormatName(format), n)
			parser := m.server.parsers.Get().(*core.Parser)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				sub := m.engine.Begin(testNow)
				in := intake{sub: sub, parser: parser}
				if err := in.take(bodyFormatName(format), body); err != nil || sub.Added() != n {
					b.Fatal(err, sub.Added())
				}
				sub.Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/quote")
		})
	}
}

// BenchmarkIngest posts batches of 500 quotes over four connections to a whole server whose storage
// commits at once to memory. It bounds what a disk can make of it.
func BenchmarkIngest(b *testing.B) {
	for _, c := range []struct {
		name, path, contentType string
		format                  bodyFormatName
	}{
		{"ndjson/commit", "/ticks", ndjsonType, bodyNDJSON},
		{"ndjson/accept", "/ticks?ack=accept", ndjsonType, bodyNDJSON},
		{"csv/commit", "/ticks", "text/csv", bodyCSV},
		{"csv/accept", "/ticks?ack=accept", "text/csv", bodyCSV},
		{"json/commit", "/ticks", jsonType, bodyJSON},
	} {
		b.Run(c.name, func(b *testing.B) { benchIngest(b, c.path, c.contentType, c.format) })
	}
}

func benchIngest(b *testing.B, path, contentType string, format bodyFormatName) {
	m := newTestMarket(b, marketOptions{engine: func(o *core.Options) {
		o.InboxWait = 10 * time.Second
	}})
	m.storage.forgets = true
	const n, connections = 500, 4
	rnd := newRand(1)
	var posts []func()
	for range connections {
		body := benchBody(rnd, format, n)
		head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\n"+
			"Content-Length: %d\r\n\r\n", path, contentType, len(body))
		posts = append(posts, postAgain(b, m.addr, head+string(body)))
	}
	done := make(chan struct{})
	b.ResetTimer()
	start := time.Now()
	for i, post := range posts {
		go func() {
			for k := i; k < b.N; k += connections {
				post()
			}
			done <- struct{}{}
		}()
	}
	for range posts {
		<-done
	}
	b.ReportMetric(float64(b.N*n)/time.Since(start).Seconds(), "quotes/s")
	s := m.engine.Stats()
	b.ReportMetric(float64(s.Throttled)/float64(s.Received), "throttled")
	if s.RejectedTotal() > 0 {
		b.Errorf("%d quotes rejected", s.RejectedTotal())
	}
}

// BenchmarkIngestFrames sends frames of 500 quotes over WebSocket, on one connection or four, without
// waiting for answers. A regression means that senders are slowed earlier.
func BenchmarkIngestFrames(b *testing.B) {
	for _, ack := range []string{"accept", "commit"} {
		for _, connections := range []int{1, 4} {
			b.Run(fmt.Sprintf("%s/connections=%d", ack, connections), func(b *testing.B) {
				benchIngestFrames(b, "?ack="+ack, connections)
			})
		}
	}
}

func benchIngestFrames(b *testing.B, query string, connections int) {
	m := newTestMarket(b, marketOptions{engine: func(o *core.Options) {
		o.InboxWait = 10 * time.Second
	}})
	m.storage.forgets = true
	const n = 500
	rnd := newRand(1)
	var working sync.WaitGroup
	b.ResetTimer()
	start := time.Now()
	for i := range connections {
		c := dialRawPath(b, m.addr, "/ws/ingest"+query)
		frame := []byte(clientFrame(frameFinal|frameText, string(benchBody(rnd, bodyNDJSON, n))))
		frames := (b.N + connections - 1 - i) / connections
		working.Go(func() {
			for range frames {
				if _, err := c.conn.Write(frame); err != nil {
					b.Error(err)
					return
				}
			}
		})
		working.Go(func() {
			for left := frames; left > 0; left-- {
				if text := c.frame(); !bytes.HasPrefix(text, []byte(`{"type":"ack","frame":`)) {
					b.Errorf("got %q", text)
					return
				}
			}
		})
	}
	working.Wait()
	b.ReportMetric(float64(b.N*n)/time.Since(start).Seconds(), "quotes/s")
	s := m.engine.Stats()
	b.ReportMetric(float64(s.Throttled)/float64(s.Received), "throttled")
	if s.RejectedTotal() > 0 {
		b.Errorf("%d quotes rejected", s.RejectedTotal())
	}
}

// postAgain sends the same request on its own connection and reads one answer of any length.
func postAgain(b *testing.B, addr, request string) func() {
	c := dial(b, addr)
	buffer := make([]byte, 4096)
	return func() {
		if _, err := c.Write([]byte(request)); err != nil {
			b.Error(err)
			return
		}
		for n := 0; ; {
			got, err := c.Read(buffer[n:])
			n += got
			text := string(buffer[:n])
			if err != nil || !strings.HasPrefix(text, "HTTP/1.1 20"[:min(n, 11)]) {
				b.Errorf("%v %s", err, text)
				return
			}
			if strings.HasSuffix(text, "}\n") {
				return
			}
		}
	}
}

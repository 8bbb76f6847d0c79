package httpd

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradingengine/core"
)

// rawStream is the cheapest client there is: it reads bytes and looks at none of them.
type rawStream struct {
	conn   net.Conn
	bytes  atomic.Int64
	reader *bufio.Reader
}

func dialRaw(t testing.TB, addr, query string) *rawStream {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	check(t, err)
	_, err = fmt.Fprintf(conn, "GET /ws%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", query, addr)
	check(t, err)
	r := bufio.NewReaderSize(conn, 4096)
	response, err := http.ReadResponse(r, nil)
	check(t, err)
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status %d", response.StatusCode)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &rawStream{conn: conn, reader: r}
}

// count reads until the connection ends.
func (r *rawStream) count() {
	r.bytes.Add(int64(r.reader.Buffered()))
	buffer := make([]byte, 64<<10)
	for {
		n, err := r.conn.Read(buffer)
		r.bytes.Add(int64(n))
		if err != nil {
			return
		}
	}
}

// benchTicks are quotes of which every one is stored.
func benchTicks(symbols, n int) []core.Quote {
	quotes := make([]core.Quote, n)
	for i := range quotes {
		bid := core.Price(108_000 + 10*(i/symbols%50))
		quotes[i] = core.Quote{Symbol: core.SymbolID(i % symbols), Bid: bid, Ask: bid + 2, Source: 1}
	}
	return quotes
}

// BenchmarkStreamDeliveries measures how many ticks a second reach all sessions together when the
// engine stores them as fast as the streams take them. An operation is one tick for all sessions. A
// regression means that less traffic makes sessions fall behind.
func BenchmarkStreamDeliveries(b *testing.B) {
	for _, sessions := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("sessions=%d", sessions), func(b *testing.B) {
			m := newStreamMarket(b, streamMarketOptions{
				engine: func(o *core.Options) { o.Throttle = 0 },
			})
			clients := make([]*rawStream, sessions)
			for i := range clients {
				clients[i] = dialRaw(b, m.addr, "")
				go clients[i].count()
			}
			m.until("all are connected", func() bool { return m.hub.stats().Sessions == int64(sessions) })
			quotes := benchTicks(21, 21*50)
			b.ResetTimer()
			for sent := 0; sent < b.N; {
				n := min(210, b.N-sent)
				m.clock.Add(1000)
				m.quotes(quotes[sent%(len(quotes)-210):][:n]...)
				sent += n
				for int64(sent)-m.hub.counts.delivered.Load()/int64(sessions) > 4_000 {
					time.Sleep(100 * time.Microsecond)
				}
			}
			want := int64(b.N) * int64(sessions)
			m.until("everything is delivered", func() bool {
				s := m.hub.stats()
				return s.Delivered+s.Skipped >= want
			})
			b.StopTimer()
			s := m.hub.stats()
			seconds := b.Elapsed().Seconds()
			b.ReportMetric(float64(s.Delivered)/seconds, "deliveries/s")
			b.ReportMetric(float64(s.Bytes)/float64(s.Writes), "bytes/write")
			b.ReportMetric(float64(s.Writes)/seconds, "writes/s")
			b.ReportMetric(float64(s.Skipped)/float64(want), "skipped/tick")
			m.stop()
		})
	}
}

// stampedStream reads frames and notes when each tick of a symbol was seen.
func (r *rawStream) each(f func(payload []byte)) {
	var header [4]byte
	payload := make([]byte, 64<<10)
	for {
		if _, err := io.ReadFull(r.reader, header[:2]); err != nil {
			return
		}
		n := int(header[1])
		if n == 126 {
			if _, err := io.ReadFull(r.reader, header[2:4]); err != nil {
				return
			}
			n = int(binary.BigEndian.Uint16(header[2:4]))
		}
		if _, err := io.ReadFull(r.reader, payload[:n]); err != nil {
			return
		}
		f(payload[:n])
	}
}

// BenchmarkStreamLatency measures the time from a quote coming in to the last of the sessions having
// read its tick, with 50,000 quotes a second coming in batches of one millisecond and about half of
// them stored. A regression means that prices on screens are later.
func BenchmarkStreamLatency(b *testing.B) {
	const perBatch = 50
	for _, sessions := range []int{100, 1000} {
		b.Run(fmt.Sprintf("sessions=%d", sessions), func(b *testing.B) {
			m := newStreamMarket(b, streamMarketOptions{
				engine: func(o *core.Options) { o.Now = core.Now },
			})
			clients := make([]*rawStream, sessions)
			var reading sync.WaitGroup
			batches := min(max(b.N, 1000), 20_000)
			// seen[i] counts the sessions that have read the marker tick of batch i, late the time.
			seen := make([]atomic.Int32, batches)
			late := make([]atomic.Int64, batches)
			sentAt := make([]time.Time, batches)
			for i := range clients {
				c := dialRaw(b, m.addr, "")
				clients[i] = c
				reading.Go(func() {
					c.each(func(payload []byte) {
						// The marker is BTCUSD; its price is the number of its batch.
						if len(payload) < 50 || string(payload[15:31]) != `"symbol":"BTCUSD` {
							return
						}
						n := 0
						for _, ch := range payload[39:] {
							if ch == ',' {
								break
							}
							if ch != '.' {
								n = 10*n + int(ch-'0')
							}
						}
						n = (n - 9_000_000) / 200
						if seen[n].Add(1) == int32(sessions) {
							late[n].Store(int64(time.Since(sentAt[n])))
						}
					})
				})
			}
			m.until("all are connected", func() bool { return m.hub.stats().Sessions == int64(sessions) })
			marker := m.id("BTCUSD")
			b.ResetTimer()
			start := time.Now()
			quotes := make([]core.Quote, perBatch)
			for i := range batches {
				due := start.Add(time.Duration(i) * time.Millisecond)
				if wait := time.Until(due); wait > 0 {
					time.Sleep(wait)
				}
				for k := range quotes {
					// Half of the quotes repeat the price before and are throttled.
					bid := core.Price(108_000 + 10*((i*perBatch+k)/2%50))
					quotes[k] = core.Quote{Symbol: core.SymbolID(k / 2 % 10), Bid: bid, Ask: bid + 2, Source: 1}
				}
				bid := core.Price(9_000_000 + 200*i)
				quotes[perBatch-1] = core.Quote{Symbol: marker, Bid: bid, Ask: bid + 100, Source: 1}
				sentAt[i] = due // When it should have been sent, so that a stalled sender counts.
				s := m.engine.Begin(core.Now())
				for _, q := range quotes {
					s.Add(q)
				}
				err := s.Send(b.Context(), false)
				s.Release()
				check(b, err)
			}
			m.until("everything is read", func() bool { return seen[batches-1].Load() == int32(sessions) })
			b.StopTimer()
			took := time.Since(start)
			all := make([]int64, 0, batches)
			for i := range late {
				all = append(all, late[i].Load())
			}
			slices.Sort(all)
			at := func(p float64) float64 { return float64(all[int(p*float64(len(all)-1))]) / 1e6 }
			st := m.hub.stats()
			b.ReportMetric(at(0.5), "p50-ms")
			b.ReportMetric(at(0.99), "p99-ms")
			b.ReportMetric(at(0.999), "p99.9-ms")
			b.ReportMetric(float64(st.Delivered)/took.Seconds(), "deliveries/s")
			b.ReportMetric(float64(st.Bytes)/float64(st.Writes), "bytes/write")
			b.ReportMetric(float64(m.engine.Stats().Received)/took.Seconds(), "quotes/s")
			b.ReportMetric(float64(st.Lapses), "lapses")
			m.stop()
			for _, c := range clients {
				check(b, c.conn.Close())
			}
			reading.Wait()
		})
	}
}

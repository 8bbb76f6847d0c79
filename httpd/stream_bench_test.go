package httpd

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradingengine/core"
)

// rawStream is the cheapest client there is, so that a benchmark measures the server.
type rawStream struct {
	conn    net.Conn
	header  http.Header // Of the answer to the handshake.
	reader  *bufio.Reader
	payload []byte
}

func dialRaw(t testing.TB, addr, query string) *rawStream {
	t.Helper()
	return dialRawPath(t, addr, "/ws"+query)
}

func dialRawPath(t testing.TB, addr, path string) *rawStream {
	t.Helper()
	return dialRawOffer(t, addr, path, "")
}

// dialRawOffer opens a stream with further lines of headers.
func dialRawOffer(t testing.TB, addr, path, lines string) *rawStream {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	check(t, err)
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n%s\r\n", path, addr, lines)
	check(t, err)
	r := bufio.NewReaderSize(conn, 4096)
	response, err := http.ReadResponse(r, nil)
	check(t, err)
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status %d", response.StatusCode)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &rawStream{conn: conn, header: response.Header, reader: r}
}

// drain reads bytes and looks at none of them until the connection ends.
func (r *rawStream) drain() {
	buffer := make([]byte, 64<<10)
	for {
		if _, err := r.conn.Read(buffer); err != nil {
			return
		}
	}
}

// frame reads one frame of at most 64 KiB and returns its payload, which is valid until the next
// call; nil when the connection has ended.
func (r *rawStream) frame() []byte {
	if r.payload == nil {
		r.payload = make([]byte, 64<<10)
	}
	header := r.payload[:2]
	if _, err := io.ReadFull(r.reader, header); err != nil {
		return nil
	}
	n := int(header[1])
	if n == 126 {
		if _, err := io.ReadFull(r.reader, header); err != nil {
			return nil
		}
		n = int(binary.BigEndian.Uint16(header))
	}
	if _, err := io.ReadFull(r.reader, r.payload[:n]); err != nil {
		return nil
	}
	return r.payload[:n]
}

// each reads frames until the connection ends.
func (r *rawStream) each(f func(payload []byte)) {
	for payload := r.frame(); payload != nil; payload = r.frame() {
		f(payload)
	}
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
			for range sessions {
				go dialRaw(b, m.addr, "").drain()
			}
			m.until("all are connected", func() bool { return m.hub.stats().Sessions == int64(sessions) })
			b.ResetTimer()
			m.feedFast(b.N, sessions)
			want := int64(b.N) * int64(sessions)
			m.until("everything is delivered", func() bool {
				s := m.hub.stats()
				return s.Delivered+s.Skipped >= want
			})
			b.StopTimer()
			s, seconds := m.hub.stats(), b.Elapsed().Seconds()
			b.ReportMetric(float64(s.Delivered)/seconds, "deliveries/s")
			b.ReportMetric(float64(s.Bytes)/float64(s.Writes), "bytes/write")
			b.ReportMetric(float64(s.Skipped)/float64(want), "skipped/tick")
			m.stop()
		})
	}
}

// feedFast stores n ticks, at most some thousand ahead of the sessions.
func (m *streamMarket) feedFast(n, sessions int) {
	const symbols, batch, ahead = 21, 210, 4000
	quotes := make([]core.Quote, 0, batch)
	for sent := 0; sent < n; sent += len(quotes) {
		m.clock.Add(1000)
		quotes = quotes[:0]
		for i := sent; i < min(n, sent+batch); i++ {
			bid := core.Price(108_000 + 10*(i/symbols%50))
			quotes = append(quotes, core.Quote{
				Symbol: core.SymbolID(i % symbols), Bid: bid, Ask: bid + 2, Source: 1,
			})
		}
		m.quotes(quotes...)
		for int64(sent)-m.hub.counts.delivered.Load()/int64(sessions) > ahead {
			time.Sleep(100 * time.Microsecond)
		}
	}
}

// latencyProbe sends a batch of quotes each millisecond, the last one a tick of BTCUSD whose price
// tells the number of the batch, and notes when the last of the sessions has read it.
type latencyProbe struct {
	sessions int32
	due      []time.Time    // When a batch should have been sent: a late sender counts.
	seen     []atomic.Int32 // Sessions that have read its mark.
	late     []atomic.Int64 // When the last one had, in ns after due.
}

const (
	probeBatch = 50
	probePrice = 9_000_000
	probeStep  = 200
	probeHead  = `{"type":"tick","symbol":"BTCUSD","bid":`
)

func newLatencyProbe(batches, sessions int) *latencyProbe {
	return &latencyProbe{
		int32(sessions), make([]time.Time, batches), make([]atomic.Int32, batches),
		make([]atomic.Int64, batches),
	}
}

// take looks at one message of one session.
func (p *latencyProbe) take(payload []byte) {
	if len(payload) < len(probeHead) || string(payload[:len(probeHead)]) != probeHead {
		return
	}
	price := 0
	for _, c := range payload[len(probeHead):] {
		if c == ',' {
			break
		}
		if c != '.' {
			price = 10*price + int(c-'0')
		}
	}
	batch := (price - probePrice) / probeStep
	if p.seen[batch].Add(1) == p.sessions {
		p.late[batch].Store(int64(time.Since(p.due[batch])))
	}
}

// send sends all batches, each when it is due.
func (p *latencyProbe) send(m *streamMarket) {
	marker, start := m.id("BTCUSD"), time.Now()
	for batch := range p.due {
		p.due[batch] = start.Add(time.Duration(batch) * time.Millisecond)
		time.Sleep(time.Until(p.due[batch]))
		s := m.engine.Begin(core.Now())
		for k := range probeBatch - 1 {
			// Every second quote repeats a price and is throttled.
			bid := core.Price(108_000 + 10*((batch*probeBatch+k)/2%50))
			s.Add(core.Quote{Symbol: core.SymbolID(k / 2 % 10), Bid: bid, Ask: bid + 2, Source: 1})
		}
		bid := core.Price(probePrice + probeStep*batch)
		s.Add(core.Quote{Symbol: marker, Bid: bid, Ask: bid + 100, Source: 1})
		check(m.t, s.Send(m.t.Context(), false))
		s.Release()
	}
}

// report tells when the last session had read, over all batches, and over those after the first
// second of a long run: by then the buffers of stuck sessions are full.
func (p *latencyProbe) report(b *testing.B) {
	all := make([]int64, len(p.late))
	for i := range all {
		all[i] = p.late[i].Load()
	}
	const warm = 1000
	tell := func(late []int64, when string) {
		slices.Sort(late)
		for _, q := range []float64{0.5, 0.99, 0.999, 1} {
			ms := float64(late[int(q*float64(len(late)-1))]) / 1e6
			b.ReportMetric(ms, fmt.Sprintf("p%v%s-ms", 100*q, when))
		}
	}
	if len(all) >= 2*warm {
		tell(slices.Clone(all[warm:]), "-later")
	}
	tell(all, "")
}

// BenchmarkStreamLatency measures the time from a quote coming in to the last of the sessions
// having read its tick, at 50,000 quotes a second in batches of a millisecond, about half of them
// stored. An operation is one batch. Stuck sessions never read; they must hardly matter. A
// regression means that prices on screens are later.
func BenchmarkStreamLatency(b *testing.B) {
	for _, run := range []struct{ sessions, stuck int }{{20, 0}, {20, 500}, {100, 0}, {400, 0}} {
		sessions := run.sessions
		b.Run(fmt.Sprintf("sessions=%d/stuck=%d", sessions, run.stuck), func(b *testing.B) {
			m := newStreamMarket(b, streamMarketOptions{
				engine: func(o *core.Options) { o.Now = core.Now },
			})
			p := newLatencyProbe(b.N, sessions)
			var reading sync.WaitGroup
			clients := make([]*rawStream, sessions)
			for i := range clients {
				clients[i] = dialRaw(b, m.addr, "")
				reading.Go(func() { clients[i].each(p.take) })
			}
			for range run.stuck {
				dialRaw(b, m.addr, "")
			}
			m.until("all are connected", func() bool {
				return m.hub.stats().Sessions == int64(sessions+run.stuck)
			})
			b.ResetTimer()
			p.send(m)
			m.until("everything is read", func() bool { return p.seen[b.N-1].Load() == p.sessions })
			b.StopTimer()
			p.report(b)
			s, seconds := m.hub.stats(), b.Elapsed().Seconds()
			b.ReportMetric(float64(s.Delivered)/seconds, "deliveries/s")
			b.ReportMetric(float64(s.Bytes)/float64(s.Writes), "bytes/write")
			b.ReportMetric(float64(s.Lapses), "lapses")
			b.ReportMetric(float64(s.Slow), "slow")
			m.stop()
			for _, c := range clients {
				check(b, c.conn.Close())
			}
			reading.Wait()
		})
	}
}

// BenchmarkStreamSession measures what an idle session costs: opening it, and the memory it holds.
// A regression means that fewer clients fit on a box.
func BenchmarkStreamSession(b *testing.B) {
	m := newStreamMarket(b, streamMarketOptions{hub: func(o *hubOptions) { o.sessions = 1 << 20 }})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	open := 0
	for b.Loop() {
		conn := dialRaw(b, m.addr, "")
		conn.reader = nil
		open++
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	held := float64(after.HeapAlloc+after.StackInuse) - float64(before.HeapAlloc+before.StackInuse)
	b.ReportMetric(held/float64(open), "bytes/session")
}

// BenchmarkStreamFrame measures encoding and framing one tick in both forms and appending it to two
// logs, which happens once however many sessions there are. A regression slows the hub.
func BenchmarkStreamFrame(b *testing.B) {
	m := makeStreamMarket(b, streamMarketOptions{})
	h := m.hub
	all := allStreamSymbols(len(h.texts))
	h.logFor(streamKey{kind: streamLegacy}, all)
	h.logFor(streamKey{kind: streamTicks}, all)
	x := &h.ticks.symbols[0]
	t := core.Tick{Time: testNow, Bid: 108_234, Ask: 108_236, Source: 1}
	b.ReportAllocs()
	for b.Loop() {
		t.Time++
		h.sendTick(0, x, &t)
		h.publish()
	}
}

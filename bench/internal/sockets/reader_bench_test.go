package sockets

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
)

// ticksPerWrite are sent in one write, as an engine does that gathers frames.
const ticksPerWrite = 256

// A reader that costs more takes the deliveries it counts from the engine. The writer here sends
// prepared frames and costs next to nothing, so the time is that of reader and kernel: at 300 ns a
// tick, one core of the generator takes some three million deliveries a second.
func BenchmarkReader(b *testing.B) {
	b.ReportAllocs()
	var frames bytes.Buffer
	// Each follows on the one before; the first of every lot does not, which costs little.
	at := time.Now().Add(time.Hour)
	for i := range int64(ticksPerWrite) {
		text := chainedTick("EURUSD", at, at.UnixMicro()+i, at.UnixMicro()+i-1)
		// FIN and text, then the length in two bytes.
		frames.Write([]byte{0x81, 126, byte(len(text) >> 8), byte(len(text))})
		frames.WriteString(text)
	}
	conns := make(chan net.Conn, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		upgrader := websocket.Upgrader{}
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			b.Error(err)
			return
		}
		conns <- conn.NetConn()
	}))
	defer s.Close()
	l := NewLoad(LoadOptions{Address: s.Listener.Addr().String(), Sessions: 1})
	if err := l.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	conn := <-conns
	var sent int64
	for b.Loop() {
		if _, err := conn.Write(frames.Bytes()); err != nil {
			b.Fatal(err)
		}
		sent += ticksPerWrite
	}
	for l.good.readers[0].ticks.Load() < sent {
		time.Sleep(100 * time.Microsecond)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(sent), "ns/tick")
	l.Close()
	if err := conn.Close(); err != nil {
		b.Error(err)
	}
}

package httpd

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
)

// testCertificate makes a certificate of this machine, and who trusts it.
func testCertificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	check(t, err)
	leaf, err := x509.ParseCertificate(der)
	check(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestTLS: requests, streams and slow readers over TLS; old versions, plain HTTP and silence instead
// of a handshake.
func TestTLS(t *testing.T) {
	cert, pool := testCertificate(t)
	m := newTestMarket(t, marketOptions{
		server: func(o *Options) {
			o.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
			o.Limits.ReadTimeout = 500 * time.Millisecond
			o.Limits.Unsent = 64 << 10
		},
		hub: func(o *hubOptions) { o.slow = 500 * time.Millisecond },
	})
	client := &tls.Config{RootCAs: pool}
	m.client = &http.Client{
		Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: client},
	}
	m.url = "https://" + m.addr
	if a := m.get("/health"); a.status != 200 {
		t.Fatalf("got %d", a.status)
	}
	m.post(quoteLines("EURUSD", testNow-1000, 1, 500))
	dialer := websocket.Dialer{TLSClientConfig: client}
	conn, response, err := dialer.Dial("wss://"+m.addr+"/ws", nil)
	check(t, err)
	check(t, response.Body.Close())
	check(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, text, err := conn.ReadMessage()
	if check(t, err); !strings.Contains(string(text), `"type":"tick"`) {
		t.Errorf("got %s", text)
	}
	check(t, conn.Close())

	old, err := tls.Dial("tcp", m.addr, &tls.Config{
		RootCAs: pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11,
	})
	if err == nil {
		t.Error("TLS 1.1 is spoken")
		check(t, old.Close())
	}
	statuses, text2 := m.exchange("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
	if len(statuses) != 1 || statuses[0] != 400 || !strings.Contains(text2, "https://") {
		t.Errorf("plain HTTP: got %v %q", statuses, text2)
	}
	silent := dial(t, m.addr)
	check(t, silent.SetReadDeadline(time.Now().Add(20*time.Second)))
	if _, err := silent.Read(make([]byte, 1)); err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("a silent client: %v", err)
	} else if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("a silent client is waited for")
	}

	stuck, response, err := dialer.Dial("wss://"+m.addr+"/ws", nil)
	check(t, err)
	check(t, response.Body.Close())
	t.Cleanup(func() { _ = stuck.Close() })
	for i := 0; m.server.hub.stats().Slow == 0 && i < 3000; i++ { // It takes nothing.
		m.post(quoteLines("GBPUSD", testNow, 1, 500))
		m.clock.Add(1000)
	}
	m.until("the stuck client is cut", func() bool { return m.server.hub.stats().Sessions == 0 })
}

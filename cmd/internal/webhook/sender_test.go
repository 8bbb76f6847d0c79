package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tradingengine/persist"
)

const testMessage = `{"type":"alert","title":"EURUSD above 1.1"}`

var testKey = []byte("0123456789abcdef0123456789abcdef")

// verify checks a request as a receiver should who knows nothing but the standard.
func verify(r *http.Request, body []byte) error {
	mac := hmac.New(sha256.New, testKey)
	fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
	for given := range strings.FieldsSeq(r.Header.Get("webhook-signature")) {
		version, text, _ := strings.Cut(given, ",")
		sum, err := base64.StdEncoding.DecodeString(text)
		if version == "v1" && err == nil && hmac.Equal(sum, mac.Sum(nil)) {
			return nil
		}
	}
	return fmt.Errorf("no signature of %v fits", r.Header)
}

func message(url string) *persist.DueDelivery {
	return &persist.DueDelivery{
		ID: 1, Webhook: 1, URL: url, Secret: testKey, Message: "0a1b", Body: []byte(testMessage),
	}
}

func testSender(o Options) *sender {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	return newSender(&o)
}

// TestSend sends to a server of the standard library, which parses what it gets.
func TestSend(t *testing.T) {
	hits := 0
	handle := func(w http.ResponseWriter, r *http.Request) {
		hits++
		body, err := io.ReadAll(r.Body)
		if err = errors.Join(err, verify(r, body)); err != nil {
			t.Error(err)
		}
		got := fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header.Get("Content-Type"), " ",
			r.Header.Get("webhook-id"), " ", r.Header.Get("webhook-timestamp"), " ", string(body))
		if want := "POST /in/a%20b?x=y application/json 0a1b 1700000000 " + testMessage; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		status := http.StatusNoContent
		if r.TLS != nil {
			status = http.StatusTeapot
		}
		w.WriteHeader(status)
	}
	plain := httptest.NewServer(http.HandlerFunc(handle))
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(handle))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())

	f := func(o Options, url string, status, wantHits int, reason string) {
		t.Helper()
		hits = 0
		got, err := testSender(o).send(t.Context(), message(url+"/in/a%20b?x=y"), 1_700_000_000)
		if got != status || hits != wantHits || (err == nil) != (reason == "") ||
			err != nil && !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: status %d, %d requests, %v; want %d, %d, %q", url, got, hits, err, status,
				wantHits, reason)
		}
	}
	here := Options{AllowPrivate: true, Roots: roots}
	f(here, plain.URL, 204, 1, "")
	f(here, secure.URL, 418, 1, "")
	f(Options{AllowPrivate: true}, secure.URL, 0, 0, "certificate")
	f(Options{}, plain.URL, 0, 0, "not a public one")
	f(here, strings.Replace(plain.URL, "http:", "https:", 1), 0, 0, "tls")
}

// TestSendChecksWhatIsDialled dials a name: what counts is the address that it leads to.
//
// It was seen to find a check of the name alone.
func TestSendChecksWhatIsDialled(t *testing.T) {
	l := listen(t, func(net.Conn) { t.Error("somebody came") })
	_, port, err := net.SplitHostPort(l)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := testSender(Options{}).dial(t.Context(), "tcp", net.JoinHostPort("localhost", port))
	if !errors.Is(err, errPrivate) {
		t.Errorf("dialled: %v, %v", conn, err)
	}
}

// listen serves connections until the test ends, and returns the address.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

// readRequest reads all of a request.
func readRequest(conn net.Conn) {
	var got []byte
	chunk := make([]byte, 4096)
	for !bytes.HasSuffix(got, []byte(testMessage)) {
		n, err := conn.Read(chunk)
		if err != nil {
			return
		}
		got = append(got, chunk[:n]...)
	}
}

// TestSendToBadReceivers: whatever a receiver does, the attempt ends in time with a status or a
// reason.
func TestSendToBadReceivers(t *testing.T) {
	elsewhere := listen(t, func(net.Conn) { t.Error("a redirect was followed") })
	f := func(name string, serve func(net.Conn), status int, reason string) {
		t.Helper()
		s := testSender(Options{AllowPrivate: true})
		if reason == "no answer within" {
			s.timeout = 100 * time.Millisecond
		}
		got, err := s.send(t.Context(), message("http://"+listen(t, serve)+"/"), 1)
		if got != status || (err == nil) != (reason == "") ||
			err != nil && !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %d, %v; want %d, %q", name, got, err, status, reason)
		}
	}
	answers := func(text string) func(net.Conn) {
		return func(conn net.Conn) {
			readRequest(conn)
			_, _ = io.WriteString(conn, text)
		}
	}
	f("200", answers("HTTP/1.1 200 OK\r\n\r\n"), 200, "")
	f("HTTP/1.0, no reason", answers("HTTP/1.0 202\r\n\r\n"), 202, "")
	f("410", answers("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"), 410, "")
	for _, status := range []int{301, 302, 303, 307, 308} {
		f("a redirect", answers(fmt.Sprintf("HTTP/1.1 %d Moved\r\nLocation: http://%s/\r\n\r\n", status,
			elsewhere)), status, "")
	}
	f("interim answers", answers("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"+
		"Link: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), 200, "")
	f("interim answers for ever", func(conn net.Conn) {
		readRequest(conn)
		for {
			if _, err := io.WriteString(conn, "HTTP/1.1 102 Processing\r\n\r\n"); err != nil {
				return
			}
		}
	}, 0, "no status within")
	f("a line for ever", func(conn net.Conn) {
		readRequest(conn)
		for line := []byte(strings.Repeat("x", 4096)); ; {
			if _, err := conn.Write(line); err != nil {
				return
			}
		}
	}, 0, "no status within")
	f("a body for ever", func(conn net.Conn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
		for junk := make([]byte, 64<<10); ; {
			if _, err := conn.Write(junk); err != nil {
				return
			}
		}
	}, 200, "")
	f("closed at once", func(conn net.Conn) { _ = conn.Close() }, 0, " ") // One of several reasons.
	f("closed unanswered", readRequest, 0, "closed without an answer")
	f("half a line", answers("HTTP/1.1 20"), 0, "not one of HTTP")
	f("another protocol", answers("220 mail.example ESMTP\r\n"), 0, "not one of HTTP")
	f("HTTP/2", answers("HTTP/2 200\r\n\r\n"), 0, "not one of HTTP")
	f("silent", func(conn net.Conn) {
		readRequest(conn)
		_, _ = io.Copy(io.Discard, conn)
	}, 0, "no answer within")
	f("slow", func(conn net.Conn) {
		readRequest(conn)
		for _, c := range "HTTP/1.1 200 OK\r\n" {
			time.Sleep(time.Millisecond)
			_, _ = conn.Write([]byte{byte(c)})
		}
	}, 200, "")
	if _, err := testSender(Options{AllowPrivate: true}).send(t.Context(),
		message("http://"+closedPort(t)+"/"), 1); err == nil {
		t.Error("nobody listens, and it was sent")
	}
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// TestSendEndsWithItsContext: a server that stops does not wait for a receiver.
func TestSendEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	at := listen(t, func(conn net.Conn) {
		readRequest(conn)
		cancel()
		_, _ = io.Copy(io.Discard, conn)
	})
	s := testSender(Options{AllowPrivate: true, Timeout: time.Hour})
	if _, err := s.send(ctx, message("http://"+at+"/"), 1); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

package blackbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeCertificate puts a certificate for localhost with its key into a directory, as a program that
// renews certificates does, and returns who trusts it.
func writeCertificate(t *testing.T, dir string, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, DNSNames: []string{"localhost"},
	}
	der, err1 := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	private, err2 := x509.MarshalPKCS8PrivateKey(key)
	leaf, err3 := x509.ParseCertificate(der)
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: private},
	} {
		whole := filepath.Join(dir, name+".new")
		if err := os.WriteFile(whole, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(whole, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return pool
}

// askTLS makes a connection of its own for a request with a key, if there is one, and returns the
// status.
func askTLS(t *testing.T, at string, pool *x509.CertPool, key string) int {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true,
	}}
	request, err := http.NewRequest("GET", "https://"+at+"/api/config", nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode
}

// TestTLSFromFiles starts a server on all addresses, with keys and a certificate from files; asks it
// by HTTPS, by a WebSocket and as a script does; and renews the certificate while a session is open,
// after files that cannot be used. Nobody is turned away meanwhile, and the session stays.
//
// It was seen to find a certificate that is read once, and a bad file that takes the place of a good
// one.
func TestTLSFromFiles(t *testing.T) {
	dir := t.TempDir()
	pool := writeCertificate(t, dir, 1)
	s := launch(t, dir, "-addr", "0.0.0.0:0", "-feed", "none", "-data", "d")
	if code := s.exitCode(20 * time.Second); code != 2 || !strings.Contains(s.log(), "-tls-cert") {
		t.Fatalf("without a certificate: exit code %d\n%s", code, s.log())
	}
	key := runVerb(t, dir, "key", "create", "-data", "d", "-role", "admin")
	s = launch(t, dir, "-addr", "0.0.0.0:0", "-feed", "none", "-data", "d", "-tls-cert", "cert.pem",
		"-tls-key", "key.pem")
	port := ""
	s.until(30*time.Second, "the server serves", func() bool {
		_, after, found := strings.Cut(s.log(), "serving url=https://")
		url, _, whole := strings.Cut(after, " ")
		port = url[strings.LastIndexByte(url, ':')+1:]
		return found && whole
	})
	at := "localhost:" + port
	with, without := askTLS(t, at, pool, key), askTLS(t, at, pool, "")
	if with != 200 || without != 401 {
		t.Errorf("got %d with a key, %d without", with, without)
	}
	if text := runVerb(t, dir, "healthcheck", "-tls", "-addr", at); text != "OK" {
		t.Errorf("healthcheck: %s", text)
	}
	if out, err := command(dir, "healthcheck", "-addr", at).CombinedOutput(); err == nil {
		t.Errorf("a healthcheck in the clear is content: %s", out)
	}

	conn, err := tls.Dial("tcp", at, &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	k, err := openSocket(t, conn, "/ws")
	if err != nil {
		t.Fatal(err)
	}
	defer k.close()
	_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
	say := func(text, want string) {
		t.Helper()
		if err := k.send(text); err != nil {
			t.Fatal(err)
		}
		for got := ""; !strings.Contains(got, want); {
			if got, err = k.next(); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
	}
	say(fmt.Sprintf(`{"type":"auth","key":%q}`, key), `"authenticated"`)
	say(`{"type":"subscribe","channel":"ticks"}`, `"subscribed"`)

	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), []byte("half of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.until(20*time.Second, "the log tells of a bad certificate", func() bool {
		return strings.Contains(s.log(), "the new certificate cannot be used; the old one stays")
	})
	if status := askTLS(t, at, pool, key); status != 200 {
		t.Errorf("beside a bad file: %d", status)
	}
	pool = writeCertificate(t, dir, 2)
	s.until(20*time.Second, "the new certificate is shown", func() bool {
		shown, err := tls.Dial("tcp", at, &tls.Config{RootCAs: pool})
		if err != nil {
			return false // Of the old one.
		}
		defer shown.Close()
		return shown.ConnectionState().PeerCertificates[0].SerialNumber.Int64() == 2
	})
	if status := askTLS(t, at, pool, key); status != 200 {
		t.Errorf("by the new certificate: %d", status)
	}
	say(`{"type":"unsubscribe","channel":"ticks"}`, `"unsubscribed"`)
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

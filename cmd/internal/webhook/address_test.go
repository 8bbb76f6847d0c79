package webhook

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	const public, private = "public", "private"
	f := func(text, want string) {
		t.Helper()
		for _, allow := range []bool{false, true} {
			got, err := parseTarget(text, allow)
			wrong := want != public && (want != private || !allow)
			switch {
			case wrong && !errors.Is(err, ErrURL):
				t.Errorf("%s, private %v: %+v, %v; want a refusal", text, allow, got, err)
			case !wrong && err != nil:
				t.Errorf("%s, private %v: %v", text, allow, err)
			case wrong && want == private && !errors.Is(err, errPrivate),
				wrong && want != private && !strings.Contains(err.Error(), want):
				t.Errorf("%s: %v, want %q", text, err, want)
			}
		}
	}
	f("https://example.com", public)
	f("http://example.com:8080/in?a=b", public)
	f("https://EXAMPLE.com/", public)
	f("https://8.8.8.8/", public)
	f("https://[2606:4700::1111]:8443/", public)
	f("HTTPS://example.com/", public)

	f("ftp://example.com/", "begin with https")
	f("example.com/in", "begin with https")
	f("//example.com/in", "begin with https")
	f("", "begin with https")
	f("https:example.com", "names no host")
	f("https:///in", "names no host")
	f("https://user@example.com/", "user or password")
	f("https://user:secret@example.com/", "user or password")
	f("https://bücher.example/", "xn--")
	f("https://a%20b.example/", "cannot be read")
	f("https://exa mple.com/", "cannot be read")
	f("https://example.com/\r\nX: y", "cannot be read")
	f("https://example.com/#part", "after #")
	f("https://example.com:0/", "no port")
	f("https://example.com:65536/", "no port")
	f("https://example.com:x/", "cannot be read")
	f("https://[fe80::1%25eth0]/", "of ASCII")
	f("https://example.com/"+strings.Repeat("a", urlMax), "longer than")

	f("http://localhost:7999/", private)
	f("http://LocalHost./", private)
	f("http://a.localhost/", private)
	f("http://127.0.0.1/", private)
	f("http://10.1.2.3/", private)
	f("http://[::1]/", private)
	f("http://[::ffff:8.8.8.8]/", private)
	f("http://[::ffff:127.0.0.1]/", private)
	f("http://169.254.169.254/latest/meta-data/", private)
}

func TestPublic(t *testing.T) {
	f := func(want bool, texts ...string) {
		t.Helper()
		for _, text := range texts {
			if got := public(netip.MustParseAddr(text)); got != want {
				t.Errorf("%s: %v, want %v", text, got, want)
			}
		}
	}
	f(true, "1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.32.0.1", "223.255.255.255",
		"::ffff:8.8.8.8", "2606:4700::1111", "2a00:1450:4001::1")
	f(false,
		"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.254", "::", "::1", "::ffff:127.0.0.1",
		"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "::ffff:192.168.1.1",
		"169.254.0.1", "169.254.169.254", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1",
		"100.64.0.1", "100.127.255.255", "::ffff:100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1",
		"198.51.100.1", "203.0.113.1", "240.0.0.1", "255.255.255.255",
		"224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1", "fc00::1", "fd12:3456::1",
		"64:ff9b::7f00:1", "2002:7f00:1::", "2001::1", "2001:db8::1", "::127.0.0.1", "4000::1")
}

package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
)

// ErrURL is wrapped by everything that is wrong with the URL of a webhook.
var ErrURL = errors.New("not a URL for a webhook")

// errPrivate refuses an address that is not public.
var errPrivate = errors.New("the address is not a public one, which takes " +
	"-webhook-allow-private")

// urlMax is the longest URL, in bytes.
const urlMax = 2048

// target is where a webhook is reached.
type target struct {
	secure  bool
	host    string // For TLS; without brackets.
	address string // Host and port to dial.
	header  string // The header Host.
	request string // Path and query.
}

// parseTarget reads the URL of a webhook. Unless private is set it refuses hosts that are surely
// not public; what other names lead to shows when they are dialled.
func parseTarget(text string, private bool) (t target, err error) {
	wrong := func(format string, args ...any) (target, error) {
		return target{}, fmt.Errorf("%w: %s", ErrURL, fmt.Sprintf(format, args...))
	}
	if len(text) > urlMax {
		return wrong("it is longer than %d bytes", urlMax)
	}
	u, err := url.Parse(text)
	if err != nil {
		return wrong("it cannot be read")
	}
	port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	switch host := u.Hostname(); {
	case port == "":
		return wrong("it must begin with https:// or http://")
	case u.User != nil:
		return wrong("it must not hold a user or password; the signature says who sends")
	case host == "":
		return wrong("it names no host")
	case strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r > '~' || r == '%' }):
		return wrong("the host must be of ASCII; write a name of other letters as xn--…")
	case strings.Contains(text, "#"):
		return wrong("a part after # never reaches a server")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return wrong("%s is no port", p)
		}
		port = p
	}
	t = target{
		secure: u.Scheme == "https", host: u.Hostname(), address: net.JoinHostPort(u.Hostname(), port),
		header: u.Host, request: u.RequestURI(),
	}
	if !private && !mayBePublic(t.host) {
		return target{}, fmt.Errorf("%w: %w", ErrURL, errPrivate)
	}
	return t, nil
}

// mayBePublic refuses names of this machine, addresses that are not public, and IPv4 addresses
// dressed as IPv6, for which no server has a use.
func mayBePublic(host string) bool {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return false
	}
	a, err := netip.ParseAddr(host)
	return err != nil || !a.Is4In6() && public(a)
}

// notPublic are addresses that look like any other and are not reached through the internet, or
// stand for an address of IPv4. IPv6 has public addresses in 2000::/3 alone.
// See the registries of special-purpose addresses of IANA, RFC 6890.
var notPublic = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

var publicIPv6 = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// public reports whether an address is of the internet.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if a.Zone() != "" || !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !publicIPv6.Contains(a) {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// checkDialled refuses a connection to an address that is not public, just before it is made.
func checkDialled(_ context.Context, _, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !public(a.Addr()) {
		return errPrivate
	}
	return nil
}

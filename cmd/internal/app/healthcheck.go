package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"tradingengine/cmd/internal/config"
)

// runHealthcheck is the verb healthcheck: the exit code is 0 when a server says that it is healthy.
func runHealthcheck(ctx context.Context, args []string, s streams) error {
	fs := config.NewFlags("healthcheck")
	addr := fs.String("addr", config.Addr, "`host:port` of the server")
	timeout := fs.Duration("timeout", 5*time.Second, "longest `time` to wait for the answer")
	secure := fs.Bool("tls", false, "the server speaks HTTPS; whose certificate it has is not asked")
	if _, err := fs.ParseMixed(args, s.getenv, s.out); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(*addr)
	if err != nil {
		return fmt.Errorf("%w: -addr: %w", config.ErrUsage, err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost" // The server listens on all addresses.
	}
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	status, body, err := askHealth(ctx, net.JoinHostPort(host, port), *secure)
	if err != nil {
		return fmt.Errorf("unhealthy: %w", err)
	}
	if status != "200" {
		return fmt.Errorf("unhealthy: %s", body)
	}
	_, err = fmt.Fprintln(s.out, body)
	return err
}

// askHealth sends the one request there is to send. The client of net/http would make the binary
// 0.7 MB larger.
func askHealth(ctx context.Context, addr string, secure bool) (status, body string, err error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", "", err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return "", "", err
		}
	}
	if secure {
		// Nothing secret is said, and the certificate is made for a name that leads elsewhere.
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	// A server of HTTP/1.0 ends its answer by closing.
	if _, err := fmt.Fprintf(conn, "GET /health HTTP/1.0\r\nHost: %s\r\n\r\n", addr); err != nil {
		return "", "", err
	}
	const most = 4 << 10
	answer, err := io.ReadAll(io.LimitReader(conn, most))
	if err != nil {
		return "", "", err
	}
	head, body, whole := strings.Cut(string(answer), "\r\n\r\n")
	words := strings.Fields(head)
	if !whole || len(words) < 2 || !strings.HasPrefix(words[0], "HTTP/") {
		return "", "", errors.New("no server of HTTP answers there")
	}
	return words[1], strings.TrimSpace(body), nil
}

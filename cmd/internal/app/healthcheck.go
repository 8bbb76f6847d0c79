package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"tradingengine/cmd/internal/config"
)

// runHealthcheck is the verb healthcheck: the exit code is 0 when a server says that it is healthy.
func runHealthcheck(ctx context.Context, args []string, s streams) error {
	fs := config.NewFlags("healthcheck")
	addr := fs.String("addr", config.Addr, "`host:port` of the server")
	timeout := fs.Duration("timeout", 5*time.Second, "longest `time` to wait for the answer")
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
	url := "http://" + net.JoinHostPort(host, port) + "/health"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("unhealthy: %w", err)
	}
	defer answer.Body.Close()
	const most = 4 << 10
	body, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return fmt.Errorf("unhealthy: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("unhealthy: %s", strings.TrimSpace(string(body)))
	}
	_, err = fmt.Fprintln(s.out, strings.TrimSpace(string(body)))
	return err
}

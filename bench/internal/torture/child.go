package torture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tradingengine/bench/internal/server"
	"tradingengine/bench/internal/wire"
)

// Errors of a server that does not do what it is started for.
var (
	ErrExited   = errors.New("the server ended by itself")
	ErrNotReady = errors.New("the server does not become ready")
)

const (
	readyTimeout = 2 * time.Minute
	readyLook    = time.Millisecond
	lastWords    = 4 << 10
)

// child is a running server. kill may be called by any goroutine, more than once.
type child struct {
	cmd     *exec.Cmd
	address string
	said    tail
	exited  chan struct{} // Closed when the process is gone.
}

// launch starts the binary on a directory and a free port of the loopback address, with further
// arguments. When ctx ends,
// the server is killed, whatever goes on.
func launch(ctx context.Context, binary, dir string, args ...string) (*child, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("find a free port: %w", err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		return nil, fmt.Errorf("find a free port: %w", err)
	}
	c := &child{address: address, exited: make(chan struct{})}
	c.cmd = exec.Command(binary, append([]string{
		"-addr", address, "-feed", "none",
		"-data", filepath.Join(dir, "data"), "-log", filepath.Join(dir, "server.log"),
	}, args...)...)
	c.cmd.Dir = dir
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "ENGINE_") { // Those are flags of the server.
			c.cmd.Env = append(c.cmd.Env, variable)
		}
	}
	c.cmd.Stdout, c.cmd.Stderr = &c.said, &c.said
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	go func() {
		// How it ended is of no interest: it is killed, or said why.
		_ = c.cmd.Wait()
		close(c.exited)
	}()
	context.AfterFunc(ctx, func() { _ = c.kill() }) // Run kills it again, and hears of an error.
	return c, nil
}

// kill ends the process without a warning, and waits until it is gone.
func (c *child) kill() error {
	if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill the server: %w", err)
	}
	<-c.exited
	return nil
}

// gone says that the process has ended.
func (c *child) gone() bool {
	select {
	case <-c.exited:
		return true
	default:
		return false
	}
}

// ready waits until the server says that it takes requests.
func (c *child) ready(ctx context.Context) error {
	client := server.NewClient(wire.Options{Address: c.address})
	// Nothing depends on the end of a connection that only asked.
	defer func() { _ = client.Close() }()
	deadline := time.Now().Add(readyTimeout)
	for {
		status, err := client.Status("/health/ready")
		switch {
		case err == nil && status == 200:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case c.gone():
			return fmt.Errorf("%w:\n%s", ErrExited, c.said.String())
		case time.Now().After(deadline):
			return fmt.Errorf("%w within %s: status %d, error %v:\n%s",
				ErrNotReady, readyTimeout, status, err, c.said.String())
		}
		time.Sleep(readyLook)
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - lastWords; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}

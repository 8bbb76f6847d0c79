package blackbox

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// long asks for the full counts of runs that are short otherwise.
var long = flag.Bool("long", false, "full counts of long runs")

// binary is the server, built once with the command operators use.
var binary string

func TestMain(m *testing.M) {
	if dir := os.Getenv(faultyEnv); dir != "" {
		os.Exit(serveFaulty(dir))
	}
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "blackbox")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // Another user may run it, too.
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binary = filepath.Join(dir, "server.exe")
	build := exec.Command("go", "build", "-o", binary, "./cmd/server/main.go")
	build.Dir = root()
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// root is the directory of go.mod.
func root() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// recorded returns the directory of recorded quotes, skipping the test where it is absent.
func recorded(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(root(), "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no recorded quotes in ../shared/data")
	}
	return dir
}

// need skips the test where a program is missing, and fails instead under the gate.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("ENGINE_TEST_STRICT") != "" {
				t.Fatalf("the program %s is missing", p)
			}
			t.Skipf("the program %s is missing", p)
		}
	}
}

// server is a running process of the binary, in a directory of its own.
type server struct {
	t      *testing.T
	dir    string
	url    string
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // Of Wait; set when exited is closed.

	mu     sync.Mutex
	stderr bytes.Buffer
}

// command prepares the binary with a clean environment.
func command(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(executable(), args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TZ=UTC"}
	return cmd
}

// start runs the server in dir on a free port and waits until it serves.
func start(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	s := launch(t, dir, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	s.waitServing()
	return s
}

var servingLine = regexp.MustCompile(`serving url=(http://\S+)`)

// launch runs the server without waiting for it.
func launch(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	return launchCommand(t, dir, command(dir, args...))
}

// launchCommand runs a command that is the server.
func launchCommand(t *testing.T, dir string, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{t: t, dir: dir, cmd: cmd, exited: make(chan struct{})}
	pipe, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		lines := bufio.NewReader(pipe)
		for {
			line, err := lines.ReadBytes('\n')
			s.mu.Lock()
			s.stderr.Write(line)
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	go func() {
		<-drained
		s.err = s.cmd.Wait()
		close(s.exited)
	}()
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("standard error of the server:\n%s", tail(s.log(), 40))
		}
	})
	return s
}

func (s *server) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stderr.String()
}

func (s *server) waitServing() {
	s.t.Helper()
	s.until(30*time.Second, "the server serves", func() bool {
		m := servingLine.FindStringSubmatch(s.log())
		if m == nil {
			return false
		}
		s.url = m[1]
		resp, err := http.Get(s.url + "/health/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// until waits for a condition, failing the test when it does not come true or the server exits.
func (s *server) until(limit time.Duration, what string, ok func() bool) {
	s.t.Helper()
	deadline := time.Now().Add(limit)
	for !ok() {
		select {
		case <-s.exited:
			s.t.Fatalf("the server exited (%v) before: %s\n%s", s.err, what, tail(s.log(), 40))
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("not within %s: %s\n%s", limit, what, tail(s.log(), 40))
		}
	}
}

// kill ends the server as kill -9 does.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // It may have exited by itself.
	<-s.exited
}

// stop asks the server to drain and returns its exit code.
func (s *server) stop() int {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	return s.exitCode(30 * time.Second)
}

// exitCode waits for the server to exit.
func (s *server) exitCode(limit time.Duration) int {
	s.t.Helper()
	select {
	case <-s.exited:
	case <-time.After(limit):
		s.t.Fatalf("the server did not exit within %s\n%s", limit, tail(s.log(), 40))
	}
	var exit *exec.ExitError
	if errors.As(s.err, &exit) {
		return exit.ExitCode()
	}
	if s.err != nil {
		s.t.Fatal(s.err)
	}
	return 0
}

// get returns the body of a GET that must answer with status.
func (s *server) get(path string, status int) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.do(req, status)
}

// post returns the body of a POST that must answer with status.
func (s *server) post(path, contentType, body string, status int) string {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	return s.do(req, status)
}

func (s *server) do(req *http.Request, status int) string {
	s.t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if resp.StatusCode != status {
		s.t.Fatalf("%s %s: got %s, want %d\n%s", req.Method, req.URL, resp.Status, status, body)
	}
	return string(body)
}

// tail returns the last n lines of s.
func tail(s string, n int) string {
	lines := strings.SplitAfter(s, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a stand-in is to do before it becomes the real server.
const (
	forgetVariable = "BENCH_TEST_FORGET" // Lose what was acknowledged when it was killed.
	pidVariable    = "BENCH_TEST_PIDS"   // Add its process number to this file.
)

// become takes the place of this process, which was started as a server.
func become() {
	if err := prepare(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server := os.Getenv(serverVariable)
	fmt.Fprintln(os.Stderr, syscall.Exec(server, append([]string{server}, os.Args[1:]...),
		os.Environ()))
	os.Exit(1)
}

func prepare() error {
	if path := os.Getenv(pidVariable); path != "" {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(file, os.Getpid())
		return errors.Join(err, file.Close())
	}
	// The second start keeps a copy of what it finds, and all after it go back to that.
	data := os.Args[slices.Index(os.Args, "-data")+1]
	before := data + ".before"
	if _, err := os.Stat(before); err == nil {
		return errors.Join(os.RemoveAll(data), os.CopyFS(data, os.DirFS(before)))
	}
	if _, err := os.Stat(data); err != nil {
		return nil
	}
	return os.CopyFS(before, os.DirFS(data))
}

func init() { standIn = become }

// tortureStandIn tortures this binary in the place of a server.
func tortureStandIn(ctx context.Context, t *testing.T, variable, value string) (
	code int, text string, left []string,
) {
	t.Helper()
	itself, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(serverVariable, serverBinary(t))
	t.Setenv(variable, value)
	return tortureWith(ctx, t, itself, "-rounds", "100000")
}

// An interrupt kills the server, says so and cleans up, whatever goes on then. Seen to fail on a run
// that leaves its server, and on one that leaves its directory.
func TestTortureIsInterrupted(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		for ctx.Err() == nil { // In the middle of its third start.
			list, err := os.ReadFile(pids)
			if err == nil && bytes.Count(list, []byte("\n")) >= 3 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		stop()
	}()
	code, text, left := tortureStandIn(ctx, t, pidVariable, pids)
	if len(left) != 0 || !strings.Contains(text, "interrupted") || strings.Contains(text, "WRONG") {
		t.Errorf("got exit code %d, left %v:\n%s", code, left, text)
	}
	list, err := os.ReadFile(pids)
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range strings.Fields(string(list)) {
		n, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(n, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is still there: %v", n, err)
			_ = syscall.Kill(n, syscall.SIGKILL) // The test's own.
		}
	}
}

// A loss must be found, told, and left on the disk to be looked at. Seen to fail on a run that
// takes what a server holds for what it must hold.
func TestTortureFindsALoss(t *testing.T) {
	code, text, left := tortureStandIn(t.Context(), t, forgetVariable, "yes")
	if code != exitMissed || len(left) != 1 {
		t.Errorf("got exit code %d, left %v:\n%s", code, left, text)
	}
	for _, want := range []string{"; WRONG", " were acknowledged", "does not keep its promises", "is kept"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(words(text), "quotes acknowledged and lost 0") {
		t.Errorf("the loss is not counted:\n%s", text)
	}
}

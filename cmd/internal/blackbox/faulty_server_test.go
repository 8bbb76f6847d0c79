package blackbox

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tradingengine/cmd/internal/app"
	"tradingengine/persist/faultvfs"
)

// faultyEnv names the data directory of a server on a disk that misbehaves. This test's own binary
// is that server then: the application as it is, on a disk that lies below its SQLite.
const faultyEnv = "BLACKBOX_FAULTY_DISK"

// serveFaulty is the process of such a server. Lines on its standard input say what the disk does.
func serveFaulty(dir string) int {
	disk, err := faultvfs.New(dir, faultvfs.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	faults := map[string]faultvfs.Fault{
		"works":   nil,
		"refuses": faultvfs.FailOp(faultvfs.Sync, faultvfs.ErrIO),
		"full":    faultvfs.Space(new(atomic.Int64)),
		"slow": func(c faultvfs.Call) error {
			if c.Op == faultvfs.Sync {
				time.Sleep(500 * time.Millisecond)
			}
			return nil
		},
	}
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			fault, ok := faults[lines.Text()]
			if !ok {
				panic("no fault " + lines.Text())
			}
			disk.SetFault(fault)
			fmt.Fprintln(os.Stderr, "the disk "+lines.Text())
		}
	}()
	return app.Main(os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
}

// faulty is a server on such a disk.
type faulty struct {
	*server
	stdin io.Writer
}

// startFaulty starts a server that takes quotes on the data directory d below dir.
func startFaulty(t *testing.T, dir string, args ...string) *faulty {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "d"), 0o750); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append([]string{
		"-addr", "127.0.0.1:0", "-feed", "none", "-data", "d",
	}, args...)...)
	cmd.Dir = dir
	cmd.Env = []string{faultyEnv + "=" + filepath.Join(dir, "d"), "HOME=" + dir, "TZ=UTC"}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{server: launchCommand(t, dir, cmd), stdin: stdin}
	f.waitServing()
	return f
}

// disk says what the disk does from now on, and waits until it does.
func (f *faulty) disk(does string) {
	f.t.Helper()
	seen := strings.Count(f.log(), "the disk "+does+"\n")
	if _, err := fmt.Fprintln(f.stdin, does); err != nil {
		f.t.Fatal(err)
	}
	f.until(10*time.Second, "the disk "+does, func() bool {
		return strings.Count(f.log(), "the disk "+does+"\n") > seen
	})
}

package blackbox

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tradingengine/cmd/internal/app"
	"tradingengine/persist/faultvfs"
)

// faultyEnv names the data directory of a server on a machine that misbehaves. This test's own
// binary is that server then: the application as it is, on a disk that lies below its SQLite, in a
// process that can be made to need more than it should.
const faultyEnv = "BLACKBOX_FAULTY_DISK"

// serveFaulty is the process of such a server. Lines on its standard input say what the disk and the
// process do.
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
	var hanging sync.RWMutex // Locked while the disk hangs.
	hangs := false
	faults["hangs"] = func(c faultvfs.Call) error {
		if c.Op == faultvfs.Sync && strings.HasPrefix(c.File, "market.db") {
			hanging.RLock()
			defer hanging.RUnlock()
		}
		return nil
	}
	process := needs()
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			who, does, _ := strings.Cut(lines.Text(), " ")
			switch fault, known := faults[does]; {
			case who == "disk" && known:
				if hangs {
					hanging.Unlock()
				}
				if hangs = does == "hangs"; hangs {
					hanging.Lock()
				}
				disk.SetFault(fault)
			case who == "process" && process[does] != nil:
				process[does]()
			default:
				panic("cannot have: " + lines.Text())
			}
			fmt.Fprintln(os.Stderr, "the", lines.Text())
		}
	}()
	return app.Main(os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
}

// needs are what makes the process need more than it should.
func needs() map[string]func() {
	var eaten [][]byte
	var burning atomic.Bool
	eat := func(bytesOf int) { eaten = append(eaten, bytes.Repeat([]byte{1}, bytesOf)) }
	return map[string]func(){
		"eats":   func() { eat(1_500_000_000) },
		"gorges": func() { eat(300_000_000) },
		"fasts": func() {
			eaten = nil
			debug.FreeOSMemory()
		},
		"burns": func() {
			burning.Store(true)
			for range runtime.GOMAXPROCS(0) {
				go func() {
					for burning.Load() {
					}
				}()
			}
		},
		"rests": func() { burning.Store(false) },
	}
}

// faulty is such a server.
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

// disk says what the disk does from now on, and waits until it does; process says what the process
// does.
func (f *faulty) disk(does string) {
	f.t.Helper()
	f.tell("disk " + does)
}

func (f *faulty) process(does string) {
	f.t.Helper()
	f.tell("process " + does)
}

func (f *faulty) tell(line string) {
	f.t.Helper()
	done := "the " + line + "\n"
	seen := strings.Count(f.log(), done)
	if _, err := fmt.Fprintln(f.stdin, line); err != nil {
		f.t.Fatal(err)
	}
	f.until(20*time.Second, done, func() bool { return strings.Count(f.log(), done) > seen })
}

package blackbox

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestStuckReadersOfOurs has clients stop in the middle of what they read from the file: an export
// whose output nobody takes, and an HTTP client that takes no answer. Neither keeps the log from
// starting again, so that it stays as long as between two checkpoints.
//
// It was seen to fail beside another program that keeps a read open.
func TestStuckReadersOfOurs(t *testing.T) {
	c := newCrash(t)
	c.start()
	c.load()
	c.server.until(60*time.Second, "there are ticks to read", func() bool {
		return c.server.stat("tickRows") > 100_000
	})
	export := command(c.dir, "export", "-data", "d")
	pipe, err := export.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := export.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = export.Process.Kill()
		_ = export.Wait()
	}()
	if _, err := bufio.NewReaderSize(pipe, 16).ReadByte(); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.server.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /ticks?symbol=EURUSD&limit=50000&from=1000000000000000 HTTP/1.1\r\n"+
		"Host: localhost\r\n\r\n")
	if _, err := bufio.NewReaderSize(conn, 16).ReadByte(); err != nil {
		t.Fatal(err)
	}

	before, largest := c.server.stat("checkpoints"), int64(0)
	want := int64(rounds(2, 4, 100))
	c.server.until(120*time.Second, "the log starts again beside stuck readers", func() bool {
		info, err := os.Stat(filepath.Join(c.data(), "market.db-wal"))
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, info.Size())
		return c.server.stat("checkpoints") >= before+want
	})
	t.Logf("the log's file had at most %d bytes", largest)
	if largest > 64<<20 {
		t.Errorf("the log's file grew to %d bytes, want less than 64 MB", largest)
	}
	c.kill()
}

// TestStuckReaderOfAnotherProgram has the sqlite3 program keep a read open until the log has 64 MB.
// Nothing stops: commits and health stay as they are, the log says what is the matter, and when the
// reader is gone the log starts again.
func TestStuckReaderOfAnotherProgram(t *testing.T) {
	if !*long {
		t.Skip("64 MB of log take too long")
	}
	c := newCrash(t)
	c.start()
	c.load()
	c.server.until(60*time.Second, "there are ticks to read", func() bool {
		return c.server.stat("tickRows") > 1_000
	})
	reader := exec.Command("sqlite3", filepath.Join(c.data(), "market.db"))
	stdin, err := reader.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(stdin, "BEGIN; SELECT count(*) FROM symbol;")
	warning := "a long read by another program keeps the write-ahead log growing"
	begin := time.Now()
	c.server.until(10*time.Minute, "the log says that a reader holds it", func() bool {
		time.Sleep(100 * time.Millisecond)
		return strings.Contains(c.server.log(), warning)
	})
	t.Logf("%d bytes of log after %s, %d commits, the longest took %d µs", c.server.stat("logBytes"),
		time.Since(begin).Round(time.Second), c.server.stat("commits"), c.server.stat("maxMicros"))
	if health := c.server.get("/health", 200); health != "OK" {
		t.Errorf("health: %s", health)
	}
	stdin.Close()
	if err := reader.Wait(); err != nil {
		t.Fatal(err)
	}
	c.server.until(time.Minute, "the log starts again", func() bool {
		return c.server.stat("logBytes") < 8<<20
	})
	c.kill()
	c.finish()
}

package blackbox

import (
	"strings"
	"testing"
	"time"
)

// TestFailedSyncEndsTheServer has a disk refuse to sync while two senders post as fast as they can.
// Whoever waits is told that storage failed, the log says so, the exit code is not 0, and the next
// start serves everything that was acknowledged. Of what was not, it may serve the batch in flight:
// the machine kept it, and the senders number their quotes.
//
// It was seen to fail on a writer that tries a failed sync again, and on one that ends without telling
// those who wait.
func TestFailedSyncEndsTheServer(t *testing.T) {
	c := newCrash(t)
	told := 0
	for range rounds(1, 3, 30) {
		f := startFaulty(t, c.dir)
		c.server = f.server
		if !c.server.checkCrash(c.senders, false) {
			t.FailNow()
		}
		c.load()
		c.wait(100*time.Millisecond, 500*time.Millisecond)
		f.disk("refuses")
		if code := f.exitCode(20 * time.Second); code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		c.running.Wait()
		c.loaded += time.Since(c.serving)
		log := f.log()
		for _, want := range []string{
			"a commit failed", "the disk did not confirm a sync", "stopping reason=",
			"storage failed for good",
		} {
			if !strings.Contains(log, want) {
				t.Errorf("the log does not say %q", want)
			}
		}
		for _, s := range c.senders {
			switch s.refused {
			case "STORAGE_FAILED":
				told++
			case "SHUTTING_DOWN", "": // Or its connection ended first.
			default:
				t.Errorf("%s was refused with %q, want STORAGE_FAILED", s.lp, s.refused)
			}
		}
		checkIntegrity(t, c.data())
		c.start()
		if !c.server.checkCrash(c.senders, false) {
			t.FailNow()
		}
		c.load()
		c.wait(50*time.Millisecond, 200*time.Millisecond)
		c.kill()
	}
	t.Logf("%d senders were told", told)
	if told == 0 && !testing.Short() {
		t.Error("no sender was told that storage failed")
	}
	c.finish()
}

// TestSlowDisk has every sync take half a second, while one sender waits for commits and one does
// not, with rings that hold far less than comes meanwhile. Both are slowed, the log says now and then
// that the queue is full, and nothing is lost.
//
// It was seen to fail on an engine that takes a disk that is slow for one that does nothing, and on
// one that says that the queue is full with every batch.
func TestSlowDisk(t *testing.T) {
	t.Parallel()
	c := newCrash(t)
	f := startFaulty(t, c.dir, "-ring", "4000", "-queue", "1000")
	c.server = f.server
	c.senders[1].ack = "accept"
	f.disk("slow")
	begin := time.Now()
	c.load()
	f.until(60*time.Second, "the queue is full and senders are slowed", func() bool {
		return strings.Contains(f.log(), "] Queue full: ") && f.stat("requestsSlowed") > 0
	})
	for commits := f.stat("commits"); f.stat("commits") < commits+int64(rounds(4, 8, 60)); {
		if health := f.get("/health", 200); health != "OK" {
			t.Errorf("health: %s", health)
		}
		time.Sleep(100 * time.Millisecond)
	}
	lines := strings.Count(f.log(), "] Queue full: ")
	took := time.Since(begin)
	if lines > 2+int(took.Seconds()) {
		t.Errorf("%d lines say that the queue is full in %s, want one a second", lines, took)
	}
	f.disk("works")
	if code := f.stop(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	c.running.Wait()
	c.loaded += took
	if !strings.Contains(f.log(), " pending=0 lost=0") {
		t.Errorf("the log does not end with all ticks committed:\n%s", tail(f.log(), 3))
	}
	t.Logf("%s, %d lines of a full queue, %d quotes acknowledged", took.Round(time.Second), lines,
		c.acknowledged())
	c.senders[1].ack = "commit"
	c.finish()
}

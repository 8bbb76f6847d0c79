package blackbox

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestKillDuringRecovery kills the server again while it opens what a kill left behind, several
// times in a row, at moments spread over the whole start.
//
// Besides most of what TestKill finds, it was seen to fail on an engine that commits ticks in one
// transaction and bars in the next, and on one that reads how far it came after it read what
// changed.
func TestKillDuringRecovery(t *testing.T) {
	c := newCrash(t)
	c.start()
	early, late := 0, 0
	for range rounds(2, 6, 40) {
		c.load()
		c.wait(100*time.Millisecond, 300*time.Millisecond)
		c.kill()
		for range 8 {
			c.launch()
			// The longest start so far tells how far moments must reach.
			c.wait(0, c.ready+c.ready/4)
			c.server.kill()
			if servingLine.MatchString(c.server.log()) {
				late++
			} else {
				early++
			}
		}
		checkIntegrity(t, c.data())
		c.start()
		if !c.server.checkCrash(c.senders, false) {
			t.FailNow()
		}
	}
	t.Logf("killed %d times before the server served, %d times after", early, late)
	if early < late/4 {
		t.Errorf("hardly any of the moments was within a recovery")
	}
	c.load()
	c.wait(100*time.Millisecond, 300*time.Millisecond)
	c.kill()
	c.finish()
}

// TestStopUnderLoad asks the server to stop while two senders post as fast as they can, one waiting
// for commits and one not. Whatever was answered must be in the file, and of what was refused
// nothing.
//
// It was seen to fail on an engine that leaves out the last commit.
func TestStopUnderLoad(t *testing.T) {
	c := newCrash(t)
	refused := 0
	for range rounds(1, 4, 40) {
		c.start()
		if !c.server.checkCrash(c.senders, false) {
			t.FailNow()
		}
		c.senders[1].ack = "accept"
		c.load()
		c.wait(100*time.Millisecond, 400*time.Millisecond)
		c.loaded += time.Since(c.serving)
		begin := time.Now()
		code := c.server.stop()
		if took := time.Since(begin); code != 0 || took > 5*time.Second {
			t.Errorf("SIGTERM under load: exit code %d after %s, want 0 within 5s", code, took)
		}
		c.running.Wait()
		log := c.server.log()
		if !strings.Contains(log, "stopped committed=") || !strings.Contains(log, " pending=0 lost=0") {
			t.Errorf("the log does not end with all ticks committed:\n%s", tail(log, 5))
		}
		c.start()
		for _, s := range c.senders {
			if s.refused != "" {
				refused++
				s.checkRefused(c.server)
			}
			s.ack = "commit"
		}
		if !c.server.checkCrash(c.senders, false) {
			t.FailNow()
		}
		if code := c.server.stop(); code != 0 {
			t.Errorf("SIGTERM: exit code %d, want 0", code)
		}
	}
	t.Logf("%d batches were refused because of the end", refused)
	c.finish()
}

// checkRefused checks that of a batch that was refused nothing was taken.
func (s *crashSender) checkRefused(server *server) {
	s.t.Helper()
	if s.refused != "SHUTTING_DOWN" {
		s.t.Errorf("%s: refused with %s, want SHUTTING_DOWN", s.lp, s.refused)
	}
	for _, m := range s.markets {
		if got := server.volume(m); got > m.accepted {
			s.t.Errorf("%s: of a refused batch %d quotes were taken", m.symbol, got-m.accepted)
		}
	}
}

// TestDuplicateAfterKill sends acknowledged batches again after a kill: every quote is told to be a
// duplicate, and no answer of the server changes.
//
// It was seen to fail on an engine that does not store or not load the last numbers of the senders,
// or stores each one too low.
func TestDuplicateAfterKill(t *testing.T) {
	c := newCrash(t)
	c.start()
	for range rounds(2, 5, 30) {
		var batches []string
		var accepted []int
		for range 2 {
			c.load()
			c.wait(50*time.Millisecond, 200*time.Millisecond)
			c.kill()
			c.start()
			if !c.server.checkCrash(c.senders, false) {
				t.FailNow()
			}
			for _, s := range c.senders {
				if len(s.last) == 0 {
					t.Fatalf("%s got no answer", s.lp)
				}
				batches, accepted = append(batches, string(s.last)), append(accepted, s.accepted)
			}
		}
		before := c.server.answers("EURUSD", "AUDUSD", "BTCUSD", "EURJPY")
		for i, body := range batches {
			c.sendAgain(body, accepted[i])
		}
		for path, want := range before {
			if got := c.server.get(path, 200); got != want {
				t.Errorf("%s differs after duplicates:\n%s", path, firstDifference(got, want))
			}
		}
	}
	c.load()
	c.wait(100*time.Millisecond, 300*time.Millisecond)
	c.kill()
	c.finish()
}

// sendAgain sends an acknowledged batch a second time. accepted of its quotes were taken the first
// time.
func (c *crash) sendAgain(body string, accepted int) {
	c.t.Helper()
	quotes := strings.SplitAfter(strings.TrimSuffix(body, "\n"), "\n")
	duplicates := func(text string) (n int) {
		var got crashAnswer
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			c.t.Fatal(err)
		}
		if got.Rejected != got.Received || !got.Committed {
			c.t.Errorf("a batch sent again: %s", text)
		}
		for _, e := range got.Errors {
			if e.Code == "DUPLICATE" {
				n++
			}
		}
		return n
	}
	n := 0
	const kept = 10 // An answer describes no more rejections, so they go in parts, and then as one.
	for i := 0; i < len(quotes); i += kept {
		part := strings.Join(quotes[i:min(i+kept, len(quotes))], "")
		n += duplicates(c.server.post("/ticks", "application/x-ndjson", part, 200))
	}
	if n < accepted {
		c.t.Errorf("%d of %d quotes sent again are DUPLICATE, want at least the %d taken before",
			n, len(quotes), accepted)
	}
	if duplicates(c.server.post("/ticks", "application/x-ndjson", body, 200)) == 0 {
		c.t.Errorf("a whole batch sent again has no DUPLICATE")
	}
}

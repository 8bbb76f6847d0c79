package blackbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestAlertsSurviveAKill has a rule fire in a real server, finds what fired on the channel, in the
// list and in the log, kills the server, and sends the same quotes again: nothing that fired fires
// again, though the rule's threshold is reached, and what is still armed does.
//
// It was seen to find a book that is not loaded.
func TestAlertsSurviveAKill(t *testing.T) {
	dir := t.TempDir()
	args := []string{"-feed", "none", "-data", "d"}
	s := start(t, dir, args...)
	begin := time.Now().UnixMicro() - 3_000_000
	quote := func(n int64, bid string) {
		t.Helper()
		s.send(200, "POST", "/ticks", fmt.Sprintf(
			`{"symbol":"EURUSD","bid":%s,"ask":%s,"lp":"A","seq":%d,"time":%d}`, bid, bid, n, begin+n*1000))
	}
	quote(1, "1.10000")
	rule := `{"kind":"PRICE_ABOVE","symbol":"EURUSD","threshold":%s,"channels":["websocket","log"],` +
		`"frequency":"EVERY_CROSS","cooldownSeconds":0}`
	s.send(201, "POST", "/api/alerts/rules", fmt.Sprintf(rule, "1.10200"))
	s.send(201, "POST", "/api/alerts/rules", fmt.Sprintf(rule, "1.10500"))
	k, err := s.dial("/ws")
	if err != nil {
		t.Fatal(err)
	}
	defer k.close()
	if err := k.send(`{"type":"subscribe","channel":"alerts"}`); err != nil {
		t.Fatal(err)
	}
	for text := ""; !strings.Contains(text, `"subscribed"`); {
		if text, err = k.next(); err != nil {
			t.Fatal(err)
		}
	}
	quote(2, "1.10200")
	quote(3, "1.10100")
	quote(4, "1.10300")
	for range 2 {
		text := ""
		for !strings.HasPrefix(text, `{"type":"alert"`) {
			if text, err = k.next(); err != nil {
				t.Fatal(err)
			}
		}
		mustHave(t, text, `"ruleId":2`, `"status":"FIRED"`, `at or above 1.10200"`)
	}
	before := s.get("/api/alerts", 200)
	if n := strings.Count(before, `"ruleId":2`); n != 2 {
		t.Fatalf("%d alerts: %s", n, before)
	}
	mustHave(t, s.log(), `alert rule=2 severity=MEDIUM title="EURUSD bid 1.10300 at or above 1.10200"`)
	s.kill()

	s = start(t, dir, args...)
	for n, bid := range []string{"1.10000", "1.10200", "1.10100", "1.10300"} {
		quote(int64(n)+1, bid)
	}
	if after := s.get("/api/alerts?status=OPEN", 200); after != before {
		t.Errorf("before the kill\n%sand after it\n%s", before, after)
	}
	quote(5, "1.10600")
	mustHave(t, s.get("/api/alerts", 200), `"ruleId":3`, `"title":"EURUSD bid 1.10600 at or above 1.10500"`)
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

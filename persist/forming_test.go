package persist

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestFormingMinuteAfterAKill works on a file whose forming minutes a kill left in their own table,
// and on one that was stopped at the same quote. It must make no difference to what raises the digits
// of a symbol, nor to an import into that minute.
//
// It was seen to fail on a rescaling that leaves out that table, and on an import that does not look
// into it.
func TestFormingMinuteAfterAKill(t *testing.T) {
	dir, killed := t.TempDir(), t.TempDir()
	m := startMarket(t, marketOptions{Store: Options{Dir: dir}})
	w := newWalk(1, 0, m.source("LP"), testStart)
	m.mustSend(w.next(900))
	m.store.writing.Lock()
	copyFiles(t, dir, killed)
	m.store.writing.Unlock()
	m.stop()

	history := filepath.Join(t.TempDir(), "history.csv")
	row := fmt.Sprintf("time_ms,symbol,bid,ask\n%d,EURUSD,1.08,1.09\n", w.quote.Time/1000)
	if err := os.WriteFile(history, []byte(row), 0o600); err != nil {
		t.Fatal(err)
	}
	raised := testRegistry(t, withDigits("EURUSD", 7), withDigits("USDJPY", 3))
	start := func(dir string) string {
		m := startMarket(t, marketOptions{Store: Options{Dir: dir, Symbols: raised}})
		defer m.stop()
		return stateText(m.engine)
	}
	for _, then := range []func(dir string){
		func(dir string) {},
		func(dir string) {
			s := openStore(t, Options{Dir: dir, Symbols: raised})
			importEvery(t, s, history)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		},
	} {
		left, again := t.TempDir(), t.TempDir()
		copyFiles(t, killed, left)
		copyFiles(t, dir, again)
		then(left)
		then(again)
		diff(t, "state", start(left), start(again))
	}
}

package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tradingengine/persist"
)

// TestVerifyTellsOfMoney runs the verb on a directory with a journal, and again after one character
// of an event was changed.
func TestVerifyTellsOfMoney(t *testing.T) {
	dir := t.TempDir()
	m, err := openMoney(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		if err := m.deposit(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.stop(); err != nil {
		t.Fatal(err)
	}
	f := func(code int, want string) {
		t.Helper()
		var out bytes.Buffer
		got := Main([]string{"verify", "-data", dir}, func(string) string { return "" }, &out, &out)
		if got != code || !strings.Contains(out.String(), want) {
			t.Errorf("exit code %d, want %d, and %q in:\n%s", got, code, want, &out)
		}
	}
	f(0, "ok: market.db and trading.db of "+dir)
	f(0, " 7 events in ") // The account, its first deposit, and five.
	path := filepath.Join(dir, persist.TradingFile)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.ReplaceAll(content, []byte(`"deposit 3"`), []byte(`"deposit 4"`))
	if bytes.Equal(changed, content) {
		t.Fatal("the file does not hold the event")
	}
	if err := os.WriteFile(path, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	f(1, "trading.db: journal: event 6 was changed, or one before it")
}

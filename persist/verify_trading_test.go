package persist

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// TestVerifyFindsInMoney changes one thing in a good file of money at a time.
//
// It was seen to fail on a verification without the chain, on one that looks only for stored rows
// that do not follow, and on one that leaves out a table.
func TestVerifyFindsInMoney(t *testing.T) {
	good := t.TempDir()
	s, j, _ := openTestJournal(t, good)
	b := newBook(t, s.opts.Symbols, 4)
	if err := j.Commit(b.next(60), []Answer{{Key: "k", Seq: 1}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if r := mustVerify(t, good); r.Events != int64(b.Head()) {
		t.Fatalf("looked at %+v", r)
	}
	f := func(statement, want string) {
		t.Helper()
		dir := t.TempDir()
		for _, name := range []string{MarketFile, TradingFile} {
			writeFile(t, filepath.Join(dir, name), readFile(t, filepath.Join(good, name)))
		}
		db := openFile(t, filepath.Join(dir, TradingFile))
		done, err := db.Exec(statement)
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		if n, err := done.RowsAffected(); err != nil || n != 1 {
			t.Fatalf("%s: %d rows, %v", statement, n, err)
		}
		db.Close()
		r, err := Verify(t.Context(), VerifyOptions{Dir: dir})
		if err != nil || r.Wrong == 0 || !strings.Contains(strings.Join(r.Faults, "\n"), want) {
			t.Errorf("%s: %v, found %q, want %q", statement, err, r.Faults, want)
		}
	}
	f("UPDATE event SET data = replace(data, '1000000.00', '2000000.00') WHERE seq = 2",
		"event 2 was changed")
	f("UPDATE event SET data = '{' WHERE seq = 5", "event 5")
	f("UPDATE event SET data = replace(data, 'EURUSD', 'NOSUCH') WHERE seq = 5", "event 5")
	f("UPDATE event SET time = time + 1 WHERE seq = 7", "event 7 was changed")
	f("UPDATE event SET prev = prev + 1 WHERE seq = 30", "event 30 was changed")
	f("UPDATE event SET type = 'PARTY' WHERE seq = 5", "unknown type")
	f("DELETE FROM event WHERE seq = 9", "event 10 follows event 8")
	f("UPDATE order_state SET status = 'EXPIRED' WHERE id = 1", "table order_state: not what "+
		"the events give at id 1")
	f("UPDATE order_state SET symbol = 'USDJPY' WHERE id = 2", "order_state: not what the events "+
		"give at id 2")
	f("DELETE FROM order_state WHERE id = 3", "table order_state")
	f("INSERT INTO order_state VALUES (1000000, 1, 'EURUSD', 'FILLED', 5)", "at id 1000000")
	f("DELETE FROM order_event WHERE seq = (SELECT min(seq) FROM order_event)", "table order_event")
	f("INSERT INTO order_event VALUES (1, 1)", "table order_event: not what the events give at seq 1")
	f("UPDATE trade SET account_id = 3 - account_id WHERE seq = (SELECT max(seq) FROM trade)",
		"table trade")
	f("DELETE FROM trade WHERE seq = (SELECT min(seq) FROM trade)", "table trade")
	f("UPDATE posting SET amount = amount + 1 WHERE seq = 2", "table posting: not what the "+
		"events give at seq 2")
	f("UPDATE posting SET balance = balance + 1 WHERE seq = (SELECT max(seq) FROM posting)",
		"table posting")
	f("UPDATE posting SET counter_balance = counter_balance - 1 WHERE seq = 4", "at seq 4")
	f("UPDATE answer SET seq = 1000000 WHERE id = 1", "speaks of event 1000000")
}

// TestVerifyMoneyAfterAKill verifies a journal that is all in its log, and longer than what is
// derived at a time.
func TestVerifyMoneyAfterAKill(t *testing.T) {
	dir, killed := t.TempDir(), t.TempDir()
	s, j, _ := openTestJournal(t, dir)
	b := newBook(t, s.opts.Symbols, 5)
	if err := j.Commit(b.next(2500), nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{MarketFile, MarketFile + "-wal", TradingFile, TradingFile + "-wal"} {
		writeFile(t, filepath.Join(killed, name), readFile(t, filepath.Join(dir, name)))
	}
	if r := mustVerify(t, killed); r.Events != int64(b.Head()) || r.Events < followRows {
		t.Errorf("%d events, want %d", r.Events, b.Head())
	}
}

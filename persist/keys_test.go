package persist

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tradingengine/core/trading"
)

func testKey(n int) AccessKey {
	return AccessKey{
		Hash: [32]byte{byte(n), byte(n >> 8)}, Role: "trade", Accounts: []trading.AccountID{7, 2},
		Name: fmt.Sprintf("key %d", n), Created: testStart,
	}
}

func addTestKey(t *testing.T, f *KeyFile, n int) AccessKey {
	t.Helper()
	k := testKey(n)
	if err := f.Add(&k); err != nil {
		t.Fatal(err)
	}
	return k
}

func openTestKeys(t *testing.T, dir string) *KeyFile {
	t.Helper()
	f, err := OpenKeyFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// TestKeysAlone makes keys before there is a server, and finds them when there is one.
func TestKeysAlone(t *testing.T) {
	dir := t.TempDir()
	if keys, err := ListAccessKeys(t.Context(), dir); err != nil || keys != nil {
		t.Fatalf("an empty directory has %v, %v", keys, err)
	}
	f := openTestKeys(t, dir)
	want := []AccessKey{addTestKey(t, f, 1), addTestKey(t, f, 2), addTestKey(t, f, 3)}
	again := testKey(1)
	if err := f.Add(&again); err == nil {
		t.Error("the same key was taken twice")
	}
	want[2].Revoked = testStart + 5
	err := errors.Join(f.Revoke(3, testStart+5), f.Revoke(3, testStart+9), f.Close())
	if err != nil {
		t.Fatal(err)
	}
	f = openTestKeys(t, dir)
	if err := f.Revoke(9, testStart); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("a key that is not there: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	listed, err := ListAccessKeys(t.Context(), dir)
	_, j, _ := openTestJournal(t, dir)
	live, err2 := j.AccessKeys(t.Context())
	if err != nil || err2 != nil || fmt.Sprint(listed) != fmt.Sprint(want) ||
		fmt.Sprint(live) != fmt.Sprint(want) {
		t.Errorf("got %v %v\nand %v %v\nwant %v", listed, err, live, err2, want)
	}
}

// TestKeysBesideCommits makes and revokes keys from a second connection, as a second process has,
// while events are committed: none of either fails, and all are there afterwards.
func TestKeysBesideCommits(t *testing.T) {
	dir := t.TempDir()
	s, j, _ := openTestJournal(t, dir)
	b := newBook(t, s.opts.Symbols, 1)
	f := openTestKeys(t, dir)
	if f.lock != nil {
		t.Fatal("the directory of a server was taken")
	}
	var ids []int64
	done := make(chan error, 1)
	go func() {
		for n := range 40 {
			k := testKey(n)
			err := f.Add(&k)
			if err == nil && n%2 == 0 {
				err = f.Revoke(k.ID, testStart)
			}
			if err != nil {
				done <- err
				return
			}
			ids = append(ids, k.ID)
		}
		done <- nil
	}()
	for running := true; running; {
		if err := j.Commit(b.next(3), nil, nil); err != nil {
			t.Fatalf("a commit beside it: %v", err)
		}
		select {
		case err := <-done:
			running = false
			if err != nil {
				t.Fatalf("a key beside commits: %v", err)
			}
		default:
		}
	}
	keys, err := j.AccessKeys(t.Context())
	if err != nil || len(keys) != 40 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	valid := 0
	for i, k := range keys {
		if k.ID != ids[i] {
			t.Errorf("key %d has id %d, want %d", i, k.ID, ids[i])
		}
		if k.Revoked == 0 {
			valid++
		}
	}
	chain, state, err := j.Verify(t.Context(), b.Head())
	if _, hash, _ := j.Head(t.Context()); err != nil || chain != hash || state != b.Hash() || valid != 20 {
		t.Errorf("the journal has %x, %v; %d keys are valid", chain, err, valid)
	}
}

// TestCommitWaitsForKeys holds the file for longer than a commit waits: the commit fails, which may
// pass, and the same commit succeeds afterwards.
func TestCommitWaitsForKeys(t *testing.T) {
	dir := t.TempDir()
	s, j, _ := openTestJournal(t, dir)
	b := newBook(t, s.opts.Symbols, 1)
	if err := j.Commit(b.next(5), nil, nil); err != nil {
		t.Fatal(err)
	}
	events := slices.Clone(b.next(5))
	f := openTestKeys(t, dir)
	err := f.transact(func(*conn) error {
		err := j.Commit(events, nil, nil)
		if err == nil || !IsPassing(err) {
			t.Errorf("a commit against a lock: %v", err)
		}
		return nil
	})
	if err == nil {
		err = j.Commit(events, nil, nil)
	}
	if seq, _, _ := j.Head(t.Context()); err != nil || seq != b.Head() {
		t.Errorf("afterwards: %v, at %d of %d", err, seq, b.Head())
	}
}

// TestKeyWaitsForCommit adds a key while a transaction of the server is open.
//
// It was seen to find a connection without a busy timeout.
func TestKeyWaitsForCommit(t *testing.T) {
	dir := t.TempDir()
	_, j, _ := openTestJournal(t, dir)
	f := openTestKeys(t, dir)
	added := make(chan error, 1)
	err := j.transact(func(*conn) error {
		go func() {
			k := testKey(1)
			added <- f.Add(&k)
		}()
		select {
		case err := <-added:
			added <- err
			t.Error("a key was added in the midst of a transaction")
		case <-time.After(50 * time.Millisecond):
		}
		return nil
	})
	if err2 := <-added; err != nil || err2 != nil {
		t.Errorf("got %v and %v", err, err2)
	}
}

// TestTooManyKeys: one more than there may be is refused, until one is revoked.
func TestTooManyKeys(t *testing.T) {
	f := openTestKeys(t, t.TempDir())
	err := f.transact(func(c *conn) error {
		return c.script(fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
			WHERE i < %d) INSERT INTO access_key (hash, role, accounts, name, created, revoked)
			SELECT i, 'read', '', '', 0, 0 FROM n`, accessKeysMax))
	})
	if err != nil {
		t.Fatal(err)
	}
	k := testKey(1)
	if err := f.Add(&k); !errors.Is(err, ErrTooManyKeys) || !strings.Contains(err.Error(), "10000") {
		t.Errorf("got %v", err)
	}
	if err := f.Revoke(5, testStart); err != nil {
		t.Fatal(err)
	}
	if err := f.Add(&k); err != nil {
		t.Error(err)
	}
}

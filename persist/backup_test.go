package persist

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// mustVerify fails when a directory does not hold together.
func mustVerify(t testing.TB, dir string) VerifyResult {
	t.Helper()
	r, err := Verify(t.Context(), VerifyOptions{Dir: dir})
	if err != nil {
		t.Fatalf("verify %s: %v", dir, err)
	}
	if r.Wrong > 0 {
		t.Fatalf("verify %s: %d faults:\n%s", dir, r.Wrong, strings.Join(r.Faults, "\n"))
	}
	return r
}

// tickTimes returns the times of the stored ticks by symbol.
func tickTimes(t testing.TB, dir string) map[int64][]int64 {
	t.Helper()
	c, err := openRead(filepath.Join(dir, MarketFile))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	times := map[int64][]int64{}
	err = c.query(t.Context(), "SELECT symbol_id, time FROM tick ORDER BY symbol_id, time",
		func(row []driver.Value) error {
			id := row[0].(int64)
			times[id] = append(times[id], row[1].(int64))
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return times
}

// TestBackupUnderLoad copies a directory again and again while quotes of all symbols are committed.
// Each copy is whole, the state after one commit, and a prefix of what is there in the end. It was
// seen to find a copy of the file's bytes without the log, and one that took no notice of the writer.
func TestBackupUnderLoad(t *testing.T) {
	dir, backups := t.TempDir(), t.TempDir()
	m := startMarket(t, marketOptions{Store: Options{Dir: dir}})
	walks := allWalks(m)
	stop := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			for _, w := range walks {
				if _, _, err := m.send(w.next(60)); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	const copies = 3
	commits := int64(200)
	if testing.Short() {
		commits = 20
	}
	var progress int64
	var atLeast [copies]int64
	for i := range copies {
		before := m.writer.Stats().Commits
		for m.writer.Stats().Commits < before+commits && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
		atLeast[i] = m.engine.Stats().Committed
		_, err := Backup(t.Context(), BackupOptions{
			Dir: dir, Target: filepath.Join(backups, fmt.Sprint(i)),
			Progress: func(p Progress) { progress = max(progress, p.Done) },
		})
		if err != nil {
			t.Error(err)
		}
	}
	close(stop)
	sending.Wait()
	m.stop()
	if progress == 0 {
		t.Error("no progress was told")
	}
	mustVerify(t, dir)
	final := tickTimes(t, dir)
	for i := range copies {
		target := filepath.Join(backups, fmt.Sprint(i))
		r := mustVerify(t, target)
		if r.Ticks < atLeast[i] {
			t.Errorf("copy %d has %d ticks; %d were committed when it began", i, r.Ticks, atLeast[i])
		}
		for id, times := range tickTimes(t, target) {
			for k, at := range times {
				if at != final[id][k] {
					t.Fatalf("copy %d, symbol %d: tick %d is of %d, in the end of %d", i, id, k, at,
						final[id][k])
				}
			}
		}
	}
}

// TestBackupRefusals tries targets that are taken, and one that is given up.
func TestBackupRefusals(t *testing.T) {
	dir := t.TempDir()
	if _, err := Backup(t.Context(), BackupOptions{
		Dir: dir, Target: filepath.Join(t.TempDir(), "b"),
	}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of nothing: got %v, want ErrNotExist", err)
	}
	m := startMarket(t, marketOptions{Store: Options{Dir: dir}})
	m.mustSend(newWalk(1, 0, m.source("LP"), testStart).next(5000))
	m.stop()
	taken := t.TempDir()
	writeFile(t, filepath.Join(taken, "notes.txt"), "mine")
	if _, err := Backup(t.Context(), BackupOptions{Dir: dir, Target: taken}); !errors.Is(err, ErrTarget) {
		t.Errorf("onto a folder in use: got %v, want ErrTarget", err)
	}
	file := filepath.Join(taken, "notes.txt")
	if _, err := Backup(t.Context(), BackupOptions{Dir: dir, Target: file}); !errors.Is(err, ErrTarget) {
		t.Errorf("onto a file: got %v, want ErrTarget", err)
	}
	if got := readFile(t, file); got != "mine" {
		t.Errorf("the file in the way holds %q now", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	target := filepath.Join(t.TempDir(), "b")
	_, err := Backup(ctx, BackupOptions{Dir: dir, Target: target, Progress: func(Progress) { cancel() }})
	entries, _ := os.ReadDir(filepath.Dir(target))
	if !errors.Is(err, context.Canceled) && err != nil || err != nil && len(entries) > 0 {
		t.Errorf("one given up: got %v and left %v", err, entries)
	}
	// An empty folder is as good as none, and so is what a killed one left.
	empty := t.TempDir()
	if err := os.Mkdir(empty+partial, 0o750); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(empty+partial, MarketFile), "half")
	if _, err := Backup(t.Context(), BackupOptions{Dir: dir, Target: empty}); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, empty)
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

package persist

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestMakeDir makes directories of which none, some and all are there. It was seen to find one that
// synced only what holds the last.
func TestMakeDir(t *testing.T) {
	top := t.TempDir()
	f := func(path string, want ...string) {
		t.Helper()
		var synced []string
		err := makeDir(filepath.Join(top, path), func(path string) error {
			if _, err := os.Stat(filepath.Join(top, "a")); err != nil {
				t.Errorf("%s is synced before the directory is there", path)
			}
			name, err := filepath.Rel(top, path)
			synced = append(synced, filepath.ToSlash(name))
			return err
		})
		info, e := os.Stat(filepath.Join(top, path))
		if err != nil || e != nil || !info.IsDir() || !slices.Equal(synced, want) {
			t.Errorf("%s: %v %v, synced %v, want %v", path, err, e, synced, want)
		}
	}
	f("a/b/c", "a/b", "a", ".")
	f("a/b/c")
	f("a/d", "a")

	broken := errors.New("the disk said no")
	if err := makeDir(filepath.Join(top, "e"), func(string) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("a sync that fails: %v", err)
	}
	file := filepath.Join(top, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := makeDir(filepath.Join(file, "x"), syncPath); err == nil {
		t.Error("a directory was made below a file")
	}
}

package persist

import (
	"os"
	"path/filepath"
	"testing"

	"tradingengine/core"
)

// importSymbols are the default symbols and those that only the recorded files have.
func importSymbols(t testing.TB) *core.Registry {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(repositoryRoot(t), "testdata", "symbols.json"))
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := core.ReadSymbols(file, core.DefaultSymbols())
	if err != nil {
		t.Fatal(err)
	}
	r, err := core.NewRegistry(symbols)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// repositoryRoot is the folder of go.mod.
func repositoryRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

func openImportStore(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(Options{Dir: dir, Symbols: importSymbols(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// recordedFiles finds the recorded quotes beside the repository.
func recordedFiles(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(
		filepath.Join(repositoryRoot(t), "..", "shared", "data", pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("no recorded quotes in ../shared/data")
	}
	return files
}

func mustImport(t testing.TB, s *Store, files ...string) ImportResult {
	t.Helper()
	r, err := Import(t.Context(), ImportOptions{
		Store: s, Files: files, Throttle: core.DefaultThreshold,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

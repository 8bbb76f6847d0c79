package blackbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// executable returns the path of the server. These tests build it by themselves, which go test
// cannot see; but it does see which files a running test reads, and then does not answer from its
// cache after one of them changed. So the first use reads all that the server is built of.
//
// Importing the server's packages would not do: the linker drops what a test does not call, and the
// test's own binary stays the same.
func executable() string {
	readSources()
	return binary
}

var readSources = sync.OnceFunc(func() {
	top := root()
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != top && entry.Name()[0] == '.', entry.Name() == "data":
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		}
		switch filepath.Ext(path) {
		case ".go", ".sql", ".html", ".css", ".js", ".mod", ".sum":
			_, err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		panic(err)
	}
})

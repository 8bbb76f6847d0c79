package persist

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"tradingengine/core"
)

// Errors of an import that concern its files. All are found before anything is written.
var (
	ErrImportFile = errors.New("cannot import")
	ErrImportNone = errors.New("no file to import")
)

// importLineMax is the longest line of an import file; a quote needs a hundred bytes.
const importLineMax = 64 << 10

// importFile is one file of an import. Everything but path is known after its scan.
type importFile struct {
	path   string
	name   string // Base name: quotes of equal time are ordered by it.
	rank   int    // Its place in that order.
	json   bool   // NDJSON, otherwise CSV.
	gzip   bool
	size   int64
	stored bool // The rows are ticks that an engine exported.

	rows        int64 // Lines that are not empty.
	sorted      bool
	first, last core.Time // The earliest and the latest time; 0 without any row.
}

// importFiles resolves what was named on a command line: patterns are expanded (not every shell
// does it), a file named twice counts once, and the order becomes that of the names, so that the
// order of the command line cannot matter.
func importFiles(paths []string) ([]*importFile, error) {
	var files []*importFile
	var infos []os.FileInfo
	for _, path := range expandPatterns(paths) {
		f := &importFile{path: filepath.Clean(path), name: filepath.Base(path)}
		if err := f.format(); err != nil {
			return nil, err
		}
		info, err := os.Stat(f.path)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrImportFile, err)
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%w: %s is not a file", ErrImportFile, f.path)
		}
		if slices.ContainsFunc(infos, func(i os.FileInfo) bool { return os.SameFile(i, info) }) {
			continue
		}
		f.size = info.Size()
		infos, files = append(infos, info), append(files, f)
	}
	if len(files) == 0 {
		return nil, ErrImportNone
	}
	slices.SortFunc(files, func(a, b *importFile) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.path, b.path))
	})
	for i, f := range files {
		f.rank = i
	}
	return files, nil
}

func expandPatterns(paths []string) []string {
	var all []string
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil && strings.ContainsAny(path, "*?[") {
			if found, err := filepath.Glob(path); err == nil && len(found) > 0 {
				all = append(all, found...)
				continue
			}
		}
		all = append(all, path)
	}
	return all
}

// format tells CSV and NDJSON, plain and compressed, by the name.
func (f *importFile) format() error {
	name := strings.ToLower(f.name)
	name, f.gzip = strings.CutSuffix(name, ".gz")
	switch filepath.Ext(name) {
	case ".csv":
	case ".ndjson", ".jsonl":
		f.json = true
	default:
		return fmt.Errorf("%w: %s: the name must end in .csv, .csv.gz, .ndjson or .ndjson.gz",
			ErrImportFile, f.path)
	}
	return nil
}

// importLines reads the lines of an import file and knows their numbers.
type importLines struct {
	file   *os.File
	zip    *gzip.Reader
	buffer *bufio.Reader
	number int
}

// open starts reading a file; the bytes read from disk are added to done.
func (f *importFile) open(done *atomic.Int64) (*importLines, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImportFile, err)
	}
	l := &importLines{file: file}
	var r io.Reader = &countedReader{file, done}
	if f.gzip {
		if l.zip, err = gzip.NewReader(bufio.NewReaderSize(r, importLineMax)); err != nil {
			return nil, errors.Join(f.readError(err), file.Close())
		}
		r = l.zip
	}
	l.buffer = bufio.NewReaderSize(r, importLineMax)
	return l, nil
}

func (f *importFile) readError(err error) error {
	switch {
	case errors.Is(err, gzip.ErrHeader):
		return fmt.Errorf("%w: %s is not compressed with gzip", ErrImportFile, f.path)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%w: %s ends in the middle", ErrImportFile, f.path)
	}
	return fmt.Errorf("%w: %s: %w", ErrImportFile, f.path, err)
}

// next returns the next line that is not empty, without its end, valid until the next call;
// io.EOF after the last. A line that is too long comes as nil.
func (l *importLines) next() ([]byte, error) {
	for {
		line, err := l.buffer.ReadSlice('\n')
		if len(line) > 0 {
			l.number++
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = l.buffer.ReadSlice('\n')
			}
			if err == nil || errors.Is(err, io.EOF) {
				return nil, nil
			}
		}
		if err != nil && (!errors.Is(err, io.EOF) || len(line) == 0) {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

func (l *importLines) close() error {
	if l.zip != nil {
		return errors.Join(l.zip.Close(), l.file.Close())
	}
	return l.file.Close()
}

type countedReader struct {
	r    io.Reader
	done *atomic.Int64
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.done.Add(int64(n))
	return n, err
}

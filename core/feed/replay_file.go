package feed

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tradingengine/core"
)

// ErrReplayFile is returned for a file that cannot be replayed.
var ErrReplayFile = errors.New("cannot replay")

// lineMax bounds a line of a recorded file.
const lineMax = 64 << 10

// format is how a recorded file is written, told by its name.
type format struct{ gzip, ndjson bool }

func formatOf(path string) (format, error) {
	name := strings.ToLower(filepath.Base(path))
	var f format
	if name, f.gzip = strings.CutSuffix(name, ".gz"); f.gzip {
		return f.withEnding(path, name)
	}
	return f.withEnding(path, name)
}

func (f format) withEnding(path, name string) (format, error) {
	switch filepath.Ext(name) {
	case ".csv":
		return f, nil
	case ".ndjson", ".jsonl":
		f.ndjson = true
		return f, nil
	}
	return f, fmt.Errorf("%w %s: its name ends neither in .csv nor .ndjson, with or without .gz",
		ErrReplayFile, path)
}

// fileReader reads the quotes of one recorded file, row by row. It belongs to one goroutine; close
// ends it.
type fileReader struct {
	path    string
	format  format
	parser  *core.Parser
	file    *os.File
	packed  *bufio.Reader // Above the file, below gzip.
	read    int64         // Bytes that packed took from the file.
	unzip   *gzip.Reader
	lines   *bufio.Reader
	columns *core.CSVColumns
	line    int32
	fault   string // What is wrong with the row refused last, when the parser does not know.
}

// openFile opens a recorded file and reads its header.
func openFile(path string, parser *core.Parser) (*fileReader, error) {
	format, err := formatOf(path)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrReplayFile, err)
	}
	r := &fileReader{path: path, format: format, parser: parser, file: file}
	if err := r.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("%w %s: %w", ErrReplayFile, path, err), file.Close())
	}
	return r, nil
}

func (r *fileReader) start() error {
	r.packed = bufio.NewReaderSize(countingReader{r.file, &r.read}, 32<<10)
	text := io.Reader(r.packed)
	if r.format.gzip {
		unzip, err := gzip.NewReader(r.packed)
		if err != nil {
			return err
		}
		r.unzip, text = unzip, unzip
	}
	r.lines = bufio.NewReaderSize(text, lineMax)
	if r.format.ndjson {
		return nil
	}
	header, err := r.nextLine()
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the file is empty")
	case err != nil:
		return err
	}
	if r.columns, err = core.ParseCSVHeader(header); err != nil {
		return err
	}
	if !r.columns.HasTime() {
		return errors.New("the header names no time or time_ms")
	}
	return nil
}

type countingReader struct {
	r io.Reader
	n *int64
}

func (c countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	return n, err
}

// done returns how many bytes of the file were used.
func (r *fileReader) done() int64 { return r.read - int64(r.packed.Buffered()) }

func (r *fileReader) close() error { return r.file.Close() }

// next reads the next row into q. It returns io.EOF after the last one; any other error means that
// the file is broken from here on. A row that is no quote is refused, and reading goes on.
func (r *fileReader) next(q *core.Quote) (core.Reject, error) {
	for {
		line, err := r.nextLine()
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			r.fault = fmt.Sprintf("the line is longer than %d bytes", lineMax)
			return core.RejectBadLine, nil
		case errors.Is(err, io.EOF):
			return core.RejectNone, io.EOF
		case err != nil:
			return core.RejectNone, fmt.Errorf("%w %s after line %d: %w", ErrReplayFile, r.path, r.line,
				err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return r.parse(line, q), nil
		}
	}
}

func (r *fileReader) parse(line []byte, q *core.Quote) core.Reject {
	r.fault = ""
	q.Line = r.line
	var reject core.Reject
	if r.format.ndjson {
		reject = r.parser.JSON(line, q)
	} else {
		reject = r.parser.CSV(r.columns, line, q)
	}
	if reject == core.RejectNone && q.Time == 0 {
		r.fault = "time is missing"
		return core.RejectMissingField
	}
	return reject
}

// detail says what is wrong with the row refused last.
func (r *fileReader) detail(reason core.Reject) string {
	if r.fault != "" {
		return r.fault
	}
	return r.parser.Detail(reason)
}

// nextLine returns the next line without its end, valid until the next call. A line that is too
// long is skipped whole and gives bufio.ErrBufferFull.
func (r *fileReader) nextLine() ([]byte, error) {
	line, err := r.lines.ReadSlice('\n')
	r.line++
	if err == nil {
		return line[:len(line)-1], nil
	}
	if errors.Is(err, io.EOF) && len(line) > 0 {
		return line, nil
	}
	if !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.lines.ReadSlice('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return nil, bufio.ErrBufferFull
}

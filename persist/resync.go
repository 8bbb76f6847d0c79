package persist

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// resyncChunk is how much of a file is rewritten at a time, in bytes.
const resyncChunk = 1 << 20

// resync makes sure that a file that another process left is on the disk as we see it, by writing
// its own bytes over it. A sync alone would not do: after one that failed, the operating system may
// show bytes that are not on the disk and that it will never write, because it takes them for
// written. Nobody may change the file meanwhile. A file that is missing is none to make sure of.
func resync(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = errors.Join(rewrite(f), f.Close())
	}
	if err != nil {
		return fmt.Errorf("cannot bring the log of the last run to the disk: %w", err)
	}
	return nil
}

func rewrite(f *os.File) error {
	chunk := make([]byte, resyncChunk)
	for offset := int64(0); ; {
		n, err := f.ReadAt(chunk, offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n == 0 {
			return f.Sync()
		}
		if _, err := f.WriteAt(chunk[:n], offset); err != nil {
			return err
		}
		offset += int64(n)
	}
}

// resyncLog does that to the write-ahead log, before anything is written behind what the last run
// left in it. The transaction keeps other programs from writing.
func (d *database) resyncLog(c *conn) error {
	again := d.resync
	if again == nil {
		again = resync
	}
	return c.transact(func() error { return again(d.path + "-wal") })
}

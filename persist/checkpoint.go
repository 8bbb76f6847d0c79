package persist

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// walKeepBytes is what the log keeps on the disk after it started again.
const walKeepBytes = 16 << 20

// walPageBytes is what a page takes in the log.
const walPageBytes = 4096 + 24

// The modes of a checkpoint that are used.
const (
	checkpointPassive  = "PASSIVE"  // Moves what it can without waiting for anybody.
	checkpointRestart  = "RESTART"  // Also waits for readers, so that the log starts again.
	checkpointTruncate = "TRUNCATE" // Also empties the log.
)

// checkpointRow is what SQLite says about a checkpoint. It reports a log that could not be moved
// with busy and no error.
type checkpointRow struct {
	busy       bool
	log, moved int64 // Pages in the log, and those of them that are in the file too.
}

// checkpoint moves pages from the log into the file.
func checkpoint(c *conn, mode string) (r checkpointRow, err error) {
	err = c.query(context.Background(), "PRAGMA wal_checkpoint("+mode+")",
		func(row []driver.Value) error {
			busy, ok1 := row[0].(int64)
			log, ok2 := row[1].(int64)
			moved, ok3 := row[2].(int64)
			if !ok1 || !ok2 || !ok3 {
				return fmt.Errorf("persist: a checkpoint gives %v", row)
			}
			r = checkpointRow{busy != 0, log, moved}
			return nil
		})
	return r, err
}

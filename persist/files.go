package persist

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// TradingFile is the name of the file of accounts and orders in a data directory, where there is
// one.
const TradingFile = "trading.db"

// dataFile is a file of a data directory.
type dataFile struct {
	name string
	// verify looks for what SQLite cannot know to be wrong.
	verify func(ctx context.Context, v *verifier) error
}

// dataFiles are the files of a data directory, in the order in which they are copied: what is in
// the file of money happened at prices that are in the file of the market or will be.
var dataFiles = []dataFile{
	{name: MarketFile, verify: verifyMarket},
	{name: TradingFile, verify: verifyTrading},
}

// companions are what SQLite keeps beside a file.
var companions = []string{"-wal", "-shm", "-journal"}

// exists reports whether there is something at path.
func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// makeDir makes a directory and those above it that are missing. A new name is on the disk once the
// directory that holds it was synced, so sync, which is syncPath, is called with each of these.
func makeDir(dir string, sync func(path string) error) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	var holders []string
	for at := dir; ; at = filepath.Dir(at) {
		there, err := exists(at)
		if err != nil {
			return err
		}
		if there {
			break
		}
		holders = append(holders, filepath.Dir(at))
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for _, holder := range holders {
		if err := sync(holder); err != nil {
			return fmt.Errorf("cannot sync the new directory in %s: %w", holder, err)
		}
	}
	return nil
}

// syncPath waits until a file or a directory is on the disk as it is.
func syncPath(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() && runtime.GOOS == "windows" {
		return err // Windows has no directories to sync.
	}
	flag := os.O_RDWR
	if info.IsDir() {
		flag = os.O_RDONLY
	}
	f, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// removeFiles removes a folder that holds nothing but data files. Another one is left alone.
func removeFiles(dir string) error {
	for _, file := range dataFiles {
		for _, suffix := range append([]string{""}, companions...) {
			err := os.Remove(filepath.Join(dir, file.name+suffix))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove %s: %w", dir, err)
	}
	return nil
}

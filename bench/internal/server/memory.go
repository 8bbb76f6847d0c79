package server

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// ErrNoMemory is returned where nothing says how much memory the engine holds.
var ErrNoMemory = errors.New("resident memory is not known")

// ResidentOfProcess returns the resident bytes of a process on this machine, from /proc.
func ResidentOfProcess(pid int) (int64, error) {
	return residentFromStatus(fmt.Sprintf("/proc/%d/status", pid))
}

func residentFromStatus(path string) (int64, error) {
	status, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNoMemory, err)
	}
	for line := range bytes.Lines(status) {
		value, found := bytes.CutPrefix(line, []byte("VmRSS:"))
		if !found {
			continue
		}
		fields := bytes.Fields(value)
		if len(fields) != 2 || string(fields[1]) != "kB" {
			break
		}
		kilobytes, err := strconv.ParseInt(string(fields[0]), 10, 64)
		if err != nil {
			break
		}
		return kilobytes << 10, nil
	}
	return 0, fmt.Errorf("%w: no VmRSS in %s", ErrNoMemory, path)
}

// Resident returns the resident bytes the engine reports of itself.
func (s *Stats) Resident() (int64, error) {
	if s.Server.ResidentBytes <= 0 {
		return 0, fmt.Errorf("%w: /api/stats has no server.residentBytes", ErrNoMemory)
	}
	return s.Server.ResidentBytes, nil
}

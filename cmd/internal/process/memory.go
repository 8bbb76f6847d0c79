package process

import (
	"bytes"
	"os"
	"runtime/metrics"
	"strconv"
)

// Memory returns the bytes of the machine's memory that the process holds: as the kernel counts
// them where that can be read, else what the Go runtime got and did not give back.
func Memory() int64 {
	if _, resident, ok := statm(); ok {
		return resident
	}
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}

// statm returns the bytes of address space and of memory that Linux counts for the process.
func statm() (virtual, resident int64, ok bool) {
	text, err := os.ReadFile("/proc/self/statm")
	fields := bytes.Fields(text)
	if err != nil || len(fields) < 2 {
		return 0, 0, false
	}
	pages, err1 := strconv.ParseInt(string(fields[0]), 10, 64)
	held, err2 := strconv.ParseInt(string(fields[1]), 10, 64)
	size := int64(os.Getpagesize())
	return pages * size, held * size, err1 == nil && err2 == nil
}

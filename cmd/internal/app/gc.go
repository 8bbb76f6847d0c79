package app

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
)

const (
	gcPercent   = 50
	memoryLimit = 2 << 30
)

// setGC sets the pace of the garbage collector unless the environment did, and says what holds.
// The runtime has read valid values of the environment by itself before main.
func setGC(gogc, gomemlimit string, log *slog.Logger) {
	if _, err := strconv.ParseInt(gogc, 10, 32); err != nil && gogc != "off" {
		debug.SetGCPercent(gcPercent)
		gogc = strconv.Itoa(gcPercent)
	}
	if gomemlimit == "" {
		debug.SetMemoryLimit(memoryLimit)
		gomemlimit = "2GiB"
	}
	log.Info(fmt.Sprintf("[GC] Set GOGC=%s", gogc))
	log.Info(fmt.Sprintf("[GC] Set GOMEMLIMIT=%s", gomemlimit))
}

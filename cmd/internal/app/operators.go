package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"tradingengine/core"
)

// How often the lines that operators watch are written.
const (
	flushedEvery = 10 * time.Second
	statsEvery   = 30 * time.Second
	queueEvery   = time.Second
)

// operatorLog writes the lines that operators and their scripts search the logs for. The texts are
// a contract.
type operatorLog struct {
	engine *core.Engine
	log    *slog.Logger // server.log
	debug  *slog.Logger // debug.log
	queue  int
	watch  *shardWatch

	committed int64 // As of the last Flushed line.
	queueFull int64 // As of the last look.
}

// run writes until ctx ends.
func (o *operatorLog) run(ctx context.Context) {
	ticker := time.NewTicker(queueEvery)
	defer ticker.Stop()
	seconds := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		seconds += queueEvery
		o.watch.check()
		o.queueLine()
		if seconds%flushedEvery == 0 {
			o.flushedLine()
		}
		if seconds%statsEvery == 0 {
			o.statsLine()
			o.ringLines()
		}
	}
}

// queueLine warns, at most once a call, that storage is behind.
func (o *operatorLog) queueLine() {
	s := o.engine.Stats()
	if s.QueueFull > o.queueFull {
		o.log.Info(fmt.Sprintf("[OptimizedTickStore] Queue full: %d ticks wait to be stored, "+
			"capacity %d", s.Pending, o.queue), "times", s.QueueFull-o.queueFull)
	}
	o.queueFull = s.QueueFull
}

// flushedLine says how many ticks were committed since it last did. It stays silent while ticks
// wait and none was committed, so that its absence can be alarmed on.
func (o *operatorLog) flushedLine() {
	s := o.engine.Stats()
	flushed := s.Committed - o.committed
	if flushed == 0 && s.Pending > 0 {
		return
	}
	o.committed = s.Committed
	o.log.Info(fmt.Sprintf("[OptimizedTickStore] Flushed %d ticks to disk", flushed))
}

func (o *operatorLog) statsLine() {
	s := o.engine.Stats()
	received := s.Stored + s.Throttled
	o.log.Info(fmt.Sprintf("[OptimizedTickStore] Stats: received=%d, stored=%d, throttled=%d (%s%%)",
		received, s.Stored, s.Throttled, percent(s.Throttled, received)))
}

func (o *operatorLog) ringLines() {
	symbols := o.engine.Symbols()
	for id := range core.SymbolID(symbols.Len()) {
		oldest, head := o.engine.TickSpan(id)
		o.debug.Info(fmt.Sprintf("[OptimizedTickStore] %s: %d ticks in use",
			symbols.Symbol(id).Name, head-oldest))
	}
}

// percent prints part of whole with one decimal, computed in integers.
func percent(part, whole int64) string {
	if whole == 0 {
		return "0.0"
	}
	tenths := (part*1000 + whole/2) / whole
	return fmt.Sprintf("%d.%d", tenths/10, tenths%10)
}

package app

import (
	"tradingengine/cmd/internal/process"
	"tradingengine/httpd"
)

// metrics adds to /metrics what is counted outside of HTTP and engine.
func (v *server) metrics(m *httpd.Metrics) {
	v.storageMetrics(m)
	process.Metrics(m)
}

// storageMetrics tell what the storage writer does.
func (v *server) storageMetrics(m *httpd.Metrics) {
	s := v.writer.Stats()
	counts := make([]uint64, len(s.FlushSeconds.Counts))
	for i, n := range s.FlushSeconds.Counts {
		counts[i] = uint64(n)
	}
	m.Histogram("engine_flush_duration_seconds",
		"How long commits took, from the first row to the disk's answer.")
	m.Distribution(s.FlushSeconds.Bounds, counts, s.FlushSeconds.Sum)
	m.Gauge("engine_last_flush_timestamp_seconds",
		"When the last commit was, since 1970; 0 before the first.")
	m.Value(float64(s.LastCommit) / 1e6)
	for _, c := range []struct {
		name, help string
		value      int64
	}{
		{"engine_storage_tick_rows_total", "Rows of ticks written.", s.Ticks},
		{"engine_storage_bar_rows_total", "Rows of bars written, a forming one each time.", s.Bars},
		{"engine_storage_lost_bars_total", "Bars overwritten before they were written.", s.LostBars},
		{"engine_storage_checkpoints_total", "Checkpoints that let the log start again.", s.Checkpoints},
		{"engine_storage_failures_total", "Commits that failed.", s.Failures},
	} {
		m.Counter(c.name, c.help)
		m.Value(float64(c.value))
	}
	m.Counter("engine_retention_deleted_rows_total", "Rows deleted because of their age.")
	m.Value(float64(s.RetiredTicks), "table", "tick")
	m.Value(float64(s.RetiredBars), "table", "bar")
	m.Gauge("engine_storage_log_bytes", "The write-ahead log, as far as it counts.")
	m.Value(float64(s.LogBytes))
	m.Gauge("engine_storage_failing_since_timestamp_seconds",
		"When commits began to fail, since 1970; 0 while they work.")
	m.Value(float64(s.FailingSince) / 1e6)
}

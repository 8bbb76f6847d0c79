package app

import (
	"tradingengine/cmd/internal/process"
	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/desk"
	"tradingengine/core/trading"
	"tradingengine/httpd"
)

// metrics adds to /metrics what is counted outside of HTTP and engine.
func (v *server) metrics(m *httpd.Metrics) {
	v.storageMetrics(m)
	d := v.desk.Stats()
	orderMetrics(m, &d)
	deskMetrics(m, &d)
	alertMetrics(m, &d.Alerts)
	v.webhookMetrics(m)
	process.Metrics(m)
}

// counter is a family of one number that only grows.
type counter struct {
	name, help string
	value      int64
}

func counters(m *httpd.Metrics, all []counter) {
	for _, c := range all {
		m.Counter(c.name, c.help)
		m.Value(float64(c.value))
	}
}

// storageMetrics tell what the storage writer does.
func (v *server) storageMetrics(m *httpd.Metrics) {
	s := v.writer.Stats()
	m.Histogram("engine_flush_duration_seconds",
		"How long commits took, from the first row to the disk's answer.")
	m.Distribution(core.CommitBounds(), s.Times.Counts[:], s.Times.Sum.Seconds())
	m.Gauge("engine_last_flush_timestamp_seconds",
		"When the last commit was, since 1970; 0 before the first.")
	m.Value(float64(s.LastCommit) / 1e6)
	counters(m, []counter{
		{"engine_storage_tick_rows_total", "Rows of ticks written.", s.Ticks},
		{"engine_storage_bar_rows_total", "Rows of bars written, a forming one each time.", s.Bars},
		{"engine_storage_lost_bars_total", "Bars overwritten before they were written.", s.LostBars},
		{"engine_storage_checkpoints_total", "Checkpoints that let the log start again.", s.Checkpoints},
		{"engine_storage_failures_total", "Commits that failed.", s.Failures},
	})
	m.Counter("engine_retention_deleted_rows_total", "Rows deleted because of their age.")
	m.Value(float64(s.RetiredTicks), "table", "tick")
	m.Value(float64(s.RetiredBars), "table", "bar")
	m.Gauge("engine_storage_log_bytes", "The write-ahead log, as far as it counts.")
	m.Value(float64(s.LogBytes))
	m.Gauge("engine_storage_failing_since_timestamp_seconds",
		"When commits began to fail, since 1970; 0 while they work.")
	m.Value(float64(s.FailingSince) / 1e6)
}

// orderMetrics tell what became of orders.
func orderMetrics(m *httpd.Metrics, s *desk.Stats) {
	m.Counter("engine_orders_total", "Orders that came to a status, once that is committed; those "+
		"that came to PENDING are all that were taken.")
	for kind := trading.Market; kind <= trading.TrailingStop; kind++ {
		for status := trading.Pending; status <= trading.Expired; status++ {
			m.Value(float64(s.Orders[kind][status]), "type", kind.String(), "status", status.String())
		}
	}
	m.Gauge("engine_open_orders", "Orders that wait, of all accounts.")
	m.Value(float64(s.OpenOrders))
	m.Gauge("engine_open_positions", "Positions of all accounts.")
	m.Value(float64(s.OpenPositions))
}

// alertMetrics tell what became of alerts.
func alertMetrics(m *httpd.Metrics, c *alert.Counts) {
	m.Counter("engine_alerts_total", "Alerts by what became of them: fired; repeated, the cause had "+
		"fired already; swallowed, within the cooldown of their rule; crowded, resolved because there "+
		"were too many.")
	m.Value(float64(c.Fires), "outcome", "fired")
	m.Value(float64(c.Repeated), "outcome", "repeated")
	m.Value(float64(c.Swallowed), "outcome", "swallowed")
	m.Value(float64(c.Crowded), "outcome", "crowded")
	counters(m, []counter{
		{"engine_alert_rules_refused_total", "Rules refused for lack of room.", c.Refused},
	})
	m.Gauge("engine_alert_rules", "Rules of alerts.")
	m.Value(float64(c.Rules))
	m.Gauge("engine_alerts_open", "Alerts that are not resolved.")
	m.Value(float64(c.Open))
}

// deskMetrics tell what the desk and its journal do.
func deskMetrics(m *httpd.Metrics, s *desk.Stats) {
	counters(m, []counter{
		{"engine_desk_commands_total", "Commands done.", s.Commands},
		{"engine_desk_repeated_total", "Commands given the first answer of their key.", s.Repeated},
		{"engine_desk_reads_total", "Reads of the trading state.", s.Reads},
		{"engine_desk_quotes_total", "Quotes that the trading state took.", s.Quotes},
		{"engine_journal_events_total", "Events committed.", s.Events},
		{"engine_journal_failures_total", "Commits of events that failed.", s.Failures},
		{"engine_journal_keys_looked_up_total", "Keys that had to be read from the file.", s.LookUps},
	})
	m.Counter("engine_desk_refused_total", "Commands and reads refused: busy, too many waited; "+
		"behind, too many events waited for the journal, or it failed.")
	m.Value(float64(s.Busy), "reason", "busy")
	m.Value(float64(s.Behind), "reason", "behind")
	m.Gauge("engine_desk_queued", "What waits for the desk.")
	m.Value(float64(s.QuotesQueued), "kind", "quotes")
	m.Value(float64(s.MessagesQueued), "kind", "messages")
	m.Gauge("engine_journal_uncommitted_events", "Events that wait to be committed.")
	m.Value(float64(s.Head - s.Committed))
	m.Histogram("engine_journal_commit_duration_seconds",
		"How long commits of events took, from the first row to the disk's answer.")
	m.Distribution(core.CommitBounds(), s.Times.Counts[:], s.Times.Sum.Seconds())
}

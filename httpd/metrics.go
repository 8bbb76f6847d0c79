package httpd

import (
	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

const metricsType = "text/plain; version=0.0.4; charset=utf-8"

// getMetrics answers with everything that is counted, for Prometheus. All of it is read now: there
// is nothing that a quote would have to keep up to date.
func (s *Server) getMetrics(ctx *fasthttp.RequestCtx) error {
	m := &Metrics{text: takeBody(ctx)}
	m.Gauge("engine_build_info", "1, with the version and the feed of this server.")
	m.Value(1, "version", s.opts.Config.Version, "feed", s.opts.Config.Feed)
	e := s.engine.Stats()
	quoteMetrics(m, &e)
	tickMetrics(m, &e)
	pressureMetrics(m, &e)
	s.symbolMetrics(m)
	s.httpMetrics(m)
	s.streamMetrics(m)
	s.checkMetrics(m)
	if s.opts.Metrics != nil {
		s.opts.Metrics(m)
	}
	giveBody(ctx, metricsType, m.text)
	return nil
}

// number is a family of one sample.
type number struct {
	name, help string
	value      int64
}

func (m *Metrics) counters(all ...number) {
	for _, n := range all {
		m.Counter(n.name, n.help)
		m.Value(float64(n.value))
	}
}

func (m *Metrics) gauges(all ...number) {
	for _, n := range all {
		m.Gauge(n.name, n.help)
		m.Value(float64(n.value))
	}
}

// quoteMetrics has the first sum that always adds up: received = stored + throttled + rejected.
func quoteMetrics(m *Metrics, e *core.Stats) {
	m.counters(
		number{"engine_quotes_received_total", "Quotes that came in.", e.Received},
		number{
			"engine_quotes_throttled_total", "Quotes taken that moved too little to be stored.",
			e.Throttled,
		},
		number{
			"engine_quotes_late_total", "Quotes taken though behind the last of their symbol.",
			e.Late,
		},
		number{
			"engine_quotes_reanchored_total", "Absurd prices that proved to be the price.",
			e.Reanchored,
		},
	)
	m.Counter("engine_quotes_rejected_total", "Quotes refused, by reason.")
	for r := core.RejectNone + 1; int(r) < core.RejectReasons; r++ {
		m.Value(float64(e.Rejected[r]), "reason", r.String())
	}
}

// tickMetrics has the second sum: stored = committed + pending + lost. What is left of either sum
// is told only when the counters are of one moment; anything but 0 is a fault of this program.
func tickMetrics(m *Metrics, e *core.Stats) {
	m.counters(
		number{"engine_ticks_stored_total", "Quotes stored as ticks.", e.Stored},
		number{"engine_ticks_committed_total", "Ticks that are in the file.", e.Committed},
		number{
			"engine_ticks_lost_total", "Ticks overwritten in memory before they were in the file.",
			e.Lost,
		},
	)
	m.gauges(number{"engine_storage_pending_ticks", "Ticks that wait to be committed.", e.Pending})
	m.Gauge("engine_conservation_remainder",
		"What is left of received - stored - throttled - rejected (quotes) and of "+
			"stored - committed - pending - lost (ticks); always 0.")
	if e.Exact {
		quotes, ticks := e.Remainders()
		m.Value(float64(quotes), "sum", "quotes")
		m.Value(float64(ticks), "sum", "ticks")
	}
}

// pressureMetrics tell what happened at the bounds between senders, shards and storage.
func pressureMetrics(m *Metrics, e *core.Stats) {
	m.counters(
		number{"engine_batches_total", "Batches of quotes applied.", e.Batches},
		number{
			"engine_submissions_slowed_total", "Requests with quotes that had to wait for room.",
			e.Slowed,
		},
		number{
			"engine_submissions_refused_total", "Requests with quotes refused for lack of room.",
			e.Refused,
		},
		number{
			"engine_batches_held_total",
			"Batches that waited until storage had taken closed minutes.", e.Held,
		},
		number{
			"engine_queue_full_total", "Batches that ended with more ticks pending than -queue.",
			e.QueueFull,
		},
	)
	m.gauges(number{"engine_inbox_quotes", "Quotes that wait to be applied.", e.Queued})
}

// symbolMetrics tell what became of the quotes of each symbol.
func (s *Server) symbolMetrics(m *Metrics) {
	m.Counter("engine_symbol_quotes_total", "Quotes of each symbol, by what became of them.")
	for i := range s.symbols.Len() {
		id := core.SymbolID(i)
		c, name := s.engine.SymbolCounts(id), s.symbols.Symbol(id).Name
		m.Value(float64(c.Stored), "symbol", name, "fate", "stored")
		m.Value(float64(c.Throttled), "symbol", name, "fate", "throttled")
		m.Value(float64(c.Rejected), "symbol", name, "fate", "rejected")
	}
}

func (s *Server) httpMetrics(m *Metrics) {
	s.appendRequestTimes(m)
	m.counters(number{
		"engine_http_connections_refused_total",
		"Connections closed because there were too many.", s.turnedAway.Load(),
	},
		number{
			"engine_encoded_dropped_total",
			"Series whose encoded form was dropped for lack of room.", s.budget.dropped.Load(),
		})
	m.counters(
		number{
			"engine_http_bad_keys_total", "Wrong access keys that were named.",
			s.failures.counted.Load(),
		},
		number{
			"engine_http_rate_limited_total", "Requests and frames of keys that sent too many.",
			s.refusedFast.Load(),
		},
		number{
			"engine_audit_lost_total", "Lines of the audit log that could not be written.",
			s.auditLost.Load(),
		},
	)
	m.gauges(
		number{
			"engine_http_connections", "Open connections that are not streams.",
			s.connections.Load(),
		},
		number{"engine_encoded_bytes", "Encoded ticks and bars kept ready.", s.budget.used.Load()},
	)
}

func (s *Server) streamMetrics(m *Metrics) {
	h := s.hub.stats()
	m.gauges(number{"engine_ws_sessions", "WebSocket sessions that are open.", h.Sessions})
	m.counters(
		number{"engine_ws_opened_total", "WebSocket sessions begun.", h.Opened},
		number{
			"engine_ws_refused_total", "WebSocket sessions refused, there being too many.",
			h.TurnedAway,
		},
		number{"engine_ws_sent_ticks_total", "Ticks sent, summed over sessions.", h.Ticks},
		number{
			"engine_ws_sent_messages_total", "Messages of streams sent, summed over sessions.",
			h.Delivered + h.Replayed,
		},
		number{"engine_ws_sent_bytes_total", "Bytes sent, summed over sessions.", h.Bytes},
		number{"engine_ws_gaps_total", "Notices that a session missed something.", h.Gaps},
		number{
			"engine_ws_skipped_total", "Messages that sessions missed and were told of.",
			h.Skipped,
		},
		number{"engine_ws_slow_total", "Sessions closed because they took nothing.", h.Slow},
		number{"engine_ws_silent_total", "Sessions closed because nothing was heard.", h.Silent},
	)
}

// checkMetrics tell what /health/detail does.
func (s *Server) checkMetrics(m *Metrics) {
	m.Gauge("engine_check_ok", "1 where a check of /health/detail holds, 0 where it does not.")
	for i := range s.opts.Checks {
		c := &s.opts.Checks[i]
		ok := 0.0
		if c.Find().OK {
			ok = 1
		}
		m.Value(ok, "check", c.Name)
	}
}

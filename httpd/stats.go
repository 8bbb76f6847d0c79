package httpd

import (
	"strconv"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

// getStats answers with the counters since this start, as one object of sections.
func (s *Server) getStats(ctx *fasthttp.RequestCtx) error {
	e := s.engine.Stats()
	dst := append(takeBody(ctx), '{')
	dst = appendCounters(dst, &e)
	dst = s.appendSymbolStats(dst)
	dst = appendFields(dst, `,"writer":{`, s.opts.Writer())
	dst = appendFields(dst, `,"trading":{`, s.opts.Trading())
	dst = s.appendWatermarks(dst)
	dst = s.appendRates(dst)
	dst = s.appendLatency(dst)
	dst = s.appendServerStats(dst, &e)
	dst = s.appendStreamStats(dst)
	dst = s.appendIngestStats(dst)
	giveBody(ctx, jsonType, append(dst, '}', '\n'))
	return nil
}

// appendCounters appends the sections quotes and ticks, whose sums add up.
func appendCounters(dst []byte, e *core.Stats) []byte {
	dst = appendInt(dst, `"quotes":{"received":`, e.Received)
	dst = appendInt(dst, `,"stored":`, e.Stored)
	dst = appendInt(dst, `,"throttled":`, e.Throttled)
	dst = appendInt(dst, `,"rejected":`, e.RejectedTotal())
	dst = append(dst, `,"rejectedBy":{`...)
	separator := `"`
	for r := core.RejectNone + 1; int(r) < core.RejectReasons; r++ {
		if n := e.Rejected[r]; n > 0 {
			dst = append(append(append(dst, separator...), r.String()...), `":`...)
			dst = strconv.AppendInt(dst, n, 10)
			separator = `,"`
		}
	}
	dst = appendInt(dst, `},"late":`, e.Late)
	dst = appendInt(dst, `,"reanchored":`, e.Reanchored)
	dst = strconv.AppendBool(append(dst, `,"exact":`...), e.Exact)
	dst = appendInt(dst, `},"ticks":{"stored":`, e.Stored)
	dst = appendInt(dst, `,"committed":`, e.Committed)
	dst = appendInt(dst, `,"pending":`, e.Pending)
	dst = appendInt(dst, `,"lost":`, e.Lost)
	return appendShare(append(dst, `},"throttleShare":`...), e.Throttled, e.Stored+e.Throttled)
}

// appendSymbolStats appends the section symbols, one on each line.
func (s *Server) appendSymbolStats(dst []byte) []byte {
	dst = append(dst, `,"symbols":[`...)
	separator := "\n"
	for i := range s.symbols.Len() {
		id := core.SymbolID(i)
		c := s.engine.SymbolCounts(id)
		dst = append(append(dst, separator...), `{"symbol":"`...)
		dst = append(dst, s.symbols.Symbol(id).Name...)
		dst = appendInt(dst, `","received":`, c.Received)
		dst = appendInt(dst, `,"stored":`, c.Stored)
		dst = appendInt(dst, `,"throttled":`, c.Throttled)
		dst = appendInt(dst, `,"rejected":`, c.Rejected)
		dst = appendShare(append(dst, `,"throttleShare":`...), c.Throttled, c.Stored+c.Throttled)
		dst = appendInt(dst, `,"pending":`, s.engine.SymbolPending(id))
		if q, ok := s.engine.Live(id); ok {
			dst = appendInt(dst, `,"time":`, int64(q.Time))
		}
		dst = append(dst, '}')
		separator = ",\n"
	}
	return append(dst, "\n]"...)
}

// appendFields appends a section: what somebody else says of itself.
func appendFields(dst []byte, section string, fields []Field) []byte {
	dst = append(dst, section...)
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		name := append(appendString(nil, f.Name), ':')
		if f.Value == nil {
			dst = append(append(dst, name...), "null"...)
		}
		dst = appendValue(dst, string(name), f.Value)
	}
	return append(dst, '}')
}

// appendWatermarks appends how far each part has come: of every shard the batches applied, those of
// them that are in the market's file, and up to which one the effects on trading are committed.
func (s *Server) appendWatermarks(dst []byte) []byte {
	dst = appendInt(dst, `,"watermarks":{"newestQuote":`, int64(s.engine.Newest()))
	if s.opts.Desk != nil {
		d := s.opts.Desk.Stats()
		dst = appendInt(dst, `,"events":{"applied":`, int64(d.Head))
		dst = append(appendInt(dst, `,"committed":`, int64(d.Committed)), '}')
	}
	dst = append(dst, `,"shards":[`...)
	for i, p := range s.engine.Progress() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendInt(dst, `{"applied":`, int64(p.Applied))
		dst = appendInt(dst, `,"committed":`, int64(p.Committed))
		dst = appendInt(dst, `,"journaled":`, int64(p.Journaled))
		dst = append(appendInt(dst, `,"quotesQueued":`, p.Queued), '}')
	}
	return append(dst, "]}"...)
}

// appendRates appends the section rates: per second, over the last seconds of each span.
func (s *Server) appendRates(dst []byte) []byte {
	counters := [...]struct {
		name string
		of   func(*sample) int64
	}{
		{"quotes", func(x *sample) int64 { return x.quotes }},
		{"ticks", func(x *sample) int64 { return x.ticks }},
		{"throttled", func(x *sample) int64 { return x.throttled }},
		{"committed", func(x *sample) int64 { return x.committed }},
		{"commands", func(x *sample) int64 { return x.commands }},
		{"requests", func(x *sample) int64 { return x.requests }},
		{"failures", func(x *sample) int64 { return x.failures }},
	}
	dst = append(dst, `,"rates":{`...)
	for i, c := range counters {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), c.name...), `":{`...)
		for k, seconds := range rateSpans {
			if k > 0 {
				dst = append(dst, ',')
			}
			from, to := s.rates.over(seconds)
			dst = append(appendInt(dst, `"`, int64(seconds)), `s":`...)
			dst = core.AppendPrice(dst, core.Price(perSecond(from, to, c.of)), 1)
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// appendLatency appends the section latency, one route on each line, those asked for only.
func (s *Server) appendLatency(dst []byte) []byte {
	dst = append(dst, `,"latency":[`...)
	start := len(dst)
	for _, r := range s.counted {
		requests := r.stats.requests.Load()
		if requests == 0 {
			continue
		}
		dst = append(appendString(append(dst, "\n{\"route\":"...), r.name()), `,"requests":`...)
		dst = strconv.AppendInt(dst, requests, 10)
		dst = appendInt(dst, `,"failures":`, r.stats.failures.Load())
		values := quantiles(&r.stats.windows[0], &r.stats.windows[1], 50, 95, 99)
		for k, name := range [...]string{`,"p50Ms":`, `,"p95Ms":`, `,"p99Ms":`} {
			dst = append(dst, name...)
			if values[k] < 0 {
				dst = append(dst, "null"...)
			} else {
				dst = core.AppendPrice(dst, core.Price(values[k]), 3)
			}
		}
		dst = append(dst, '}', ',')
	}
	if len(dst) > start {
		dst = append(dst[:len(dst)-1], '\n')
	}
	return append(dst, ']')
}

// name is how statistics call a route.
func (r *route) name() string {
	if r.method == "" {
		return r.path
	}
	return r.method + " " + r.path
}

// appendServerStats appends the section server: pressure at the borders, and this process.
func (s *Server) appendServerStats(dst []byte, e *core.Stats) []byte {
	dst = appendInt(dst, `,"server":{"uptimeSeconds":`, (s.now() - s.started).Seconds())
	dst = appendInt(dst, `,"batches":`, e.Batches)
	dst = appendInt(dst, `,"quotesQueued":`, e.Queued)
	dst = appendInt(dst, `,"requestsSlowed":`, e.Slowed)
	dst = appendInt(dst, `,"requestsRefused":`, e.Refused)
	dst = appendInt(dst, `,"batchesHeld":`, e.Held)
	dst = appendInt(dst, `,"quotesHanded":`, e.Handed)
	dst = appendInt(dst, `,"batchesHandedLate":`, e.HandWaits)
	dst = appendInt(dst, `,"commitsAhead":`, e.Ahead)
	dst = appendInt(dst, `,"queueFull":`, e.QueueFull)
	dst = appendInt(dst, `,"connections":`, s.connections.Load())
	dst = appendInt(dst, `,"connectionsRefused":`, s.turnedAway.Load())
	bodies, refused := s.room.counts()
	dst = appendInt(dst, `,"bodyBytes":`, bodies)
	dst = appendInt(dst, `,"bodiesRefused":`, refused)
	dst = appendInt(dst, `,"encodedBytes":`, s.budget.used.Load())
	dst = appendInt(dst, `,"encodedDropped":`, s.budget.dropped.Load())
	if s.opts.Memory != nil {
		dst = appendInt(dst, `,"residentBytes":`, s.opts.Memory())
	}
	return append(dst, '}')
}

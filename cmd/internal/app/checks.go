package app

import (
	"fmt"
	"time"

	"tradingengine/httpd"
)

// flushLate is how long ticks may wait without any being committed.
const flushLate = 60 * time.Second

// checks are what /health looks at: whether the engine does its job.
func (v *server) checks() []httpd.Check {
	return []httpd.Check{
		{Name: "storage", Ready: true, Run: v.checkStorage},
		{Name: "flush", Run: v.checkFlush},
		{Name: "shards", Run: v.checkShards},
		{Name: "journal", Ready: true, Run: v.checkJournal},
		{Name: "conservation", Run: v.checkSums},
	}
}

// checkStorage fails while commits do, or while the log cannot be moved into the file. Its value is
// for how many seconds that has been so.
func (v *server) checkStorage() httpd.CheckResult {
	s := v.writer.Stats()
	r := httpd.CheckResult{OK: true, Value: 0, Limit: 0}
	failing := func(span time.Duration, format string, args ...any) httpd.CheckResult {
		r.OK, r.Value, r.Reason = false, int64(span.Seconds()), fmt.Sprintf(format, args...)
		return r
	}
	switch {
	case s.FailingSince != 0:
		return failing(s.Failing, "commits fail since %s: %s", s.FailingSince, s.LastError)
	case s.LogFailingSince != 0:
		return failing(s.LogFailing, "the log grows, because it cannot be moved into the file "+
			"since %s: %s", s.LogFailingSince, s.LogError)
	}
	return r
}

// checkFlush fails when ticks have been waiting and nothing was committed for too long.
func (v *server) checkFlush() httpd.CheckResult {
	return flushResult(v.engine.Pending(), v.writer.Stats().SinceFlush)
}

// flushResult judges so many ticks that wait and how long ago none did.
func flushResult(pending int64, since time.Duration) httpd.CheckResult {
	age := time.Duration(0)
	if pending > 0 {
		age = since
	}
	r := httpd.CheckResult{
		OK: age <= flushLate, Value: int(age.Seconds()), Limit: int(flushLate.Seconds()),
	}
	if !r.OK {
		r.Reason = fmt.Sprintf("ticks wait and none was committed for %s", age.Round(time.Second))
	}
	return r
}

// checkShards fails when a shard has quotes and applies none.
func (v *server) checkShards() httpd.CheckResult {
	still := v.stuck.check()
	r := httpd.CheckResult{
		OK: still <= stuckAfter, Value: int(still.Seconds()), Limit: int(stuckAfter.Seconds()),
	}
	if !r.OK {
		r.Reason = fmt.Sprintf("a shard or the desk has done nothing for %s", still.Round(time.Second))
	}
	return r
}

// checkSums fails when quotes or ticks do not add up, or ever did not; its value is by how much.
func (v *server) checkSums() httpd.CheckResult {
	off, broken := v.sums.check()
	return httpd.CheckResult{OK: broken == "", Value: off, Limit: 0, Reason: broken}
}

// writerFields describe the storage writer in /api/stats.
func (v *server) writerFields() []httpd.Field {
	s := v.writer.Stats()
	return []httpd.Field{
		{Name: "commits", Value: s.Commits},
		{Name: "tickRows", Value: s.Ticks},
		{Name: "barRows", Value: s.Bars},
		{Name: "lostTicks", Value: s.LostTicks},
		{Name: "lostBars", Value: s.LostBars},
		{Name: "retiredTicks", Value: s.RetiredTicks},
		{Name: "retiredBars", Value: s.RetiredBars},
		{Name: "lastCommit", Value: s.LastCommit},
		{Name: "lastMicros", Value: s.LastTook.Microseconds()},
		{Name: "maxMicros", Value: s.MaxTook.Microseconds()},
		{Name: "logBytes", Value: s.LogBytes},
		{Name: "checkpoints", Value: s.Checkpoints},
		{Name: "failures", Value: s.Failures},
		{Name: "failingSince", Value: s.FailingSince},
	}
}

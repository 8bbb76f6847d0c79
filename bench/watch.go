package main

import (
	"time"

	"tradingengine/bench/internal/latency"
	"tradingengine/bench/internal/quotes"
	"tradingengine/bench/internal/report"
	"tradingengine/bench/internal/server"
)

// watchEvery is how often progress is shown and memory is looked at.
const watchEvery = time.Second

// watch looks at a run while it goes on. It has its own connection, and its own goroutine alone
// writes the memory of the result until run returns.
type watch struct {
	run    *run
	start  time.Time
	client *server.Client
	last   time.Time
	quotes quotes.Totals
}

// watch goes on until ended is closed.
func (w *watch) watch(ended <-chan struct{}) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	w.last = w.start
	w.sampleMemory()
	for {
		select {
		case <-ended:
			w.sampleMemory()
			return w.client.Close()
		case <-ticker.C:
			w.show(time.Now())
			w.sampleMemory()
		}
	}
}

func (w *watch) show(now time.Time) {
	l := &w.run.loads
	s := report.Second{
		Elapsed: now.Sub(w.start), Took: now.Sub(w.last),
		Posting: l.quotes != nil, Getting: l.gets != nil, Reading: l.sockets != nil,
	}
	w.last = now
	if l.quotes != nil {
		totals := l.quotes.Totals()
		s.Quotes = totals.Received - w.quotes.Received
		s.Throttled = totals.Throttled - w.quotes.Throttled
		s.Accepted = s.Throttled + totals.Stored - w.quotes.Stored
		s.Errors += totals.Failed
		s.Posts = latency.TakeWindow(l.quotes.Recorder())
		w.quotes = totals
	}
	if l.gets != nil {
		recorders := l.getRecorders()
		for _, recorder := range recorders {
			s.Errors += recorder.Errors()
		}
		s.Gets = latency.TakeWindow(recorders...)
	}
	if l.sockets != nil {
		totals := l.sockets.Totals()
		s.Errors += totals.Failures()
		s.Ages = latency.TakeWindow(l.sockets.Recorder())
	}
	w.run.progress.Show(s.String())
}

// sampleMemory asks the engine, or else the operating system, what the engine holds in memory.
func (w *watch) sampleMemory() {
	memory := &w.run.result.Memory
	var bytes int64
	stats, err := w.client.Stats()
	source := "/api/stats"
	if err == nil {
		bytes, err = stats.Resident()
	}
	if err != nil && w.run.opts.PID != 0 {
		source = "process"
		bytes, err = server.ResidentOfProcess(w.run.opts.PID)
	}
	if err != nil {
		return
	}
	memory.Known, memory.Source, memory.LastBytes = true, source, bytes
	memory.PeakBytes = max(memory.PeakBytes, bytes)
}

package persist

import (
	"sync/atomic"
	"time"
)

// ImportProgress tells how far an import is. It is the callback's to keep.
type ImportProgress struct {
	// Checking is the first of two passes over the files: nothing is written yet.
	Checking    bool
	BytesDone   int64 // Read from disk in this pass.
	BytesTotal  int64
	Rows        int64   // In this pass.
	RowsPerSec  float64 // Since its start.
	Elapsed     time.Duration
	ETA         time.Duration // What is left of this pass at the pace so far; 0 when unknown.
	SortedFirst string        // A file that is not in order of time and is sorted in memory now.
	Done        bool          // The last call of the pass.
}

// importProgressEvery is the least time between two calls of the callback.
const importProgressEvery = 250 * time.Millisecond

// importMeter calls the callback now and then. It belongs to one goroutine, but for done.
type importMeter struct {
	call    func(ImportProgress)
	now     func() time.Time
	current ImportProgress
	done    atomic.Int64 // Bytes read in this pass.
	start   time.Time
	last    time.Time
}

// begin starts a pass.
func (m *importMeter) begin(checking bool, total int64) {
	m.start = m.now()
	m.last = m.start
	m.done.Store(0)
	m.current = ImportProgress{Checking: checking, BytesTotal: total}
}

// rows counts rows read and reports if it is time to.
func (m *importMeter) rows(n int64) {
	m.current.Rows += n
	if now := m.now(); now.Sub(m.last) >= importProgressEvery {
		m.report(now)
	}
}

// sorting reports that a file is sorted in memory.
func (m *importMeter) sorting(path string) {
	m.current.SortedFirst = path
	m.report(m.now())
	m.current.SortedFirst = ""
}

// end reports the end of a pass.
func (m *importMeter) end() {
	m.current.Done = true
	m.report(m.now())
}

func (m *importMeter) report(now time.Time) {
	m.last = now
	p := &m.current
	p.BytesDone = min(m.done.Load(), p.BytesTotal)
	p.Elapsed, p.ETA = now.Sub(m.start), 0
	if seconds := p.Elapsed.Seconds(); seconds > 0 {
		p.RowsPerSec = float64(p.Rows) / seconds
	}
	if p.BytesDone > 0 && !p.Done {
		left := float64(p.BytesTotal-p.BytesDone) / float64(p.BytesDone)
		p.ETA = time.Duration(left * float64(p.Elapsed))
	}
	if m.call != nil {
		m.call(*p)
	}
}

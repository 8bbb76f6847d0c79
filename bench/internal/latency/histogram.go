package latency

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Times are kept in microseconds to three significant digits. Ten minutes is far beyond any
// timeout; what is longer counts as ten minutes.
const (
	longestMicros     = int64(10 * time.Minute / time.Microsecond)
	significantDigits = 3
)

// histogram is an HDR histogram with an exact maximum.
type histogram struct {
	hdr *hdrhistogram.Histogram
	max time.Duration
}

func newHistogram() histogram {
	return histogram{hdr: hdrhistogram.New(1, longestMicros, significantDigits)}
}

func (h *histogram) record(d time.Duration) {
	d = max(d, 0)
	h.max = max(h.max, d)
	if err := h.hdr.RecordValue(min(int64(d/time.Microsecond), longestMicros)); err != nil {
		panic("latency: the histogram refused a value inside its range: " + err.Error())
	}
}

func (h *histogram) merge(other *histogram) {
	h.hdr.Merge(other.hdr)
	h.max = max(h.max, other.max)
}

func (h *histogram) reset() {
	h.hdr.Reset()
	h.max = 0
}

// Times are the percentiles of one histogram in milliseconds.
type Times struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P95  float64 `json:"p95"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

func (h *histogram) times() Times {
	at := func(percentile float64) float64 {
		// A bucket answers with its upper end, which may lie beyond every value in it.
		micros := min(h.hdr.ValueAtQuantile(percentile), int64(h.max/time.Microsecond))
		return float64(micros) / 1e3
	}
	return Times{
		Mean: h.hdr.Mean() / 1e3,
		P50:  at(50), P95: at(95), P99: at(99), P999: at(99.9),
		Max: float64(h.max/time.Microsecond) / 1e3,
	}
}

package httpd

import (
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

// statuses are those that answers have, ascending. Any other one is counted as the last, 599.
var statuses = [...]int{
	101, 200, 201, 202, 204, 206, 301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 408, 409, 413,
	414, 415, 416, 422, 426, 429, 431, 500, 501, 503, 504, 599,
}

// timeBounds are the buckets of how long requests take, in seconds. The limits that operators
// watch (0.1, 0.2, 0.5 and 2 s) are among them, so that a share of requests above one is exact.
var timeBounds = [...]float64{
	0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10,
}

// requestTimes is a histogram since this start, of one route and status.
type requestTimes struct {
	counts [len(timeBounds) + 1]atomic.Uint64
	nanos  atomic.Int64
}

func (h *requestTimes) add(d time.Duration) {
	i, _ := slices.BinarySearch(timeBounds[:], d.Seconds())
	h.counts[i].Add(1)
	h.nanos.Add(int64(d))
}

// routeTimes holds the histograms of one route, each made when its status is first answered.
type routeTimes [len(statuses)]atomic.Pointer[requestTimes]

func (r *routeTimes) add(d time.Duration, status int) {
	i, found := slices.BinarySearch(statuses[:], status)
	if !found {
		i = len(statuses) - 1
	}
	h := r[i].Load()
	if h == nil {
		r[i].CompareAndSwap(nil, new(requestTimes))
		h = r[i].Load()
	}
	h.add(d)
}

// appendRequestTimes writes the histograms of all routes that were asked for.
func (s *Server) appendRequestTimes(m *Metrics) {
	m.Histogram("engine_http_request_duration_seconds",
		"Time from a request's arrival to its answer, without the time to send it.")
	for _, r := range s.counted {
		for i := range r.stats.times {
			h := r.stats.times[i].Load()
			if h == nil {
				continue
			}
			var counts [len(timeBounds) + 1]uint64
			for k := range counts {
				counts[k] = h.counts[k].Load()
			}
			m.Distribution(timeBounds[:], counts[:], time.Duration(h.nanos.Load()).Seconds(),
				"route", r.name(), "status", strconv.Itoa(statuses[i]))
		}
	}
}

package quotes

import (
	"encoding/json"
	"fmt"
	"sync"

	"tradingengine/bench/internal/server"
	"tradingengine/bench/internal/wire"
)

// samplesMax is how many errors and rejections are kept to be shown.
const samplesMax = 5

// Totals are the answers of a run added up. Quotes unless a field says requests.
type Totals struct {
	// Sent are the quotes of all requests, whatever became of them.
	Sent int64 `json:"sent"`
	// Unsent were due and not sent, because the engine did not keep up.
	Unsent int64 `json:"unsent"`

	// The engine's own words, from the answers that took a batch. With ack=accept it answers
	// before it knows what is stored and throttled.
	Received  int64 `json:"received"`
	Stored    int64 `json:"stored"`
	Throttled int64 `json:"throttled"`
	Rejected  int64 `json:"rejected"`

	// Remainder adds up what each answer leaves over of received = stored + throttled + rejected,
	// and of sent = received, without sign: two wrong answers must not cancel out.
	Remainder int64 `json:"remainder"`
	// Uncommitted requests asked for a commit and were answered 200 without one.
	Uncommitted int64 `json:"uncommittedRequests"`
	// Busy requests were answered 503, Lost are ticks such answers say were lost.
	Busy int64 `json:"busyRequests"`
	Lost int64 `json:"lost"`
	// Failed requests got another status than hoped for (503 too), a bad answer or none.
	Failed int64 `json:"failedRequests"`

	Errors     []string `json:"errors,omitempty"`
	Rejections []string `json:"rejections,omitempty"`
}

// answer is the body of POST /ticks, or a message of /ws/ingest: of a batch that was taken, or of a
// problem.
type answer struct {
	Received  int64 `json:"received"`
	Stored    int64 `json:"stored"`
	Throttled int64 `json:"throttled"`
	Rejected  int64 `json:"rejected"`
	Committed bool  `json:"committed"`
	Lost      int64 `json:"lost"`
	Errors    []struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	} `json:"errors"`
}

// tally adds up answers of all connections.
type tally struct {
	ack Ack
	via Via
	mu  struct {
		sync.Mutex
		totals Totals
	}
}

func (t *tally) totals() Totals {
	t.mu.Lock()
	defer t.mu.Unlock()
	totals := t.mu.totals
	totals.Errors = append([]string(nil), totals.Errors...)
	totals.Rejections = append([]string(nil), totals.Rejections...)
	return totals
}

func (t *tally) unsent(quotes int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.totals.Unsent += int64(quotes)
}

// add counts one request and reports whether it was taken, and whether the engine refuses quotes
// for good, so that going on would only repeat the refusal.
func (t *tally) add(quotes int, got wire.Answer, err error) (taken, refused bool) {
	var a answer
	if err == nil {
		err = json.Unmarshal(got.Body, &a)
		if err != nil || got.Status != t.ack.status() {
			err = fmt.Errorf("%s: status %d: %s", t.via.Endpoint(), got.Status, server.Brief(got.Body))
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := &t.mu.totals
	sum.Sent += int64(quotes)
	if err != nil {
		sum.Failed++
		if got.Status == 503 {
			sum.Busy++
			sum.Lost += a.Lost
		}
		keepSample(&sum.Errors, err.Error())
		return false, got.Status == 409
	}
	sum.Received += a.Received
	sum.Stored += a.Stored
	sum.Throttled += a.Throttled
	sum.Rejected += a.Rejected
	sum.Remainder += magnitude(int64(quotes) - a.Received)
	for _, e := range a.Errors {
		keepSample(&sum.Rejections, e.Code+": "+e.Detail)
	}
	if t.ack == Accept {
		return true, false
	}
	sum.Remainder += magnitude(a.Received - a.Stored - a.Throttled - a.Rejected)
	if !a.Committed {
		sum.Uncommitted++
		sum.Failed++
		keepSample(&sum.Errors, t.via.Endpoint()+": answered 200 without a commit")
		return false, false
	}
	return true, false
}

func magnitude(n int64) int64 { return max(n, -n) }

func keepSample(samples *[]string, text string) {
	if len(*samples) < samplesMax {
		*samples = append(*samples, text)
	}
}

package orders

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"sync"

	"tradingengine/bench/internal/server"
	"tradingengine/bench/internal/wire"
)

// samplesMax is how many errors are kept to be shown.
const samplesMax = 5

// Totals are the answers of a run added up, in orders unless a field says requests.
type Totals struct {
	// Sent are the orders of all requests, whatever became of them. Each is one of the three below.
	Sent         int64 `json:"sent"`
	Acknowledged int64 `json:"acknowledged"`
	Refused      int64 `json:"refused"` // By a rule; Refusals says by which.
	Failed       int64 `json:"failed"`  // Another answer, or none: nobody told what became of them.

	Filled int64 `json:"filled"` // Of those acknowledged.
	Unsent int64 `json:"unsent"` // Due and not sent, because the engine did not keep up.
	Busy   int64 `json:"busyRequests"`

	Refusals map[string]int64 `json:"refusals,omitempty"`
	Errors   []string         `json:"errors,omitempty"`
}

// Remainder is what sent = acknowledged + refused + failed leaves over.
func (t *Totals) Remainder() int64 { return t.Sent - t.Acknowledged - t.Refused - t.Failed }

// outcome is what became of a request.
type outcome int

const (
	failed outcome = iota
	acknowledged
	refused
)

// tally adds up answers of all connections.
type tally struct {
	mu struct {
		sync.Mutex
		totals Totals
	}
}

func (t *tally) totals() Totals {
	t.mu.Lock()
	defer t.mu.Unlock()
	totals := t.mu.totals
	totals.Refusals = maps.Clone(totals.Refusals)
	totals.Errors = append([]string(nil), totals.Errors...)
	return totals
}

func (t *tally) unsent(orders int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.totals.Unsent += int64(orders)
}

// statusFilled is what an order that was filled has in every list and answer.
var statusFilled = []byte(`"status":"FILLED"`)

// add counts one request. The orders of a list are taken or refused together.
func (t *tally) add(endpoint string, orders int, got wire.Answer, err error) outcome {
	n := int64(orders)
	filled := int64(bytes.Count(got.Body, statusFilled))
	var refusal struct{ Code string }
	switch {
	case err != nil:
	case got.Status == 422:
		err = json.Unmarshal(got.Body, &refusal)
	case got.Status != 201 || filled > n:
		err = fmt.Errorf("%s: status %d: %s", endpoint, got.Status, server.Brief(got.Body))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := &t.mu.totals
	sum.Sent += n
	switch {
	case err != nil:
		sum.Failed += n
		if got.Status == 503 {
			sum.Busy++
		}
		if len(sum.Errors) < samplesMax {
			sum.Errors = append(sum.Errors, err.Error())
		}
		return failed
	case got.Status == 422:
		sum.Refused += n
		sum.Refusals[refusal.Code] += n
		return refused
	default:
		sum.Acknowledged += n
		sum.Filled += filled
		return acknowledged
	}
}

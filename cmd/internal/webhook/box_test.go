package webhook

import (
	"context"
	"errors"
	"slices"
	"sync"

	"tradingengine/core"
	"tradingengine/persist"
)

// box is an outbox in memory, for tests of the courier alone.
type box struct {
	wake chan struct{}

	mu       sync.Mutex
	rows     []*row // In the order in which they were put in.
	disabled map[int64]bool
	records  int   // Calls of Record that worked.
	failure  error // What Record returns.
	blind    bool  // Due fails.
}

// row is a delivery.
type row struct {
	persist.DueDelivery
	status   persist.DeliveryStatus
	due      core.Time
	attempts []persist.AttemptResult
}

func newBox() *box {
	return &box{wake: make(chan struct{}, 1), disabled: make(map[int64]bool)}
}

// put adds a message for a webhook. Its URL is that of its number.
func (b *box) put(hook int64, id string) *row {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &row{
		DueDelivery: persist.DueDelivery{
			ID: int64(len(b.rows) + 1), Webhook: hook, URL: "http://receiver-" + string('a'+rune(hook)),
			Secret: testKey, Message: id, Body: []byte(testMessage),
		},
		status: persist.Pending,
	}
	b.rows = append(b.rows, r)
	return r
}

func (b *box) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// see returns a copy of a row.
func (b *box) see(r *row) row {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := *r
	c.attempts = slices.Clone(r.attempts)
	return c
}

func (b *box) OutboxFilled() <-chan struct{} { return b.wake }

func (b *box) Due(_ context.Context, now core.Time, each int,
) (list []persist.DueDelivery, next core.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.blind {
		return nil, 0, errors.New("the file cannot be read")
	}
	taken := map[int64]int{}
	for _, r := range b.rows {
		switch {
		case r.status != persist.Pending || b.disabled[r.Webhook]:
		case r.due > now:
			if next == 0 || r.due < next {
				next = r.due
			}
		case taken[r.Webhook] < each:
			taken[r.Webhook]++
			list = append(list, r.DueDelivery)
		}
	}
	return list, next, nil
}

func (b *box) Record(results []persist.AttemptResult) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failure != nil {
		return b.failure
	}
	b.records++
	for _, a := range results {
		r := b.rows[a.Delivery-1]
		r.attempts = append(r.attempts, a)
		switch {
		case a.Delivered:
			r.status = persist.Delivered
		case a.Next != 0:
			r.due = a.Next
			r.Failures++
		default:
			r.status = persist.Failed
		}
		if a.Gone {
			b.disabled[r.Webhook] = true
		}
	}
	return nil
}

func (b *box) Sweep(context.Context, core.Time) (bool, error) { return false, nil }

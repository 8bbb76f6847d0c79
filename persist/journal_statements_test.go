package persist

import (
	"fmt"
	"slices"
	"testing"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// compareStatements compares balances and lines of random spans of time, and of the days.
func compareStatements(t *testing.T, j *Journal, b *book) {
	t.Helper()
	first, last := b.events[0].Time, b.events[len(b.events)-1].Time
	var times []core.Time
	for day := core.D1.Open(first); day <= last; day = core.D1.End(day) {
		times = append(times, day)
	}
	days := len(times)
	for range 50 {
		at := first + core.Time(b.random.Int64N(int64(last-first)+2)) - 1
		if b.random.IntN(2) == 0 {
			at = b.events[b.random.IntN(len(b.events))].Time
		}
		times = append(times, at)
	}
	slices.Sort(times[days:])
	for i, at := range times {
		seq, balance, _ := b.dayEnd(at)
		end, got, err := j.DayEnd(t.Context(), 2, at)
		if err != nil || got != balance {
			t.Fatalf("the balance at %s is %d, %v; want %d", at, got, err, balance)
		}
		if i == 0 {
			continue
		}
		from, _, swaps := b.dayEnd(times[i-1])
		start, _, err := j.DayEnd(t.Context(), 2, times[i-1])
		if err != nil {
			t.Fatal(err)
		}
		if i > 1 && i < days && swaps == 0 {
			t.Errorf("the day that ends at %s has no swaps", times[i-1])
		}
		var list []string
		err = j.Postings(t.Context(), 2, start, end, 1<<30,
			func(e *trading.Event, house trading.Money) {
				list = append(list, fmt.Sprint(house, printEvents(j.symbols, []trading.Event{*e})))
			})
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "statement", lines(list), lines(b.ledger(j.symbols, 2, from, seq)))
	}
}

// dayEnd finds the last event of account 2 before a time, and the balance: a swap is of the day that
// its 17:00 ends. swaps counts those that were posted later.
func (b *book) dayEnd(at core.Time) (last uint64, balance trading.Money, swaps int) {
	for i := range b.events {
		e := &b.events[i]
		d, swap := e.Data.(*trading.SwapData)
		late := swap && d.Rollover <= at && e.Time >= at
		if e.Account != 2 || e.Time >= at && !late {
			continue
		}
		last = e.Seq
		if p, ok := e.Posting(); ok {
			balance = p.Balance
		}
		if late {
			swaps++
		}
	}
	return last, balance, swaps
}

package persist

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tradingengine/core"
)

// queryText returns the rows of a query, columns divided by bars as the sqlite3 program does it.
func queryText(t testing.TB, db *sql.DB, query string, args ...any) string {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		values, pointers := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			pointers[i] = &values[i]
		}
		if err := rows.Scan(pointers...); err != nil {
			t.Fatal(err)
		}
		parts := make([]string, len(values))
		for i := range values {
			parts[i] = fmt.Sprint(values[i])
		}
		all = append(all, strings.Join(parts, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

// TestRangesOfTicksAndBars compares ranges with the same cut from slices.
func TestRangesOfTicksAndBars(t *testing.T) {
	m := startMarket(t, marketOptions{Store: Options{Dir: t.TempDir()}})
	w := newWalk(3, 1, m.source("LP"), testStart)
	other := newWalk(4, 0, m.source("LP"), testStart)
	for range 8 {
		m.mustSend(w.next(500))
		m.mustSend(other.next(500))
	}
	ticks, bars := engineTicks(m.engine, 1), engineBars(m.engine, 1, core.M5)
	if len(ticks) < 100 || len(bars) < 40 {
		t.Fatalf("only %d ticks and %d bars to try with", len(ticks), len(bars))
	}
	f := func(from, to core.Time, limit int, newest bool) {
		t.Helper()
		want := slices.DeleteFunc(slices.Clone(ticks),
			func(k core.Tick) bool { return k.Time <= from || k.Time > to })
		got, err := m.store.Ticks(t.Context(), 1, from, to, limit, newest, nil)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "ticks", lines(got), lines(end(want, limit, newest)))
		wantBars := slices.DeleteFunc(slices.Clone(bars),
			func(b core.Bar) bool { return b.Time < from || b.Time > to })
		gotBars, err := m.store.Bars(t.Context(), 1, core.M5, from, to, limit, newest, nil)
		if err != nil {
			t.Fatal(err)
		}
		diff(t, "bars", lines(gotBars), lines(end(wantBars, limit, newest)))
	}
	for _, limit := range []int{0, 1, 7, 1 << 20} {
		for _, newest := range []bool{false, true} {
			f(-1, 1<<62, limit, newest)
			f(ticks[20].Time, ticks[70].Time, limit, newest)
			f(bars[10].Time, bars[30].Time, limit, newest)
			f(ticks[70].Time, ticks[20].Time, limit, newest)
		}
	}
	before := []core.Tick{{Time: 1}}
	got, err := m.store.Ticks(t.Context(), 1, -1, 1<<62, 2, true, before)
	if err != nil || len(got) != 3 || got[0] != before[0] || got[2] != ticks[len(ticks)-1] {
		t.Errorf("appended to a slice: got %v, %v; want it kept and the newest two after it", got, err)
	}
}

// end returns the part of a range that a limit leaves.
func end[T any](all []T, limit int, newest bool) []T {
	if newest {
		return all[max(0, len(all)-limit):]
	}
	return all[:min(limit, len(all))]
}

func TestReadsHaveDeadlines(t *testing.T) {
	m := startMarket(t, marketOptions{Store: Options{Dir: t.TempDir(), ReadTimeout: time.Minute}})
	w := newWalk(3, 1, m.source("LP"), testStart)
	m.mustSend(w.next(1000))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dst := make([]core.Tick, 2)
	got, err := m.store.Ticks(ctx, 1, -1, 1<<62, 100, true, dst)
	if !errors.Is(err, context.Canceled) || len(got) != len(dst) {
		t.Errorf("a read that nobody waits for: %d ticks, %v; want it ended", len(got), err)
	}

	// A read that never ends is ended by the store's deadline, and by whoever needs the log.
	run := func() error { return m.store.endlessRead(t.Context(), func() {}) }
	m.store.readTimeout = 10 * time.Millisecond
	if err := run(); !errors.Is(err, ErrReadEnded) {
		t.Errorf("an endless read: got %v, want ErrReadEnded", err)
	}
	m.store.readTimeout = time.Minute
	ended := make(chan error, 1)
	go func() { ended <- run() }()
	for {
		m.store.reads.end(0)
		select {
		case err := <-ended:
			if !errors.Is(err, ErrReadEnded) {
				t.Errorf("a read that holds the log: got %v, want ErrReadEnded", err)
			}
			if _, err := m.store.Ticks(t.Context(), 1, -1, 1<<62, 10, true, nil); err != nil {
				t.Errorf("the next read: %v", err)
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// endlessRead reads the file, says so, and never ends by itself. It rests between its rows, so that
// others get something done.
func (s *Store) endlessRead(ctx context.Context, begun func()) error {
	return s.reading(ctx, func(ctx context.Context, c *conn) error {
		rows := 0
		return c.query(ctx, `WITH RECURSIVE n(i) AS (SELECT max(time) FROM tick
			UNION ALL SELECT i + 1 FROM n) SELECT i FROM n`, func([]driver.Value) error {
			if rows++; rows == 1 {
				begun()
			}
			time.Sleep(100 * time.Microsecond)
			return nil
		})
	})
}

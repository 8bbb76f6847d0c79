package persist

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strconv"
	"testing"
)

// queryLines prints the rows of a query, a line each.
func queryLines(t testing.TB, s *Store, text string) []string {
	t.Helper()
	var lines []string
	var line []byte
	err := s.readConn(context.Background(), func(c *conn) error {
		return c.query(context.Background(), text, func(row []driver.Value) error {
			line = line[:0]
			for _, v := range row {
				switch v := v.(type) {
				case int64:
					line = strconv.AppendInt(line, v, 10)
				case string:
					line = append(line, v...)
				default:
					line = fmt.Append(line, v)
				}
				line = append(line, ' ')
			}
			lines = append(lines, string(line))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// dumpTicks prints the stored ticks with the names of symbols and sources.
func dumpTicks(t testing.TB, s *Store) []string {
	t.Helper()
	return queryLines(t, s, `SELECT s.name, t.time, t.bid, t.ask, o.name FROM tick AS t
		JOIN symbol AS s ON s.id = t.symbol_id JOIN source AS o ON o.id = t.source_id
		ORDER BY s.name, t.time`)
}

// dumpBars prints the stored bars with the names of symbols.
func dumpBars(t testing.TB, s *Store) []string {
	t.Helper()
	return queryLines(t, s, `SELECT s.name, `+barColumns[len("symbol_id, "):]+` FROM bar AS b
		JOIN symbol AS s ON s.id = b.symbol_id ORDER BY s.name, frame, time`)
}

// dumpAll prints all tables as they are.
func dumpAll(t testing.TB, s *Store) []string {
	t.Helper()
	var all []string
	for _, q := range []string{
		"meta ORDER BY key", "symbol ORDER BY id", "source ORDER BY id", "seq ORDER BY 1, 2",
		"tick ORDER BY symbol_id, time", "bar ORDER BY symbol_id, frame, time",
	} {
		all = append(append(all, q), queryLines(t, s, "SELECT * FROM "+q)...)
	}
	return all
}

// sameLines fails at the first line that differs.
func sameLines(t testing.TB, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s: %d lines, want %d; line %d\n got %s\nwant %s", what, len(got), len(want),
				i+1, got[i], want[i])
			return
		}
	}
	line := ""
	if len(got) > len(want) {
		line = "got " + got[len(want)]
	} else {
		line = "want " + want[len(got)]
	}
	t.Errorf("%s: %d lines, want %d; the first too many or missing: %s", what, len(got), len(want),
		line)
}

// checkRolledUp makes sure that the bars of the file are in step with each other: those above a
// minute are what the minutes give, the closed ones and no other, and only the newest minute forms.
func checkRolledUp(t testing.TB, s *Store) {
	t.Helper()
	type key struct{ symbol, frame, open int64 }
	clock := newNaiveClock(t)
	got, want, newest := make(map[key][]int64), make(map[key][]int64), make(map[int64]int64)
	var minutes [][]int64
	err := s.readConn(context.Background(), func(c *conn) error {
		return c.query(context.Background(), "SELECT "+barColumns+" FROM bar ORDER BY 1, 2, 3",
			func(row []driver.Value) error {
				v := make([]int64, len(row))
				err := wholes(row, v)
				if v[1] == 60 {
					minutes = append(minutes, v)
					newest[v[0]] = v[2]
				} else {
					got[key{v[0], v[1], v[2]}] = v
				}
				return err
			})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range minutes {
		symbol, opens := m[0], clock.opens(m[2])
		if forming := m[2] == newest[symbol]; forming == (m[21] == 1) {
			t.Errorf("minute %v: complete is wrong", m[:3])
		}
		for i, f := range naiveFrames[1:] {
			k := key{symbol, f, opens[i+1]}
			if clock.end(f, k.open) <= newest[symbol] {
				want[k] = naiveMerge(want[k], m, k.frame, k.open)
			}
		}
	}
	for k, b := range want {
		if !slices.Equal(got[k], b) {
			t.Errorf("bar %v:\n got %v\nwant %v", k, got[k], b)
		}
		delete(got, k)
	}
	for k := range got {
		t.Errorf("bar %v is in the file, though it has no minute or may still grow", k)
	}
}

// naiveMerge takes a minute into a bar above it; both are rows of barColumns.
func naiveMerge(b, minute []int64, frame, open int64) []int64 {
	if b == nil {
		b = slices.Clone(minute)
		b[1], b[2], b[21], b[22] = frame, open, 1, 0
		return b
	}
	for side := 3; side < 15; side += 4 {
		b[side+1] = max(b[side+1], minute[side+1])
		b[side+2] = min(b[side+2], minute[side+2])
		b[side+3] = minute[side+3]
	}
	b[15] += minute[15]
	b[16], b[17], b[18] = min(b[16], minute[16]), max(b[17], minute[17]), minute[18]
	b[20] = minute[20]
	return b
}

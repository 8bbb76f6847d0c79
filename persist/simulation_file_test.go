package persist

import (
	"context"
	"database/sql/driver"
	"fmt"
	"maps"
	"slices"

	"tradingengine/core"
	"tradingengine/core/naive"
)

// simFile is what the file has of a symbol.
type simFile struct {
	ticks   []naive.Quote
	bars    []string // Closed and forming ones.
	closed  [core.Frames]int
	volume  int
	numbers map[int]uint64
}

// readFile reads all of a symbol in one go, while the writer rests.
func (l *simRun) readFile(id core.SymbolID) *simFile {
	file, key, ctx := &simFile{}, l.store.StoredID(id), context.Background()
	err := l.watch(func(c *conn) error {
		ticks, err := readTicks(ctx, c, key, -1, 1<<62, 1<<40, false, nil)
		if err != nil {
			return err
		}
		for i := range ticks {
			file.ticks = append(file.ticks, simTick(&ticks[i]))
		}
		err = c.query(ctx, "SELECT "+barColumns+" FROM bar WHERE symbol_id = ? UNION ALL SELECT "+
			barColumns+" FROM forming WHERE symbol_id = ? ORDER BY frame, time",
			func(row []driver.Value) error {
				var w [barWidth]int64
				if err := wholes(row, w[:]); err != nil {
					return err
				}
				f := slices.Index(naiveFrames, w[1])
				file.bars = append(file.bars, fmt.Sprint(w[1:]))
				if w[21] != 0 {
					file.closed[f]++
				}
				if w[1] == 60 {
					file.volume += int(w[15])
				}
				return nil
			}, key, key)
		if err != nil {
			return err
		}
		file.numbers, err = simNumbers(c, key)
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return file
}

// stoppedAt returns the naive market as of the quote and the closing at which a file stopped; nil
// when there is no such.
func stoppedAt(m *naive.Market, file *simFile) *naive.Market {
	if file.volume > len(m.Accepted) {
		return nil
	}
	for n := len(m.Closings); n >= 0; n-- {
		switch {
		case n > 0 && m.Closings[n-1].Quotes > file.volume:
			continue
		case n < len(m.Closings) && m.Closings[n].Quotes < file.volume:
			return nil
		}
		stopped := m.Restart(file.volume, n)
		var closed [core.Frames]int
		for f := range closed {
			_, closed[f] = stopped.Bars(f)
		}
		if closed == file.closed {
			return stopped
		}
	}
	return nil
}

// compareFile makes sure that the file holds what the first quotes of a symbol gave, up to some
// quote or closing, and nothing beyond it. It returns the naive market as of that, and the places
// of those of its ticks that are in the file: others were lost.
func (l *simRun) compareFile(id core.SymbolID) (m *naive.Market, stored []int) {
	file, all := l.readFile(id), l.sim.tape.markets[id]
	name := simSymbolNames[id]
	if m = stoppedAt(all, file); m == nil {
		l.t.Fatalf("%s: the file has %d quotes of %d and closed bars %v, which was never so", name,
			file.volume, len(all.Accepted), file.closed)
	}
	for place, tick := range m.Ticks {
		if n := len(stored); n < len(file.ticks) && file.ticks[n] == tick {
			stored = append(stored, place)
		}
	}
	if n := len(stored); n < len(file.ticks) {
		l.t.Errorf("%s: tick %d in the file is %v, which should not be there", name, n, file.ticks[n])
	}
	diff(l.t, name+" bars in the file", lines(file.bars), lines(simRows(m)))
	if !maps.Equal(file.numbers, m.Numbers()) {
		l.t.Errorf("%s: numbers %v in the file, want %v", name, file.numbers, m.Numbers())
	}
	return m, stored
}

// simRows are the bars that a file must have, as simFile has them.
func simRows(m *naive.Market) (rows []string) {
	for f, seconds := range naiveFrames {
		bars, closed := m.Bars(f)
		for i, b := range bars {
			complete, clocked := int64(1), int64(0)
			if i >= closed {
				if f > 0 {
					break
				}
				complete, clocked = 0, oneIf(m.Clocked())
			}
			row := []int64{seconds, b.Open}
			row = append(append(append(row, b.Mid[:]...), b.Bid[:]...), b.Ask[:]...)
			row = append(row, b.Volume, b.SpreadMin, b.SpreadMax, b.SpreadClose, b.First, b.Last)
			rows = append(rows, fmt.Sprint(append(row, complete, clocked)))
		}
	}
	return rows
}

// restored compares a server that has just loaded its file with the naive markets as of the quotes
// that the file holds, and goes on from those.
func (l *simRun) restored() {
	tape, missing := l.sim.tape, 0
	tape.mu.Lock()
	defer tape.mu.Unlock()
	for i := range tape.markets {
		id := core.SymbolID(i)
		m, stored := l.compareFile(id)
		if all := len(tape.markets[id].Accepted); l.sim.whole && len(m.Accepted) < all {
			l.t.Errorf("%s: a server that stopped well left %d quotes of %d", simSymbolNames[id],
				len(m.Accepted), all)
		}
		tape.markets[id] = m
		begun := &tape.begun[id]
		*begun = simBegun{accepted: len(m.Accepted), ticks: len(m.Ticks), stored: stored}
		for f := range begun.closed {
			_, begun.closed[f] = m.Bars(f)
		}
		missing += len(m.Ticks) - len(stored)
		l.compareMemory(id)
	}
	if missing != int(l.sim.lost) {
		l.t.Errorf("%d ticks are not in the file, want the %d lost ones", missing, l.sim.lost)
	}
}

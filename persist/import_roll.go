package persist

import (
	"slices"

	"tradingengine/core"
)

// importTarget is what the file holds of one symbol, as far as an import must know it to keep the
// bars above a minute right: in every transaction they are what the minutes in the file give, and
// those that newer quotes may still change are not in it, just as a live engine leaves them.
type importTarget struct {
	symbol int64 // The symbol's id in the file.
	loaded bool

	newest core.Time // The newest minute; 0 when there is none.
	// sealed: the newest minute was closed by the clock of a live engine, and bars above it may
	// be closed too, though no quote came after them.
	sealed   bool
	lastTick core.Time
	// forming are the bars that hold the newest minute, up to it; forming[M1] is not used.
	forming [core.Frames]rolled

	minutes, replaced int64 // Written; those of them that held data before.

	week core.Time  // The week whose days follow; 0 for none.
	days []core.Bar // Rolled up, in order.
}

// rolled is a bar above a minute that has to be stored or not.
type rolled struct {
	frame core.Frame
	bar   core.Bar
	end   core.Time
}

// rollUp merges minutes, which are in order, into the bars of a frame.
func rollUp(f core.Frame, minutes []core.Bar) []rolled {
	var bars []rolled
	var end core.Time
	for i := range minutes {
		m := &minutes[i]
		if len(bars) == 0 || m.Time >= end {
			open := f.Open(m.Time)
			end = f.End(open)
			bars = append(bars, rolled{frame: f, end: end})
			bars[len(bars)-1].bar.Merge(open, m)
			continue
		}
		bars[len(bars)-1].bar.Merge(0, m)
	}
	return bars
}

// holdsAny reports whether one of the minutes, which are in order, lies in [from, to).
func holdsAny(minutes []core.Bar, from, to core.Time) bool {
	i, _ := slices.BinarySearchFunc(minutes, from, func(b core.Bar, t core.Time) int {
		return compareTimes(b.Time, t)
	})
	return i < len(minutes) && minutes[i].Time < to
}

// overlay puts newer minutes over older ones, both in order, and counts those it replaced.
func overlay(old, newer []core.Bar) (all []core.Bar, replaced int64) {
	all = make([]core.Bar, 0, len(old)+len(newer))
	for len(old) > 0 && len(newer) > 0 {
		switch compareTimes(old[0].Time, newer[0].Time) {
		case -1:
			all, old = append(all, old[0]), old[1:]
		case 0:
			replaced++
			old = old[1:]
		default:
			all, newer = append(all, newer[0]), newer[1:]
		}
	}
	return append(append(all, old...), newer...), replaced
}

// setDay puts a rolled-up day into the week.
func (t *importTarget) setDay(d *core.Bar) {
	i, found := slices.BinarySearchFunc(t.days, d.Time, func(b core.Bar, at core.Time) int {
		return compareTimes(b.Time, at)
	})
	if found {
		t.days[i] = *d
		return
	}
	t.days = slices.Insert(t.days, i, *d)
}

// rollDay returns the bars of a day, whose minutes are now all, that hold a minute just written,
// and the week's bar. It keeps the forming bars up to date; newest is that of the file by now.
func (t *importTarget) rollDay(all, written []core.Bar) []rolled {
	var bars []rolled
	last := all[len(all)-1].Time
	for f := core.M5; f <= core.D1; f++ {
		for _, r := range rollUp(f, all) {
			if holdsAny(written, r.bar.Time, r.end) {
				bars = append(bars, r)
			}
			if r.bar.Time <= last && last < r.end && last == t.newest {
				t.forming[f] = r
			}
			if f == core.D1 {
				t.setDay(&r.bar)
			}
		}
	}
	week := rolled{frame: core.W1, end: core.W1.End(t.week)}
	for i := range t.days {
		week.bar.Merge(t.week, &t.days[i])
	}
	if t.newest < week.end && t.newest >= t.week {
		t.forming[core.W1] = week
	}
	return append(bars, week)
}

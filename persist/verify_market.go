package persist

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"slices"

	"tradingengine/core"
)

// verifyMarket looks at the file of the market, week by week of each symbol. What is older than the
// oldest minute of a symbol cannot be judged: retention may have taken what it was made of.
func verifyMarket(ctx context.Context, v *verifier) error {
	if _, err := marketSchema.versionOf(v.conn, v.file); err != nil {
		return err
	}
	symbols, err := storedSymbols(ctx, v.conn)
	if err != nil {
		return err
	}
	v.Symbols, v.symbols = int64(len(symbols)), symbols
	sources, err := v.conn.int("SELECT count(*) FROM source")
	if err != nil {
		return err
	}
	if err := v.strangers(symbols); err != nil {
		return err
	}
	for i, symbol := range symbols {
		v.progress(Progress{"checking " + symbol.Name, int64(i), int64(len(symbols))})
		w := &symbolVerifier{verifier: v, symbol: symbol, sources: sources}
		if err := w.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// strangers finds rows of symbols that the file does not know. The key begins with the symbol, so
// that each step is one look into it.
func (v *verifier) strangers(symbols []StoredSymbol) error {
	for _, table := range []string{"tick", "bar", "forming", "seq"} {
		for id := int64(math.MinInt64); ; {
			next, found := int64(0), false
			err := v.conn.query(context.Background(),
				"SELECT symbol_id FROM "+table+" WHERE symbol_id > ? ORDER BY symbol_id LIMIT 1",
				func(row []driver.Value) error {
					next, found = row[0].(int64)
					return nil
				}, id)
			if err != nil {
				return err
			}
			if !found {
				break
			}
			id = next
			known := func(s StoredSymbol) bool { return s.ID == id }
			if !slices.ContainsFunc(symbols, known) {
				v.fault("table %s has rows of symbol %d, which does not exist", table, id)
			}
		}
	}
	return nil
}

// symbolVerifier goes through one symbol.
type symbolVerifier struct {
	*verifier
	symbol  StoredSymbol
	sources int64

	first, newest core.Time // The oldest and the newest minute; 0 when there is none.
	lastTick      core.Time
}

func (w *symbolVerifier) fault(format string, args ...any) {
	w.verifier.fault(w.symbol.Name+": "+format, args...)
}

func (w *symbolVerifier) run(ctx context.Context) (err error) {
	minutes := []string{
		"bar WHERE symbol_id = ?1 AND frame = 60", "forming WHERE symbol_id = ?1",
	}
	if w.first, w.newest, err = w.span(minutes); err != nil {
		return err
	}
	all := append(minutes, "tick WHERE symbol_id = ?1")
	for f := core.M5; f <= core.W1; f++ {
		all = append(all, fmt.Sprintf("bar WHERE symbol_id = ?1 AND frame = %d", frameSeconds(f)))
	}
	oldest, newest, err := w.span(all)
	if err != nil || oldest == 0 {
		return err
	}
	if oldest < 0 || newest > timeEnd {
		w.fault("a time is impossible: %s to %s", oldest, newest)
		return nil
	}
	for week := core.W1.Open(oldest); week <= newest; week = core.W1.End(week) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.week(ctx, week, core.W1.End(week)); err != nil {
			return err
		}
	}
	return nil
}

// timeEnd is later than any quote: the year 2200.
const timeEnd = core.Time(7_258_118_400_000_000)

// span returns the oldest and the newest time of some rows, each by a look into a key; 0 for none.
func (w *symbolVerifier) span(tables []string) (from, to core.Time, err error) {
	end := func(function string) (core.Time, error) {
		text := fmt.Sprintf("SELECT coalesce(%s(v), 0) FROM (SELECT NULL AS v", function)
		for _, table := range tables {
			text += fmt.Sprintf(" UNION ALL SELECT %s(time) FROM %s", function, table)
		}
		t, err := w.conn.int(text+")", w.symbol.ID)
		return core.Time(t), err
	}
	if from, err = end("min"); err != nil {
		return 0, 0, err
	}
	to, err = end("max")
	return from, to, err
}

// week checks what lies in [from, to): every frame's bars lie in one week.
func (w *symbolVerifier) week(ctx context.Context, from, to core.Time) error {
	minutes, closed, err := w.minutes(ctx, from, to)
	if err != nil {
		return err
	}
	for f := core.M5; f <= core.W1; f++ {
		if err := w.higher(ctx, f, closed, from, to); err != nil {
			return err
		}
	}
	return w.ticks(ctx, minutes, from, to)
}

// minutes returns the minutes of a week, and those of them that are closed.
func (w *symbolVerifier) minutes(
	ctx context.Context, from, to core.Time,
) (all, closed []core.Bar, err error) {
	take := func(b *storedBar) {
		w.bar(core.M1, b)
		if n := len(all); n > 0 && all[n-1].Time == b.Time {
			w.fault("two minutes open at %s", b.Time)
			return
		}
		all = append(all, b.Bar)
		if b.complete {
			closed = append(closed, b.Bar)
		} else if b.Time != w.newest {
			w.fault("the minute of %s is not closed, though newer ones follow", b.Time)
		}
	}
	for _, table := range []string{"bar", "forming"} {
		text := "SELECT " + barColumns + " FROM " + table +
			" WHERE symbol_id = ? AND frame = ? AND time >= ? AND time < ? ORDER BY time"
		err := readBars(ctx, w.conn, text, take, w.symbol.ID, frameSeconds(core.M1), int64(from),
			int64(to))
		if err != nil {
			return nil, nil, err
		}
	}
	return all, closed, nil
}

// bar checks one bar by itself.
func (w *symbolVerifier) bar(f core.Frame, b *storedBar) {
	w.Bars++
	ordered := func(o core.OHLC) bool {
		return o.Low <= min(o.Open, o.Close) && max(o.Open, o.Close) <= o.High
	}
	switch {
	case f.Open(b.Time) != b.Time:
		w.fault("no %s bar can open at %s", f, b.Time)
	case !ordered(b.Mid) || !ordered(b.Bid) || !ordered(b.Ask) || b.Bid.Low <= 0:
		w.fault("the %s bar of %s has impossible prices", f, b.Time)
	case b.Volume <= 0 || b.SpreadMin < 0 || b.SpreadMin > b.SpreadLast || b.SpreadLast > b.SpreadMax:
		w.fault("the %s bar of %s has an impossible volume or spread", f, b.Time)
	case b.First < b.Time || b.Last < b.First || b.Last >= f.End(b.Time):
		w.fault("the %s bar of %s has quotes of another time", f, b.Time)
	}
}

// higher compares the stored bars of a frame with what the closed minutes give. Whether the newest
// bar is closed depends on the clock.
func (w *symbolVerifier) higher(
	ctx context.Context, f core.Frame, closed []core.Bar, from, to core.Time,
) error {
	rolled := rollUp(f, closed)
	err := readBars(ctx, w.conn, "SELECT "+barColumns+" FROM bar "+
		"WHERE symbol_id = ? AND frame = ? AND time >= ? AND time < ? ORDER BY time",
		func(b *storedBar) {
			w.bar(f, b)
			for len(rolled) > 0 && rolled[0].bar.Time < b.Time {
				w.missing(&rolled[0])
				rolled = rolled[1:]
			}
			switch {
			case len(rolled) == 0 || rolled[0].bar.Time != b.Time:
				if b.Time >= w.first {
					w.fault("the %s bar of %s has no minutes", f, b.Time)
				}
				return
			case !b.complete || rolled[0].bar != b.Bar && b.Time >= w.first:
				w.fault("the %s bar of %s is not what its minutes give", f, b.Time)
			}
			rolled = rolled[1:]
		}, w.symbol.ID, frameSeconds(f), int64(from), int64(to))
	for i := range rolled {
		w.missing(&rolled[i])
	}
	return err
}

// missing finds fault with a bar that should be stored.
func (w *symbolVerifier) missing(r *rolled) {
	if r.bar.Time >= w.first && r.end <= w.newest {
		w.fault("the %s bar of %s is missing", r.frame, r.bar.Time)
	}
}

// ticks compares the ticks of a week with its minutes: each tick is a quote of its minute.
func (w *symbolVerifier) ticks(
	ctx context.Context, minutes []core.Bar, from, to core.Time,
) error {
	at, inMinute := 0, int64(0)
	text := "SELECT time, bid, ask, source_id FROM tick " +
		"WHERE symbol_id = ? AND time >= ? AND time < ? ORDER BY time"
	return w.conn.query(ctx, text, func(row []driver.Value) error {
		var v [4]int64
		if err := wholes(row, v[:]); err != nil {
			return err
		}
		t := core.Time(v[0])
		w.Ticks++
		if t <= w.lastTick {
			w.fault("the tick of %s follows one of %s", t, w.lastTick)
		}
		w.lastTick = t
		if core.CheckPrices(core.Price(v[1]), core.Price(v[2])) != core.RejectNone {
			w.fault("the tick of %s has impossible prices", t)
		}
		if v[3] < 1 || v[3] > w.sources {
			w.fault("the tick of %s is of source %d, which does not exist", t, v[3])
		}
		for at < len(minutes) && minutes[at].Time+core.Minute <= t {
			at, inMinute = at+1, 0
		}
		inMinute++
		switch {
		case at == len(minutes) || t < minutes[at].Time:
			if w.first != 0 && t >= w.first {
				w.fault("the tick of %s has no minute", t)
			}
		case !holds(&minutes[at], t, v[1], v[2]):
			w.fault("the tick of %s is outside of its minute", t)
		case inMinute > minutes[at].Volume:
			w.fault("the minute of %s has more ticks than quotes", minutes[at].Time)
		}
		return nil
	}, w.symbol.ID, int64(from), int64(to))
}

// holds reports whether a minute's bar may be of a quote.
func holds(b *core.Bar, t core.Time, bid, ask int64) bool {
	within := func(v, low, high int64) bool { return low <= v && v <= high }
	return within(int64(t), int64(b.First), int64(b.Last)) && within(bid, b.Bid.Low, b.Bid.High) &&
		within(ask, b.Ask.Low, b.Ask.High) && within(ask-bid, b.SpreadMin, b.SpreadMax)
}

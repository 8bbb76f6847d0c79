package persist

import (
	"context"

	"tradingengine/core"
)

const (
	// importBuffered is how many ticks an import holds before it writes whole minutes of days that
	// are not over yet.
	importBuffered = 1 << 19
	// minuteWeight is what a minute bar counts for, in ticks.
	minuteWeight = 4
)

// importChunk is a run of whole minutes of one symbol inside one New York day: what a transaction
// of an import takes whole.
type importChunk struct {
	symbol  core.SymbolID
	minutes []core.Bar
	ticks   []core.Tick
}

// weight is what a chunk counts for in memory and in a transaction, in ticks.
func (c *importChunk) weight() int { return len(c.ticks) + minuteWeight*len(c.minutes) }

// importBuilder turns the quotes of all files, in order of time, into minutes and ticks, by the
// rules of the live path.
type importBuilder struct {
	symbols  *core.Registry
	sources  *core.Sources
	throttle core.Threshold
	refused  importRefusals
	series   []*importSeries // By symbol; nil before its first quote.
	buffered int             // The weight of what is not sent on yet.
	limit    int             // What may be buffered,
	flushAt  int             // and when it is tried next to make it less.
	send     func(context.Context, *importChunk) error
}

// importSeries is the state of one symbol.
type importSeries struct {
	ImportSymbol
	id       core.SymbolID
	history  *core.History
	freshAt  core.Time // Where the throttle and the comparison with the last price start anew.
	minutes  []core.Bar
	chunkEnd core.Time // The end of the day of minutes.
	ticks    []core.Tick
	forming  int // Where the ticks of the open minute start.
}

// ImportSymbol is what an import did to one symbol.
type ImportSymbol struct {
	Symbol                              string
	Quotes, Stored, Throttled, Rejected int64
	Minutes, Replaced                   int64 // Minutes written; those of them that held data before.
	First, Last                         core.Time
}

func (b *importBuilder) of(id core.SymbolID) *importSeries {
	if s := b.series[id]; s != nil {
		return s
	}
	symbol, threshold := b.symbols.Symbol(id), b.throttle
	if symbol.OwnThrottle {
		threshold = symbol.Throttle
	}
	s := &importSeries{id: id, history: core.NewHistory(threshold)}
	s.Symbol = symbol.Name
	b.series[id] = s
	return s
}

// take lets one quote of a file change the bars and ticks of its symbol.
func (b *importBuilder) take(ctx context.Context, from *importSource, q *core.Quote) error {
	s := b.of(q.Symbol)
	s.Quotes++
	if reject := core.CheckPrices(q.Bid, q.Ask); reject != core.RejectNone {
		b.refuse(s, from, q, reject)
		return nil
	}
	source, ok := b.source(from, q.Source)
	if !ok {
		b.refuse(s, from, q, core.RejectTooManySources)
		return nil
	}
	if q.Time >= s.freshAt {
		// Files are cut at the end of a UTC day or of a trading day. What is before such a cut
		// must not matter after it, or files imported one by one would give other ticks than all
		// at once. That also keeps a price from being compared with one of years ago.
		s.freshAt = min(core.D1.End(core.D1.Open(q.Time)), q.Time.Floor(day)+day)
		s.fresh(q)
	} else if from.file.stored {
		s.fresh(q)
	}
	stamp, stored, closed, reject := s.history.Take(q)
	if reject != core.RejectNone {
		b.refuse(s, from, q, reject)
		return nil
	}
	if closed.Volume > 0 {
		if err := b.closeMinute(ctx, s, closed); err != nil {
			return err
		}
	}
	if s.First == 0 {
		s.First = stamp
	}
	s.Last = stamp
	if !stored {
		s.Throttled++
		return nil
	}
	s.Stored++
	s.ticks = append(s.ticks, core.Tick{Time: stamp, Bid: q.Bid, Ask: q.Ask, Source: source})
	if b.buffered++; b.buffered >= b.flushAt {
		return b.flush(ctx)
	}
	return nil
}

const day = 24 * core.Hour

// fresh lets the next quote pass the throttle and be compared with no price before it.
func (s *importSeries) fresh(q *core.Quote) {
	s.history.Anchor(core.MidOf(q.Bid, q.Ask))
	s.history.FreshThrottle()
}

// source translates an id of one file's sources, registering a name when it is first quoted.
func (b *importBuilder) source(from *importSource, id core.SourceID) (core.SourceID, bool) {
	if known := from.lps[id]; known != 0 {
		return known, true
	}
	known, err := b.sources.Register(from.names.Name(id))
	if err != nil {
		return 0, false // A name that a parser took can only fail for lack of room.
	}
	from.lps[id] = known
	return known, true
}

func (b *importBuilder) refuse(s *importSeries, from *importSource, q *core.Quote,
	reject core.Reject,
) {
	s.Rejected++
	b.refused.count(reject)
	if b.refused.keeps(from.file, int(q.Line)) {
		b.refused.keep(from.file, ImportRefusal{
			from.file.path, int(q.Line), reject,
			refusalDetail(reject, q, b.symbols.Symbol(q.Symbol).Digits),
		})
	}
}

// closeMinute adds a closed minute to its day, sending the day before it on.
func (b *importBuilder) closeMinute(ctx context.Context, s *importSeries, minute core.Bar) error {
	if len(s.minutes) > 0 && minute.Time >= s.chunkEnd {
		if err := b.cut(ctx, s); err != nil {
			return err
		}
	}
	if len(s.minutes) == 0 {
		s.chunkEnd = core.D1.End(core.D1.Open(minute.Time))
	}
	s.minutes = append(s.minutes, minute)
	b.buffered += minuteWeight
	s.forming = len(s.ticks)
	return nil
}

// cut sends the closed minutes of a symbol on.
func (b *importBuilder) cut(ctx context.Context, s *importSeries) error {
	c := &importChunk{symbol: s.id, minutes: s.minutes, ticks: s.ticks[:s.forming:s.forming]}
	b.buffered -= c.weight()
	s.ticks = append([]core.Tick(nil), s.ticks[s.forming:]...)
	s.minutes, s.forming = nil, 0
	return b.send(ctx, c)
}

// flush sends all closed minutes on.
func (b *importBuilder) flush(ctx context.Context) error {
	for _, s := range b.series {
		if s == nil || len(s.minutes) == 0 {
			continue
		}
		if err := b.cut(ctx, s); err != nil {
			return err
		}
	}
	b.flushAt = max(b.limit, 2*b.buffered) // Open minutes can hold more than that.
	return nil
}

// finish sends everything on; the open minutes are over as far as the files know.
func (b *importBuilder) finish(ctx context.Context) error {
	for _, s := range b.series {
		if s == nil {
			continue
		}
		if minute := s.history.Forming(); minute.Volume > 0 {
			if err := b.closeMinute(ctx, s, minute); err != nil {
				return err
			}
		}
	}
	return b.flush(ctx)
}

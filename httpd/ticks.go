package httpd

import (
	"context"
	"strconv"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

const (
	ticksDefault = 500
	ticksMax     = 50_000
	tickBytes    = 160 // An encoded tick is seldom longer.
)

var (
	tickParameters = []string{"symbol", "limit", "from", "to", "format"}
	tickFormats    = []string{"json", "ndjson", "csv"}
)

const (
	formatJSON = iota
	formatNDJSON
	formatCSV
)

const tickCSVHeader = "symbol,bid,ask,spread,timestamp,time,lp\n"

// getTicks answers with stored ticks, oldest first.
func (s *Server) getTicks(ctx *fasthttp.RequestCtx) error {
	q := newQuery(ctx, tickParameters)
	id := q.symbol(s.symbols)
	w := window{after: timeMin, through: timeMax, limit: q.limit(ticksDefault, ticksMax)}
	if from, given := q.time("from"); given {
		w.after, w.forward = from, true
	}
	if to, given := q.time("to"); given {
		w.through = to
	}
	format := q.choice("format", tickFormats...)
	if q.err != nil {
		return q.err
	}
	t := s.ticks[id]
	oldest, head := s.engine.TickSpan(id)
	var run lineRun
	if format != formatCSV {
		run = t.lines.refresh(t, head, &s.budget, core.TimeOf(ctx.Time()))
	}
	p, err := pick(context.Background(), t, newMemory(oldest, head, run, 0, &t.floor), w)
	if err != nil {
		return err
	}
	key, encoded := p.memoKey()
	encoded = encoded && format == formatJSON
	if encoded && t.lines.memo.send(ctx, &key) {
		return nil
	}
	dst := takeLargeBody(ctx, p.count()*tickBytes)
	switch format {
	case formatNDJSON:
		giveBody(ctx, ndjsonType, t.appendNDJSON(dst, &p))
	case formatCSV:
		giveBody(ctx, csvType, t.appendCSV(dst, &p))
	default:
		giveBody(ctx, jsonType, t.appendJSON(dst, &p))
	}
	if encoded {
		s.budget.add(&t.lines, false, t.lines.memo.asked(&key, ctx.Response.Body()))
	}
	return nil
}

func (s *tickSeries) appendJSON(dst []byte, p *picked[core.Tick]) []byte {
	dst = append(dst, listOpen...)
	for _, ticks := range [...][]core.Tick{p.older, p.ring} {
		for i := range ticks {
			dst = s.encode(dst, &ticks[i])
		}
	}
	return closeList(append(dst, p.encoded()...), 0)
}

func (s *tickSeries) appendNDJSON(dst []byte, p *picked[core.Tick]) []byte {
	for _, ticks := range [...][]core.Tick{p.older, p.ring} {
		for i := range ticks {
			dst = s.encode(dst, &ticks[i])
			dst = append(dst[:len(dst)-len(",\n")], '\n')
		}
	}
	for i := p.lo; i < p.hi; i++ {
		line := p.run.slice(i, i+1)
		dst = append(append(dst, line[:len(line)-len(",\n")]...), '\n')
	}
	return dst
}

// appendCSV finds all ticks unencoded: nothing of a CSV is kept.
func (s *tickSeries) appendCSV(dst []byte, p *picked[core.Tick]) []byte {
	dst = append(dst, tickCSVHeader...)
	for _, ticks := range [...][]core.Tick{p.older, p.ring} {
		for i := range ticks {
			dst = s.encodeCSV(dst, &ticks[i])
		}
	}
	return dst
}

// encode appends a tick as an element of a list.
func (s *tickSeries) encode(dst []byte, t *core.Tick) []byte {
	digits := s.symbol.Digits
	dst = append(dst, `{"symbol":"`...)
	dst = append(dst, s.symbol.Name...)
	dst = append(dst, `","bid":`...)
	dst = core.AppendPrice(dst, t.Bid, digits)
	dst = append(dst, `,"ask":`...)
	dst = core.AppendPrice(dst, t.Ask, digits)
	dst = append(dst, `,"spread":`...)
	dst = core.AppendPrice(dst, t.Ask-t.Bid, digits)
	dst = append(dst, `,"timestamp":"`...)
	dst = t.Time.Append(dst)
	dst = append(dst, `","time":`...)
	dst = strconv.AppendInt(dst, int64(t.Time), 10)
	dst = append(dst, `,"lp":"`...)
	dst = append(dst, s.sources.Name(t.Source)...)
	return append(dst, "\"},\n"...)
}

func (s *tickSeries) encodeCSV(dst []byte, t *core.Tick) []byte {
	digits := s.symbol.Digits
	dst = append(append(dst, s.symbol.Name...), ',')
	dst = append(core.AppendPrice(dst, t.Bid, digits), ',')
	dst = append(core.AppendPrice(dst, t.Ask, digits), ',')
	dst = append(core.AppendPrice(dst, t.Ask-t.Bid, digits), ',')
	dst = append(t.Time.Append(dst), ',')
	dst = append(strconv.AppendInt(dst, int64(t.Time), 10), ',')
	return append(append(dst, s.sources.Name(t.Source)...), '\n')
}

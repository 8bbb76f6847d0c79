package httpd

import (
	"context"
	"strconv"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

const (
	barsDefault = 500
	barsMax     = 5_000
	barBytes    = 128 // An encoded bar is seldom longer.
)

var (
	barParameters = []string{"symbol", "timeframe", "limit", "from", "to", "price", "align"}
	barAligns     = []string{"newyork", "utc"}
)

const alignUTC = 1

// barRequest is what a request for bars asks for.
type barRequest struct {
	id    core.SymbolID
	frame core.Frame
	side  barSide
	utc   bool // Bars above an hour are cut from UTC days.
	window
}

// getBars answers with bars, oldest first, the forming one last.
func (s *Server) getBars(ctx *fasthttp.RequestCtx) error {
	q := newQuery(ctx, barParameters)
	r := barRequest{
		id: q.symbol(s.symbols), frame: q.frame(), side: barSide(q.choice("price", sideNames...)),
		utc:    q.choice("align", barAligns...) == alignUTC,
		window: window{after: timeMin, through: timeMax, limit: q.limit(barsDefault, barsMax)},
	}
	if from, given := q.time("from"); given {
		r.after, r.forward = from-1, true
	}
	if to, given := q.time("to"); given {
		r.through = to
	}
	if q.err != nil {
		return q.err
	}
	if r.utc && r.frame > core.H1 {
		return s.getUTCBars(ctx, &r)
	}
	return s.getFrameBars(ctx, &r)
}

// frame reads the time frame; the default is a minute.
func (q *query) frame() core.Frame {
	if !q.args.Has("timeframe") {
		return core.M1
	}
	f, err := core.ParseFrame(string(q.args.Peek("timeframe")))
	if err != nil {
		q.fail(badParameter, "%v", err)
	}
	return f
}

// getFrameBars answers with the bars of a frame as the engine keeps them.
func (s *Server) getFrameBars(ctx *fasthttp.RequestCtx, r *barRequest) error {
	series := s.barSeries(r.id, r.frame, r.side)
	forming, head := s.engine.Forming(r.id, r.frame)
	oldest, _ := s.engine.BarSpan(r.id, r.frame)
	run := series.lines.refresh(series, head, &s.budget, core.TimeOf(ctx.Time()))

	next := forming.Time
	if forming.Volume == 0 {
		next = 0
	}
	closed := r.window
	wanted := forming.Volume > 0 && r.after < forming.Time && forming.Time <= r.through
	if wanted && !r.forward {
		closed.limit--
	}
	p := picked[core.Bar]{}
	if closed.limit > 0 {
		var err error
		m := newMemory(oldest, head, run, next, &series.floor)
		if p, err = pick(context.Background(), series, m, closed); err != nil {
			return err
		}
	}
	if !wanted || p.count() == r.limit {
		forming = core.Bar{}
	}
	key, encoded := p.memoKey()
	key.forming = forming
	if encoded && series.lines.memo.send(ctx, &key) {
		return nil
	}
	giveBody(ctx, jsonType, series.appendJSON(takeLargeBody(ctx, p.count()*barBytes), &p, &forming))
	if encoded {
		s.budget.add(&series.lines, false, series.lines.memo.asked(&key, ctx.Response.Body()))
	}
	return nil
}

// appendJSON appends closed bars and, unless it is empty, the forming one.
func (s *barSeries) appendJSON(dst []byte, p *picked[core.Bar], forming *core.Bar) []byte {
	dst = append(dst, listOpen...)
	for _, bars := range [...][]core.Bar{p.older, p.ring} {
		for i := range bars {
			dst = s.encode(dst, &bars[i])
		}
	}
	dst = append(dst, p.encoded()...)
	if forming.Volume > 0 {
		dst = appendBar(dst, forming, s.side, s.digits, false)
	}
	return closeList(dst, 0)
}

// encode appends a closed bar as an element of a list.
func (s *barSeries) encode(dst []byte, b *core.Bar) []byte {
	return appendBar(dst, b, s.side, s.digits, true)
}

// appendBar appends a bar as an element of a list.
func appendBar(dst []byte, b *core.Bar, side barSide, digits int, complete bool) []byte {
	o := &b.Mid
	switch side {
	case sideBid:
		o = &b.Bid
	case sideAsk:
		o = &b.Ask
	}
	price := func(v int64) {
		if side == sideMid {
			dst = core.AppendMid(dst, core.Mid(v), digits)
		} else {
			dst = core.AppendPrice(dst, core.Price(v), digits)
		}
	}
	dst = append(dst, `{"time":`...)
	dst = strconv.AppendInt(dst, b.Time.Seconds(), 10)
	dst = append(dst, `,"open":`...)
	price(o.Open)
	dst = append(dst, `,"high":`...)
	price(o.High)
	dst = append(dst, `,"low":`...)
	price(o.Low)
	dst = append(dst, `,"close":`...)
	price(o.Close)
	dst = append(dst, `,"volume":`...)
	dst = strconv.AppendInt(dst, b.Volume, 10)
	dst = append(dst, `,"complete":`...)
	dst = strconv.AppendBool(dst, complete)
	return append(dst, "},\n"...)
}
